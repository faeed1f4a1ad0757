import { describe, expect, test } from "vitest";
import { ints, normals, parametersOf, runOnce, scored } from "../../../test/run.js";
import { gradient } from "../../autodiff/index.js";
import { Mode, Scope } from "../../nn/index.js";
import { input, logSoftmax } from "../../ops/index.js";
import { nodeBackend } from "../../session/node.js";
import type { ClipSizes } from "../contract.js";
import { videoTemporal } from "./model.js";

const LAST = "float64" as const;
const small = { channels: 2, features: 5, embedding: 3, hidden: 7, alignment: 2 };

/** Two clips of 5 and 3 frames, the second padded, and START 8 9 END and START 10 END. */
const cases: readonly { name: string; options: object; frame: ClipSizes["frame"] }[] = [
  { name: "frames of colours", options: small, frame: [11, 13, 3] },
  { name: "features", options: small, frame: [7] },
  { name: "the mean of features", options: { ...small, attention: "mean" }, frame: [7] },
];
const FRAMES = 5;
const length = ints([2], [5, 3]);
const target = ints([4, 2], [1, 1, 8, 10, 9, 2, 2, 0]);
const V = 13;

const clipsOf = (frame: ClipSizes["frame"], frames = FRAMES) => normals("clips", [2, frames, ...frame]);

function build({ options, frame }: (typeof cases)[number]) {
  const scope = Scope.root(LAST);
  const model = videoTemporal.build(scope, videoTemporal.configuration.parse(options), { target: V, frame });
  const source = input("source", LAST, ["batch", "frames", ...frame]);
  const lengths = input("length", "int32", ["batch"]);
  const mode = Mode.plain({ dtype: LAST });
  const trained = scored(
    model,
    { source, length: lengths, target: input("target", "int32", ["target", "batch"]) },
    mode,
  );
  return { scope, model, source, lengths, trained, mode };
}

