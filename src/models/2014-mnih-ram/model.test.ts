import { expect, test } from "vitest";
import { ints, normals, parametersOf, runOnce } from "../../../test/run.js";
import { gradient } from "../../autodiff/index.js";
import { type Dimension, Random, reachableNodes, rewrite, type Tensor } from "../../core/index.js";
import { Mode, Scope } from "../../nn/index.js";
import { constant, input, logSoftmax, scan } from "../../ops/index.js";
import type { Value, Values } from "../../session/index.js";
import { nodeBackend } from "../../session/node.js";
import { ram } from "./model.js";

const [B, HEIGHT, WIDTH, C, CLASSES, T, H, K] = [3, 11, 13, 2, 7, 5, 5, 2];
const DEVIATION = 0.7;
const LAMBDA = 0.3;
const options = {
  glimpses: T,
  side: 3,
  scales: K,
  patch: 7,
  place: 2,
  hidden: H,
  deviation: DEVIATION,
  reinforcement: LAMBDA,
};
const DTYPE = "float64" as const;

/** @param rows the batch, a number where places are put in */
function build(more: Record<string, unknown> = {}, rows: Dimension = "batch") {
  const scope = Scope.root(DTYPE);
  const configuration = ram.configuration.parse({ ...options, ...more });
  const model = ram.build(scope, configuration, { classes: CLASSES, image: [HEIGHT, WIDTH, C] });
  const image = input("image", DTYPE, [rows, HEIGHT, WIDTH, C]);
  const label = input("label", "int32", [rows]);
  // A location network that has learnt nothing yet would look at the middle alone, whatever it sees.
  const parameters = { ...parametersOf(scope) };
  for (const name of ["location.weight", "class.weight", "baseline.weight"])
    parameters[name] = normals(name, parameters[name]!.shape);
  return { scope, model, image, label, parameters };
}

const uniforms = (seed: string, shape: readonly number[]): Value => {
  const random = new Random(1, seed);
  const count = shape.reduce((a, b) => a * b, 1);
  return { dtype: DTYPE, shape, data: Float64Array.from({ length: count }, () => random.uniform()) };
};
const batch = { image: uniforms("image", [B, HEIGHT, WIDTH, C]), label: ints([B], [6, 0, 3]) };
const noise = { first: uniforms("first", [B, 2]), gaze: normals("gaze", [T, B, 2]) };

/** As float64, whatever array it is. */
const numbers = ({ data }: Value): Float64Array => Float64Array.from(data);
/** −log p of each example's label. */
const lossesOf = (logProbabilities: Value): number[] =>
  Array.from(batch.label.data, (label, b) => -logProbabilities.data[b * CLASSES + label]!);

const inside = (value: number) => Math.max(-1, Math.min(1, value));

/** An episode step by step, its places given: what the core held and the logits in the end. */
async function replayed(places: readonly (readonly number[])[], parameters: Values) {
  const { model, image } = build({}, B);
  const mode = Mode.plain({ dtype: DTYPE });
  const { memory, ...begun } = model.steps!.begin({ image }, mode);
  let { state } = begun;
  const program: Record<string, Tensor> = {};
  for (let t = 0; t < T; t++) {
    const location = constant([...places[t]!], { dtype: DTYPE, shape: [B, 2] });
    const { outputs, ...next } = model.steps!.step(memory, { ...state, location }, {}, mode);
    state = next.state;
    program[`hidden${t}`] = state.hidden!;
    program.logits = outputs.logits!;
  }
  program.logProbabilities = logSoftmax(program.logits!);
  return runOnce(program, { ...parameters, image: batch.image });
}

/** The places of an episode as it was drawn, from its windows. */
const placesOf = (windows: Value): number[][] =>
  Array.from({ length: T }, (_, t) =>
    Array.from({ length: B }, (__, b) =>
      [0, 1].map((axis) => 2 * windows.data[((t * B + b) * K + 0) * 4 + axis]! - 1),
    ).flat(),
  );

