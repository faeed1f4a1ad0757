import { END, UNKNOWN, UsageError } from "../core/index.js";
import type { Splits, Vocabulary } from "../data/index.js";
import { beamScore, type Decoded, END_MARK, spellOf } from "../decode/index.js";
import { agreementOf, type WalkStep } from "../explain/index.js";
import type { Shown } from "../task/index.js";
import type { Hypothesis, NamedAgreement, StepAnswer } from "./protocol.js";

// What all trained models share, whatever they read.

export const tokensByStep = ({ tokens, finished }: Decoded): Map<number, number> =>
  new Map([...tokens, ...(finished ? [END] : [])].map((token, step) => [step, token]));

/** Attention that was asked for in place of a model's own, made to add up to 1. @throws UsageError where it does not fit */
export function forcedRow(row: readonly number[], places: number, step: number): number[] {
  const sum = row.reduce((a, b) => a + b, 0);
  if (row.length !== places || !(sum > 0))
    throw new UsageError(
      `the attention of step ${step} has ${row.length} weights that add up to ${sum}, but the source has ${places} places; give a weight for each, not all 0.`,
    );
  return row.map((weight) => weight / sum);
}

/** What was walked as a decoder would have given it. */
export function decodedOfSteps(steps: readonly WalkStep[]): Decoded {
  const finished = steps.at(-1)?.token === END;
  return {
    tokens: steps.map(({ token }) => token).slice(0, finished ? -1 : undefined),
    logProbability: steps.reduce((sum, { logProbability }) => sum + logProbability, 0),
    finished,
    ...(steps[0]?.weights && { weights: steps.map(({ weights }) => weights!) }),
  };
}

/** The token of a word. @throws UsageError where the word is none the model can write as one token */
export function tokenOf(vocabulary: Vocabulary, word: string): number {
  if (word === END_MARK) return END;
  const token = vocabulary.words.indexOf(word);
  const { tokens } = vocabulary.segment([word]);
  const found = token >= 0 ? token : tokens.length === 1 ? tokens[0]! : UNKNOWN;
  if (found === UNKNOWN)
    throw new UsageError(`the model cannot write "${word}" as one word; choose one it has seen in training.`);
  return found;
}

/** The names of the splits that can be scored. */
export const splitNamesOf = ({ tests }: { readonly tests: Readonly<Record<string, unknown>> }): string[] => [
  ...Object.keys(tests),
  "validation",
];

/** @throws UsageError naming the splits there are */
export function examplesOfSplit<Example>(data: Splits<Example>, split: string): readonly Example[] {
  if (split === "validation") return data.validation;
  if (Object.hasOwn(data.tests, split)) return data.tests[split]!;
  throw new UsageError(`the data has no split "${split}"; it has ${splitNamesOf(data).join(", ")}.`);
}

/** Steps as answers: what each wrote, how sure it was, and what else it might have written, where it wrote. */
export const stepAnswers = (
  { steps }: Shown,
  walked: readonly WalkStep[],
  vocabulary: Vocabulary | undefined,
): StepAnswer[] =>
  steps.map(({ label, piece = label, looked }, index) => {
    const step = walked[index];
    return {
      piece,
      ...(looked && { looked }),
      ...(step &&
        vocabulary && {
          probability: Math.exp(step.logProbability),
          alternatives: step.alternatives.map((one) => ({
            piece: spellOf(vocabulary, one.token),
            probability: Math.exp(one.logProbability),
          })),
        }),
    };
  });

/** The hypotheses of a beam as answers, in their order. @param outputs of each, as people read it */
export const hypothesisAnswers = (hypotheses: readonly Decoded[], outputs: readonly string[]): Hypothesis[] =>
  hypotheses.map((one, index) => ({ output: outputs[index]!, score: beamScore(one) }));

/** Words or pieces, and rows of attention, that were asked for by step, by the number of the step. */
export const byStep = <Asked, Found>(
  asked: Readonly<Record<string, Asked>>,
  find: (one: Asked, step: number) => Found,
): Map<number, Found> =>
  new Map(Object.entries(asked).map(([step, one]) => [Number(step), find(one, Number(step))]));

/** How attention, salience and causal effect agree; nothing where one of the first two is missing. */
export const agreementsOf = (
  attention: readonly (readonly number[])[] | undefined,
  salience: readonly (readonly number[])[] | undefined,
  effect: readonly (readonly number[])[],
): NamedAgreement[] =>
  attention && salience
    ? [
        { of: "attention", with: "effect", ...agreementOf(attention, effect) },
        { of: "attention", with: "salience", ...agreementOf(attention, salience) },
        { of: "salience", with: "effect", ...agreementOf(salience, effect) },
      ]
    : [];
