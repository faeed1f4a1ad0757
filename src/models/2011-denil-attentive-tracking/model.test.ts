import { afterAll, beforeAll, expect, test } from "vitest";
import { normals, parametersOf, runOnce } from "../../../test/run.js";
import { gazeLevels, gazesAt } from "../../attention/index.js";
import { Random } from "../../core/index.js";
import { unrolled } from "../../decode/index.js";
import { Mode, Scope } from "../../nn/index.js";
import { input } from "../../ops/index.js";
import type { Session, Value, Values } from "../../session/index.js";
import { nodeBackend } from "../../session/node.js";
import { attentiveTracking } from "./model.js";
import { particleWeights, resampled } from "./particles.js";

const [B, T, HEIGHT, WIDTH, H, N, K] = [2, 5, 23, 31, 7, 11, 4];
const DTYPE = "float64" as const;
const TEMPLATE = 28;
const [LIKENESS, SPREAD, DRIFT, RATE, EXPLORATION] = [0.1, 2.5, 0.7, 3, 0.2];

const value = (shape: readonly number[], data: readonly number[]): Value => ({
  dtype: DTYPE,
  shape,
  data: Float64Array.from(data),
});
const uniforms = (seed: string, shape: readonly number[]): Value => {
  const random = new Random(1, seed);
  return value(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.uniform()),
  );
};

function build(policy: string, more: Record<string, unknown> = {}) {
  const scope = Scope.root(DTYPE);
  const configuration = attentiveTracking.configuration.parse({
    policy,
    hidden: H,
    particles: N,
    likeness: LIKENESS,
    spread: SPREAD,
    drift: DRIFT,
    rate: RATE,
    exploration: EXPLORATION,
    ...more,
  });
  const model = attentiveTracking.build(scope, configuration, { frame: [HEIGHT, WIDTH] });
  const parameters = {
    ...parametersOf(scope),
    "features.hidden": normals("hidden", [H]),
    "features.weight": normals("weight", [132, H]),
  };
  const inputs = {
    frames: input("frames", DTYPE, ["steps", "batch", HEIGHT, WIDTH]),
    first: input("first", DTYPE, ["batch", 4]),
  };
  return { model, scope, parameters, inputs };
}

const frames = uniforms("frames", [T, B, HEIGHT, WIDTH]);
const FIRST = [0.41, 0.52, 0.3, 0.4, 0.6, 0.45, 0.25, 0.33];
const first = value([B, 4], FIRST);
const noise: Values = {
  motion: normals("motion", [T, N, 4]),
  choice: uniforms("choice", [T, 2]),
  resampling: uniforms("resampling", [T, 1]),
};

async function run(policy: string) {
  const { model, parameters, inputs } = build(policy);
  const { outputs, looks } = unrolled(
    model,
    { kind: "rows", of: "frames" },
    inputs,
    Mode.plain({ dtype: DTYPE }),
  );
  return runOnce(
    { ...outputs, shares: looks.gaze!.value, windows: looks.particles!.value },
    { ...parameters, frames, first, ...noise },
    nodeBackend,
  );
}

/** What gazes at places of one frame see, by the operation that has a test of its own. */
let seeing: Session;
beforeAll(async () => {
  seeing = await nodeBackend.load({
    seen: gazesAt(
      gazeLevels(input("frame", DTYPE, [1, HEIGHT, WIDTH])),
      input("places", DTYPE, [1, "places", 2]),
      input("unit", DTYPE, [1, 2]),
    ),
  });
});
afterAll(() => seeing.release());

const seenAt = async (
  frame: Float64Array,
  places: readonly (readonly number[])[],
  unit: readonly number[],
) => {
  const { seen } = await seeing.run({
    frame: { dtype: DTYPE, shape: [1, HEIGHT, WIDTH], data: frame },
    places: value([1, places.length, 2], places.flat()),
    unit: value([1, 2], unit),
  });
  return places.map((_, row) => Array.from(seen!.data.subarray(row * 132, (row + 1) * 132)));
};

