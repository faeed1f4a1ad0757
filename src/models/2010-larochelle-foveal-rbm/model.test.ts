import { expect, test } from "vitest";
import { ints, normals, parametersOf, runOnce } from "../../../test/run.js";
import { countOf, prefixed, Random, type Tensor, unprefixed } from "../../core/index.js";
import { unrolled } from "../../decode/index.js";
import { Mode, Scope } from "../../nn/index.js";
import { input } from "../../ops/index.js";
import type { Value, Values } from "../../session/index.js";
import { fovealRbm } from "./model.js";

// A machine that is small enough for every state of its hidden units to be listed.
const [B, HEIGHT, WIDTH, L, T, GRID, SIDE, H, F] = [2, 11, 13, 3, 4, 3, 2, 5, 3];
const G = GRID ** 2;
const N = T * B;
const ALPHA = 0.7;
const DTYPE = "float64" as const;
const options = {
  ...{ glimpses: T, grid: GRID, side: SIDE, scales: 2, hidden: H, factors: F },
  generative: ALPHA,
};

const uniforms = (seed: string, shape: readonly number[]): Value => {
  const random = new Random(1, seed);
  const data = Float64Array.from({ length: countOf(shape) }, () => random.uniform());
  return { dtype: DTYPE, shape, data };
};

function build(more: Record<string, unknown> = {}) {
  const scope = Scope.root(DTYPE);
  const configuration = fovealRbm.configuration.parse({ ...options, ...more });
  const model = fovealRbm.build(scope, configuration, { classes: L, image: [HEIGHT, WIDTH, 1] });
  const image = input("image", DTYPE, [B, HEIGHT, WIDTH, 1]);
  const label = input("label", "int32", [B]);
  // Biases and a controller that are 0 would hide what is wrong with them.
  const parameters: Values = Object.fromEntries(
    Object.entries(parametersOf(scope)).map(([name, { shape }]) => [name, normals(name, shape)]),
  );
  return { model, image, label, parameters };
}

const labels = [2, 0];
const batch = { image: uniforms("image", [B, HEIGHT, WIDTH, 1]), label: ints([B], labels) };
const noise: Values = {
  fixation: uniforms("fixation", [T, B]),
  "contrast.hidden.0": uniforms("hidden", [N, H]),
  "contrast.class.0": uniforms("class", [N]),
};

type Rows = readonly (readonly number[])[];
const rowsOf = ({ shape, data }: Value): number[][] => {
  const width = shape.at(-1)!;
  return Array.from({ length: data.length / width }, (_, row) =>
    Array.from(data.slice(row * width, (row + 1) * width) as Float64Array),
  );
};
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const dot = (a: readonly number[], b: readonly number[]) => sum(a.map((value, index) => value * b[index]!));
const column = (rows: Rows, index: number) => rows.map((row) => row[index]!);
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const states = (bits: number): number[][] =>
  Array.from({ length: 2 ** bits }, (_, state) =>
    Array.from({ length: bits }, (__, bit) => (state >> bit) & 1),
  );
const unit = (index: number, size: number) =>
  Array.from({ length: size }, (_, one) => (one === index ? 1 : 0));

/** The parameters in the paper's letters. */
const lettersOf = (parameters: Values) => {
  const rows = (name: string) => rowsOf(parameters[name]!);
  return {
    filters: rows("glimpse.filters"), // [D, F]: Fᵀ
    pool: rows("glimpse.pool"), // [F, H]: Pᵀ
    z: rows("glimpse.places"),
    b: rows("glimpse.bias")[0]!,
    c: rows("hidden.bias")[0]!,
    U: rows("class.weight"), // [L, H]
    d: rows("class.bias")[0]!,
  };
};
type Letters = ReturnType<typeof lettersOf>;

/** W^(k) x, by the whole matrix W = P diag(z) F. */
const brought = ({ filters, pool, z }: Letters, place: number, x: readonly number[]): number[] => {
  const W = Array.from({ length: H }, (_, j) =>
    x.map((__, i) => sum(z[place]!.map((factor, f) => pool[f]![j]! * factor * filters[i]![f]!))),
  );
  return W.map((row) => dot(row, x));
};

/** E(y, x_1:k, h) as the paper writes it. */
function energyOf(
  letters: Letters,
  label: number,
  glimpses: readonly Glimpse[],
  h: readonly number[],
): number {
  const seen = glimpses.map(({ place, x }) => -dot(h, brought(letters, place, x)) - dot(letters.b, x));
  return sum(seen) - dot(letters.c, h) - letters.d[label]! - dot(h, letters.U[label]!);
}

interface Glimpse {
  readonly place: number;
  readonly x: readonly number[];
}

