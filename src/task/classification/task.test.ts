import { expect, test } from "vitest";
import { parametersOf, runOnce } from "../../../test/run.js";
import { toBase64 } from "../../core/index.js";
import { digits } from "../../data/generate/digits/index.js";
import type { GreyImage, LabelledImage } from "../../data/index.js";
import { Prober } from "../../explain/index.js";
import { ram } from "../../models/index.js";
import { Scope } from "../../nn/index.js";
import { input } from "../../ops/index.js";
import { nodeBackend } from "../../session/node.js";
import { Evaluator, exampleOf } from "../evaluator.js";
import { classification, classified, greyValue } from "./task.js";

const grey = (width: number, height: number, value = 0): GreyImage => ({
  width,
  height,
  data: new Uint8Array(width * height).fill(value),
});
const image = (label: number, more: Partial<LabelledImage> = {}): LabelledImage => ({
  name: `image of ${label}`,
  label,
  pixels: async () => grey(7, 5, 51),
  ...more,
});

test("what is said is the class after the last step, with its probability, and the class after each", () => {
  const logits = {
    dtype: "float32" as const,
    shape: [2, 3],
    data: Float32Array.of(5, 1, 1, 0, Math.log(3), 0),
  };
  const found = classified({ logits });
  expect(found).toMatchObject({ labels: [1], along: [0, 1] });
  expect(found.probabilities[0]).toBeAllClose([0.2, 0.6, 0.2], 1e-6);
  // Logits whose exponentials would be endless.
  const large = { dtype: "float32" as const, shape: [2], data: Float32Array.of(1000, 1000) };
  expect(classified({ logits: large }).probabilities).toEqual([[0.5, 0.5]]);
});

test("images are read as shares of white, one size for all", async () => {
  const { values, decisions } = await classification.collate(
    [image(2), image(0, { pixels: async () => grey(7, 5, 255) })],
    { classes: 3, size: [5, 7] },
    { kind: "score" },
  );
  expect(values.image!.shape).toEqual([2, 5, 7, 1]);
  expect([values.image!.data[34], values.image!.data[35]]).toBeAllClose([0.2, 1], 1e-6);
  expect([...values.label!.data]).toEqual([2, 0]);
  expect(decisions).toEqual([1, 1]);
  expect(() => greyValue([grey(7, 5), grey(5, 7)], [5, 7])).toThrow(
    "an image is 5 × 7 pixels but the model reads 7 × 5; bring it to that size.",
  );
});

test("training reads an image as it is redrawn, as a function of seed, example and step", async () => {
  const drawn: number[] = [];
  const one = image(1, {
    redrawn: async (random) => {
      drawn.push(random.uniform());
      return grey(7, 5);
    },
  });
  const at = (seed: number, step: number) =>
    classification.collate(
      [one],
      { classes: 2, size: [5, 7] },
      { kind: "train", seed, step, targets: 1, augment: [] },
    );
  await at(1, 1);
  await at(1, 1);
  await at(1, 2);
  await at(2, 1);
  await classification.collate([one], { classes: 2, size: [5, 7] }, { kind: "score" });
  expect(drawn).toHaveLength(4);
  expect(drawn[0]).toBe(drawn[1]);
  expect(new Set(drawn).size).toBe(3);
});

test("what cannot be told apart, and classes that training lacks, are named", async () => {
  const data = { train: [image(0), image(0)], validation: [image(0)], tests: {}, size: [5, 7] as const };
  expect(() => classification.prepare(data, {} as never)).toThrow(
    "all 2 images of training are of one class, 0; there is nothing to tell apart.",
  );
  await expect(
    classification.collate([image(4)], { classes: 3, size: [5, 7] }, { kind: "score" }),
  ).rejects.toThrow(
    'image "image of 4" is of class 4 but training has 3, 0 to 2; leave it out, or train with it.',
  );
  expect(classification.prepare({ ...data, train: [image(0), image(6)] }, {} as never)).toEqual({
    classes: 7,
    size: [5, 7],
  });
  expect(() => classification.restored({ target: {} })).toThrow(
    "the run holds no classes of images; it is of another task.",
  );
});

/** A model that has learnt nothing, for digits anywhere on 60 × 60. */
async function untrained() {
  const data = await digits[1]!.load(1);
  const prepared = classification.prepare({ ...data, train: data.train.slice(0, 100) }, {} as never);
  const scope = Scope.root();
  const sizes = classification.sizes(prepared, undefined);
  const configuration = ram.configuration.parse({ glimpses: 3, patch: 7, place: 5, hidden: 11, scales: 2 });
  const model = ram.build(scope, configuration, sizes);
  const parameters = parametersOf(scope);
  return { data, prepared, sizes, model, parameters };
}

