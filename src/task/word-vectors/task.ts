import { z } from "zod";
import { PAD, Random, RegardError, UNKNOWN, UsageError } from "../../core/index.js";
import {
  type Analogy,
  expressionOf,
  Passage,
  type Splits,
  tokenBatch,
  unknownWord,
  Vocabulary,
  wordsAlone,
} from "../../data/index.js";
import { tokensValue } from "../../decode/index.js";
import { nearest, scoreAnalogies, shareRight } from "../../explain/index.js";
import type { WordSizes } from "../../models/index.js";
import { input } from "../../ops/index.js";
import type { Value, Values } from "../../session/index.js";
import type { PrepareOptions, Scoring, Task, Use } from "../contract.js";
import { scoreForced } from "../forced.js";
import { nearestLikelihood, shownNearest } from "../nearest.js";
import { measured } from "../scores.js";
import { remembered } from "../targets.js";
import { withWords } from "../vocabularies.js";

/** Words of the training text with how often each occurs, and what is known to be right of them. */
interface PreparedWords {
  readonly vocabulary: Vocabulary;
  /** Of each token; 0 for those that are no words. */
  readonly counts: readonly number[];
  readonly analogies: readonly Analogy[];
}

/** A word that is near. */
export interface Neighbour {
  readonly word: string;
  /** The cosine of the angle between the two vectors. */
  readonly cosine: number;
}

const stored = z.object({
  vocabulary: z.array(z.string()),
  counts: z.array(z.int().min(0)),
  analogies: z.array(
    z.object({ words: z.tuple([z.string(), z.string(), z.string(), z.string()]), relation: z.string() }),
  ),
});

/** Analogies that a validation asks. */
const MOST_ANALOGIES = 1000;
/** Neighbours that are shown. */
const SHOWN = 10;
/** Words of an expression at most. */
const LONGEST = 100;
/** Pairs of words by which a passage is scored, how far apart they are at most, and words drawn against each that is right. */
const [PAIRS, REACH, DRAWN] = [16, 5, 5] as const;
/** The exponent of the frequency by which they are drawn. */
const POWER = 0.75;
/** The first token that is a word's. */
const FIRST = UNKNOWN + 1;

/** The tokens of every word of a text, for what `Passage.numbers` names. */
const tokensOf = remembered((vocabulary: Vocabulary) =>
  remembered((lexicon: readonly string[]) => Int32Array.from(vocabulary.segment(lexicon).tokens)),
);

const textOf = ({ words, less }: Passage): string =>
  words
    .map((word, index) => (index === 0 && !less?.[0] ? word : `${less?.[index] ? "−" : "+"} ${word}`))
    .join(" ");

/** The tokens of a passage that are known, and what each counts: 1 where it is added, −1 where it is taken away. */
function terms(passage: Passage, { vocabulary }: PreparedWords): { tokens: number[]; signs: number[] } {
  const known = tokensOf(vocabulary)(passage.lexicon);
  const [tokens, signs]: [number[], number[]] = [[], []];
  passage.numbers.forEach((number, index) => {
    const token = known[number]!;
    if (token === UNKNOWN) return;
    tokens.push(token);
    signs.push(passage.less?.[index] ? -1 : 1);
  });
  return { tokens: tokens.slice(0, LONGEST), signs: signs.slice(0, LONGEST) };
}

/** Words and their signs side by side, [N, B]; beyond the end of each the sign is 0. */
function expressions(all: readonly { tokens: readonly number[]; signs: readonly number[] }[]): Values {
  const words = tokensValue(tokenBatch(all.map(({ tokens }) => (tokens.length > 0 ? tokens : [PAD]))));
  const signs: Value = { dtype: "float32", shape: words.shape, data: new Float32Array(words.data.length) };
  all.forEach((one, column) => {
    one.signs.forEach((sign, row) => {
      signs.data[row * all.length + column] = sign;
    });
  });
  return { words, signs };
}

/** Where words lie on a line, each as long as it is drawn often: the ends of their stretches. */
const stretches = remembered((counts: readonly number[]) => {
  let end = 0;
  return Float64Array.from(counts, (count) => {
    end += count ** POWER;
    return end;
  });
});

/** A word by its frequency to the power of 3/4. */
function drawWord(counts: readonly number[], random: Random): number {
  const ends = stretches(counts);
  const at = random.uniform() * ends.at(-1)!;
  let [low, high] = [0, ends.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle]! > at) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Pairs of a word and one beside it, with words drawn in its place: the same of a passage whenever it is scored.
 * `centre` [P, B], `contexts` [P, B, C] of which the first is right, `counted` [P, B].
 */