const training = (more: Record<string, unknown> = {}) => {
  const { scope, model, image, label, parameters } = build(more);
  const mode = Mode.training({ dtype: DTYPE });
  const objective = model.objective({ image, label }, mode);
  const names = scope.parameters.map(({ name }) => name);
  const slopes = gradient(
    objective.loss,
    scope.parameters.map(({ tensor }) => tensor),
  );
  const program = {
    loss: objective.loss,
    losses: objective.losses,
    windows: objective.looks!.glimpse!.value,
    ...Object.fromEntries(
      Object.entries(objective.report!).map(([name, tensor]) => [`report.${name}`, tensor]),
    ),
    ...Object.fromEntries(slopes.map((tensor, index) => [`gradient.${names[index]}`, tensor])),
  };
  return { program, names, parameters };
};

/** What REINFORCE asks for, worked out by hand from an episode that is replayed: R, b, the gradients of baseline and location. */
async function byHand(windows: Value, parameters: Values, reward: "probability" | "right") {
  const places = placesOf(windows);
  const found = await replayed(places, parameters);
  const logits = found.logits!.data;
  const right = Array.from({ length: B }, (_, b) => {
    const row = Array.from(logits.slice(b * CLASSES, (b + 1) * CLASSES));
    return row.indexOf(Math.max(...row)) === batch.label.data[b] ? 1 : 0;
  });
  const losses = lossesOf(found.logProbabilities!);
  const rewards = reward === "right" ? right : losses.map((loss) => Math.exp(-loss));
  const weight = parameters["location.weight"]!.data;
  const ofBaseline = new Float64Array(H);
  const ofLocation = new Float64Array(H * 2);
  let [squares, score] = [0, 0];
  for (let t = 0; t < T - 1; t++)
    for (let b = 0; b < B; b++) {
      const hidden = numbers(found[`hidden${t}`]!).slice(b * H, (b + 1) * H);
      const dot = (column: number, matrix: ArrayLike<number>, columns: number) =>
        hidden.reduce((sum, value, row) => sum + value * matrix[row * columns + column]!, 0);
      const baseline = dot(0, parameters["baseline.weight"]!.data, 1);
      const advantage = rewards[b]! - baseline;
      squares += advantage ** 2;
      for (const axis of [0, 1]) {
        const mean = Math.tanh(dot(axis, weight, 2));
        const off = DEVIATION * noise.gaze.data[(t * B + b) * 2 + axis]!;
        // What is looked at is brought into the image; what is learnt from is not.
        expect([places[t + 1]![2 * b + axis]!]).toBeAllClose([inside(mean + off)], 1e-9);
        score += (advantage * -(off ** 2)) / (2 * DEVIATION ** 2);
        hidden.forEach((value, row) => {
          ofLocation[row * 2 + axis]! -=
            (((LAMBDA * advantage * off) / DEVIATION ** 2) * (1 - mean ** 2) * value) / B;
        });
      }
      hidden.forEach((value, row) => {
        ofBaseline[row]! -= (2 * advantage * value) / (B * (T - 1));
      });
    }
  return {
    right,
    rewards,
    squares: squares / (B * (T - 1)),
    score: score / B,
    ofBaseline,
    ofLocation,
    losses,
  };
}

