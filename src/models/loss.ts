import { multiplyDimensions, PAD, type Tensor } from "../core/index.js";
import {
  add,
  cast,
  crossEntropy,
  div,
  equal,
  mul,
  neg,
  not,
  reduceMean,
  reduceSum,
  reshape,
} from "../ops/index.js";
import type { TrainingOptions } from "./contract.js";

/**
 * Cross-entropy in nats of logits [T, B, V] against targets [T, B], without padding. `loss` is its mean over tokens, the
 * targets smoothed where asked for (Szegedy et al. 2016, section 7: a share of each target is spread over all words
 * alike); `tokenLosses` [T, B] are those of single tokens, 0 on padding, and `sequenceLoss` [B] their sum for each
 * sequence, neither of them ever smoothed.
 */
export function tokenLoss(
  logits: Tensor,
  targets: Tensor,
  { labelSmoothing = 0 }: TrainingOptions = {},
): { loss: Tensor; sequenceLoss: Tensor; tokenLosses: Tensor } {
  const rows = multiplyDimensions(...targets.shape);
  const { losses, logProbabilities } = crossEntropy(
    reshape(logits, [rows, logits.shape[2]!]),
    reshape(targets, [rows]),
  );
  const real = cast(not(equal(targets, PAD)), logits.dtype);
  const masked = mul(reshape(losses, targets.shape), real);
  const exact = div(reduceSum(masked), reduceSum(real));
  const sequenceLoss = reduceSum(masked, { axes: 0 });
  if (labelSmoothing === 0) return { loss: exact, sequenceLoss, tokenLosses: masked };
  const spread = mul(neg(reduceMean(logProbabilities, { axes: 1 })), reshape(real, [rows]));
  const uniform = div(reduceSum(spread), reduceSum(real));
  return {
    loss: add(mul(exact, 1 - labelSmoothing), mul(uniform, labelSmoothing)),
    sequenceLoss,
    tokenLosses: masked,
  };
}
