import type { Validation } from "./contract.js";

/** What a validation may tell of, as people read it; all but BLEU are shares. */
const SCORES = [
  ["exact", "exact"],
  ["correct", "correct"],
  ["bleu", "BLEU-4"],
  ["aer", "alignment errors"],
  ["pointing", "pointing"],
] as const;

/** A score from 0 to 100 by the name it is shown under. */
export interface NamedScore {
  readonly name: string;
  readonly value: number;
}

/** The scores that a validation has. */
export const scoresOf = (validation: Validation): NamedScore[] =>
  SCORES.flatMap(([key, name]) => {
    const value = validation[key];
    return value === undefined ? [] : [{ name, value: key === "bleu" ? value : 100 * value }];
  });

/** A score as a text. */
export const shownScore = ({ name, value }: NamedScore): string =>
  name === "BLEU-4" ? value.toFixed(1) : `${value.toFixed(1)} %`;