const MIDDLES = [
  [-6.5, -6.5],
  [6.5, -6.5],
  [-6.5, 6.5],
  [6.5, 6.5],
] as const;

const within = (place: number) => Math.max(0, Math.min(1, place));

/** The filter worked out one particle at a time, for one film and one policy. */
async function followed(b: number, policy: string) {
  const { parameters } = build(policy);
  const [W, c] = [parameters["features.weight"]!.data, parameters["features.hidden"]!.data];
  const [x, y, width, height] = FIRST.slice(4 * b, 4 * b + 4) as [number, number, number, number];
  const unit = [width / TEMPLATE, height / TEMPLATE] as const;
  const shares = (cells: readonly number[]) => {
    const hidden = Array.from({ length: H }, (_, j) => {
      const sum = cells.reduce((total, cell, i) => total + cell * W[i * H + j]!, c[j]!);
      return 1 / (1 + Math.exp(-sum));
    });
    const total = hidden.reduce((a, h) => a + h, 0);
    return hidden.map((h) => h / total);
  };
  const frameOf = (t: number) =>
    (frames.data as Float64Array).slice((t * B + b) * HEIGHT * WIDTH, (t * B + b + 1) * HEIGHT * WIDTH);
  const gazeAt = (place: readonly [number, number], k: number): [number, number] => [
    place[0] + MIDDLES[k]![0] * unit[0],
    place[1] + MIDDLES[k]![1] * unit[1],
  ];
  const template = (
    await seenAt(
      frameOf(0),
      MIDDLES.map((_, k) => gazeAt([x, y], k)),
      unit,
    )
  ).map(shares);
  let particles = Array.from({ length: N }, () => [x, y, 0, 0]);
  const gains = [0, 0, 0, 0];
  const found: { box: number[]; gaze: number; chances: number[] }[] = [];
  for (let t = 0; t < T; t++) {
    particles = particles.map(([px, py, vx, vy], n) => {
      const push = (index: number) => noise.motion!.data[(t * N + n) * 4 + index]!;
      return [
        within(px! + vx! + SPREAD * unit[0] * push(0)),
        within(py! + vy! + SPREAD * unit[1] * push(1)),
        vx! + DRIFT * unit[0] * push(2),
        vy! + DRIFT * unit[1] * push(3),
      ];
    });
    const powers = gains.map((gain) => Math.exp(RATE * gain));
    const learnt = powers.map((power) => power / powers.reduce((a, p) => a + p, 0));
    const chances =
      policy === "hedge"
        ? learnt
        : policy === "exp3"
          ? learnt.map((share) => (1 - EXPLORATION) * share + EXPLORATION / K)
          : policy === "random"
            ? [0.25, 0.25, 0.25, 0.25]
            : [0, 1, 2, 3].map((k) => (k === (policy === "fixed" ? 0 : t % K) ? 1 : 0));
    // The baseline that gazes at random has a number of its own.
    const uniform = noise.choice!.data[2 * t + (policy === "random" ? 1 : 0)]!;
    let [gaze, sum] = [0, chances[0]!];
    while (sum <= uniform && gaze < K - 1) sum += chances[++gaze]!;
    const weightsOf = async (k: number) => {
      const seen = await seenAt(
        frameOf(t),
        particles.map(([px, py]) => gazeAt([px!, py!], k)),
        unit,
      );
      const raw = seen.map((cells) => {
        const alike = shares(cells).reduce(
          (total, share, j) => total + Math.sqrt(share * template[k]![j]!),
          0,
        );
        return Math.exp(-(1 - alike) / (2 * LIKENESS ** 2));
      });
      const whole = raw.reduce((a, w) => a + w, 0);
      return raw.map((w) => w / whole);
    };
    const all = await Promise.all([0, 1, 2, 3].map(weightsOf));
    const weights = all[gaze]!;
    const mean = [0, 1].map((axis) => weights.reduce((total, w, n) => total + w * particles[n]![axis]!, 0));
    found.push({ box: [...mean, width, height], gaze, chances });
    const marks = particles.map((_, n) => (n + noise.resampling!.data[t]!) / N);
    particles = marks.map((mark) => {
      let [n, upTo] = [0, weights[0]!];
      while (upTo <= mark && n < N - 1) upTo += weights[++n]!;
      return particles[n]!;
    });
    all.forEach((those, k) => {
      const reward = those.reduce((total, w) => total + w ** 2, 0);
      if (policy !== "exp3") gains[k]! += reward;
      else if (k === gaze) gains[k]! += reward / chances[k]!;
    });
  }
  return found;
}

