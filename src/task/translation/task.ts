import { z } from "zod";
import { END, PAD, UNKNOWN } from "../../core/index.js";
import { detokenise, type Pair, readingOf, surfaceOf, tokenBatch, Vocabulary } from "../../data/index.js";
import { type Decoded, END_MARK, spellOf, tokensValue, translationOf } from "../../decode/index.js";
import { alignmentErrorRate } from "../../explain/index.js";
import type { TranslationSizes } from "../../models/index.js";
import { input } from "../../ops/index.js";
import type { Task } from "../contract.js";
import { remembered, targetTokens } from "../targets.js";
import {
  describeVocabularies,
  restoredVocabularies,
  type TextVocabularies,
  textVocabularies,
  withWords,
} from "../vocabularies.js";
import { inputWords, LONGEST_INPUT } from "./input.js";
import { reportOf, validationOf } from "./report.js";

const encodedBy = remembered((target: Vocabulary) =>
  remembered((pair: Pair) => [target.encode(pair.target, { start: true })]),
);

const readBy = remembered((source: Vocabulary) => remembered((pair: Pair) => source.encode(pair.source)));

/** Tokens of the source, END not counted. */
const sourceLength = (pair: Pair, { source }: TextVocabularies): number => readBy(source)(pair).length - 1;

/** A sentence from a sentence. */
export const translation: Task<Pair, TextVocabularies, TranslationSizes, Decoded> = {
  id: "translation",
  examples: "sentence pairs",
  words: { example: "sentence", place: "source word", decision: "word", cause: "word" },
  takes: "pairs",
  texts: true,
  defaults: {
    data: "bilingual",
    batch: 64,
    targets: 1,
    learningRate: 0.005,
    optimizer: { name: "adam" },
    clip: 1,
    labelSmoothing: 0.1,
  },
  scores: [
    { id: "exact", title: "exact", unit: "share", better: "higher" },
    { id: "aer", title: "alignment errors", unit: "share", better: "lower" },
  ],
  prepare: ({ train }, { vocabulary }) =>
    withWords(
      {
        source: Vocabulary.of(
          train.map(({ source }) => source),
          vocabulary,
        ),
        target: Vocabulary.of(
          train.map(({ target }) => target),
          vocabulary,
        ),
      },
      vocabulary,
    ),
  restored: (stored) => textVocabularies(restoredVocabularies(stored)),
  reads: "source.table",
  readingMore: ({ source, target }, words) => ({ source: source.with(words), target }),
  describe: describeVocabularies,
  sizes: ({ source, target }) => ({ source: source.size, target: target.size }),
  inputs: () => ({ source: input("source", "int32", ["source", "batch"]) }),
  targets: (_, batch) => ({ target: input("target", "int32", ["target", batch]) }),
  sizing: {
    options: z.object({
      source: z.int().min(4).max(1_000_000).default(596).describe("words of the source's vocabulary"),
      target: z.int().min(4).max(1_000_000).default(984).describe("words of the target's vocabulary"),
    }),
    of: (_, { source, target }) => ({ source: source.size, target: target.size }),
    sizes: (options) => options,
    lengths: { source: 20, target: 21 },
  },
  length: sourceLength,
  order: (pair, vocabularies) =>
    encodedBy(vocabularies.target)(pair)[0]!.length * 1000 + sourceLength(pair, vocabularies),
  longest: (pair, vocabularies) =>
    // The target has START and END beside its tokens.
    Math.max(sourceLength(pair, vocabularies), encodedBy(vocabularies.target)(pair)[0]!.length - 2),
  writes: (pair, { target }) => encodedBy(target)(pair),
  async collate(pairs, { source, target }, use) {
    const read = { source: tokensValue(tokenBatch(pairs.map(readBy(source)))) };
    if (use.kind === "ask") return { values: read, decisions: [] };
    const { decisions, ...written } = targetTokens(pairs, encodedBy(target), use);
    return { values: { ...read, ...written }, decisions };
  },
  drive: { kind: "tokens", longest: "2*source+10" },
  validate: (scoring, pairs) =>
    validationOf(scoring, pairs, ({ alignment }) =>
      alignment.sure > 0 ? { aer: alignmentErrorRate(alignment) } : {},
    ),
  report: reportOf,
  identity: ({ source }) => readingOf(source),
  form: () => [
    { name: "text", title: "Sentence", kind: "text", longest: LONGEST_INPUT, placeholder: "a sentence" },
  ],
  example: ({ text }) => ({ source: inputWords(text), target: [] }),
  card: async ({ source, target, reference }) => ({
    title: detokenise(source),
    expected: [reference ?? detokenise(target)],
  }),
  title: ({ source }) => detokenise(source),
  places: async ({ source }, vocabularies) => ({
    source: { kind: "tokens", labels: [...vocabularies.source.segment(source).pieces, END_MARK] },
  }),
  async show(pair, decoded, vocabularies, { keepUnknown }) {
    const { output, pieces } = translationOf(decoded, vocabularies, pair.source, { keepUnknown });
    const { tokens, pieces: read } = vocabularies.source.segment(pair.source);
    return {
      output,
      steps: pieces.map((piece) => ({ label: surfaceOf(piece), piece })),
      blocks: [],
      references: pair.target.length > 0 ? [pair.reference ?? detokenise(pair.target)] : [],
      unknown: read.filter((_, index) => tokens[index] === UNKNOWN),
    };
  },
  variants({ source }) {
    // A token is removed by masking it, which takes away its annotation and leaves the recurrent state as it was before it.
    const whole = Array.from(source!.data as Int32Array);
    const count = whole.length - 1;
    const all = [
      whole,
      ...Array.from({ length: count }, (_, removed) =>
        whole.map((token, place) => (place === removed ? PAD : token)),
      ),
    ];
    return { over: "source", count, values: { source: tokensValue(tokenBatch(all)) } };
  },
  without: "once a source word and its annotation are masked",
  truth(known, example, { tokens, finished }, { source, target }) {
    if (!known.links || source.kind !== "word" || target.kind !== "word") return undefined;
    if (source.segment(known.source).tokens.join() !== source.segment(example.source).tokens.join())
      return undefined;
    const right = [...target.segment(known.target).tokens, END];
    if (right.includes(UNKNOWN)) return undefined;
    const written = [...tokens, ...(finished ? [END] : [])];
    return {
      reference: right.map((token) => spellOf(target, token)),
      ...(right.join() === written.join() && { gold: known.links }),
    };
  },
};