function scoredPairs(passages: readonly Passage[], { vocabulary, counts }: PreparedWords) {
  const [B, C] = [passages.length, 1 + DRAWN];
  const centre = new Int32Array(PAIRS * B);
  const contexts = new Int32Array(PAIRS * B * C);
  const counted = new Float32Array(PAIRS * B);
  const decisions = passages.map((passage, column) => {
    const known = tokensOf(vocabulary)(passage.lexicon);
    const tokens = Array.from(passage.numbers, (number) => known[number]!).filter(
      (token) => token !== UNKNOWN,
    );
    if (tokens.length < 2) return 0;
    const random = new Random(0, `pairs ${tokens.slice(0, PAIRS).join(" ")}`);
    for (let pair = 0; pair < PAIRS; pair++) {
      const at = random.integer(tokens.length);
      const [from, to] = [Math.max(0, at - REACH), Math.min(tokens.length - 1, at + REACH)];
      let other = from + random.integer(to - from);
      if (other >= at) other++;
      const slot = pair * B + column;
      centre[slot] = tokens[at]!;
      contexts[slot * C] = tokens[other]!;
      for (let drawn = 1; drawn < C; drawn++) contexts[slot * C + drawn] = drawWord(counts, random);
      counted[slot] = 1;
    }
    return PAIRS;
  });
  return {
    values: {
      centre: { dtype: "int32", shape: [PAIRS, B], data: centre },
      contexts: { dtype: "int32", shape: [PAIRS, B, C], data: contexts },
      counted: { dtype: "float32", shape: [PAIRS, B], data: counted },
    } satisfies Values,
    decisions,
  };
}

/** Words of passages one after another, −1 between passages; what is not known is left out. */
function runningText(passages: readonly Passage[], { vocabulary }: PreparedWords): Int32Array {
  const text = new Int32Array(passages.reduce((sum, { length }) => sum + length + 1, 0));
  let count = 0;
  for (const passage of passages) {
    const known = tokensOf(vocabulary)(passage.lexicon);
    for (const number of passage.numbers) if (known[number] !== UNKNOWN) text[count++] = known[number]!;
    text[count++] = -1;
  }
  return text.subarray(0, count);
}

async function scored(scoring: Scoring<Passage, PreparedWords>, passages: readonly Passage[]) {
  const { evaluator, parameters, prepared } = scoring;
  const { loss } = await scoreForced(scoring, passages);
  const { vocabulary, analogies: asked } = prepared;
  const analogies = shareRight(
    await scoreAnalogies(
      asked.map(({ words, relation }) => ({
        rows: vocabulary.segment(words).tokens.map((token) => (token === UNKNOWN ? undefined : token)),
        relation,
      })),
      async (sums) => {
        const passages = sums.map(({ rows, signs }) =>
          Passage.of(
            vocabulary.spell(rows),
            signs.map((sign) => sign < 0),
          ),
        );
        const found = await evaluator.predict(parameters, passages);
        return found.map(({ outputs }) => outputs.similarities!.data);
      },
      { first: FIRST },
    ),
  );
  return { loss, ...measured({ analogies }) };
}