test.each(["hedge", "exp3"])("%s follows a film as it does one particle at a time", async (policy) => {
  const results = await run(policy);
  for (let b = 0; b < B; b++) {
    const expected = await followed(b, policy);
    const rows = (name: string, size: number) =>
      Array.from({ length: T }, (_, t) =>
        Array.from(results[name]!.data.subarray((t * B + b) * size, (t * B + b + 1) * size)),
      );
    expect(rows("box", 4).flat()).toBeAllClose(
      expected.flatMap(({ box }) => box),
      1e-9,
    );
    expect(rows("shares", K).flat()).toBeAllClose(
      expected.flatMap(({ chances }) => chances),
      1e-9,
    );
    expect(rows("gaze", K).map((row) => row.indexOf(1))).toEqual(expected.map(({ gaze }) => gaze));
  }
});

test("beside it the baselines follow the same film with the same chance", async () => {
  const results = await run("hedge");
  for (const policy of ["fixed", "circular", "random"])
    for (let b = 0; b < B; b++) {
      const expected = await followed(b, policy);
      const boxes = Array.from({ length: T }, (_, t) =>
        Array.from(results[`box.${policy}`]!.data.subarray((t * B + b) * 4, (t * B + b + 1) * 4)),
      );
      expect(boxes.flat()).toBeAllClose(
        expected.flatMap(({ box }) => box),
        1e-9,
      );
    }
});

test("a policy that is not learnt follows as the baseline of its name", async () => {
  for (const policy of ["fixed", "circular"]) {
    const results = await run(policy);
    expect(results.box!.data).toBeAllClose(results[`box.${policy}`]!.data, 1e-12);
  }
});

test("resampling keeps each particle as often as its weight says, to within one, and whatever the rounding none is lost", async () => {
  const count = 13;
  const raw = Array.from({ length: count }, (_, n) => (n % 3 === 0 ? 0 : (n * 7) % 5));
  const weights = raw.map((w) => w / raw.reduce((a, b) => a + b, 0));
  const particles = Array.from({ length: count }, (_, n) => [n + 1, -n]).flat();
  for (const uniform of [0, 0.37, 1 - 2 ** -24]) {
    const { found } = await runOnce(
      {
        found: resampled(
          input("particles", "float32", [1, 1, count, 2]),
          input("weights", "float32", [1, 1, count]),
          input("uniform", "float32", [1]),
        ),
      },
      {
        particles: { dtype: "float32", shape: [1, 1, count, 2], data: Float32Array.from(particles) },
        weights: { dtype: "float32", shape: [1, 1, count], data: Float32Array.from(weights) },
        uniform: { dtype: "float32", shape: [1], data: Float32Array.of(uniform) },
      },
    );
    const copies = new Array<number>(count).fill(0);
    for (let n = 0; n < count; n++) {
      const [place, other] = found!.data.subarray(2 * n, 2 * n + 2);
      expect(other).toBe(1 - place! + 0);
      copies[place! - 1]!++;
    }
    copies.forEach((number, n) => {
      expect(Math.abs(number - count * weights[n]!)).toBeLessThan(1 + 1e-6);
    });
  }
});

test("particles that are all far off still have weights", async () => {
  const { weights } = await runOnce(
    { weights: particleWeights(input("squared", "float32", [1, 3]), 0.001) },
    { squared: { dtype: "float32", shape: [1, 3], data: Float32Array.of(0.9, 0.9, 1) } },
  );
  expect(weights!.data).toBeAllClose([0.5, 0.5, 0], 1e-4);
});

