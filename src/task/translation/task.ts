import { type Pair, tokenBatch, Vocabulary } from "../../data/index.js";
import { tokensValue } from "../../decode/index.js";
import { alignmentErrorRate, collapseOf } from "../../explain/index.js";
import { input } from "../../ops/index.js";
import type { Task } from "../contract.js";
import { textVocabularies } from "../vocabularies.js";
import { reportOf } from "./report.js";
import { scorePairs } from "./score.js";

/** Sentences translated at a validation; the loss is over all. */
const DECODED_AT_VALIDATION = 200;

/** A sentence from a sentence. */
export const translation: Task<Pair, "translation"> = {
  id: "translation",
  examples: "sentence pairs",
  defaults: {
    data: "bilingual",
    batch: 64,
    targets: 1,
    learningRate: 0.005,
    optimizer: { name: "adam" },
    labelSmoothing: 0.1,
  },
  vocabulariesOf: ({ train }, options) => ({
    source: Vocabulary.of(
      train.map(({ source }) => source),
      options,
    ),
    target: Vocabulary.of(
      train.map(({ target }) => target),
      options,
    ),
  }),
  sizes(vocabularies) {
    const { source, target } = textVocabularies(vocabularies);
    return { source: source.size, target: target.size };
  },
  source: () => input("source", "int32", ["source", "batch"]),
  targets: ({ target }) => [target],
  sourceLength: ({ source }, vocabularies) =>
    textVocabularies(vocabularies).source.segment(source).tokens.length,
  async read(pairs, vocabularies) {
    const { source } = textVocabularies(vocabularies);
    return tokensValue(tokenBatch(pairs.map((pair) => source.encode(pair.source))));
  },
  longest: "2*source+10",
  async validate(scoring, pairs) {
    const { evaluator, parameters, vocabularies } = scoring;
    const { loss, alignment, attention } = await scorePairs(scoring, pairs);
    const sample = pairs.slice(0, DECODED_AT_VALIDATION);
    const found = await evaluator.write(parameters, sample, { beam: 1 });
    const exact = found.filter(
      ([best], index) =>
        best!.tokens.join() === vocabularies.target.segment(sample[index]!.target).tokens.join(),
    ).length;
    return {
      loss,
      exact: exact / sample.length,
      ...(alignment.sure > 0 && { aer: alignmentErrorRate(alignment) }),
      ...(attention && { collapse: collapseOf(attention) }),
    };
  },
  async traces({ evaluator, parameters, vocabularies }, pairs) {
    const { source, target } = textVocabularies(vocabularies);
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
};