/** Vectors of words, learnt from running text. */
export const wordVectors: Task<Passage, PreparedWords, WordSizes, readonly Neighbour[]> = {
  id: "word-vectors",
  examples: "passages",
  words: { example: "expression", place: "word", decision: "nearest word", cause: "word" },
  takes: "text",
  texts: true,
  defaults: {
    data: "relations",
    batch: 256,
    targets: 1,
    learningRate: 0.05,
    optimizer: { name: "sgd" },
    clip: 100,
    labelSmoothing: 0,
  },
  scores: [{ id: "analogies", title: "analogies answered", unit: "share", better: "higher", primary: true }],
  prepare(data: Splits<Passage>, { vocabulary: options }: PrepareOptions) {
    if (options.kind === "byte-pair")
      throw new UsageError("vectors are of whole words; leave out --vocabulary byte-pair.");
    const counts = new Map<string, number>();
    const byLexicon = new Map<readonly string[], Float64Array>();
    for (const { lexicon, numbers } of data.train) {
      const found = byLexicon.get(lexicon) ?? new Float64Array(lexicon.length);
      byLexicon.set(lexicon, found);
      for (const number of numbers) found[number]!++;
    }
    for (const [lexicon, found] of byLexicon)
      lexicon.forEach((word, number) => {
        if (found[number]! > 0) counts.set(word, (counts.get(word) ?? 0) + found[number]!);
      });
    const vocabulary = Vocabulary.ofCounts(counts, options);
    withWords({ target: vocabulary }, options);
    const every = Math.ceil((data.analogies?.length ?? 0) / MOST_ANALOGIES);
    return {
      vocabulary,
      counts: vocabulary.words.map((word, token) => (token >= FIRST ? counts.get(word)! : 0)),
      analogies: (data.analogies ?? []).filter((_, index) => index % every === 0),
    };
  },
  restored(found) {
    const { success, data } = stored.safeParse(found);
    if (!success || data.counts.length !== data.vocabulary.length)
      throw new RegardError(
        "the run has no words with their counts; its vocabulary.json is of another task.",
      );
    return { ...data, vocabulary: Vocabulary.from(data.vocabulary) };
  },
  describe: ({ vocabulary, counts }) =>
    `${(vocabulary.size - FIRST).toLocaleString("en")} words of a text of ${counts.reduce((a, b) => a + b, 0).toLocaleString("en")}`,
  sizes: ({ counts }) => ({ counts }),
  inputs: () => ({
    words: input("words", "int32", ["expression", "batch"]),
    signs: input("signs", "float32", ["expression", "batch"]),
  }),
  targets: (_, batch) => ({
    centre: input("centre", "int32", [PAIRS, batch]),
    contexts: input("contexts", "int32", [PAIRS, batch, 1 + DRAWN]),
    counted: input("counted", "float32", [PAIRS, batch]),
    answer: input("answer", "int32", [batch]),
  }),
  sizing: {
    options: z.object({
      words: z.int().min(2).max(1_000_000).default(30_000).describe("words of the vocabulary"),
    }),
    of: (_, { vocabulary }) => ({ words: vocabulary.size }),
    sizes: ({ words }) => ({ counts: Array.from({ length: words }, () => 1) }),
    lengths: { expression: 3 },
  },
  length: ({ length }) => Math.min(length, LONGEST),
  async collate(passages, prepared, use: Use) {
    if (use.kind === "train") {
      const text = runningText(passages, prepared);
      return {
        values: { text: { dtype: "int32", shape: [text.length], data: text } },
        decisions: passages.map(({ length }) => length),
      };
    }
    const read = expressions(passages.map((passage) => terms(passage, prepared)));
    if (use.kind === "ask") return { values: read, decisions: [] };
    const { values, decisions } = scoredPairs(passages, prepared);
    return { values: { ...read, ...values }, decisions };
  },
  drive: { kind: "once" },
  validate: scored,
  async report(scoring, passages) {
    return { metrics: await scored(scoring, passages), outputs: [] };
  },
  form: () => [
    {
      name: "text",
      title: "Words, added and taken away",
      kind: "text",
      longest: LONGEST,
      placeholder: "king - man + woman",
    },
  ],
  example({ text }, { vocabulary }) {
    if (typeof text !== "string") throw new UsageError("this run reads words; give it a text.");
    const { words, less } = expressionOf(text, wordsAlone);
    const { tokens } = vocabulary.segment(words);
    const unknown = words.find((_, index) => tokens[index] === UNKNOWN);
    if (unknown !== undefined) throw new UsageError(unknownWord(unknown, vocabulary.words.slice(FIRST)));
    return Passage.of(words, less);
  },
  card: async (passage) => ({ title: textOf(passage), expected: [] }),
  title: textOf,
  async places({ words, less }) {
    return {
      words: { kind: "tokens", labels: words.map((word, index) => (less?.[index] ? `−${word}` : word)) },
    };
  },
  read({ similarities }, passage, prepared) {
    const { tokens } = terms(passage, prepared);
    return nearest(similarities!.data, SHOWN, tokens, { first: FIRST }).map((token) => ({
      word: prepared.vocabulary.words[token]!,
      cosine: similarities!.data[token]!,
    }));
  },
  show: async (_, neighbours) =>
    shownNearest(
      "words",
      neighbours.map(({ word, cosine }) => ({ label: word, cosine })),
    ),
  taken: ([best], _, { vocabulary }) => ({
    answer: {
      dtype: "int32",
      shape: [1],
      data: Int32Array.of(best ? vocabulary.segment([best.word]).tokens[0]! : UNKNOWN),
    },
  }),
  likelihood: ({ similarities }, { answer }) => nearestLikelihood(similarities!, answer!),
  variants({ words, signs }) {
    const count = words!.shape[0]!;
    const all = Array.from({ length: count + 1 }, (_, variant) => ({
      tokens: Array.from(words!.data),
      signs: Array.from(signs!.data, (sign, row) => (row === variant - 1 ? 0 : sign)),
    }));
    return { over: "words", count, values: expressions(all) };
  },
  without: "once a word is left out of the sum",
};
