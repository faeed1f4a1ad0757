import { multiplyDimensions, PAD, subtractDimensions, type Tensor } from "../core/index.js";
import type { Mode, Outputs } from "../nn/index.js";
import {
  add,
  cast,
  crossEntropy,
  div,
  equal,
  gather,
  mul,
  neg,
  not,
  reduceMean,
  reduceSum,
  reshape,
  slice,
  softplus,
  square,
  sub,
} from "../ops/index.js";

/** Targets [T, B] as what is read before each token and what is to be written then, [T − 1, B] each. */
export function shifted(target: Tensor): { readonly read: Tensor; readonly written: Tensor } {
  const steps = subtractDimensions(target.shape[0]!, 1);
  return { read: slice(target, 0, 0, steps), written: slice(target, 0, 1, steps) };
}

/**
 * Cross-entropy in nats of words against targets [T, B], without padding. `loss` is its mean over tokens, the targets smoothed
 * where the mode says so (Szegedy et al. 2016, section 7: a share of each target is spread over all words alike); `losses` [T, B]
 * are those of single tokens, 0 on padding, never smoothed.
 *
 * Where the mode has candidates, these alone are scored, and smoothed over. A word that is among them with probability π counts
 * 1/π times in the sum of the softmax, whose expectation is then the sum over all words (Bengio & Senécal 2008; Jean et al.
 * 2015, equation 9).
 * @param output from features to the logits of words
 * @param features [T, B, F]
 */
export function tokenLoss(
  output: Outputs,
  features: Tensor,
  targets: Tensor,
  mode: Mode,
): { loss: Tensor; losses: Tensor } {
  const candidates = mode.candidatesOf(output.size);
  const logits = candidates
    ? sub(output.of(candidates.words)(features), candidates.corrections)
    : output(features);
  const rows = multiplyDimensions(...targets.shape);
  const { losses, logProbabilities } = crossEntropy(
    reshape(logits, [rows, logits.shape[2]!]),
    reshape(candidates ? gather(candidates.places, targets) : targets, [rows]),
  );
  const real = cast(not(equal(targets, PAD)), logits.dtype);
  const masked = mul(reshape(losses, targets.shape), real);
  const count = reduceSum(real);
  const exact = mode.perToken(reduceSum(masked), count);
  const { labelSmoothing } = mode;
  if (labelSmoothing === 0) return { loss: exact, losses: masked };
  const known = candidates ? add(logProbabilities, candidates.corrections) : logProbabilities;
  const spread = mul(neg(reduceMean(known, { axes: 1 })), reshape(real, [rows]));
  const uniform = mode.perToken(reduceSum(spread), count);
  return {
    loss: add(mul(exact, 1 - labelSmoothing), mul(uniform, labelSmoothing)),
    losses: masked,
  };
}

/**
 * Binary cross-entropy in nats of logits [T, B, W] against bits of the same shape, by rows, [T, B]; 0 where `counted` [T, B] is 0,
 * because nothing is asked for, and not 1.
 */
export const bitLosses = (logits: Tensor, bits: Tensor, counted: Tensor): Tensor =>
  // −log σ(x) for a 1 and −log(1 − σ(x)) for a 0 are softplus(x) − x · bit.
  mul(reduceSum(sub(softplus(logits), mul(logits, bits)), { axes: -1 }), counted);

/** The mean of `bitLosses` over rows that are counted, beside those of single rows. */
export function bitLoss(
  logits: Tensor,
  bits: Tensor,
  counted: Tensor,
  mode: Mode,
): { loss: Tensor; losses: Tensor } {
  const losses = bitLosses(logits, bits, counted);
  return { loss: mode.perToken(reduceSum(losses), reduceSum(counted)), losses };
}

/** How far a middle may be off, as a share of the box's sides: one standard deviation of the density that a miss is scored by. */
export const MISS = 0.25;

/**
 * How far boxes are off where they should be, in nats: −log of a normal density of the middle around the box, up to a constant.
 * @param boxes and `right` [..., 4]: middle x and y, width and height as shares of the frame
 * @param known [...]: 1 where it is known where the box should be, 0 elsewhere, where nothing is lost
 */
export function boxLosses(boxes: Tensor, right: Tensor, known: Tensor): Tensor {
  const [middle, size] = [0, 2].map((from) => slice(right, -1, from, 2));
  const off = div(sub(slice(boxes, -1, 0, 2), middle!), size!);
  return mul(mul(reduceSum(square(off), { axes: -1 }), 0.5 / MISS ** 2), known);
}

/** −log p(x) in nats of images of 0 and 1 under logits, both [B, …], summed over all axes but the first, to [B]. */
export const pixelLosses = (logits: Tensor, image: Tensor): Tensor =>
  reduceSum(sub(softplus(logits), mul(logits, image)), {
    axes: image.shape.slice(1).map((_, axis) => axis + 1),
  });

/** How far a similarity may be off, from 0 to 1: one standard deviation of the density that a miss is scored by. */
const SIMILARITY_MISS = 0.1;

/** How far similarities are off, in nats: −log of a normal density around what is right, up to a constant. Both [B], 0 to 1. */
export const similarityLosses = (found: Tensor, right: Tensor): Tensor =>
  mul(square(sub(found, right)), 1 / (2 * SIMILARITY_MISS ** 2));