test("error and loss are those of the labels, and glimpses count where their middle lies in the box", async () => {
  const { data, prepared, sizes, model, parameters } = await untrained();
  parameters["location.weight"]!.data.fill(0);
  const evaluator = await Evaluator.load(classification, model, sizes, prepared, nodeBackend, { beam: 1 });
  const images = data.validation.slice(0, 70);
  const scoring = { evaluator, parameters, prepared };
  const { metrics, breakdown, outputs } = await classification.report(scoring, images, { beam: 1 });
  expect(await classification.validate(scoring, images)).toMatchObject({
    loss: metrics.loss,
    error: metrics.error,
    inside: metrics.inside,
  });
  // The losses of the objective are another way to the same number.
  let loss = 0;
  for await (const forced of evaluator.force(parameters, images)) loss += forced.loss;
  expect([metrics.loss!]).toBeAllClose([loss / 70], 1e-5);
  const wrong = outputs.filter(({ output, references }) => output !== references[0]).length;
  expect(metrics.error).toBe(wrong / 70);
  expect(
    breakdown!.ranges.reduce((sum, { examples, score }) => sum + (examples * score) / 100, 0),
  ).toBeCloseTo(wrong);
  // With nothing to go by it looks at the middle of the image, so its glimpses are there where the middle is.
  const middle = images.filter((one) => {
    const { x, y, width, height } = one.boxes!()[0]!;
    return x <= 30 && 30 <= x + width && y <= 30 && 30 <= y + height;
  }).length;
  expect(metrics.insideCentre).toBe(middle / 70);
  expect(metrics.inside).toBe(middle / 70);
  expect(metrics.insideRandom).toBeCloseTo(
    images.reduce((sum, one) => sum + (one.boxes!()[0]!.width * one.boxes!()[0]!.height) / 3600, 0) / 70,
  );
  await evaluator.release();
});

test("a gaze that is put elsewhere is looked at, and moves what follows", async () => {
  const { data, prepared, sizes, model, parameters } = await untrained();
  const { values } = await classification.collate([data.validation[0]!], prepared, { kind: "ask" });
  const prober = await Prober.load(
    model,
    { kind: "free" },
    classification.inputs(sizes),
    undefined,
    nodeBackend,
  );
  // Two windows around (0.2, 0.7), of the sizes that they have.
  const place = [8, 16].flatMap((pixels) => [0.2, 0.7, pixels / 60, pixels / 60]);
  const [own, forced] = [
    await prober.run(parameters, values),
    await prober.run(parameters, values, { looks: { glimpse: new Map([[1, place]]) } }),
  ];
  const step = (found: typeof own, index: number) =>
    found.looks.glimpse!.data.slice(8 * index, 8 * index + 8);
  expect(step(forced, 0)).toEqual(step(own, 0));
  expect(step(forced, 1)).toBeAllClose(place, 1e-6);
  expect(step(forced, 2)).not.toEqual(step(own, 2));
  const { along, seen } = classification.read!(
    Object.fromEntries(Object.entries(forced.outputs).map(([name, value]) => [name, exampleOf(value, 0, 1)])),
    data.validation[0]!,
    prepared,
  );
  expect(along).toHaveLength(3);
  // What is seen there is what the image shows there: a window of 8 pixels, its corner at (8, 38).
  const { data: pixels } = await data.validation[0]!.pixels();
  expect([...seen![1]![0]!.data]).toEqual(
    Array.from({ length: 64 }, (_, at) => pixels[(38 + Math.floor(at / 8)) * 60 + 8 + (at % 8)]),
  );
  await prober.release();
});

test("the likelihood is of the class after the last step", async () => {
  const label = input("label", "int32", ["batch"]);
  // What was said after the first step does not count.
  const logits = [1, 2, 0, 9, 9, 0, 0, Math.log(3), 0, Math.log(2), 0, 0];
  const value = (shape: readonly number[], data: readonly number[]) => ({
    dtype: "float32" as const,
    shape,
    data: Float32Array.from(data),
  });
  const labels = { dtype: "int32" as const, shape: [2], data: Int32Array.of(1, 0) };
  const likelihoodOf = (shape: readonly (number | string)[]) =>
    classification.likelihood!({ logits: input("logits", "float32", shape) }, { label });
  const stepwise = await runOnce(
    { found: likelihoodOf([2, "batch", 3]) },
    { logits: value([2, 2, 3], logits), label: labels },
  );
  expect(stepwise.found!.data).toBeAllClose([Math.log(0.6), Math.log(0.5)], 1e-6);
  const once = await runOnce(
    { found: likelihoodOf(["batch", 3]) },
    { logits: value([2, 3], [0, Math.log(3), 0, Math.log(2), 0, 0]), label: labels },
  );
  expect(once.found!.data).toBeAllClose([Math.log(0.6), Math.log(0.5)], 1e-6);
});

