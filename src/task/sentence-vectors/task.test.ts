import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { normals, parametersOf, runOnce } from "../../../test/run.js";
import { readText } from "../../data/format/text.node.js";
import { datasets, type Passage, Passages } from "../../data/index.js";
import { skipThought } from "../../models/index.js";
import { Mode, Scope } from "../../nn/index.js";
import { sentenceVectors } from "./task.js";

const passages = new Passages();
/** A passage of sentences, given with bars between. */
function passage(text: string): Passage {
  const sentences = text.split("|").map((one) => one.trim().split(" "));
  let end = 0;
  return passages.add(sentences.flat(), {
    ends: sentences.map(({ length }) => {
      end += length;
      return end;
    }),
  });
}

const train = [passage("a b c | d a | b b e d"), passage("c d | e a a"), passage("e e b")];
const prepared = sentenceVectors.prepare(
  { train, validation: [passage("a b c d | e d c")], tests: {} },
  { vocabulary: {} },
);
const use = { kind: "train", seed: 3, step: 7, targets: 1, augment: [] } as const;
const spelt = (tokens: ArrayLike<number>) =>
  prepared.words.spell(Array.from(tokens).filter((token) => token !== 0)).join(" ");

describe("the encoder and the decoders", () => {
  const [E, H] = [3, 5];
  const scope = Scope.root("float64");
  const sizes = { words: prepared.words.size, written: prepared.words.size };
  const model = skipThought.build(scope, skipThought.configuration.parse({ embedding: E, hidden: H }), sizes);
  const parameters = Object.fromEntries(
    Object.entries(parametersOf(scope)).map(([name, { shape }]) => [name, normals(name, shape)]),
  );
  const mode = Mode.plain({ dtype: "float64" });
  const inputs = sentenceVectors.inputs(sizes);
  const at = (name: string, row: number, column: number) => {
    const { shape, data } = parameters[name]!;
    return data[row * (shape[1] ?? 1) + column]!;
  };
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

  /** A GRU's step by (1–4), or by (5–8) where it is told of a sentence. */
  function step(name: string, token: number, h: readonly number[], told?: readonly number[]): number[] {
    const drive = (column: number) => {
      let sum = parameters[`${name}.bias`]!.data[column]!;
      for (let k = 0; k < E; k++) sum += at("words.table", token, k) * at(`${name}.input`, k, column);
      told?.forEach((value, k) => {
        sum += value * at(`${name}.told.weight`, k, column);
      });
      return sum;
    };
    const product = (state: readonly number[], matrix: string, column: number) =>
      state.reduce((sum, value, k) => sum + value * at(`${name}.${matrix}`, k, column), 0);
    const reset = h.map((_, unit) => sigmoid(drive(unit) + product(h, "gates", unit)));
    const gated = h.map((value, unit) => value * reset[unit]!);
    return h.map((value, unit) => {
      const update = sigmoid(drive(H + unit) + product(h, "gates", H + unit));
      const candidate = Math.tanh(drive(2 * H + unit) + product(gated, "candidate", unit));
      return (1 - update) * value + update * candidate;
    });
  }
  const encoded = (words: readonly string[]) =>
    prepared.words
      .segment(words)
      .tokens.reduce((h, token) => step("encoder", token, h), new Array<number>(H).fill(0));

  test("a sentence is the last state of the GRU, whatever is beside it", async () => {
    const sentences = train.flatMap(({ sentences }) => sentences);
    const { values } = await sentenceVectors.collate(sentences, prepared, { kind: "ask" });
    const { outputs } = model.once!(inputs, mode);
    const { vector, cosines } = await runOnce(outputs, { ...parameters, ...values });
    expect(vector).toBeAllClose(
      sentences.flatMap(({ words }) => encoded(words)),
      1e-9,
    );
    expect(cosines!.shape).toEqual([6, 2]);
    const [a, b] = [encoded(sentences[1]!.words), encoded(["e", "d", "c"])];
    const dot = (x: readonly number[], y: readonly number[]) =>
      x.reduce((sum, one, k) => sum + one * y[k]!, 0);
    expect(cosines!.data[1 * 2 + 1]).toBeCloseTo(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)), 9);
  });

  test("loses what its neighbours' words cost the decoders, and nothing where there is none", async () => {
    const { values, decisions } = await sentenceVectors.collate(train, prepared, { kind: "score" });
    const { losses } = model.objective({ ...inputs, ...sentenceVectors.targets(sizes, "batch") }, mode);
    const found = (await runOnce({ losses }, { ...parameters, ...values })).losses!;
    expect(found.shape).toEqual([5, 2, 3]);
    const cost = (side: string, told: readonly number[], sentence: string) => {
      const tokens = [...prepared.words.segment(sentence.split(" ")).tokens, 2];
      let [h, before, sum] = [new Array<number>(H).fill(0), 1, 0];
      for (const token of tokens) {
        h = step(side, before, h, told);
        const logits = Array.from({ length: sizes.words }, (_, word) =>
          h.reduce(
            (all, one, k) => all + one * at("output.weight", k, word),
            parameters["output.bias"]!.data[word]!,
          ),
        );
        sum += Math.log(logits.reduce((all, one) => all + Math.exp(one), 0)) - logits[token]!;
        before = token;
      }
      return sum;
    };
    const sumOf = (side: number, column: number) =>
      [0, 1, 2, 3, 4].reduce((sum, row) => sum + found.data[(row * 2 + side) * 3 + column]!, 0);
    const middle = encoded(["d", "a"]);
    expect(sumOf(0, 0)).toBeCloseTo(cost("before", middle, "a b c"), 8);
    expect(sumOf(1, 0)).toBeCloseTo(cost("after", middle, "b b e d"), 8);
    // The second passage is scored by its last sentence, the third has one sentence and no neighbour.
    expect(sumOf(0, 1)).toBeCloseTo(cost("before", encoded(["e", "a", "a"]), "c d"), 8);
    expect(sumOf(1, 1)).toBe(0);
    expect(decisions).toEqual([4 + 5, 3, 2]);
  });
});

