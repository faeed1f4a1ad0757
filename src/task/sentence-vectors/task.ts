import { z } from "zod";
import { END, PAD, Random, RegardError, START, UNKNOWN, UsageError } from "../../core/index.js";
import { Passage, tokenBatch, Vocabulary, wordsAlone } from "../../data/index.js";
import { tokensValue } from "../../decode/index.js";
import { nearest } from "../../explain/index.js";
import type { SentenceSizes } from "../../models/index.js";
import { input } from "../../ops/index.js";
import type { Value } from "../../session/index.js";
import type { Scoring, Task } from "../contract.js";
import { scoreForced } from "../forced.js";
import { nearestLikelihood, shownNearest } from "../nearest.js";
import { measured } from "../scores.js";
import { remembered } from "../targets.js";
import { withWords } from "../vocabularies.js";

/** Words of training, and sentences that others are compared with. */
interface PreparedSentences {
  readonly words: Vocabulary;
  /** How many of them were trained on, where others are only read. */
  readonly written?: number | undefined;
  readonly known: readonly { readonly words: readonly string[]; readonly meaning?: number | undefined }[];
}

/** What a sentence comes to. */
interface Found {
  readonly vector: ArrayLike<number>;
  /** Of the known sentences, the nearest first. */
  readonly neighbours: readonly { readonly index: number; readonly cosine: number }[];
}

const stored = z.object({
  words: z.union([
    z.array(z.string()),
    z.object({ pieces: z.array(z.string()), merges: z.array(z.tuple([z.string(), z.string()])) }),
  ]),
  written: z.int().min(1).optional(),
  known: z.array(z.object({ words: z.array(z.string()), meaning: z.int().optional() })),
});

/** Words that are read and written of a sentence. */
const LONGEST = 30;
/** Sentences that others are compared with, and words that each has at least. */
const [MOST_KNOWN, SHORTEST] = [256, 3] as const;
/** Sentences by which a validation says how near neighbours are. */
const MOST_COMPARED = 512;
/** Neighbours that are shown. */
const SHOWN = 10;
/** The share of their words up to which two sentences are worded otherwise. */
const ALIKE = 0.5;

/** A passage as its sentences. */
const sentencesOf = remembered((passage: Passage) => passage.sentences);
const tokensOf = remembered((words: Vocabulary) =>
  remembered((sentence: Passage) => words.segment(sentence.words.slice(0, LONGEST)).tokens),
);

/** A sentence with those before and after it in its passage. */
interface Neighbourhood {
  readonly sentence: Passage;
  readonly before?: Passage | undefined;
  readonly after?: Passage | undefined;
}

const neighbourhoods = remembered((passage: Passage): Neighbourhood[] => {
  const all = sentencesOf(passage);
  return all.map((sentence, index) => ({ sentence, before: all[index - 1], after: all[index + 1] }));
});

/**
 * Sentences with neighbours out of passages, as many as there are passages, by chance; those of long passages as often as those of short
 * ones. Where there are fewer, they come again; where none has a neighbour, what is beside each is the end.
 */
function drawn(passages: readonly Passage[], seed: number, step: number): Neighbourhood[] {
  const all = passages.flatMap(neighbourhoods);
  const beside = all.filter(({ before, after }) => before ?? after);
  const order = new Random(seed, "sentences", step).shuffle([...(beside.length > 0 ? beside : all)]);
  return passages.map((_, index) => order[index % order.length]!);
}

/** The neighbourhood that a passage is scored by: that of its middle sentence. */
function middleOf(passage: Passage): Neighbourhood {
  const all = neighbourhoods(passage);
  return all[Math.floor(all.length / 2)]!;
}

/** Tokens that can be written of a sentence, from START to END. */
const writtenOf = (sentence: Passage, { words, written = words.size }: PreparedSentences): number[] => [
  START,
  ...tokensOf(words)(sentence).map((token) => (token < written ? token : UNKNOWN)),
  END,
];

/** int32 [T, 2, B]: what stands before each sentence, then what stands after it; PAD where there is nothing. */
function targetsOf(
  found: readonly Neighbourhood[],
  prepared: PreparedSentences,
): { target: Value; decisions: number[] } {
  const sides = (["before", "after"] as const).map((side) =>
    found.map(({ before, after }) => {
      const beside = side === "before" ? before : after;
      if (beside) return writtenOf(beside, prepared);
      return before || after ? [START] : [START, END];
    }),
  );
  const { length, data } = tokenBatch(sides.flat());
  return {
    target: { dtype: "int32", shape: [length, 2, found.length], data },
    decisions: found.map((_, column) => sides.reduce((sum, side) => sum + side[column]!.length - 1, 0)),
  };
}