test("things in order are right together, each read after its last step, and their likelihoods are rows", async () => {
  const prepared = { classes: 3, size: [5, 7] as const, things: 2, names: ["a", "b", "c"] };
  const two = image(0, { labels: [2, 0] });
  const data = { train: [two], validation: [two], tests: {}, size: prepared.size, classes: prepared.names };
  expect(classification.prepare(data, {} as never)).toEqual(prepared);
  expect(classification.restored(JSON.parse(JSON.stringify(prepared)))).toEqual(prepared);
  const { values, decisions } = await classification.collate([two, two], prepared, { kind: "score" });
  expect([values.label!.shape, [...values.label!.data], decisions]).toEqual([
    [2, 2],
    [2, 0, 2, 0],
    [2, 2],
  ]);
  await expect(classification.collate([image(1)], prepared, { kind: "score" })).rejects.toThrow(
    'image "image of 1" is of 1 classes but training has 2 for each image; leave it out, or train with it.',
  );
  // Four steps, of which the second and the fourth count: c with a half, then a with three quarters.
  const logits = {
    dtype: "float32" as const,
    shape: [4, 3],
    data: Float32Array.of(9, 0, 0, 0, 0, Math.log(2), 0, 9, 0, Math.log(6), 0, 0),
  };
  const found = classified({ logits }, 2);
  expect(found).toMatchObject({ labels: [2, 0], along: [0, 2, 1, 0] });
  expect(found.probabilities.flat()).toBeAllClose([0.25, 0.25, 0.5, 0.75, 0.125, 0.125], 1e-6);
  const shown = await classification.show(two, found, prepared, { model: {} });
  expect(shown).toMatchObject({ output: "c a", decisions: ["c", "a"], right: true });
  expect(shown.blocks).toHaveLength(2);
  expect(
    await classification.show(image(0, { labels: [2, 1] }), found, prepared, { model: {} }),
  ).toMatchObject({
    right: false,
  });
  const label = input("label", "int32", ["batch", 2]);
  const likely = classification.likelihood!(
    { logits: input("logits", "float32", [4, "batch", 3]) },
    { label },
  );
  const told = await runOnce(
    { likely },
    { logits: { ...logits, shape: [4, 1, 3] }, label: classification.taken!(found, two, prepared).label! },
  );
  expect(told.likely!.shape).toEqual([2, 1]);
  expect(told.likely!.data).toBeAllClose([Math.log(0.5), Math.log(0.75)], 1e-6);
});

test("what people give is one image of the model's size, and what is shown says whether it is right", async () => {
  const prepared = { classes: 3, size: [5, 7] as const };
  expect(classification.form(prepared, undefined)).toEqual([
    { name: "image", title: "Image", kind: "image", size: [5, 7], channels: 1, drawn: true },
  ]);
  const given = (width: number, height: number) =>
    classification.example(
      { image: { width, height, data: toBase64(new Uint8Array(width * height).fill(9)) } },
      prepared,
      undefined,
    );
  expect([...(await given(7, 5).pixels()).data]).toEqual(new Array(35).fill(9));
  expect(() => given(5, 7)).toThrow(
    "the image is 5 × 7 with 35 bytes, but the model reads 7 × 5 with 35; scale it first.",
  );
  const output = { labels: [1], probabilities: [[0.2, 0.7, 0.1]], along: [0, 1] };
  const shown = (example: LabelledImage) => classification.show(example, output, prepared, { model: {} });
  expect(await shown(image(2))).toMatchObject({
    output: "1",
    right: false,
    references: ["2"],
    steps: [{ piece: "0" }, { piece: "1" }],
    blocks: [{ items: [{ right: false }, { probability: 0.7, right: false }, { right: true }] }],
  });
  const unknown = await shown(given(7, 5));
  expect(unknown.right).toBeUndefined();
  expect(unknown.references).toEqual([]);
});