/** log p(y = l | x_1:k) of every l, by listing all states of the hidden units. */
function logProbabilities(letters: Letters, glimpses: readonly Glimpse[]): number[] {
  const weights = letters.d.map((_, label) =>
    sum(states(H).map((h) => Math.exp(-energyOf(letters, label, glimpses, h)))),
  );
  return weights.map((weight) => Math.log(weight / sum(weights)));
}

/** Runs training's objective, and gives what every image saw where. */
async function episode(more: Record<string, unknown> = {}) {
  const { model, image, label, parameters } = build(more);
  const mode = Mode.training({ dtype: DTYPE });
  const { gradients, report, looks, ...objective } = model.objective({ image, label }, mode);
  expect([...mode.noise.keys()].sort()).toEqual(Object.keys(noise).sort());
  const found = await runOnce(
    {
      loss: objective.loss,
      losses: objective.losses,
      fixation: looks!.fixation!.used!,
      weights: looks!.fixation!.value,
      windows: looks!.glimpse!.value,
      ...prefixed("report.", report!),
      ...prefixed("gradient.", gradients!),
    },
    { ...parameters, ...batch, ...noise },
  );
  const fixations = rowsOf(found.fixation!).map((row) => row.indexOf(1)); // [T · B]
  const glimpses = (b: number, upTo: number): Glimpse[] =>
    Array.from({ length: upTo }, (_, t) => {
      const place = fixations[t * B + b]!;
      return { place, x: retina(b, place) };
    });
  return { found, fixations, glimpses, parameters, gradients: unprefixed("gradient.", found) };
}

/** What a retina sees whose cells are of one pixel and of two by two, around the middle of a place; black lies outside. */
function retina(b: number, place: number): number[] {
  const pixel = (row: number, columnOf: number): number =>
    row < 0 || row >= HEIGHT || columnOf < 0 || columnOf >= WIDTH
      ? 0
      : batch.image.data[(b * HEIGHT + row) * WIDTH + columnOf]!;
  const middle = [(Math.floor(place / GRID) + 0.5) / GRID, ((place % GRID) + 0.5) / GRID];
  const [y, x] = [middle[0]! * HEIGHT, middle[1]! * WIDTH];
  /** The mean of the image, which is constant in each pixel, over a square. */
  const mean = (top: number, left: number, extent: number) => {
    let total = 0;
    for (let row = Math.floor(top); row < top + extent; row++)
      for (let at = Math.floor(left); at < left + extent; at++)
        total +=
          pixel(row, at) *
          (Math.min(row + 1, top + extent) - Math.max(row, top)) *
          (Math.min(at + 1, left + extent) - Math.max(at, left));
    return total / extent ** 2;
  };
  return [1, 2].flatMap((extent) =>
    Array.from({ length: SIDE * SIDE }, (_, cell) =>
      mean(
        y + (Math.floor(cell / SIDE) - SIDE / 2) * extent,
        x + ((cell % SIDE) - SIDE / 2) * extent,
        extent,
      ),
    ),
  );
}

test("the class is as likely after each glimpse as by the energy of every state of the hidden units", async () => {
  const { model, image, parameters } = build();
  const run = unrolled(model, { kind: "free" }, { image }, Mode.plain({ dtype: DTYPE }));
  const found = await runOnce(
    { logits: run.outputs.logits!, fixation: run.looks.fixation!.used!, windows: run.looks.glimpse!.value },
    { ...parameters, image: batch.image },
  );
  const letters = lettersOf(parameters);
  const fixations = rowsOf(found.fixation!).map((row) => row.indexOf(1));
  const expected = Array.from({ length: N }, (_, row) => {
    const [t, b] = [Math.floor(row / B), row % B];
    const seen = Array.from({ length: t + 1 }, (__, at) => {
      const place = fixations[at * B + b]!;
      return { place, x: retina(b, place) };
    });
    return logProbabilities(letters, seen);
  });
  const logits = rowsOf(found.logits!);
  const normalised = logits.map((row) => row.map((one) => one - Math.log(sum(row.map(Math.exp)))));
  expect(normalised.flat()).toBeAllClose(expected.flat(), 1e-10);
  // A place is never fixated twice, and the images are not all looked at alike.
  const ofImage = (b: number) => fixations.filter((_, row) => row % B === b);
  for (const b of [0, 1]) expect(new Set(ofImage(b)).size).toBe(T);
  expect(ofImage(0)).not.toEqual(ofImage(1));
  expect(rowsOf(found.windows!)[0]!.slice(0, 2)).toBeAllClose(
    [((fixations[0]! % GRID) + 0.5) / GRID, (Math.floor(fixations[0]! / GRID) + 0.5) / GRID],
    1e-12,
  );
});

