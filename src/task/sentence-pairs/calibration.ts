/** A rising function in steps: what is found at each of rising places. */
export interface Steps {
  readonly at: readonly number[];
  readonly values: readonly number[];
}

/**
 * The rising function of steps that is nearest to pairs by squares: isotonic regression by pooling adjacent violators (Ayer et al. 1955). Mueller &
 * Thyagarajan 2016, Section 4, calibrate without a form too.
 * @param pairs places and what should be found there; at least one
 */
export function risingSteps(pairs: readonly (readonly [place: number, value: number])[]): Steps {
  const sorted = [...pairs].sort(([a], [b]) => a - b);
  const pools: { at: number; sum: number; count: number }[] = [];
  for (const [place, value] of sorted) {
    pools.push({ at: place, sum: value, count: 1 });
    while (pools.length > 1) {
      const [before, last] = pools.slice(-2) as [(typeof pools)[0], (typeof pools)[0]];
      const sameplace = before.at === last.at;
      if (!sameplace && before.sum / before.count <= last.sum / last.count) break;
      pools.splice(-2, 2, { at: before.at, sum: before.sum + last.sum, count: before.count + last.count });
    }
  }
  return { at: pools.map(({ at }) => at), values: pools.map(({ sum, count }) => sum / count) };
}

/** What steps give at a place: what lies between two steps is on the line between them. */
export function calibrated({ at, values }: Steps, place: number): number {
  const next = at.findIndex((one) => one > place);
  if (next === 0) return values[0]!;
  if (next < 0) return values.at(-1)!;
  const share = (place - at[next - 1]!) / (at[next]! - at[next - 1]!);
  return values[next - 1]! + share * (values[next]! - values[next - 1]!);
}
