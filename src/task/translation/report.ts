import { detokenise, normalised, type Pair } from "../../data/index.js";
import { translationOf } from "../../decode/index.js";
import {
  alignmentErrorRate,
  alignmentPrecision,
  alignmentRecall,
  bleu,
  bleuBounds,
  chrf,
  collapseOf,
} from "../../explain/index.js";
import type { RangeScore, Report, ReportOptions, Scoring, Validation } from "../contract.js";
import type { TextVocabularies } from "../vocabularies.js";
import { type Measures, scorePairs } from "./score.js";

/** Sentences translated at a validation; the loss is over all. */
const DECODED_AT_VALIDATION = 200;

/** Scores pairs against their targets, then translates the sources of the first and compares. */
export async function validationOf(
  scoring: Scoring<Pair, TextVocabularies>,
  pairs: readonly Pair[],
  measures: Measures,
): Promise<Validation> {
  const { evaluator, parameters, prepared } = scoring;
  const scores = await scorePairs(scoring, pairs);
  const { loss, attention } = scores;
  const sample = pairs.slice(0, DECODED_AT_VALIDATION);
  const found = await evaluator.write(parameters, sample, { beam: 1 });
  const exact = found.filter(
    ([best], index) => best!.tokens.join() === prepared.target.segment(sample[index]!.target).tokens.join(),
  ).length;
  return {
    loss,
    exact: exact / sample.length,
    ...measures(scores, prepared),
    ...(attention && { collapse: collapseOf(attention) }),
  };
}

/** How the attention compares with gold alignments, where it is known. */
const alignmentMeasures: Measures = ({ alignment }) =>
  alignment.sure > 0
    ? {
        aer: alignmentErrorRate(alignment),
        alignmentPrecision: alignmentPrecision(alignment),
        alignmentRecall: alignmentRecall(alignment),
      }
    : {};

/** Scores pairs against their targets, then translates their sources and compares. */
export async function reportOf(
  scoring: Scoring<Pair, TextVocabularies>,
  pairs: readonly Pair[],
  options: ReportOptions,
  measures: Measures = alignmentMeasures,
): Promise<Report> {
  const { evaluator, parameters, prepared } = scoring;
  const scores = await scorePairs(scoring, pairs);
  const { loss, attention } = scores;
  const found = await evaluator.write(parameters, pairs, options);
  const outputs = found.map(
    ([best], index) => translationOf(best!, prepared, pairs[index]!.source, options).output,
  );
  const references = pairs.map(({ reference, target }) => reference ?? detokenise(target));
  const metrics = {
    loss,
    perplexity: Math.exp(loss),
    bleu: bleu(
      outputs,
      references.map((reference) => [reference]),
    ),
    chrf: chrf(outputs, references),
    exact: outputs.filter((text, index) => text === normalised(references[index]!)).length / pairs.length,
    ...measures(scores, prepared),
    ...(attention && { attentionEntropy: attention.entropy, attentionCoverage: attention.coverage }),
  };
  return {
    metrics,
    breakdown: {
      measure: "BLEU",
      by: "words in the source",
      ranges: scoresByLength(pairs, outputs, references),
    },
    outputs: outputs.map((output, index) => ({
      source: detokenise(pairs[index]!.source),
      output,
      references: [references[index]!],
    })),
  };
}

/** Words of source length that are scored together. */
const LENGTH_RANGE = 3;

function scoresByLength(
  pairs: readonly Pair[],
  hypotheses: readonly string[],
  references: readonly string[],
): RangeScore[] {
  const groups = new Map<number, number[]>();
  pairs.forEach(({ source }, index) => {
    const group = Math.floor((source.length - 1) / LENGTH_RANGE);
    groups.set(group, [...(groups.get(group) ?? []), index]);
  });
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([group, members]) => {
      const texts = [
        members.map((index) => hypotheses[index]!),
        members.map((index) => [references[index]!]),
      ] as const;
      return {
        from: group * LENGTH_RANGE + 1,
        to: (group + 1) * LENGTH_RANGE,
        examples: members.length,
        score: bleu(...texts),
        ...bleuBounds(...texts),
      };
    });
}
