import type { BitRows, BitSequence } from "../../data/index.js";
import type { Values } from "../../session/index.js";
import type { Scoring } from "../contract.js";
import { scoreForced } from "../forced.js";

/** The probability that each bit is 1, [steps][channels], from logits [T, channels]. */
export function probabilitiesOf({ logits }: Values): number[][] {
  const [steps, channels] = logits!.shape as [number, number];
  return Array.from({ length: steps }, (_, step) =>
    Array.from(
      logits!.data.subarray(step * channels, (step + 1) * channels),
      (logit) => 1 / (1 + Math.exp(-logit)),
    ),
  );
}

/** Rows at the steps where something is asked for. */
export const askedRows = (rows: BitRows, { counted }: Pick<BitSequence, "counted">): BitRows =>
  rows.filter((_, step) => counted[step]);

/** Probabilities as bits. */
export const rounded = (probabilities: BitRows): number[][] =>
  probabilities.map((row) => row.map((probability) => (probability > 0.5 ? 1 : 0)));

/** How many bits of an answer are wrong. */
export const errorsIn = (answer: BitRows, right: BitRows): number =>
  answer.reduce((sum, row, step) => sum + row.filter((bit, at) => bit !== right[step]![at]).length, 0);

/** What was put out for a sequence where something is asked for. */
export interface Answered {
  readonly answer: BitRows;
  readonly right: BitRows;
  /** Bits that are wrong. */
  readonly errors: number;
}

/** Has sequences answered and counts what is wrong. */
export async function scoreBits<Prepared>(
  scoring: Scoring<BitSequence, Prepared>,
  sequences: readonly BitSequence[],
  onProgress?: (done: number) => void,
): Promise<{ loss: number; exact: number; bitErrors: number; answered: readonly Answered[] }> {
  const { loss } = await scoreForced(scoring, sequences, () => ({ rows: [], places: 0 }));
  const predicted = await scoring.evaluator.predict(
    scoring.parameters,
    sequences,
    onProgress ? { onProgress } : {},
  );
  const answered = predicted.map(({ example, outputs }) => {
    const { output, counted } = example;
    const [answer, right] = [rounded(probabilitiesOf(outputs)), output].map((rows) =>
      askedRows(rows, { counted }),
    ) as [BitRows, BitRows];
    return { answer, right, errors: errorsIn(answer, right) };
  });
  const mean = (value: (one: Answered) => number) =>
    answered.reduce((sum, one) => sum + value(one), 0) / answered.length;
  return {
    loss,
    exact: mean(({ errors }) => (errors === 0 ? 1 : 0)),
    bitErrors: mean(({ errors }) => errors),
    answered,
  };
}
