import type { AlignmentTrace, ScoreKind } from "../attention/trace.js";

/** The greatest number of a map; all of it is drawn by its share of that. */
export const greatestOf = (rows: readonly (readonly number[])[]): number =>
  rows.reduce((most, row) => row.reduce((a, b) => Math.max(a, b), most), Number.NEGATIVE_INFINITY);

/**
 * How dark each cell is, [target, source], from 0 to 1: attention is its own darkness; of scores the greatest of all is
 * 1, and what is not above 0 is 0.
 */
export function shadesOf({ weights, scores }: AlignmentTrace): readonly (readonly number[])[] {
  if (!scores) return weights;
  const greatest = Math.max(1e-9, greatestOf(weights));
  return weights.map((row) => row.map((score) => Math.max(0, score) / greatest));
}

/** A number as pictures have it, with a score's unit. */
export function withUnit(value: number, scores: ScoreKind | undefined, digits = 3): string {
  const text = value.toFixed(digits);
  return scores?.unit ? `${text} ${scores.unit}` : text;
}

/** What the darkness of a map of scores means: it is relative, so the greatest is told. */
export const darkestNote = ({ title }: ScoreKind, greatest: string): string =>
  `Drawn by share of the greatest ${title}, ${greatest}.`;

/** The same of several maps, each drawn by its own greatest, which stands below its name. */
export const eachNote = ({ title, unit }: ScoreKind): string =>
  `Each map is drawn by share of its greatest ${title}, the number below its word${unit ? `, in ${unit}` : ""}.`;
