import { Random } from "../../core/index.js";

/** Between what 95 % of the bootstrap replicates of a score lie (Efron 1979). */
export interface Bounds {
  readonly low: number;
  readonly high: number;
}

const REPLICATES = 1000;

/**
 * How far a score would be another with other examples: it is computed again and again of as many that are drawn with replacement.
 * @param count examples, at least one
 * @param score of examples that are drawn, by their numbers; some stand there more than once
 */
export function bootstrap(count: number, score: (drawn: readonly number[]) => number): Bounds {
  const random = new Random(1, "bootstrap");
  const scores = Array.from({ length: REPLICATES }, () =>
    score(Array.from({ length: count }, () => random.integer(count))),
  ).sort((a, b) => a - b);
  return {
    low: scores[Math.floor(0.025 * REPLICATES)]!,
    high: scores[Math.ceil(0.975 * REPLICATES) - 1]!,
  };
}