const readOf = (sentences: readonly Passage[], words: Vocabulary): Value =>
  tokensValue(
    tokenBatch(
      sentences.map((sentence) => {
        const tokens = tokensOf(words)(sentence);
        return tokens.length > 0 ? tokens : [PAD];
      }),
    ),
  );

const knownValue = remembered((prepared: PreparedSentences) =>
  readOf(
    prepared.known.map(({ words }) => Passage.of(words)),
    prepared.words,
  ),
);

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!;
  return sum;
};
const cosineOf = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b) || 1);

/** The share of the words of both that two sentences share. */
function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0;
  for (const word of a) if (b.has(word)) shared++;
  return shared / (a.size + b.size - shared || 1);
}

/**
 * How vectors of sentences lie: `beside`, the share of sentences to which the next of the text is nearer than one drawn by chance, and, where it is
 * known what sentences say, `meaning`: the share of which the nearest sentence that is worded otherwise says the same.
 */
async function lying(
  { evaluator, parameters }: Scoring<Passage, PreparedSentences>,
  passages: readonly Passage[],
): Promise<{ beside?: number | undefined; meaning?: number | undefined }> {
  const sentences: Passage[] = [];
  const follows: boolean[] = [];
  for (const passage of passages) {
    if (sentences.length >= MOST_COMPARED) break;
    for (const [index, sentence] of sentencesOf(passage).entries()) {
      sentences.push(sentence);
      follows.push(index > 0);
    }
  }
  const vectors = (await evaluator.predict(parameters, sentences)).map(({ outputs }) => outputs.vector!.data);
  const random = new Random(0, "compared");
  let [nearer, pairs] = [0, 0];
  for (const [index, vector] of vectors.entries()) {
    if (!follows[index + 1]) continue;
    const other = vectors[random.integer(vectors.length)]!;
    const [next, chance] = [cosineOf(vector, vectors[index + 1]!), cosineOf(vector, other)];
    nearer += next > chance ? 1 : next === chance ? 0.5 : 0;
    pairs++;
  }
  const meanings = sentences.map((one) => one.meanings?.[0]);
  const sets = sentences.map(({ words }) => new Set(words));
  let [same, asked] = [0, 0];
  if (meanings.every((one) => one !== undefined))
    for (const [index, vector] of vectors.entries()) {
      let [best, found] = [Number.NEGATIVE_INFINITY, -1];
      for (const [other, their] of vectors.entries()) {
        if (other === index || overlap(sets[index]!, sets[other]!) >= ALIKE) continue;
        const cosine = cosineOf(vector, their);
        if (cosine > best) [best, found] = [cosine, other];
      }
      if (found < 0) continue;
      asked++;
      if (meanings[found] === meanings[index]) same++;
    }
  return {
    beside: pairs > 0 ? nearer / pairs : undefined,
    meaning: asked > 0 ? same / asked : undefined,
  };
}

async function scored(scoring: Scoring<Passage, PreparedSentences>, passages: readonly Passage[]) {
  const { loss } = await scoreForced(scoring, passages);
  return { loss, ...measured(await lying(scoring, passages)) };
}

const textOf = ({ words }: Passage): string => words.join(" ");