test("without the generative part, gradients are those of the class's log-probability over all fixations, by finite differences of listed states", async () => {
  const { gradients, glimpses, parameters, found } = await episode({ generative: 0 });
  const loss = (changed: Values) => {
    const letters = lettersOf(changed);
    return -sum(
      Array.from({ length: N }, (_, row) => {
        const b = row % B;
        return logProbabilities(letters, glimpses(b, Math.floor(row / B) + 1))[labels[b]!]! / N;
      }),
    );
  };
  expect(found.loss!.data).toBeAllClose([loss(parameters)], 1e-10);
  const taught = Object.keys(parameters).filter((name) => !name.startsWith("controller"));
  expect(Object.keys(gradients).sort()).toEqual(Object.keys(parameters).sort());
  for (const name of taught) {
    const value = parameters[name]!;
    const direction = normals(`direction of ${name}`, value.shape).data;
    const moved = (step: number) => ({
      ...parameters,
      [name]: { ...value, data: value.data.map((element, index) => element + step * direction[index]!) },
    });
    const numeric = (loss(moved(1e-5)) - loss(moved(-1e-5))) / 2e-5;
    const analytic = dot(Array.from(gradients[name]!.data), Array.from(direction));
    expect([analytic], name).toBeAllClose([numeric], 1e-7);
  }
});

test("the generative part adds the difference of what is seen and what one step of Gibbs sampling makes of it, glimpses before held", async () => {
  const [whole, without] = await Promise.all([episode(), episode({ generative: 0 })]);
  expect(whole.fixations).toEqual(without.fixations);
  const letters = lettersOf(whole.parameters);
  const { filters, pool, z, b: bias, c, U, d } = letters;
  // E(y, x_k, h) of both phases, hidden units at their probabilities: its gradient by finite differences is what is added.
  const phases = Array.from({ length: N }, (_, row) => {
    const [t, b] = [Math.floor(row / B), row % B];
    const place = whole.fixations[row]!;
    const before = Array.from({ length: H }, (__, j) =>
      sum(whole.glimpses(b, t).map((one) => brought(letters, one.place, one.x)[j]!)),
    );
    const hidden = (label: number, x: readonly number[]) => {
      const here = brought(letters, place, x);
      return c.map((one, j) => sigmoid(one + before[j]! + here[j]! + U[label]![j]!));
    };
    const x = retina(b, place);
    const positive = hidden(labels[b]!, x);
    const drawn = positive.map((probability, j) =>
      noise["contrast.hidden.0"]!.data[row * H + j]! < probability ? 1 : 0,
    );
    const back = x.map((_one, i) =>
      sigmoid(
        bias[i]! +
          sum(
            drawn.map(
              (on, j) => on * sum(z[place]!.map((factor, f) => pool[f]![j]! * factor * filters[i]![f]!)),
            ),
          ),
      ),
    );
    const weights = d.map((one, label) => Math.exp(one + dot(drawn, U[label]!)));
    const mark = noise["contrast.class.0"]!.data[row]! * sum(weights);
    let label = 0;
    for (let passed = weights[0]!; passed <= mark; passed += weights[label]!) label++;
    return {
      place,
      seen: { label: labels[b]!, x, h: positive },
      dreamt: { label, x: back, h: hidden(label, back) },
    };
  });
  // Some classes must be dreamt otherwise than they are, or nothing is shown of them.
  expect(phases.some(({ seen, dreamt }) => seen.label !== dreamt.label)).toBe(true);
  const contrast = (changed: Values) => {
    const now = lettersOf(changed);
    return (
      (ALPHA / N) *
      sum(
        phases.map(({ place, seen, dreamt }) => {
          const energy = ({ label, x, h }: typeof seen) => energyOf(now, label, [{ place, x }], h);
          return energy(seen) - energy(dreamt);
        }),
      )
    );
  };
  for (const name of Object.keys(whole.parameters).filter((one) => !one.startsWith("controller"))) {
    const value = whole.parameters[name]!;
    const slopes = Array.from(value.data, (_, element) => {
      const moved = (by: number) => ({
        ...whole.parameters,
        [name]: { ...value, data: value.data.map((one, index) => one + (index === element ? by : 0)) },
      });
      return (contrast(moved(1e-4)) - contrast(moved(-1e-4))) / 2e-4;
    });
    expect(
      Array.from(whole.gradients[name]!.data, (one, index) => one - without.gradients[name]!.data[index]!),
      name,
    ).toBeAllClose(slopes, 1e-8);
  }
});

