import { multiplyDimensions, PAD, type Tensor } from "../core/index.js";
import { cast, crossEntropy, div, equal, mul, not, reduceSum, reshape } from "../ops/index.js";

/**
 * Cross-entropy in nats of logits [T, B, V] against targets [T, B], without padding: its mean over tokens, and its sum
 * for each sequence, [B].
 */
export function tokenLoss(logits: Tensor, targets: Tensor): { loss: Tensor; sequenceLoss: Tensor } {
  const rows = multiplyDimensions(...targets.shape);
  const { losses } = crossEntropy(reshape(logits, [rows, logits.shape[2]!]), reshape(targets, [rows]));
  const real = cast(not(equal(targets, PAD)), logits.dtype);
  const masked = mul(reshape(losses, targets.shape), real);
  return { loss: div(reduceSum(masked), reduceSum(real)), sequenceLoss: reduceSum(masked, { axes: 0 }) };
}