test.each(["probability", "right"] as const)(
  "rewarded by %s, loss, report and the gradients of gazes and baseline are those worked out by hand",
  async (reward) => {
    const { program, parameters } = training({ reward });
    const found = await runOnce(program, { ...parameters, ...batch, ...noise });
    expect(placesOf(found.windows!)[0]).toBeAllClose(
      noise.first.data.map((value) => 2 * value - 1),
      1e-12,
    );
    const expected = await byHand(found.windows!, parameters, reward);
    // Some drawn places must lie outside, and some answers be right, or nothing is shown.
    expect(placesOf(found.windows!).flat()).toContain(1);
    expect(new Set(expected.right)).toEqual(new Set([0, 1]));
    expect(found.losses).toBeAllClose(expected.losses, 1e-10);
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    expect(found["report.reward"]!.data).toBeAllClose([mean(expected.rewards)], 1e-12);
    expect(found["report.baseline"]!.data).toBeAllClose([expected.squares], 1e-10);
    expect(found["report.loss"]!.data).toBeAllClose([mean(expected.losses)], 1e-10);
    expect(found.loss!.data).toBeAllClose(
      [mean(expected.losses) + expected.squares - LAMBDA * expected.score],
      1e-9,
    );
    expect(found["gradient.baseline.weight"]!.data).toBeAllClose(expected.ofBaseline, 1e-9);
    expect(found["gradient.location.weight"]!.data).toBeAllClose(expected.ofLocation, 1e-9);
  },
);

test("glimpse network, core and class learn from the cross-entropy alone, the places held as they were drawn", async () => {
  const { program, names, parameters } = training();
  const found = await runOnce(program, { ...parameters, ...batch, ...noise }, nodeBackend);
  const places = placesOf(found.windows!);
  const loss = async (changed: Values) => {
    const { logProbabilities } = await replayed(places, changed);
    return lossesOf(logProbabilities!).reduce((a, b) => a + b, 0) / B;
  };
  const taught = names.filter((name) => !/^(location|baseline)\./.test(name));
  expect(taught).toHaveLength(names.length - 4);
  for (const name of taught) {
    const value = parameters[name]!;
    const direction = normals(`direction of ${name}`, value.shape).data;
    const moved = (step: number) => ({
      ...parameters,
      [name]: { ...value, data: value.data.map((element, index) => element + step * direction[index]!) },
    });
    const numeric = ((await loss(moved(1e-6))) - (await loss(moved(-1e-6)))) / 2e-6;
    const slope = numbers(found[`gradient.${name}`]!);
    const analytic = slope.reduce((sum, element, index) => sum + element * direction[index]!, 0);
    expect([analytic], name).toBeAllClose([numeric], 1e-6);
  }
});

test("several episodes of an image are the mean of so many batches of one each", async () => {
  const copies = 2;
  const other = { first: uniforms("other first", [B, 2]), gaze: normals("other gaze", [T, B, 2]) };
  const single = training();
  const [one, two] = await Promise.all(
    [noise, other].map((drawn) => runOnce(single.program, { ...single.parameters, ...batch, ...drawn })),
  );
  const both = training({ copies });
  // All examples, then all again: [2 · B, 2] and [T, 2 · B, 2].
  const joined = (size: number, outer: number) => (a: Value, b: Value) =>
    Float64Array.from(
      Array.from({ length: outer }, (_, index) => [
        ...a.data.slice(index * size, (index + 1) * size),
        ...b.data.slice(index * size, (index + 1) * size),
      ]).flat(),
    );
  const drawn = {
    first: { dtype: DTYPE, shape: [2 * B, 2], data: joined(2 * B, 1)(noise.first, other.first) },
    gaze: { dtype: DTYPE, shape: [T, 2 * B, 2], data: joined(2 * B, T)(noise.gaze, other.gaze) },
  };
  const found = await runOnce(both.program, { ...both.parameters, ...batch, ...drawn });
  for (const name of Object.keys(single.program).filter((output) => output !== "windows"))
    expect(found[name], name).toBeAllClose(
      one![name]!.data.map((value, index) => (value + two![name]!.data[index]!) / 2),
      1e-10,
    );
});