test("the controller learns to say how likely the right class will be after the fixation that was made", async () => {
  const { gradients, glimpses, fixations, parameters, found } = await episode();
  const letters = lettersOf(parameters);
  const [weight, [bias]] = [rowsOf(parameters["controller.weight"]!), rowsOf(parameters["controller.bias"]!)];
  const slopes = weight.map((row) => row.map(() => 0));
  const ofBias = new Array<number>(G).fill(0);
  let squares = 0;
  fixations.forEach((place, row) => {
    const [t, b] = [Math.floor(row / B), row % B];
    const before = glimpses(b, t);
    const total = Array.from({ length: H }, (_, j) =>
      sum(before.map((one) => brought(letters, one.place, one.x)[j]!)),
    );
    const visited = Array.from({ length: G }, (_, one) =>
      before.some((glimpse) => glimpse.place === one) ? 1 : 0,
    );
    const features = [
      ...total.map((one, j) => sigmoid(letters.c[j]! + one)),
      ...visited,
      ...logProbabilities(letters, before),
    ];
    const scores = bias!.map((one, at) => one + dot(features, column(weight, at)));
    // What it draws from: the softmax over places that were not fixated yet.
    const most = scores.map((score, at) => (visited[at] === 1 ? 0 : Math.exp(score)));
    expect(rowsOf(found.weights!)[row]!).toBeAllClose(
      most.map((one) => one / sum(most)),
      1e-9,
    );
    const right = logProbabilities(letters, glimpses(b, t + 1))[labels[b]!]!;
    const missed = scores[place]! - Math.max(right, Math.log(0.01));
    squares += missed ** 2 / N;
    ofBias[place]! += missed / N;
    for (const [index, feature] of features.entries()) slopes[index]![place]! += (missed * feature) / N;
  });
  expect(found["report.controller"]!.data).toBeAllClose([squares], 1e-9);
  expect(gradients["controller.weight"]).toBeAllClose(slopes.flat(), 1e-9);
  expect(gradients["controller.bias"]).toBeAllClose(ofBias, 1e-9);
});

test("a fixation that is forced moves the window, a window that is forced lies in a place, and later ones differ", async () => {
  const { model, image, parameters } = build();
  const run = unrolled(model, { kind: "free" }, { image }, Mode.plain({ dtype: DTYPE }), { probed: true });
  const program: Record<string, Tensor> = {
    logits: run.outputs.logits!,
    windows: run.looks.glimpse!.value,
  };
  const zeros = (shape: readonly number[]): Value => ({
    dtype: DTYPE,
    shape,
    data: new Float64Array(countOf(shape)),
  });
  const plain = Object.fromEntries(
    Object.entries(run.probes).flatMap(([name, probe]) =>
      Object.entries(probe).map(([part, tensor]) => [
        `${part}.${name}`,
        zeros((tensor as Tensor).shape as number[]),
      ]),
    ),
  );
  const ask = (more: Values) => runOnce(program, { ...parameters, image: batch.image, ...plain, ...more });
  const own = await ask({});
  const place = 7;
  const forced = Float64Array.from({ length: N * G }, (_, index) => (index % G === place ? 1 : 0));
  const byFixation = await ask({
    "force.fixation": { dtype: DTYPE, shape: [T], data: Float64Array.from(unit(1, T)) },
    "forced.fixation": { dtype: DTYPE, shape: [T, B, G], data: forced },
  });
  const windowsOf = ({ windows }: Record<string, Value>, t: number, b: number) =>
    Array.from(windows!.data.slice((t * B + b) * 8, (t * B + b + 1) * 8) as Float64Array);
  expect(windowsOf(byFixation, 1, 0).slice(0, 2)).toBeAllClose([1.5 / GRID, 2.5 / GRID], 1e-12);
  expect(windowsOf(byFixation, 0, 0)).toBeAllClose(windowsOf(own, 0, 0), 1e-12);
  // The same by a window that lies there.
  const windows = Float64Array.from(own.windows!.data);
  for (let b = 0; b < B; b++) windows.set(windowsOf(byFixation, 1, b), (B + b) * 8);
  const byWindow = await ask({
    "force.glimpse": { dtype: DTYPE, shape: [T], data: Float64Array.from(unit(1, T)) },
    "forced.glimpse": { dtype: DTYPE, shape: own.windows!.shape, data: windows },
  });
  expect(byWindow.logits).toBeAllClose(byFixation.logits!.data, 1e-10);
  expect(byFixation.logits!.data.slice(B * L)).not.toBeAllClose(own.logits!.data.slice(B * L), 1e-3);
});

test("where training fixates anywhere, all places that were not fixated are as likely; more fixations than places are refused", async () => {
  const { found } = await episode({ fixations: "random" });
  const weights = rowsOf(found.weights!);
  for (const [row, one] of weights.entries()) {
    const left = G - Math.floor(row / B);
    expect(one.filter((weight) => weight > 0)).toHaveLength(left);
    expect(Math.max(...one)).toBeCloseTo(1 / left, 12);
  }
  expect(fovealRbm.configuration.safeParse({ glimpses: 10, grid: 3 }).error!.issues[0]).toMatchObject({
    path: ["glimpses"],
  });
});
