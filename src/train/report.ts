import type { Pair } from "../data/index.js";
import { detokenise } from "../data/index.js";
import { type Translation, translationOf } from "../decode/index.js";
import { alignmentErrorRate, alignmentPrecision, alignmentRecall, bleu, chrf } from "../explain/index.js";
import type { Values } from "../session/index.js";
import type { Evaluator } from "./evaluator.js";
import type { Vocabularies } from "./vocabularies.js";

/** BLEU of the sentences of one range of source lengths. */
export interface LengthScore {
  /** Shortest and longest source of the range, in words. */
  readonly from: number;
  readonly to: number;
  readonly sentences: number;
  readonly score: number;
}

/** How well a model does on pairs. */
export interface Report {
  /** Fractions from 0 to 1 but BLEU and chrF, from 0 to 100; those of attention where there is attention (and gold). */
  readonly metrics: Readonly<Record<string, number>>;
  readonly byLength: readonly LengthScore[];
  /** What was written for each source. */
  readonly translations: readonly Translation[];
  readonly references: readonly string[];
}

/** Scores pairs against their targets, then translates their sources and compares. */
export async function reportOf(
  evaluator: Evaluator,
  parameters: Values,
  vocabularies: Vocabularies,
  pairs: readonly Pair[],
  options: { beam: number; keepUnknown?: boolean | undefined; onProgress?: (done: number) => void },
): Promise<Report> {
  const { loss, alignment, attention } = await evaluator.score(parameters, pairs);
  const sources = pairs.map(({ source }) => source);
  const found = await evaluator.translate(parameters, sources, options);
  const translations = found.map(([best], index) =>
    translationOf(best!, vocabularies, sources[index]!, options),
  );
  const hypotheses = translations.map(({ output }) => output);
  const references = pairs.map((pair) => detokenise(pair.target));
  const metrics = {
    loss,
    perplexity: Math.exp(loss),
    bleu: bleu(
      hypotheses,
      references.map((reference) => [reference]),
    ),
    chrf: chrf(hypotheses, references),
    exact: hypotheses.filter((text, index) => text === references[index]).length / pairs.length,
    ...(alignment.sure > 0 && {
      aer: alignmentErrorRate(alignment),
      alignmentPrecision: alignmentPrecision(alignment),
      alignmentRecall: alignmentRecall(alignment),
    }),
    ...(attention && { attentionEntropy: attention.entropy, attentionCoverage: attention.coverage }),
  };
  return { metrics, byLength: scoresByLength(pairs, hypotheses, references), translations, references };
}

/** Words of source length that are scored together. */
const LENGTH_RANGE = 3;

function scoresByLength(
  pairs: readonly Pair[],
  hypotheses: readonly string[],
  references: readonly string[],
): LengthScore[] {
  const groups = new Map<number, number[]>();
  pairs.forEach(({ source }, index) => {
    const group = Math.floor((source.length - 1) / LENGTH_RANGE);
    groups.set(group, [...(groups.get(group) ?? []), index]);
  });
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([group, members]) => ({
      from: group * LENGTH_RANGE + 1,
      to: (group + 1) * LENGTH_RANGE,
      sentences: members.length,
      score: bleu(
        members.map((index) => hypotheses[index]!),
        members.map((index) => [references[index]!]),
      ),
    }));
}
