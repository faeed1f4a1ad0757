/**
 * Scores of places, [target, source], as weights that a view of attention draws: the greatest of all becomes 1, and what
 * is below 0 is left white.
 */
export function scoresAsWeights(scores: readonly (readonly number[])[]): number[][] {
  const greatest = Math.max(1e-9, ...scores.flat());
  return scores.map((row) => row.map((score) => Math.max(0, score) / greatest));
}