test("a box that is put elsewhere takes its particles along, and a gaze that is forced is looked with", async () => {
  const { model, parameters, inputs } = build("hedge");
  const { outputs, looks, probes } = unrolled(
    model,
    { kind: "rows", of: "frames" },
    inputs,
    Mode.plain({ dtype: DTYPE }),
    { probed: true },
  );
  const feed = (forced: Readonly<Record<string, Value>>) => {
    const zeros = (shape: readonly number[]) =>
      value(shape, new Array(shape.reduce((a, b) => a * b, 1)).fill(0));
    const none = Object.fromEntries(
      Object.entries({ box: [T, B, 1, 4], particles: [T, B, N, 4], gaze: [T, B, K] }).flatMap(
        ([name, shape]) => [
          [`force.${name}`, zeros([T])],
          [`forced.${name}`, zeros(shape)],
          [`nudge.${name}`, zeros(shape)],
        ],
      ),
    );
    return { ...parameters, frames, first, ...noise, ...none, ...forced };
  };
  expect(Object.keys(probes).sort()).toEqual(["box", "gaze", "particles"]);
  const program = { ...outputs, windows: looks.particles!.value };
  const free = await runOnce(program, feed({}), nodeBackend);
  const aside = Array.from({ length: T * B }, () => [0.7, 0.2, 0.25, 0.33]).flat();
  const moved = await runOnce(
    program,
    feed({ "force.box": value([T], [0, 1, 0, 0, 0]), "forced.box": value([T, B, 1, 4], aside) }),
    nodeBackend,
  );
  const at = ({ data }: Value, t: number, axis: number) =>
    Array.from({ length: N }, (_, n) => data[(t * B * N + n) * 4 + axis]!).reduce((a, b) => a + b) / N;
  expect(moved.box!.data.subarray(4 * B, 4 * B + 4)).toBeAllClose([0.7, 0.2, 0.25, 0.33], 1e-12);
  const shift = [0.7, 0.2].map((to, axis) => to - free.box!.data[4 * B + axis]!);
  for (const axis of [0, 1])
    expect([at(moved.windows!, 2, axis) - at(free.windows!, 2, axis)]).toBeAllClose([shift[axis]!], 1e-9);
  // Looking with the first gaze all along is what the fixed baseline does.
  const gaze = Array.from({ length: T * B }, () => [1, 0, 0, 0]).flat();
  const forced = await runOnce(
    program,
    feed({ "force.gaze": value([T], [1, 1, 1, 1, 1]), "forced.gaze": value([T, B, K], gaze) }),
    nodeBackend,
  );
  expect(forced.box!.data).toBeAllClose(forced["box.fixed"]!.data, 1e-12);
});

test("features are learnt by what gazes and chains tell, and large weights are held back", async () => {
  const gradientOf = async (penalty: number) => {
    const { model, inputs, scope, parameters } = build("hedge", { penalty, chains: 13, glances: 3 });
    const { loss, gradients } = model.objective(
      {
        ...inputs,
        boxes: input("boxes", DTYPE, ["steps", "batch", 4]),
        known: input("known", DTYPE, ["steps", "batch"]),
      },
      Mode.training({ dtype: DTYPE }),
    );
    expect(Object.keys(gradients!).sort()).toEqual(scope.parameters.map(({ name }) => name).sort());
    return runOnce(
      { loss, ...gradients },
      { ...parameters, frames, first, chains: uniforms("chains", [13, 132]), ...noise },
    );
  };
  const [free, held] = [await gradientOf(0), await gradientOf(0.3)];
  const { "features.weight": weight } = build("hedge").parameters;
  expect(
    held["features.weight"]!.data.map((slope, index) => slope - free["features.weight"]!.data[index]!),
  ).toBeAllClose(
    Float64Array.from(weight!.data, (w) => 0.3 * w),
    1e-9,
  );
  expect(held["features.hidden"]!.data).toBeAllClose(free["features.hidden"]!.data, 1e-12);
  // Cells are from 0 to 1, and their cross-entropy a nat or so.
  expect(free.loss!.data[0]).toBeGreaterThan(0.1);
});
