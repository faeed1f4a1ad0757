import { beforeAll, describe, expect, test } from "vitest";
import { encoderBytes, PIECES } from "../../test/foreign-graphs.js";
import { Random } from "../core/index.js";
import { openTokenizer } from "../data/index.js";
import { CLASSES_OUTPUT, openGraph } from "../foreign/index.js";
import { decodeModel, ELEMENT, encodeModel, tensorNumbers } from "../onnx/index.js";
import { nodeBackend, openOnnx } from "../session/node.js";
import { type LabelledText, labelledTexts, parted, type TuneOptions, tune } from "./index.js";

const tokenizer = openTokenizer(new TextEncoder().encode(`${PIECES.join("\n")}\n`), "vocab.txt");
const WORDS = ["i", "love", "coffee", "coffees", "unlikely", "!"];

/** Texts that have coffee in them, or not. */
function drawn(count: number, seed: number): LabelledText[] {
  const random = new Random(seed, "texts");
  return Array.from({ length: count }, (_, index) => {
    const words = Array.from({ length: 1 + random.integer(6) }, () =>
      random.pick(WORDS.filter((word) => !word.startsWith("coffee"))),
    );
    if (index % 2 === 0) words[random.integer(words.length)] = random.pick(["coffee", "coffees"]);
    return { label: index % 2 === 0 ? "coffee" : "none", texts: [words.join(" ")] };
  });
}

const [train, validation] = [drawn(211, 1), drawn(53, 2)];
const graph = openGraph(encoderBytes(), "theirs.onnx");
const usual: TuneOptions = {
  tokenizer,
  backend: nodeBackend,
  budget: { epochs: 14 },
  learningRate: 0.01,
  batch: 11,
};

/** The shares of classes that a file gives. */
async function sharesOf(bytes: Uint8Array, text: string): Promise<number[]> {
  const model = await openOnnx(bytes);
  const ids = tokenizer.tokenize(text).ids;
  const whole = (numbers: readonly number[]) => ({
    dtype: "int64",
    shape: [1, numbers.length],
    data: BigInt64Array.from(numbers, BigInt),
  });
  const results = await model.run({ input_ids: whole(ids), attention_mask: whole(ids.map(() => 1)) });
  await model.release();
  return Array.from(results[CLASSES_OUTPUT]!.data);
}

const storedOf = (bytes: Uint8Array) =>
  new Map(decodeModel(bytes).graph.initializer.map((tensor) => [tensor.name, tensor]));

describe("a file that learns to tell texts apart", () => {
  let tuned: Awaited<ReturnType<typeof tune>>;
  beforeAll(async () => {
    tuned = await tune(graph, train, validation, usual);
  });

  test("tells texts apart that it has not seen, and the file that is written does the same", async () => {
    expect(tuned.labels).toEqual(["coffee", "none"]);
    expect(tuned.best!.accuracy).toBeGreaterThan(0.95);
    const more = drawn(37, 3);
    let right = 0;
    for (const { label, texts } of more) {
      const shares = await sharesOf(tuned.bytes, texts[0]!);
      expect(shares[0]! + shares[1]!).toBeCloseTo(1, 5);
      if (tuned.labels[shares[0]! > shares[1]! ? 0 : 1] === label) right++;
    }
    expect(await tuned.accuracy(more)).toBeCloseTo(right / more.length, 9);
  });

  test("keeps all of the file but its weights, and repeats itself to the byte", async () => {
    const [before, after] = [decodeModel(encoderBytes()), decodeModel(tuned.bytes)];
    expect(after.graph.node.slice(0, before.graph.node.length)).toEqual(before.graph.node);
    expect(after.graph.output.map(({ name }) => name)).toEqual([
      ...before.graph.output.map(({ name }) => name),
      CLASSES_OUTPUT,
    ]);
    const again = await tune(graph, train, validation, usual);
    expect(Buffer.compare(again.bytes, tuned.bytes)).toBe(0);
    const other = await tune(graph, train, validation, { ...usual, seed: 2, budget: { steps: 3 } });
    expect(Buffer.compare(other.bytes, tuned.bytes)).not.toBe(0);
  });

  test("goes on from a file that was tuned before", async () => {
    const further = await tune(openGraph(tuned.bytes, "tuned.onnx"), train, validation, {
      ...usual,
      budget: { steps: 1 },
      learningRate: 1e-6,
    });
    expect(further.best!.accuracy).toBeCloseTo(tuned.best!.accuracy, 1);
    expect(decodeModel(further.bytes).graph.node).toHaveLength(decodeModel(tuned.bytes).graph.node.length);
    await expect(
      tune(openGraph(tuned.bytes, "tuned.onnx"), [{ label: "tea", texts: ["i"] }, ...train], [], usual),
    ).rejects.toThrow('the training texts have the label "tea", but training has "coffee", "none".');
  });
});

