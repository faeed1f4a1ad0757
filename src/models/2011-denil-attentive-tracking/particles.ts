import type { Tensor } from "../../core/index.js";
import {
  add,
  cast,
  constant,
  div,
  expand,
  lessEqual,
  matmul,
  minimum,
  mul,
  reduceSum,
  slice,
  softmax,
  sqrt,
  takeAlongAxis,
  unsqueeze,
} from "../../ops/index.js";

// A particle filter. Axes: B batch, R filters side by side, N particles, S numbers of a state.

/**
 * How much each particle counts, from squared distances of what it sees to what it should see, [..., N]: ∝ exp(−d² / 2σ²). They add
 * up to 1 however far all are off.
 */
export const particleWeights = (squared: Tensor, deviation: number): Tensor =>
  softmax(mul(squared, -0.5 / deviation ** 2));

/**
 * Systematic resampling (Kitagawa 1996): particles are copied or dropped by their weights, with one number of chance for all, so that each is
 * there as often as its weight says, to within one.
 * @param particles [B, R, N, S]
 * @param weights [B, R, N]
 * @param uniform from 0 up to 1, broadcasting to [B, R, N]
 */
export function resampled(particles: Tensor, weights: Tensor, uniform: Tensor): Tensor {
  const [batch, filters, count, numbers] = particles.shape as [string, number, number, number];
  const { dtype } = weights;
  const upTo = Array.from({ length: count * count }, (_, flat) =>
    Math.floor(flat / count) <= flat % count ? 1 : 0,
  );
  const sums = matmul(weights, constant(upTo, { dtype, shape: [count, count] })); // of the weights up to each
  const numbered = constant(
    Array.from({ length: count }, (_, index) => index),
    { dtype },
  );
  // Rounding may leave the whole short of 1, so marks are shares of it.
  const marks = mul(mul(add(numbered, uniform), 1 / count), slice(sums, 2, count - 1, 1)); // [B, R, N]
  const passed = reduceSum(cast(lessEqual(unsqueeze(sums, 2), unsqueeze(marks, 3)), dtype), { axes: 3 });
  const picks = cast(minimum(passed, count - 1), "int32");
  return takeAlongAxis(particles, expand(unsqueeze(picks, 3), [batch, filters, count, numbers]), 2);
}

/** The mean of particles [B, R, N, S] by their weights [B, R, N]: [B, R, S]. */
export const estimateOf = (particles: Tensor, weights: Tensor): Tensor =>
  reduceSum(mul(particles, unsqueeze(weights, 3)), { axes: 2 });

/**
 * Features that are not below 0, [..., H], as the square roots of their shares: products of two such vectors add up to the Bhattacharyya
 * coefficient, and 1 less that to the square of the distance.
 */
export const rootShares = (features: Tensor): Tensor =>
  sqrt(div(features, reduceSum(features, { axes: -1, keep: true })));
