import { expect, test } from "vitest";
import { type Pair, tokenise, Vocabulary } from "../../data/index.js";
import type { Scoring } from "../contract.js";
import type { TextVocabularies } from "../vocabularies.js";
import { reportOf } from "./report.js";

/** A model that writes what it is told to. */
function writing(texts: readonly string[], pairs: readonly Pair[]): Scoring<Pair, TextVocabularies> {
  const source = Vocabulary.of(pairs.map((pair) => pair.source));
  const target = Vocabulary.of([...texts.map(tokenise), ...pairs.map((pair) => pair.target)]);
  const evaluator = {
    async *force() {
      for (const example of pairs) yield { example, loss: 1, decisions: 2 };
    },
    write: async () =>
      texts.map((text) => [
        { tokens: target.segment(tokenise(text)).tokens, logProbability: 0, finished: true },
      ]),
  };
  return { evaluator: evaluator as never, parameters: {}, prepared: { source, target } };
}

const pairOf = (reference: string): Pair => ({
  source: tokenise("It is"),
  target: tokenise(reference),
  reference,
});

const lines = [
  "Es kostet $1,000.50 um 10:30",
  "Er sagte:\u00a0„Cafe\u0301“ , nicht  mehr (x/y).",
  "'s ochtends regent het",
];

test("what is written as its line in the file is right", async () => {
  const pairs = lines.map(pairOf);
  const { metrics, outputs } = await reportOf(writing(lines, pairs), pairs, { beam: 1 });
  expect(metrics.exact).toBe(1);
  expect(outputs.map(({ output }) => output)).toEqual([
    lines[0],
    "Er sagte: „Café“ , nicht mehr (x/y).",
    lines[2],
  ]);
  const [first] = pairs;
  const one = await reportOf(writing([lines[0]!], [first!]), [first!], { beam: 1 });
  expect([one.metrics.bleu, one.metrics.chrf]).toEqual([expect.closeTo(100, 9), 100]);
});

test("what is written is scored against the line of the file, not against its words", async () => {
  // As the words of the line were put together before, and what sacreBLEU 2.6 gives that.
  const pair = pairOf(lines[0]!);
  const found = await reportOf(writing(["Es kostet $ 1, 000. 50 um 10: 30"], [pair]), [pair], { beam: 1 });
  expect(found.outputs).toEqual([
    { source: "It is", output: "Es kostet $ 1, 000. 50 um 10: 30", references: [lines[0]] },
  ]);
  expect(found.metrics.bleu).toBeCloseTo(30.66148710292676, 9);
  expect(found.metrics.exact).toBe(0);
});