test("step by step, without chance, is what scoring sees, from the middle on", async () => {
  const { model, image, label, parameters } = build({ copies: 3 });
  const scored = model.objective({ image, label }, Mode.plain({ dtype: DTYPE }));
  const found = await runOnce(
    { losses: scored.losses, windows: scored.looks!.glimpse!.value },
    { ...parameters, ...batch },
  );
  expect(scored.looks!.glimpse).toMatchObject({
    kind: "windows",
    over: "image",
    axes: ["step", "batch", "window", "side"],
  });
  expect(placesOf(found.windows!)[0]).toBeAllClose(new Array(2 * B).fill(0), 1e-12);
  expect(found.windows!.data.slice(0, 8)).toBeAllClose(
    [0.5, 0.5, 3 / WIDTH, 3 / HEIGHT, 0.5, 0.5, 6 / WIDTH, 6 / HEIGHT],
    1e-12,
  );
  const mode = Mode.plain({ dtype: DTYPE });
  const { memory, ...begun } = model.steps!.begin({ image }, mode);
  let { state } = begun;
  const program: Record<string, Tensor> = {};
  expect(model.steps!.count).toBe(T);
  for (let t = 0; t < T; t++) {
    const { outputs, looks, ...next } = model.steps!.step(memory, state, {}, mode);
    state = next.state;
    program[`windows${t}`] = looks!.glimpse!.value;
    program.last = logSoftmax(outputs.logits!);
  }
  expect(mode.noise.size).toBe(0);
  const steps = await runOnce(program, { ...parameters, image: batch.image });
  const each = B * K * 4;
  for (let t = 0; t < T; t++)
    expect(steps[`windows${t}`]!.data).toBeAllClose(
      found.windows!.data.slice(t * each, (t + 1) * each),
      1e-12,
    );
  expect(found.losses!.data).toBeAllClose(lossesOf(steps.last!), 1e-12);
});

test("a window that is put elsewhere moves the gaze: what follows is what is seen there", async () => {
  const { model, image, parameters } = build({}, B);
  const mode = Mode.plain({ dtype: DTYPE });
  const { memory, state } = model.steps!.begin({ image }, mode);
  const { outputs, looks, state: after } = model.steps!.step(memory, state, {}, mode);
  const asked = [outputs.logits!, after.hidden!, after.location!];
  // The second example looks at a corner with its own sizes, the others where they did.
  const elsewhere = [0.5, 0.5, 0.1].flatMap((x, b) =>
    [3, 6].flatMap((pixels) => [x, b === 2 ? 0.9 : 0.5, pixels / WIDTH, pixels / HEIGHT]),
  );
  const forced = constant(elsewhere, { dtype: DTYPE, shape: [B, K, 4] });
  const [logits, hidden, location] = rewrite(asked, new Map([[looks!.glimpse!.value, forced]]));
  const moved = model.steps!.step(
    memory,
    { ...state, location: constant([0, 0, 0, 0, -0.8, 0.8], { dtype: DTYPE, shape: [B, 2] }) },
    {},
    mode,
  );
  const found = await runOnce(
    {
      before: asked[0]!,
      logits: logits!,
      hidden: hidden!,
      location: location!,
      moved: moved.outputs.logits!,
      to: moved.state.location!,
    },
    { ...parameters, image: batch.image },
  );
  expect(found.logits).toBeAllClose(found.moved!, 1e-12);
  expect(found.location).toBeAllClose(found.to!, 1e-12);
  const rows = (name: string, from: number, to: number) =>
    found[name]!.data.slice(from * CLASSES, to * CLASSES);
  expect(rows("logits", 0, 2)).toBeAllClose(rows("before", 0, 2), 1e-12);
  expect(rows("logits", 2, 3)).not.toBeAllClose(rows("before", 2, 3), 1e-3);
});

test("use that draws by chance looks elsewhere each time, and training is one loop", async () => {
  const { model, image, label } = build();
  const mode = Mode.sampling({ dtype: DTYPE });
  const { memory, state } = model.steps!.begin({ image }, mode);
  model.steps!.step(memory, state, {}, mode);
  expect([...mode.noise.keys()]).toEqual(["first", "gaze"]);
  const { loss } = model.objective({ image, label }, Mode.training({ dtype: DTYPE }));
  expect(reachableNodes([loss]).filter(({ operation }) => operation === scan.operation)).toHaveLength(1);
});
