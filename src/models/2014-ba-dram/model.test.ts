import { expect, test } from "vitest";
import { ints, normals, parametersOf, runOnce } from "../../../test/run.js";
import { gradient } from "../../autodiff/index.js";
import { type Dimension, Random, reachableNodes, rewrite, type Tensor } from "../../core/index.js";
import { Mode, Scope } from "../../nn/index.js";
import { constant, input, logSoftmax, scan } from "../../ops/index.js";
import type { Value, Values } from "../../session/index.js";
import { nodeBackend } from "../../session/node.js";
import { dram } from "./model.js";

// Two things of three glimpses each, every size a prime of its own.
const [B, HEIGHT, WIDTH, C, CLASSES, EACH, N, H, K] = [3, 11, 13, 2, 7, 3, 2, 5, 2];
const T = EACH * N;
const DEVIATION = 0.7;
const LAMBDA = 0.3;
const options = {
  glimpses: EACH,
  side: 3,
  scales: K,
  patch: 7,
  hidden: H,
  coarse: 5,
  deviation: DEVIATION,
  reinforcement: LAMBDA,
};
const DTYPE = "float64" as const;

/** @param rows the batch, a number where windows are put in */
function build(more: Record<string, unknown> = {}, { rows = "batch" as Dimension, things = N } = {}) {
  const scope = Scope.root(DTYPE);
  const configuration = dram.configuration.parse({ ...options, ...more });
  const model = dram.build(scope, configuration, {
    classes: CLASSES,
    image: [HEIGHT, WIDTH, C],
    ...(things > 1 && { things }),
  });
  const image = input("image", DTYPE, [rows, HEIGHT, WIDTH, C]);
  const label = input("label", "int32", things > 1 ? [rows, things] : [rows]);
  // An emission network that has learnt nothing yet would look at the middle alone, whatever it sees.
  const parameters = { ...parametersOf(scope) };
  for (const name of ["emission.weight", "class.weight", "baseline.weight"])
    parameters[name] = normals(name, parameters[name]!.shape);
  return { scope, model, image, label, parameters };
}

const uniforms = (seed: string, shape: readonly number[]): Value => {
  const random = new Random(1, seed);
  const count = shape.reduce((a, b) => a * b, 1);
  return { dtype: DTYPE, shape, data: Float64Array.from({ length: count }, () => random.uniform()) };
};
const batch = { image: uniforms("image", [B, HEIGHT, WIDTH, C]), label: ints([B, N], [6, 0, 3, 3, 1, 4]) };
const noise = { gaze: normals("gaze", [T, B, 2]) };
const inside = (value: number) => Math.max(-1, Math.min(1, value));

/** An episode step by step, its windows given: what the second layer held before each glimpse, and what was said after it. */
function replay(windows: Value) {
  const { model, image } = build({}, { rows: B });
  const mode = Mode.plain({ dtype: DTYPE });
  const { memory, ...begun } = model.steps!.begin({ image }, mode);
  let { state } = begun;
  const program: Record<string, Tensor> = {};
  for (let t = 0; t < T; t++) {
    program[`before${t}`] = state.looking!;
    const { outputs, looks, state: after } = model.steps!.step(memory, state, {}, mode);
    const own = [...windows.data.slice(t * B * K * 4, (t + 1) * B * K * 4)];
    const put = constant(own, { dtype: DTYPE, shape: [B, K, 4] });
    const names = Object.keys(after);
    const [logits, ...moved] = rewrite(
      [outputs.logits!, ...names.map((name) => after[name]!)],
      new Map([[looks!.glimpse!.value, put]]),
    );
    program[`said${t}`] = logSoftmax(logits!);
    state = Object.fromEntries(names.map((name, index) => [name, moved[index]!]));
  }
  return program;
}