describe.each(cases)("$name", (given) => {
  const { frame } = given;
  const source = clipsOf(frame);

  test("what stands after the last frame changes no loss, weight or gradient, and weighs nothing", async () => {
    const { scope, trained } = build(given);
    const gradients = gradient(
      trained.loss,
      scope.parameters.map(({ tensor }) => tensor),
    );
    const program = {
      sequenceLoss: trained.sequenceLoss,
      ...Object.fromEntries(gradients.map((tensor, index) => [`gradient${index}`, tensor])),
    };
    const feeds = { ...parametersOf(scope), length, target };
    const plain = await runOnce(program, { ...feeds, source });
    const size = source.data.length / (2 * FRAMES);
    const padded = Float64Array.from({ length: 2 * 7 * size }, (_, element) => {
      const [clip, at] = [Math.floor(element / (7 * size)), Math.floor(element / size) % 7];
      return at < length.data[clip]!
        ? source.data[(clip * FRAMES + at) * size + (element % size)]!
        : 3 + (element % 5);
    });
    const longer = { dtype: LAST, shape: [2, 7, ...frame], data: padded };
    const found = await runOnce(
      { ...program, ...(trained.weights && { weights: trained.weights }) },
      { ...feeds, source: longer },
    );
    for (const [name, value] of Object.entries(plain)) expect(found[name], name).toBeAllClose(value, 1e-12);
    if (!found.weights) return;
    // [3 steps, 2 clips, 7 frames]
    Array.from(found.weights.data).forEach((weight, index) => {
      const isReal = index % 7 < length.data[Math.floor(index / 7) % 2]!;
      expect(weight > 0, `weight ${index}`).toBe(isReal);
    });
  });

  test("gradients of every parameter agree with finite differences", async () => {
    const { scope, trained } = build(given);
    const names = scope.parameters.map(({ name }) => name);
    const gradients = gradient(
      trained.loss,
      scope.parameters.map(({ tensor }) => tensor),
    );
    const parameters = parametersOf(scope);
    const feeds = { ...parameters, source, length, target };
    const found = await runOnce(
      Object.fromEntries(gradients.map((tensor, index) => [`gradient of ${names[index]}`, tensor])),
      feeds,
      nodeBackend,
    );
    const session = await nodeBackend.load({ loss: trained.loss });
    for (const name of names) {
      const value = parameters[name]!;
      const direction = normals(name, value.shape).data;
      const loss = async (step: number) => {
        const data = value.data.map((element, index) => element + step * direction[index]!);
        return (await session.run({ ...feeds, [name]: { ...value, data } })).loss!.data[0]!;
      };
      const numeric = ((await loss(1e-6)) - (await loss(-1e-6))) / 2e-6;
      const analytic = Array.from(found[`gradient of ${name}`]!.data).reduce(
        (sum, element, index) => sum + element * direction[index]!,
        0,
      );
      expect([analytic], name).toBeAllClose([numeric], 1e-5);
    }
  });

  test("writing word by word gives the probabilities and weights of training", async () => {
    const { scope, model, source: clips, lengths, trained, mode } = build(given);
    const encoded = model.steps!.begin({ source: clips, length: lengths }, mode);
    let { state } = encoded;
    const program: Record<string, ReturnType<typeof logSoftmax>> = {};
    for (let t = 0; t < 3; t++) {
      const previous = input(`previous${t}`, "int32", ["batch"]);
      const step = model.steps!.step(encoded.memory, state, { previous }, mode);
      program[`log${t}`] = logSoftmax(step.outputs.logits!);
      if (step.looks) program[`weights${t}`] = step.looks.attention!.value;
      ({ state } = step);
    }
    const row = (t: number) => ints([2], [...target.data.slice(2 * t, 2 * t + 2)]);
    const feeds = { ...parametersOf(scope), source, length };
    const results = await runOnce(program, {
      ...feeds,
      previous0: row(0),
      previous1: row(1),
      previous2: row(2),
    });
    const total = [0, 1].map((b) =>
      [0, 1, 2].reduce((sum, t) => {
        const word = target.data[2 * (t + 1) + b]!;
        return word === 0 ? sum : sum - results[`log${t}`]!.data[b * V + word]!;
      }, 0),
    );
    const training = await runOnce(
      { sequenceLoss: trained.sequenceLoss, ...(trained.weights && { weights: trained.weights }) },
      { ...feeds, target },
    );
    expect(training.sequenceLoss).toBeAllClose(total, 1e-12);
    if (!training.weights) return;
    const rows = [0, 1, 2].flatMap((t) => [...results[`weights${t}`]!.data]);
    expect(training.weights).toBeAllClose(rows, 1e-12);
  });
});

test("a frame is read with its neighbours: changing one changes what is made of three", async () => {
  const { scope, model, source, lengths, mode } = build(cases[1]!);
  const { memory } = model.steps!.begin({ source, length: lengths }, mode);
  const program = { annotations: memory.annotations! };
  const clips = clipsOf([7]);
  const feeds = { ...parametersOf(scope), length: ints([2], [5, 5]) };
  const before = await runOnce(program, { ...feeds, source: clips });
  const data = Float64Array.from(clips.data);
  for (let feature = 0; feature < 7; feature++) data[2 * 7 + feature]! += 1;
  const after = await runOnce(program, { ...feeds, source: { ...clips, data } });
  const changed = Array.from({ length: 10 }, (_, place) =>
    [0, 1, 2, 3, 4].some(
      (feature) =>
        Math.abs(
          before.annotations!.data[5 * place + feature]! - after.annotations!.data[5 * place + feature]!,
        ) > 1e-9,
    ),
  );
  expect(changed.slice(5)).toEqual([false, false, false, false, false]);
  expect([changed[0], changed[4]]).toEqual([false, false]);
  expect(changed.slice(1, 4)).toContain(true);
});
