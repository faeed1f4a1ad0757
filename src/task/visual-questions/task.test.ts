import { expect, test } from "vitest";
import type { Pixels, VisualQuestion } from "../../data/index.js";
import { maskOf, Tally } from "./score.js";
import { answered, visualQuestions } from "./task.js";

const pixels: Pixels = { width: 6, height: 4, data: new Uint8Array(72).fill(51) };
const asked = (question: string, answer?: string, more: Partial<VisualQuestion> = {}): VisualQuestion => ({
  name: "one.png",
  question: question.split(" ").filter((word) => word !== ""),
  ...(answer !== undefined && { answer }),
  pixels: async () => pixels,
  ...more,
});
const train = [
  asked("what is it", "a box"),
  asked("is it red", "no"),
  asked("is it red then", "no"),
  asked("is it", "yes"),
];
const data = { train, validation: train, tests: {}, size: [4, 6] as const };
const options = { vocabulary: { kind: "word" as const, size: 100, atLeast: 1 } };
const prepared = visualQuestions.prepare(data, options);
const float = (values: readonly number[]) => ({
  dtype: "float32" as const,
  shape: [values.length],
  data: Float32Array.from(values),
});

test("answers are those of training, the most frequent first, after one that stands for all others", () => {
  expect(prepared.answers).toEqual(["another answer", "no", "a box", "yes"]);
  expect(prepared.longest).toBe(25);
  expect(prepared.source.size).toBe(4 + 5);
  expect(visualQuestions.describe(prepared)).toBe("9 words of questions, 3 answers");
  const stored = JSON.parse(JSON.stringify(prepared));
  expect(visualQuestions.restored(stored)).toEqual(prepared);
  expect(() => visualQuestions.restored({ target: [] })).toThrow(
    "the run holds no answers to questions; it is of another task.",
  );
  expect(() => visualQuestions.prepare({ ...data, train: [train[1]!, train[2]!] }, options)).toThrow(
    'all 2 questions of training have the answer "no"; there is nothing to tell apart.',
  );
  expect(() => visualQuestions.prepare(data, { vocabulary: { ...options.vocabulary, atLeast: 9 } })).toThrow(
    "no word of a question occurs 9 times in the training data",
  );
});

test("questions are columns of words, and an answer that training has none of is that which stands for all others", async () => {
  const { values, decisions } = await visualQuestions.collate(
    [asked("is it red", "yes"), asked("what", "a whale")],
    prepared,
    { kind: "score" },
  );
  expect(values.image!.shape).toEqual([2, 4, 6, 3]);
  expect(values.image!.data[0]).toBeCloseTo(0.2);
  expect(values.question!.shape).toEqual([3, 2]);
  const [is, what, it, , red] = Array.from(values.question!.data);
  expect(prepared.source.spell([is!, it!, red!, what!])).toEqual(["is", "it", "red", "what"]);
  expect([...values.answer!.data]).toEqual([3, 0]);
  expect(decisions).toEqual([1, 1]);
  for (const [question, message] of [
    [asked(""), 'the question of "one.png" has no words; give a question.'],
    [asked("is ".repeat(26)), "has 26 words but the model reads at most 25; shorten it."],
    [asked("is it"), 'the question "is it" of "one.png" has no answer; give its answer.'],
  ] as const)
    await expect(visualQuestions.collate([question], prepared, { kind: "score" })).rejects.toThrow(message);
});

test("what is said is the likeliest of the answers that are known", () => {
  const found = answered({ logits: float([9, 1, 1 + Math.log(3), 1]) });
  expect(found.answer).toBe(2);
  const known = found.probabilities.slice(1);
  expect(found.probabilities.reduce((a, b) => a + b)).toBeCloseTo(1);
  expect(known[1]! / known[0]!).toBeCloseTo(3, 4);
});

test("hops are scored by the cell they look at most, beside places at random and the middle, and answers by kind", () => {
  const tally = new Tally();
  // 2 × 3 cells of 2 × 2 pixels; each box meets two cells, the second the one in the middle too.
  const size = [4, 6] as const;
  const boxes = [
    { x: 1, y: 0, width: 2, height: 2 },
    { x: 3, y: 2, width: 2, height: 2 },
  ];
  const looks = {
    hop1: float([0.1, 0.4, 0.2, 0.1, 0.1, 0.1]),
    hop2: float([0.3, 0.1, 0.1, 0.2, 0.1, 0.2]),
  };
  tally.add(asked("is it", "no", { kind: "small" }), true, 0.5);
  tally.look(asked("is it", "no", { kind: "small", evidence: boxes }), looks, size, { rows: 2, columns: 3 });
  tally.add(asked("is it", "yes", { kind: "small" }), false, 0.25);
  tally.add(asked("is it", "yes"), true, 1);
  const { loss, accuracy, hop1, hop2 } = tally.scores as Record<string, number>;
  expect([loss, accuracy, hop1, hop2]).toBeAllClose([Math.log(8) / 3, 2 / 3, 1, 0], 1e-9);
  const { details } = tally;
  expect(details["accuracy small"]).toBe(0.5);
  expect([details["hop1 small"], details["hop2 small"]]).toEqual([1, 0]);
  expect(Object.values(details).slice(3)).toBeAllClose([0.5, 2 / 6, 0, 0.3, 2 / 6, 1], 1e-6);
  expect(Object.keys(details).slice(3)).toEqual([
    ...["hop1Mass", "hop1Random", "hop1Centre"],
    ...["hop2Mass", "hop2Random", "hop2Centre"],
  ]);
  expect(maskOf(boxes[0]!, size).data.reduce((a, b) => a + b)).toBe(4);
});

test("an example keeps its image when another question is asked of it, and what was right is no longer known", () => {
  const one = asked("is it red", "no", { kind: "small", evidence: [] });
  const other = visualQuestions.changed!(one, { question: "What's THAT, then?" }, prepared, undefined);
  expect(other.question).toEqual(["what's", "that", "then"]);
  expect(other.pixels).toBe(one.pixels);
  expect(other).not.toHaveProperty("answer");
  expect(other).not.toHaveProperty("evidence");
  for (const [question, message] of [
    ["", "the question is empty; give a question."],
    ["…", 'the question is "…", without a word; give a question.'],
    [undefined, "this run answers questions; give it a question."],
  ] as const)
    expect(() => visualQuestions.changed!(one, { question: question! }, prepared, undefined)).toThrow(
      message,
    );
});
