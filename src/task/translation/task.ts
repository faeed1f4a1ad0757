import { type Pair, readingOf, tokenBatch, Vocabulary } from "../../data/index.js";
import { tokensValue } from "../../decode/index.js";
import { alignmentErrorRate, collapseOf } from "../../explain/index.js";
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
import { reportOf } from "./report.js";
import { scorePairs } from "./score.js";

/** Sentences translated at a validation; the loss is over all. */
const DECODED_AT_VALIDATION = 200;

const encodedBy = remembered((target: Vocabulary) =>
  remembered((pair: Pair) => [target.encode(pair.target, { start: true })]),
);

const sourceLength = ({ source }: Pair, vocabularies: TextVocabularies): number =>
  vocabularies.source.segment(source).tokens.length;

/** A sentence from a sentence. */
export const translation: Task<Pair, TextVocabularies, TranslationSizes> = {
  id: "translation",
  examples: "sentence pairs",
  words: { example: "sentence", place: "source word" },
  takes: "pairs",
  defaults: {
    data: "bilingual",
    batch: 64,
    targets: 1,
    learningRate: 0.005,
    optimizer: { name: "adam" },
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
  describe: describeVocabularies,
  sizes: ({ source, target }) => ({ source: source.size, target: target.size }),
  inputs: () => ({ source: input("source", "int32", ["source", "batch"]) }),
  targets: (_, batch) => ({ target: input("target", "int32", ["target", batch]) }),
  length: sourceLength,
  order: (pair, vocabularies) =>
    encodedBy(vocabularies.target)(pair)[0]!.length * 1000 + sourceLength(pair, vocabularies),
  longest: (pair, vocabularies) =>
    Math.max(sourceLength(pair, vocabularies), vocabularies.target.segment(pair.target).tokens.length),
  async collate(pairs, { source, target }, use) {
    const read = { source: tokensValue(tokenBatch(pairs.map((pair) => source.encode(pair.source)))) };
    if (use.kind === "ask") return { values: read, decisions: [] };
    const { decisions, ...written } = targetTokens(pairs, encodedBy(target), use);
    return { values: { ...read, ...written }, decisions };
  },
  drive: { kind: "tokens", longest: "2*source+10" },
  async validate(scoring, pairs) {
    const { evaluator, parameters, prepared } = scoring;
    const { loss, alignment, attention } = await scorePairs(scoring, pairs);
    const sample = pairs.slice(0, DECODED_AT_VALIDATION);
    const found = await evaluator.write(parameters, sample, { beam: 1 });
    const exact = found.filter(
      ([best], index) => best!.tokens.join() === prepared.target.segment(sample[index]!.target).tokens.join(),
    ).length;
    return {
      loss,
      exact: exact / sample.length,
      ...(alignment.sure > 0 && { aer: alignmentErrorRate(alignment) }),
      ...(attention && { collapse: collapseOf(attention) }),
    };
  },
  async traces({ evaluator, parameters, prepared: { source, target } }, pairs) {
    const traces = [];
    for await (const { example, weights } of evaluator.force(parameters, pairs)) {
      if (!weights) return [];
      const read = source.segment(example.source).pieces;
      const written = target.segment(example.target).pieces;
      traces.push({
        kind: "alignment" as const,
        source: read,
        target: written,
        weights: written.map((_, row) => Array.from(weights[row]!).slice(0, read.length)),
      });
    }
    return traces;
  },
  report: reportOf,
  identity: ({ source }) => readingOf(source),
};
