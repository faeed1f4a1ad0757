import { meanInterval } from "../explain/index.js";
import type { RangeScore } from "./contract.js";

/**
 * The share of examples of a range of which something holds, in per cent.
 * @param holds of each example; at least one
 */
export function shareOfRange(from: number, to: number, holds: readonly boolean[]): RangeScore {
  const { mean, low, high } = meanInterval(holds.map((one) => (one ? 100 : 0)));
  return { from, to, examples: holds.length, score: mean, low, high };
}
