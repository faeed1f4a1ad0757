import type { Shape, Tensor } from "../core/index.js";
import type { Mode } from "../nn/index.js";
import { add, mul, reduceSum, square, stopGradient, sub } from "../ops/index.js";

// A gaze is a place that is drawn around a mean and learnt by reinforcement. Axes: B batch.

/**
 * How a place is picked in a mode: drawn from a normal distribution around its mean where it samples, by `chances`, otherwise the mean.
 * @param name of the noise
 * @param shape of the noise: [B, 2], or [T, B, 2] to be taken apart by a scan
 * @param deviation the standard deviation, the same in all directions
 */
export function gazePicker(
  mode: Mode,
  name: string,
  shape: Shape,
  deviation: number,
): {
  /** What `pick` needs of chance; no entries where nothing is drawn. */
  readonly chances: Readonly<Record<string, Tensor>>;
  /** A place around a mean [B, 2], by the chances of one step; no gradient passes. */
  pick(mean: Tensor, chances: Readonly<Record<string, Tensor>>): Tensor;
} {
  if (!mode.sampling) return { chances: {}, pick: stopGradient };
  return {
    chances: { gaze: mode.chance(name, shape, "normal") },
    pick: (mean, { gaze }) => stopGradient(add(mean, mul(gaze!, deviation))),
  };
}

/**
 * The logarithm of the density of places that were drawn, [..., 2] to [...], up to a constant. Its gradient goes to the mean alone:
 * −‖s̃ − μ‖² / 2σ².
 */
export const logDensity = (drawn: Tensor, mean: Tensor, deviation: number): Tensor =>
  mul(reduceSum(square(sub(stopGradient(drawn), mean)), { axes: -1 }), -0.5 / deviation ** 2);
