import { z } from "zod";
import { RegardError, UNKNOWN, UsageError } from "../../core/index.js";
import { type SentencePair, Vocabulary, wordsAlone } from "../../data/index.js";
import { correlation, rankCorrelation } from "../../explain/index.js";
import { type SentencePairSizes, similarityLosses } from "../../models/index.js";
import { input, neg } from "../../ops/index.js";
import type { Value, Values } from "../../session/index.js";
import type { Scoring, Task } from "../contract.js";
import { scoreForced } from "../forced.js";
import type { FieldValue } from "../form.js";
import { measured } from "../scores.js";
import { remembered } from "../targets.js";
import { withWords } from "../vocabularies.js";
import { calibrated, risingSteps, type Steps } from "./calibration.js";

/** Words of training, from where to where scores go, and pairs by which what is found is brought to points. */
interface PreparedPairs {
  readonly words: Vocabulary;
  readonly range: readonly [least: number, most: number];
  readonly held: readonly SentencePair[];
}

/** How alike two sentences are, 0 to 1. */
type Similarity = number;

const storedPairs = z.object({
  words: z.array(z.string()),
  range: z.tuple([z.number(), z.number()]),
  held: z.array(z.object({ first: z.array(z.string()), second: z.array(z.string()), score: z.number() })),
});

/** Pairs of validation that are kept to calibrate by. */
const MOST_HELD = 1000;
/** Words of a sentence that people may give. */
const LONGEST = 100;
/** What stands between two sentences where they stand in one line. */
const BETWEEN = "/";

const tokensOf = remembered(
  (words: Vocabulary) => (sentence: readonly string[]) => words.segment(sentence).tokens,
);

/** Sentences side by side, [S, B], padded at the end to one length for both. */
function readValues(pairs: readonly SentencePair[], { words }: PreparedPairs): Values {
  const tokens = pairs.map(
    ({ first, second }) => [first, second].map(tokensOf(words)) as [number[], number[]],
  );
  const longest = Math.max(1, ...tokens.flat().map(({ length }) => length));
  const side = (which: 0 | 1): Value => {
    const data = new Int32Array(longest * pairs.length);
    tokens.forEach((both, column) => {
      both[which].forEach((token, row) => {
        data[row * pairs.length + column] = token;
      });
    });
    return { dtype: "int32", shape: [longest, pairs.length], data };
  };
  return { first: side(0), second: side(1) };
}

const scoreValue = (scores: readonly number[]): Value => ({
  dtype: "float32",
  shape: [scores.length],
  data: Float32Array.from(scores),
});

/** A score as a share of its range. */
const shareOf = ({ range: [least, most] }: PreparedPairs, score: number): number =>
  (score - least) / (most - least);

const textOf = ({ first, second }: SentencePair): string =>
  `${first.join(" ")} ${BETWEEN} ${second.join(" ")}`;

async function similarities(
  { evaluator, parameters }: Scoring<SentencePair, PreparedPairs>,
  pairs: readonly SentencePair[],
): Promise<number[]> {
  const found = await evaluator.predict(parameters, pairs);
  return found.map(({ outputs }) => outputs.similarity!.data[0]!);
}

async function scored(scoring: Scoring<SentencePair, PreparedPairs>, pairs: readonly SentencePair[]) {
  const { loss } = await scoreForced(scoring, pairs);
  const found = await similarities(scoring, pairs);
  const right = pairs.map(({ score }) => score!);
  const r = correlation(found, right);
  const rank = rankCorrelation(found, right);
  return { loss, found, right, r, rank };
}

/** What held-out pairs say of what is found. */
async function stepsOf(scoring: Scoring<SentencePair, PreparedPairs>): Promise<Steps> {
  const { held } = scoring.prepared;
  const found = await similarities(scoring, held);
  return risingSteps(held.map(({ score }, index) => [found[index]!, score!]));
}

/** A sentence that was given. @throws UsageError for none, and for one that is too long */
function sentenceOf(given: FieldValue | undefined, which: string): string[] {
  const words = typeof given === "string" ? wordsAlone(given) : [];
  if (words.length === 0)
    throw new UsageError(`the ${which} sentence has no word; give one, such as "a dog runs in the park".`);
  if (words.length > LONGEST)
    throw new UsageError(`the ${which} sentence has ${words.length} words; give at most ${LONGEST}.`);
  return words;
}

