import { expect, test } from "vitest";
import { digits } from "../../data/generate/digits/index.js";
import type { GreyImage, LabelledImage } from "../../data/index.js";
import { ram } from "../../models/index.js";
import { initialValues, Scope } from "../../nn/index.js";
import type { Values } from "../../session/index.js";
import { nodeBackend } from "../../session/node.js";
import { Evaluator } from "../evaluator.js";
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
  expect(found).toMatchObject({ label: 1, along: [0, 1] });
  expect(found.probabilities).toBeAllClose([0.2, 0.6, 0.2], 1e-6);
  // Logits whose exponentials would be endless.
  const large = { dtype: "float32" as const, shape: [2], data: Float32Array.of(1000, 1000) };
  expect(classified({ logits: large }).probabilities).toEqual([0.5, 0.5]);
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

test("error and loss are those of the labels, and glimpses count where their middle lies in the box", async () => {
  const data = await digits[1]!.load(1);
  const prepared = classification.prepare({ ...data, train: data.train.slice(0, 100) }, {} as never);
  const scope = Scope.root();
  const sizes = classification.sizes(prepared, undefined);
  const model = ram.build(
    scope,
    ram.configuration.parse({ glimpses: 3, patch: 7, place: 5, hidden: 11, scales: 2 }),
    sizes,
  );
  const parameters: Values = Object.fromEntries(
    scope.parameters.map((parameter) => [
      parameter.name,
      { dtype: "float32", shape: parameter.shape, data: initialValues(parameter, 1) },
    ]),
  );
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
    const { x, y, width, height } = one.box!();
    return x <= 30 && 30 <= x + width && y <= 30 && 30 <= y + height;
  }).length;
  expect(metrics.insideCentre).toBe(middle / 70);
  expect(metrics.inside).toBe(middle / 70);
  expect(metrics.insideRandom).toBeCloseTo(
    images.reduce((sum, one) => sum + (one.box!().width * one.box!().height) / 3600, 0) / 70,
  );
  await evaluator.release();
});
