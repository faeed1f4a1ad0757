import { formatShape, ShapeError, type Tensor } from "../core/index.js";
import { add, div, mul, sub } from "./binary.js";
import { reshape } from "./layout.js";
import { reduceMean } from "./reduce.js";
import { sqrt, square } from "./unary.js";

/** Mean and variance of every channel, [C] each. */
export interface ChannelStatistics {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** The statistics of images [N, C, H, W] over all but their channels; the variance divides by their number. */
export function channelStatistics(x: Tensor): ChannelStatistics {
  const axes = [0, 2, 3];
  const mean = reduceMean(x, { axes, keep: true });
  const variance = reduceMean(square(sub(x, mean)), { axes });
  return { mean: reshape(mean, [x.shape[1]!]), variance };
}

/**
 * Batch normalisation of images [N, C, H, W] (Ioffe & Szegedy 2015, algorithm 1): (x − mean) / √(variance + epsilon) · scale
 * + bias, for each channel; `scale` and `bias` are [C]. The statistics are those of the batch, as in training, unless
 * others are given, as when a trained model is used.
 * @throws ShapeError where scale or bias is not one value a channel
 */
export function batchNorm(
  x: Tensor,
  scale: Tensor,
  bias: Tensor,
  {
    statistics = channelStatistics(x),
    epsilon = 1e-5,
  }: { statistics?: ChannelStatistics; epsilon?: number } = {},
): Tensor {
  const channels = x.shape[1]!;
  for (const [role, vector] of Object.entries({ scale, bias }))
    if (vector.shape.length !== 1 || vector.shape[0] !== channels)
      throw new ShapeError(
        `batchNorm: ${role} is ${formatShape(vector.shape)} but images ${formatShape(x.shape)} need [${channels}]; make it one value a channel.`,
      );
  const spread = (vector: Tensor) => reshape(vector, [1, channels, 1, 1]);
  const factor = div(scale, sqrt(add(statistics.variance, epsilon)));
  return add(mul(sub(x, spread(statistics.mean)), spread(factor)), spread(bias));
}