const training = (more: Record<string, unknown> = {}) => {
  const { scope, model, image, label, parameters } = build(more);
  const objective = model.objective({ image, label }, Mode.training({ dtype: DTYPE }));
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

/** −log p of each label, [N][B], after the last glimpse of its thing. */
const lossesOf = (found: Values): number[][] =>
  Array.from({ length: N }, (_, thing) =>
    Array.from({ length: B }, (__, b) => {
      const label = batch.label.data[b * N + thing]!;
      return -found[`said${(thing + 1) * EACH - 1}`]!.data[b * CLASSES + label]!;
    }),
  );

/** What each gaze is drawn around, [T][B · 2], worked out from what the second layer held. */
const meansOf = (found: Values, parameters: Values): number[][] =>
  Array.from({ length: T }, (_, t) =>
    Array.from({ length: B * 2 }, (__, at) => {
      const [b, axis] = [Math.floor(at / 2), at % 2];
      let sum = parameters["emission.bias"]!.data[axis]!;
      for (let row = 0; row < H; row++)
        sum += found[`before${t}`]!.data[b * H + row]! * parameters["emission.weight"]!.data[row * 2 + axis]!;
      return Math.tanh(sum);
    }),
  );

/** What gazes at each thing can still earn, [N][B]: a thing earns where it and all before it are right. */
function rewardsOf(found: Values, reward: "probability" | "right"): number[][] {
  const losses = lossesOf(found);
  const each = losses.map((of, thing) =>
    of.map((loss, b) => {
      if (reward === "probability") return Math.exp(-loss);
      const row = [...found[`said${(thing + 1) * EACH - 1}`]!.data.slice(b * CLASSES, (b + 1) * CLASSES)].map(
        Number,
      );
      return row.indexOf(Math.max(...row)) === batch.label.data[b * N + thing] ? 1 : 0;
    }),
  );
  const both = each[0]!.map((one, b) => one * each[1]![b]!);
  return [each[0]!.map((one, b) => one + both[b]!), both];
}

test.each(["probability", "right"] as const)(
  "rewarded by %s, loss, report, baseline and what gazes learn are those worked out by hand",
  async (reward) => {
    const { program, parameters, names } = training({ reward });
    const found = await runOnce(program, { ...parameters, ...batch, ...noise });
    const feeds = { ...parameters, image: batch.image };
    const replayed = await runOnce(replay(found.windows!), feeds);
    const [losses, rewards] = [lossesOf(replayed), rewardsOf(replayed, reward)];
    expect(found.losses!.shape).toEqual([N, B]);
    expect(found.losses!.data).toBeAllClose(losses.flat(), 1e-9);
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    expect(found["report.reward"]!.data).toBeAllClose([mean(rewards.flat())], 1e-9);
    const before = (t: number, b: number) => replayed[`before${t}`]!.data.slice(b * H, (b + 1) * H);
    const baselineOf = (t: number, b: number) =>
      [...before(t, b)].reduce(
        (sum, value, row) => sum + Number(value) * parameters["baseline.weight"]!.data[row]!,
        0,
      );
    const advantage = (t: number, b: number) => rewards[Math.floor(t / EACH)]![b]! - baselineOf(t, b);
    const means = meansOf(replayed, parameters);
    const ofBaseline = new Float64Array(H);
    let [squares, score] = [0, 0];
    for (let t = 0; t < T; t++)
      for (let b = 0; b < B; b++) {
        squares += advantage(t, b) ** 2 / (T * B);
        for (let row = 0; row < H; row++)
          ofBaseline[row]! -= (2 * advantage(t, b) * before(t, b)[row]!) / (T * B);
        for (const axis of [0, 1]) {
          const off = DEVIATION * noise.gaze.data[(t * B + b) * 2 + axis]!;
          // What is looked at is brought into the image; what is learnt from is not.
          const at = found.windows!.data[(t * B + b) * K * 4 + axis]!;
          expect([2 * at - 1]).toBeAllClose([inside(means[t]![2 * b + axis]! + off)], 1e-9);
          score -= (advantage(t, b) * off ** 2) / (2 * DEVIATION ** 2 * B);
        }
      }
    expect(found["report.baseline"]!.data).toBeAllClose([squares], 1e-9);
    expect(found["report.loss"]!.data).toBeAllClose([mean(losses.flat())], 1e-9);
    expect(found.loss!.data).toBeAllClose([mean(losses.flat()) + squares - LAMBDA * score], 1e-9);
    expect(found["gradient.baseline.weight"]!.data).toBeAllClose(ofBaseline, 1e-8);

    // REINFORCE: context, second layer and emission move the density of the gazes that were drawn; the first layer is as it was.
    const drawn = Array.from({ length: T }, (_, t) =>
      means[t]!.map((value, at) => value + DEVIATION * Number(noise.gaze.data[t * B * 2 + at]!)),
    );
    const reinforced = async (changed: Values) => {
      const moved = await runOnce(replay(found.windows!), { ...changed, image: batch.image });
      const around = meansOf(moved, changed);
      let sum = 0;
      for (let t = 0; t < T; t++)
        for (let at = 0; at < B * 2; at++)
          sum +=
            (LAMBDA * advantage(t, Math.floor(at / 2)) * (drawn[t]![at]! - around[t]![at]!) ** 2) /
            (2 * DEVIATION ** 2 * B);
      return sum;
    };
    await agree(
      names.filter((name) => /^(context|second|emission)\./.test(name)),
      found,
      parameters,
      reinforced,
    );
  },
);

/** Gradients that were found, each along a direction, against what moving the parameters does. */
async function agree(
  names: readonly string[],
  found: Values,
  parameters: Values,
  loss: (changed: Values) => Promise<number>,
): Promise<void> {
  expect(names.length).toBeGreaterThan(5);
  for (const name of names) {
    const value = parameters[name]!;
    const direction = normals(`direction of ${name}`, value.shape).data;
    const moved = (step: number) => ({
      ...parameters,
      [name]: { ...value, data: value.data.map((element, index) => element + step * direction[index]!) },
    });
    const numeric = ((await loss(moved(1e-5))) - (await loss(moved(-1e-5)))) / 2e-5;
    const analytic = [...found[`gradient.${name}`]!.data].reduce<number>(
      (sum, slope, index) => sum + Number(slope) * direction[index]!,
      0,
    );
    expect([analytic], name).toBeAllClose([numeric], 1e-6);
  }
}

test("glimpse network, first layer and class learn from the cross-entropy alone, the windows held as they were drawn", async () => {
  const { program, names, parameters } = training();
  const found = await runOnce(program, { ...parameters, ...batch, ...noise }, nodeBackend);
  const replayed = replay(found.windows!);
  const loss = async (changed: Values) =>
    lossesOf(await runOnce(replayed, { ...changed, image: batch.image }, nodeBackend))
      .flat()
      .reduce((a, b) => a + b, 0) /
    (N * B);
  await agree(
    names.filter((name) => /^(glimpse|first|class)\./.test(name)),
    found,
    parameters,
    loss,
  );
});

test("the class is of the first layer alone: what the context says moves it through the gaze, or not at all", async () => {
  const { model, image, parameters } = build({}, { rows: B });
  const mode = Mode.plain({ dtype: DTYPE });
  const { memory, state } = model.steps!.begin({ image }, mode);
  const { outputs, looks } = model.steps!.step(memory, state, {}, mode);
  const put = constant(Array.from({ length: B * K }, () => [0.3, 0.6, 3 / WIDTH, 3 / HEIGHT]).flat(), {
    dtype: DTYPE,
    shape: [B, K, 4],
  });
  const [held] = rewrite([outputs.logits!], new Map([[looks!.glimpse!.value, put]]));
  const program = { free: outputs.logits!, held: held!, windows: looks!.glimpse!.value };
  const found = await runOnce(program, { ...parameters, image: batch.image });
  const other = {
    ...parameters,
    "context.state.weight": normals("another context", parameters["context.state.weight"]!.shape),
  };
  const moved = await runOnce(program, { ...other, image: batch.image });
  expect(moved.windows).not.toBeAllClose(found.windows!, 1e-2);
  expect(moved.free).not.toBeAllClose(found.free!, 1e-4);
  expect(moved.held).toBeAllClose(found.held!, 1e-12);
  // Without a context network the first gaze is one place, whatever the image.
  const blind = build({ context: false }, { rows: B });
  expect(blind.scope.parameters.filter(({ name }) => name.startsWith("context"))).toEqual([]);
  const start = blind.model.steps!.begin({ image: blind.image }, mode);
  const { looks: first } = blind.model.steps!.step(start.memory, start.state, {}, mode);
  const { windows } = await runOnce(
    { windows: first!.glimpse!.value },
    { ...blind.parameters, image: batch.image },
  );
  expect(windows!.data.slice(K * 4, 2 * K * 4)).toBeAllClose(windows!.data.slice(0, K * 4), 1e-12);
});

test("the coarse view is square, the image in its middle, and each of its cells a mean", async () => {
  const { model, image, parameters, scope } = build({ coarse: 1 }, { rows: B });
  const { state } = model.steps!.begin({ image }, Mode.plain({ dtype: DTYPE }));
  const { looking } = await runOnce({ looking: state.looking! }, { ...parameters, image: batch.image });
  // One cell of 13 × 13 pixels, black where 11 rows end.
  const of = (name: string) => parameters[`context.${name}`]!.data as Float64Array;
  expect(scope.parameters.find(({ name }) => name === "context.view.weight")!.shape).toEqual([C, H]);
  const expected = Array.from({ length: B }, (_, b) => {
    const sums = new Array<number>(C).fill(0);
    const pixels = HEIGHT * WIDTH * C;
    for (let at = 0; at < pixels; at++) sums[at % C]! += batch.image.data[b * pixels + at]! / WIDTH ** 2;
    const view = Array.from({ length: H }, (__, h) =>
      Math.max(
        0,
        sums.reduce((sum, value, c) => sum + value * of("view.weight")[c * H + h]!, of("view.bias")[h]!),
      ),
    );
    return Array.from({ length: H }, (__, h) =>
      Math.tanh(
        view.reduce(
          (sum, value, row) => sum + value * of("state.weight")[row * H + h]!,
          of("state.bias")[h]!,
        ),
      ),
    );
  });
  expect(looking!.data).toBeAllClose(expected.flat(), 1e-10);
});

test("several episodes of an image are the mean of so many batches of one each", async () => {
  const other = { gaze: normals("other gaze", [T, B, 2]) };
  const single = training();
  const [one, two] = await Promise.all(
    [noise, other].map((drawn) => runOnce(single.program, { ...single.parameters, ...batch, ...drawn })),
  );
  const both = training({ copies: 2 });
  const row = B * 2;
  const joined = Array.from({ length: T }, (_, t) => [
    ...noise.gaze.data.slice(t * row, (t + 1) * row),
    ...other.gaze.data.slice(t * row, (t + 1) * row),
  ]).flat() as number[];
  const found = await runOnce(both.program, {
    ...both.parameters,
    ...batch,
    gaze: { dtype: DTYPE, shape: [T, 2 * B, 2], data: Float64Array.from(joined) },
  });
  for (const name of Object.keys(single.program).filter((output) => output !== "windows"))
    expect(found[name], name).toBeAllClose(
      one![name]!.data.map((value, index) => (value + two![name]!.data[index]!) / 2),
      1e-9,
    );
});

test("step by step, without chance, is what scoring sees; of one thing the losses are a row", async () => {
  const { model, image, label, parameters } = build({ copies: 3 }, { things: 1 });
  const feeds = { ...parameters, image: batch.image, label: ints([B], [6, 0, 3]) };
  const scored = model.objective({ image, label }, Mode.plain({ dtype: DTYPE }));
  expect(model.steps!.count).toBe(EACH);
  const mode = Mode.plain({ dtype: DTYPE });
  const { memory, ...begun } = model.steps!.begin({ image }, mode);
  let { state } = begun;
  const program: Record<string, Tensor> = { losses: scored.losses, windows: scored.looks!.glimpse!.value };
  for (let t = 0; t < EACH; t++) {
    const { outputs, looks, ...next } = model.steps!.step(memory, state, {}, mode);
    state = next.state;
    program[`windows${t}`] = looks!.glimpse!.value;
    program.last = logSoftmax(outputs.logits!);
  }
  expect(mode.noise.size).toBe(0);
  const found = await runOnce(program, feeds);
  const size = B * K * 4;
  for (let t = 0; t < EACH; t++)
    expect(found[`windows${t}`]!.data).toBeAllClose(
      found.windows!.data.slice(t * size, (t + 1) * size),
      1e-12,
    );
  expect(found.losses!.shape).toEqual([B]);
  expect(found.losses!.data).toBeAllClose(
    [6, 0, 3].map((right, b) => -found.last!.data[b * CLASSES + right]!),
    1e-12,
  );
});

test("training is one loop", () => {
  const { model, image, label } = build();
  const { loss } = model.objective({ image, label }, Mode.training({ dtype: DTYPE }));
  expect(reachableNodes([loss]).filter(({ operation }) => operation === scan.operation)).toHaveLength(1);
});
