import { LOSS, type Score, type Validation } from "./contract.js";

export type { Score } from "./contract.js";

/** A score as people read it. */
export interface NamedScore {
  readonly name: string;
  /** In the unit below: shares in per cent. */
  readonly value: number;
  readonly unit: "%" | "nats" | "bits" | "";
}

/** The scores of a task that a validation has, the loss apart. */
export const scoresOf = (validation: Validation, scores: readonly Score[]): NamedScore[] =>
  scores.flatMap(({ id, title, unit }): NamedScore[] => {
    const value = validation[id];
    if (typeof value !== "number") return [];
    if (unit === "share") return [{ name: title, value: 100 * value, unit: "%" }];
    return [{ name: title, value, unit: unit === "points" ? "" : unit }];
  });

/** A score as a text. */
export const shownScore = ({ value, unit }: NamedScore): string =>
  `${value.toFixed(1)}${unit === "" ? "" : ` ${unit}`}`;

/** By what the best checkpoint of a task is told: its primary score, or the loss. */
export const primaryOf = (scores: readonly Score[]): Score => scores.find(({ primary }) => primary) ?? LOSS;

/** How good a validation is by a score, or by the loss where the data has no such score: more is better. */
export function goodnessOf(validation: Validation, score: Score): number {
  const { id, better } = validation[score.id] === undefined ? LOSS : score;
  const value = validation[id];
  if (typeof value !== "number" || Number.isNaN(value)) return Number.NEGATIVE_INFINITY;
  return better === "higher" ? value : -value;
}

/** Scores without those that could not be measured. */
export const measured = (scores: Readonly<Record<string, number | undefined>>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(scores).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