/** Vectors of sentences, learnt from what stands beside them. */
export const sentenceVectors: Task<Passage, PreparedSentences, SentenceSizes, Found> = {
  id: "sentence-vectors",
  examples: "passages",
  words: { example: "sentence", place: "word", decision: "nearest sentence", cause: "word" },
  takes: "text",
  texts: true,
  defaults: {
    data: "stories",
    batch: 64,
    targets: 1,
    learningRate: 0.002,
    optimizer: { name: "adam" },
    clip: 5,
    labelSmoothing: 0,
  },
  scores: [
    { id: "beside", title: "next sentence nearer than another", unit: "share", better: "higher" },
    { id: "meaning", title: "nearest says the same", unit: "share", better: "higher" },
  ],
  prepare({ train, validation }, { vocabulary: options }) {
    if (!train.some(({ ends }) => ends && ends.length > 1))
      throw new UsageError(
        `none of the ${train.length} passages of training has two sentences, of which one could be learnt from the other; give text with several sentences a line.`,
      );
    const words = Vocabulary.of(
      (function* () {
        for (const passage of train) yield passage.words;
      })(),
      options,
    );
    withWords({ target: words }, options);
    const known = new Map<string, PreparedSentences["known"][number]>();
    for (const sentence of validation.flatMap(sentencesOf)) {
      if (known.size === MOST_KNOWN) break;
      if (sentence.length < SHORTEST || sentence.length > LONGEST) continue;
      const [meaning] = sentence.meanings ?? [];
      known.set(textOf(sentence), { words: sentence.words, ...(meaning !== undefined && { meaning }) });
    }
    if (known.size === 0)
      throw new UsageError(
        `none of the ${validation.length} passages of validation has a sentence of ${SHORTEST} to ${LONGEST} words, which others could be compared with; give more text.`,
      );
    return { words, known: [...known.values()] };
  },
  restored(found) {
    const { success, data } = stored.safeParse(found);
    if (!success)
      throw new RegardError("the run has no words with sentences; its vocabulary.json is of another task.");
    return { ...data, words: Vocabulary.from(data.words) };
  },
  describe: ({ words, known }) =>
    `${words.size.toLocaleString("en")} ${words.kind === "word" ? "words" : "pieces"}, ${known.length} sentences to compare with`,
  reads: "words.table",
  readingMore: ({ words, written = words.size, known }, more) => ({
    words: words.with(more),
    written,
    known,
  }),
  sizes: ({ words, written = words.size }) => ({ words: words.size, written }),
  inputs: () => ({
    sentence: input("sentence", "int32", ["length", "batch"]),
    known: input("known", "int32", ["longest", "sentences"]),
  }),
  targets: (_, batch) => ({
    target: input("target", "int32", ["target", 2, batch]),
    answer: input("answer", "int32", [batch]),
  }),
  sizing: {
    options: z.object({
      words: z.int().min(4).max(1_000_000).default(20_000).describe("words of the vocabulary"),
    }),
    of: (_, { words }) => ({ words: words.size }),
    sizes: ({ words }) => ({ words, written: words }),
    lengths: { length: 15, target: 15, longest: 15, sentences: MOST_KNOWN },
  },
  length: ({ length }) => Math.min(length, LONGEST),
  writes: (passage, prepared) => sentencesOf(passage).map((sentence) => writtenOf(sentence, prepared)),
  async collate(passages, prepared, use) {
    const { words } = prepared;
    const read = (sentences: readonly Passage[]) => ({
      sentence: readOf(sentences, words),
      known: knownValue(prepared),
    });
    if (use.kind === "ask") return { values: read(passages), decisions: [] };
    const found = use.kind === "train" ? drawn(passages, use.seed, use.step) : passages.map(middleOf);
    const { target, decisions } = targetsOf(found, prepared);
    return { values: { ...read(found.map(({ sentence }) => sentence)), target }, decisions };
  },
  drive: { kind: "once" },
  validate: scored,
  async report(scoring, passages) {
    return { metrics: await scored(scoring, passages), outputs: [] };
  },
  form: () => [
    {
      name: "text",
      title: "Sentence",
      kind: "text",
      longest: LONGEST,
      placeholder: "ana wakes at dawn",
    },
  ],
  example({ text }) {
    const words = typeof text === "string" ? wordsAlone(text) : [];
    if (words.length === 0)
      throw new UsageError('the sentence has no word; give one, such as "the door closes".');
    if (words.length > LONGEST)
      throw new UsageError(`the sentence has ${words.length} words; give at most ${LONGEST}.`);
    return Passage.of(words);
  },
  // What people ask about is a sentence: the first of the passage.
  card: async (passage) => ({ title: textOf(sentencesOf(passage)[0]!), expected: [] }),
  title: textOf,
  async places({ words }) {
    return { words: { kind: "tokens", labels: words.slice(0, LONGEST) } };
  },
  read({ vector, cosines }, passage, { known }) {
    const itself = textOf(passage);
    const own = known.flatMap(({ words }, index) => (words.join(" ") === itself ? [index] : []));
    return {
      vector: vector!.data,
      neighbours: nearest(cosines!.data, SHOWN, own).map((index) => ({
        index,
        cosine: cosines!.data[index]!,
      })),
    };
  },
  async show(passage, { neighbours }, { known, words }) {
    return {
      ...shownNearest(
        "sentences",
        neighbours.map(({ index, cosine }) => ({ label: known[index]!.words.join(" "), cosine })),
      ),
      unknown: passage.words.filter((word) => words.segment([word]).tokens[0] === UNKNOWN),
    };
  },
  taken: ({ neighbours: [best] }) => ({
    answer: { dtype: "int32", shape: [1], data: Int32Array.of(best?.index ?? 0) },
  }),
  likelihood: ({ cosines }, { answer }) => nearestLikelihood(cosines!, answer!),
  variants({ sentence, known }) {
    const tokens = Array.from(sentence!.data as Int32Array);
    const count = tokens.length;
    const columns = Array.from({ length: count + 1 }, (_, variant) =>
      // A word that is left out is one that is not known, so that its place remains.
      tokens.map((token, row) => (row === variant - 1 ? UNKNOWN : token)),
    );
    return { over: "words", count, values: { sentence: tokensValue(tokenBatch(columns)), known: known! } };
  },
  without: "once a word is one that is not known",
};