test("frozen weights stay to the bit, and the layer of classes alone learns", async () => {
  const { bytes, trained } = await tune(graph, train, [], {
    ...usual,
    freeze: true,
    output: "hidden",
    budget: { steps: 5 },
  });
  const [before, after] = [storedOf(encoderBytes()), storedOf(bytes)];
  for (const [name, tensor] of before) expect(after.get(name), name).toEqual(tensor);
  const head = [...after.values()].filter(
    ({ name }) => !before.has(name) && after.get(name)!.dataType === ELEMENT.float32,
  );
  expect(head.reduce((sum, tensor) => sum + tensorNumbers(tensor).length, 0)).toBe(trained);
});

test("the mean over tokens that are there is what classes are told apart by, whatever is padded beside them", async () => {
  const { bytes } = await tune(graph, train, [], { ...usual, output: "hidden", budget: { steps: 2 } });
  const stored = storedOf(bytes);
  const [weight, bias] = ["regard.head.weight", "regard.head.bias"].map((name) =>
    tensorNumbers(stored.get(name)!),
  );
  const model = await openOnnx(bytes);
  const rows = [
    [2, 5, 6, 3],
    [2, 7, 3, 0],
  ];
  const whole = (numbers: readonly number[]) => ({
    dtype: "int64",
    shape: [2, 4],
    data: BigInt64Array.from(numbers, BigInt),
  });
  const { hidden, [CLASSES_OUTPUT]: shares } = await model.run({
    input_ids: whole(rows.flat()),
    attention_mask: whole(rows.flatMap((row) => row.map((id) => Number(id !== 0)))),
  });
  const size = hidden!.shape[2]!;
  rows.forEach((row, index) => {
    const there = row.filter((id) => id !== 0).length;
    const mean = Array.from({ length: size }, (_, at) => {
      let sum = 0;
      for (let place = 0; place < there; place++) sum += hidden!.data[(index * 4 + place) * size + at]!;
      return sum / there;
    });
    const scores = [0, 1].map((label) =>
      mean.reduce((sum, one, at) => sum + one * weight![at * 2 + label]!, bias![label]!),
    );
    const [a, b] = scores.map(Math.exp) as [number, number];
    expect(shares!.data[2 * index]).toBeCloseTo(a / (a + b), 5);
  });
  await model.release();
});

test("a graph of fixed sizes is fed as many texts, of as many tokens, as it takes", async () => {
  const model = decodeModel(encoderBytes());
  for (const { type } of model.graph.input) type.tensorType.shape.dim = [{ dimValue: 5 }, { dimValue: 17 }];
  const fixed = openGraph(encodeModel(model), "fixed.onnx");
  const tuned = await tune(fixed, train, validation, { ...usual, budget: { epochs: 6 } });
  expect(tuned.best!.accuracy).toBeGreaterThan(0.8);
  const seven = drawn(7, 4);
  const more = await tuned.accuracy(seven);
  expect((more * 7) % 1).toBeCloseTo(0, 9);
  expect(tuned.cut).toBeGreaterThanOrEqual(0);
  const images = decodeModel(encoderBytes());
  images.graph.input[0]!.type.tensorType.shape.dim = [
    { dimValue: 1 },
    { dimValue: 3 },
    { dimValue: 8 },
    { dimValue: 8 },
  ];
  await expect(tune(openGraph(encodeModel(images), "images.onnx"), train, [], usual)).rejects.toThrow(
    /^images\.onnx reads /,
  );
});

test("a signal ends it with the best weights so far", async () => {
  const controller = new AbortController();
  const { steps, best } = await tune(graph, train, validation, {
    ...usual,
    signal: controller.signal,
    onValidation: () => controller.abort(),
  });
  expect(steps).toBe(Math.floor(train.length / 11));
  expect(best!.step).toBe(steps);
});

test("what does not fit is said in one sentence", async () => {
  const tuned = (options: Partial<TuneOptions>, texts = train) =>
    tune(graph, texts, [], { ...usual, ...options });
  await expect(tuned({ output: "nothing" })).rejects.toThrow(
    'theirs.onnx gives no output "nothing" of single precision with a known number of features; it gives "pooled", "shares", "hidden".',
  );
  await expect(tuned({}, [{ label: "one", texts: ["i"] }])).rejects.toThrow('every text is "one"');
  expect(() => labelledTexts("a\tb\nc", "x.tsv")).toThrow("x.tsv, line 2 has 1 columns");
  expect(() => labelledTexts("a\tb\nc\td\te", "x.tsv")).toThrow(
    "x.tsv, line 2 has 2 texts, but those above have 1",
  );
  expect(() => labelledTexts("\n", "x.tsv")).toThrow("holds no texts");
});

test("a table is parted by what its texts say", () => {
  const texts = drawn(400, 5);
  const parts = parted([...texts, ...texts]);
  for (const part of Object.values(parts)) expect(part.length).toBeGreaterThan(0);
  const seen = new Set(parts.train.map(({ texts: [text] }) => text));
  for (const {
    texts: [text],
  } of [...parts.validation, ...parts.test])
    expect(seen.has(text)).toBe(false);
});
