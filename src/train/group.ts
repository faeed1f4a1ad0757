import { type TypedArray, UsageError } from "../core/index.js";

/** Processes that train one model together: each takes an equal share of every batch, and all make the same update. */
export interface Group {
  readonly size: number;
  /** The number of this process, from 0. Process 0 alone validates and writes. */
  readonly rank: number;
  /** Adds an array up over all processes, element by element, in place. All of them get the same bytes. */
  sum(values: TypedArray): Promise<void>;
  /** Gives every process what process 0 has, in place. */
  spread(values: TypedArray): Promise<void>;
}

/** A process by itself. */
export const alone: Group = { size: 1, rank: 0, async sum() {}, async spread() {} };

/** Where a process's share of a batch begins and ends. @throws UsageError where it does not divide into equal ones */
export function shareOf(batch: number, { size, rank }: Group): { from: number; to: number } {
  const share = batch / size;
  if (!Number.isInteger(share)) {
    const [less, more] = [Math.floor(share) * size, Math.ceil(share) * size];
    throw new UsageError(
      `a batch of ${batch} does not divide into equal shares for ${size} processes; give --batch ${less > 0 ? `${less} or ` : ""}${more}.`,
    );
  }
  return { from: rank * share, to: (rank + 1) * share };
}
