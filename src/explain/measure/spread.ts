/** How widely attention is spread, for weights [target, source] whose rows add up to 1. */

/** The mean entropy of a row, in nats: 0 where each word looks at one place, log(places) where it looks at all alike. */
export function attentionEntropy(weights: readonly ArrayLike<number>[]): number {
  const entropies = weights.map((row) =>
    Array.from(row).reduce((sum, weight) => (weight > 0 ? sum - weight * Math.log(weight) : sum), 0),
  );
  return entropies.reduce((a, b) => a + b, 0) / Math.max(1, weights.length);
}

/** The mean, over the first `sourceWords` places, of the attention a place gets in all, counted up to 1. */
export function attentionCoverage(weights: readonly ArrayLike<number>[], sourceWords: number): number {
  let covered = 0;
  for (let place = 0; place < sourceWords; place++)
    covered += Math.min(
      1,
      weights.reduce((sum, row) => sum + row[place]!, 0),
    );
  return covered / Math.max(1, sourceWords);
}

/** The mean share of the greatest possible entropy that a row has: 1 where attention is spread over all places alike. */
export function attentionUniformity(weights: readonly ArrayLike<number>[]): number {
  const places = weights[0]?.length ?? 0;
  return places < 2 ? 0 : attentionEntropy(weights) / Math.log(places);
}

/** The mean difference of neighbouring rows, half the sum of absolute differences: 0 where all steps look alike. */
export function attentionMovement(weights: readonly ArrayLike<number>[]): number {
  let moved = 0;
  for (let step = 1; step < weights.length; step++)
    for (let place = 0; place < weights[step]!.length; place++)
      moved += Math.abs(weights[step]![place]! - weights[step - 1]![place]!) / 2;
  return weights.length < 2 ? 1 : moved / (weights.length - 1);
}

/** Ways in which attention stops saying anything. */
export type Collapse = "uniform" | "still";

const UNIFORM = 0.97;
const STILL = 0.03;

/** Whether attention, by its mean uniformity and movement, has collapsed. */
export const collapseOf = (attention: { uniformity: number; movement: number }): Collapse | undefined =>
  attention.uniformity > UNIFORM ? "uniform" : attention.movement < STILL ? "still" : undefined;