/** How alike two sentences are in what they say. */
export const sentencePairs: Task<SentencePair, PreparedPairs, SentencePairSizes, Similarity> = {
  id: "sentence-pairs",
  examples: "pairs of sentences",
  words: { example: "pair", place: "word", decision: "similarity", cause: "word" },
  takes: "sentence pairs",
  texts: true,
  defaults: {
    data: "edits",
    batch: 32,
    targets: 1,
    learningRate: 0.003,
    optimizer: { name: "adam" },
    clip: 5,
    labelSmoothing: 0,
  },
  scores: [
    { id: "pearson", title: "Pearson's r", unit: "share", better: "higher", primary: true },
    { id: "spearman", title: "Spearman's rank correlation", unit: "share", better: "higher" },
  ],
  prepare({ train, validation }, { vocabulary: options }) {
    const words = Vocabulary.of(
      train.flatMap(({ first, second }) => [first, second]),
      options,
    );
    withWords({ target: words }, options);
    const scores = train.map(({ score }) => score!);
    const [least, most] = scores.reduce(
      ([least, most], score) => [Math.min(least, score), Math.max(most, score)],
      [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    );
    if (!(least < most))
      throw new UsageError(
        `all ${train.length} pairs of training have the score ${least}; there is nothing to tell apart.`,
      );
    return {
      words,
      range: [least, most],
      held: validation.slice(0, MOST_HELD).map(({ edit, ...pair }) => pair),
    };
  },
  restored(given) {
    const { success, data } = storedPairs.safeParse(given);
    if (!success) throw new RegardError("the run holds no pairs of sentences; it is of another task.");
    return { ...data, words: Vocabulary.from(data.words) };
  },
  describe: ({ words, range: [least, most] }) =>
    `${words.size.toLocaleString("en")} ${words.kind === "word" ? "words" : "pieces"}, scores from ${least} to ${most}`,
  sizes: ({ words }) => ({ words: words.size }),
  inputs: () => ({
    first: input("first", "int32", ["length", "batch"]),
    second: input("second", "int32", ["length", "batch"]),
  }),
  targets: (_, batch) => ({ score: input("score", "float32", [batch]) }),
  sizing: {
    options: z.object({
      words: z.int().min(4).max(1_000_000).default(2400).describe("words of the vocabulary"),
    }),
    of: (_, { words }) => ({ words: words.size }),
    sizes: ({ words }) => ({ words }),
    lengths: { length: 10 },
  },
  length: ({ first, second }) => Math.max(first.length, second.length),
  order: ({ first, second }) => Math.max(first.length, second.length),
  longest: ({ first, second }, { words }) =>
    Math.max(...[first, second].map((one) => tokensOf(words)(one).length)),
  async collate(pairs, prepared, use) {
    const values = readValues(pairs, prepared);
    if (use.kind === "ask") return { values, decisions: [] };
    return {
      values: { ...values, score: scoreValue(pairs.map(({ score }) => shareOf(prepared, score!))) },
      decisions: pairs.map(() => 1),
    };
  },
  drive: { kind: "once" },
  async validate(scoring, pairs) {
    const { loss, r, rank } = await scored(scoring, pairs);
    return { loss, ...measured({ pearson: r, spearman: rank }) };
  },
  async report(scoring, pairs) {
    const { loss, found, right, r, rank } = await scored(scoring, pairs);
    const steps = await stepsOf(scoring);
    const points = found.map((one) => calibrated(steps, one));
    const squares = points.reduce((sum, one, index) => sum + (one - right[index]!) ** 2, 0) / points.length;
    return {
      metrics: {
        loss,
        ...measured({
          pearson: r,
          spearman: rank,
          calibratedPearson: correlation(points, right),
          squaredError: squares,
        }),
      },
      outputs: pairs.map((pair, index) => ({
        source: textOf(pair),
        output: points[index]!.toFixed(2),
        references: [String(pair.score)],
      })),
    };
  },
  form: () => [
    {
      name: "first",
      title: "First sentence",
      kind: "text",
      longest: LONGEST,
      placeholder: "a dog runs in the park",
    },
    {
      name: "second",
      title: "Second sentence",
      kind: "text",
      longest: LONGEST,
      placeholder: "a dog is running outside",
    },
  ],
  example: ({ first, second }) => ({
    first: sentenceOf(first, "first"),
    second: sentenceOf(second, "second"),
  }),
  card: async (pair) => ({
    title: textOf(pair),
    expected: pair.score === undefined ? [] : [`${pair.score}${pair.edit ? `: ${pair.edit}` : ""}`],
  }),
  title: textOf,
  async places({ first, second }) {
    return { words: { kind: "tokens", labels: [...first, ...second] } };
  },
  read: ({ similarity }) => similarity!.data[0]!,
  async show(pair, similarity, { range: [least, most], words }) {
    const score = least + similarity * (most - least);
    const output = `${score.toFixed(2)} of ${least} to ${most}`;
    return {
      output,
      steps: [{ label: output }],
      blocks: [
        { kind: "classes", title: textOf(pair), items: [{ label: "alike", probability: similarity }] },
        ...(pair.score === undefined
          ? []
          : [
              {
                kind: "text" as const,
                title: "People say",
                text: `${pair.score}${pair.edit ? ` (${pair.edit})` : ""}`,
              },
            ]),
      ],
      references: pair.score === undefined ? [] : [String(pair.score)],
      unknown: [...pair.first, ...pair.second].filter((word) => tokensOf(words)([word])[0] === UNKNOWN),
    };
  },
  taken: (similarity) => ({ score: scoreValue([similarity]) }),
  likelihood: ({ similarity }, { score }) => neg(similarityLosses(similarity!, score!)),
  variants({ first, second }) {
    const lengths = [first!, second!].map(
      ({ data }) => Array.from(data).filter((token) => token !== 0).length,
    );
    const count = lengths[0]! + lengths[1]!;
    const longest = first!.shape[0]!;
    const side = (value: Value, from: number): Value => {
      const data = new Int32Array(longest * (count + 1));
      for (let variant = 0; variant <= count; variant++)
        for (let row = 0; row < longest; row++)
          // A word that is left out is one that is not known, so that its place remains.
          data[row * (count + 1) + variant] =
            variant > 0 && row === variant - 1 - from ? UNKNOWN : value.data[row]!;
      return { dtype: "int32", shape: [longest, count + 1], data };
    };
    return { over: "words", count, values: { first: side(first!, 0), second: side(second!, lengths[0]!) } };
  },
  without: "once a word is one that is not known",
};
