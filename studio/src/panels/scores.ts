import type { RunValidation } from "../../../src/service/protocol.js";

/** What a validation may tell of, as pages name it; all but BLEU are shares. */
const SCORES = [
  ["exact", "exact"],
  ["correct", "correct"],
  ["bleu", "BLEU-4"],
  ["aer", "alignment errors"],
  ["pointing", "pointing"],
] as const;

/** The scores that a validation has, from 0 to 100. */
export const scoresOf = (validation: RunValidation): { name: string; value: number }[] =>
  SCORES.flatMap(([key, name]) => {
    const value = validation[key];
    return value === undefined ? [] : [{ name, value: key === "bleu" ? value : 100 * value }];
  });

export const shownScore = ({ name, value }: { name: string; value: number }): string =>
  name === "BLEU-4" ? value.toFixed(1) : `${value.toFixed(1)} %`;