test("a step learns sentences that have neighbours, those of long passages as often as those of short ones", async () => {
  const often = new Map<string, number>();
  const draws = 300;
  for (let step = 0; step < draws; step++) {
    const { values, decisions } = await sentenceVectors.collate(train, prepared, { ...use, step });
    expect(values.target!.shape).toEqual([expect.any(Number), 2, 3]);
    expect(decisions.every((count) => count > 0)).toBe(true);
    const rows = values.sentence!.data.length / 3;
    for (const column of [0, 1, 2]) {
      const sentence = spelt(
        Array.from({ length: rows }, (_, row) => values.sentence!.data[row * 3 + column]!),
      );
      often.set(sentence, (often.get(sentence) ?? 0) + 1 / (3 * draws));
    }
  }
  expect([...often.keys()].sort()).toEqual(["a b c", "b b e d", "c d", "d a", "e a a"]);
  for (const share of often.values()) expect(Math.abs(share - 1 / 5)).toBeLessThan(0.05);
  const again = await sentenceVectors.collate(train, prepared, use);
  expect(await sentenceVectors.collate(train, prepared, use)).toEqual(again);
  // Nothing to learn of: what is beside each is the end, so that the loss stays a number.
  const { decisions } = await sentenceVectors.collate([train[2]!], prepared, use);
  expect(decisions).toEqual([2]);
});

test("text without neighbours is refused", () => {
  const lonely = [passage("a b c"), passage("d e")];
  expect(() =>
    sentenceVectors.prepare({ train: lonely, validation: lonely, tests: {} }, { vocabulary: {} }),
  ).toThrow(
    "none of the 2 passages of training has two sentences, of which one could be learnt from the other; give text with several sentences a line.",
  );
});

test("stories say what each of their sentences means, one thing after another, and none of a test is trained on", async () => {
  const data = await datasets.find(({ id }) => id === "stories")!.load(2);
  const told = new Set<number>();
  for (const story of data.tests.test! as Passage[]) {
    const { sentences, meanings } = story;
    expect(sentences.flatMap(({ words }) => words)).toEqual(story.words);
    meanings!.forEach((meaning, index) => {
      if (index > 0) expect(meaning).toBe(meanings![index - 1]! + 1);
      told.add(meaning);
    });
  }
  expect(told.size).toBe(36);
  const trained = new Set((data.train as Passage[]).map(({ words }) => words.join(" ")));
  for (const { words } of data.tests.test! as Passage[]) expect(trained.has(words.join(" "))).toBe(false);
});

test("a line of text is parted into sentences", async () => {
  const folder = await mkdtemp(join(tmpdir(), "regard-lines-"));
  const lines = [
    'He said "No." Mr. Smith left at 10.30. Then… It rained! "Why?" she asked. E.g. this one',
    "One sentence without an end",
    "Third line here. Also 3 words.",
    ...Array.from({ length: 200 }, (_, line) => `filler number ${line} goes here. And on it goes`),
  ];
  await writeFile(join(folder, "text.txt"), lines.join("\n"));
  const { train, validation, tests } = await readText(folder);
  const all = [...train, ...validation, ...tests.test!];
  const sentences = (text: string) =>
    all.find(({ words }) => words.join(" ").startsWith(text))!.sentences.map(({ words }) => words.join(" "));
  expect(sentences("he said")).toEqual([
    "he said no",
    "mr smith left at 10.30",
    "then",
    "it rained",
    "why she asked",
    expect.stringContaining("this one"),
  ]);
  expect(sentences("one sentence")).toEqual(["one sentence without an end"]);
  expect(sentences("third")).toEqual(["third line here", "also 3 words"]);
  await rm(folder, { recursive: true });
});

test("an example of a passage is its first sentence, which is what people ask about", async () => {
  expect(await sentenceVectors.card(train[0]!)).toEqual({ title: "a b c", expected: [] });
  expect(await sentenceVectors.card(train[2]!)).toEqual({ title: "e e b", expected: [] });
});
