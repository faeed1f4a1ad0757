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
