import type { Pair } from "./contract.js";
import { readingOf } from "./text.js";

/** How many pairs have a source that models read as one of others. */
export function overlapOf(pairs: readonly Pair[], others: readonly Pair[]): number {
  const known = new Set(others.map(({ source }) => readingOf(source)));
  return pairs.filter(({ source }) => known.has(readingOf(source))).length;
}
