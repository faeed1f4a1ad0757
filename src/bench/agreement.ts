import { RegardError } from "../core/index.js";

/** How far the first losses of two frameworks may lie apart. */
const TOLERANCE = 1e-4;

/** A framework and the losses of its first pieces of work. */
export interface FirstLosses {
  readonly name: string;
  readonly losses: readonly number[];
}

/**
 * How far the losses of others lie from Regard's, the greatest of all differences.
 * @throws RegardError where that is too far: then they do not do the same work
 */
export function largestDifference(
  work: string,
  own: readonly number[],
  others: readonly FirstLosses[],
): number {
  let worst = 0;
  for (const { name, losses } of others)
    for (const [step, loss] of losses.entries()) {
      const difference = Math.abs(loss - own[step]!);
      if (!(difference <= TOLERANCE))
        throw new RegardError(
          `${work}: loss ${step + 1} is ${own[step]} in Regard and ${loss} in ${name}; they do not do the same work, so their times say nothing.`,
        );
      worst = Math.max(worst, difference);
    }
  return worst;
}
