import { z } from "zod";
import { type Look, logDensity } from "../attention/index.js";
import type { Tensor } from "../core/index.js";
import { linear, type Scope } from "../nn/index.js";
import {
  add,
  maximum,
  minimum,
  mul,
  reduceMean,
  reduceSum,
  square,
  squeeze,
  stopGradient,
  sub,
} from "../ops/index.js";
import type { ClassificationSizes } from "./contract.js";

// What models share that look at an image by a few glimpses and learn where by reinforcement. Axes: T glimpses, B batch.

/** Options of a retina, and of how gazes are drawn and learnt. */
export const gazeOptions = {
  side: z.int().min(1).max(256).default(8).describe("side of the retina's squares, in cells"),
  scales: z
    .int()
    .min(1)
    .max(6)
    .default(1)
    .describe("squares of the retina, each twice as large as the one before"),
  deviation: z
    .number()
    .min(0.001)
    .max(1)
    .default(0.1)
    .describe("how far around its mean a gaze is drawn, as a share of half the image"),
  copies: z
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe("episodes of each image that a step of training averages over"),
  reward: z
    .enum(["probability", "right"])
    .default("probability")
    .describe(
      "what gazes are rewarded with: the probability of the right class, or 1 where it is the likeliest",
    ),
  reinforcement: z.number().min(0).max(100).default(0.01).describe("how much the reward of a gaze counts"),
};

/** Squares of growing size around one place (Mnih et al. 2014, section 3.1): their sides, how much they show, and the look they make. */
export function retina(
  { side, scales }: { readonly side: number; readonly scales: number },
  { image: [height, width, channels] }: Pick<ClassificationSizes, "image">,
) {
  return {
    sides: Array.from({ length: scales }, (_, scale) => {
      const pixels = side * 2 ** scale;
      return [pixels / width, pixels / height] as const;
    }),
    seen: scales * side * side * channels,
    look: (windows: Tensor, axes: Look["axes"]): Look => ({
      kind: "windows",
      over: "image",
      axes,
      value: windows,
    }),
  };
}

/** Places that were drawn, brought into the image. */
export const inside = (place: Tensor): Tensor => maximum(minimum(place, 1), -1);

/** Gazes of an episode, and what they were drawn by. */
export interface Gazes {
  /** What the baseline reads, [T, B, H]: the state before each gaze is drawn. */
  readonly states: Tensor;
  /** The places as they were drawn, and their means, [T, B, 2]. */
  readonly drawn: Tensor;
  readonly means: Tensor;
  /** What each gaze may earn, [B] or [T, B]. */
  readonly reward: Tensor;
}

/**
 * A baseline, and what is minimised that gazes be rewarded (Mnih et al. 2014, (2) and (3)): beside a loss, how far the baseline is from the reward,
 * and the reward's share in the density of each gaze.
 * @param hidden features of the states that the baseline reads, which it teaches nothing
 */
export function reinforcement(
  scope: Scope,
  hidden: number,
  { deviation, reinforcement: weight }: { readonly deviation: number; readonly reinforcement: number },
): (
  loss: Tensor,
  gazes: Gazes,
) => { readonly loss: Tensor; readonly report: Readonly<Record<string, Tensor>> } {
  const expect = linear(scope, { input: hidden, output: 1 });
  return (loss, { states, drawn, means, reward }) => {
    const expected = squeeze(expect(stopGradient(states)), 2);
    const advantage = sub(stopGradient(reward), expected); // R − b_t
    const baseline = reduceMean(square(advantage));
    const density = logDensity(drawn, means, deviation);
    const score = reduceMean(reduceSum(mul(stopGradient(advantage), density), { axes: 0 }));
    return {
      loss: sub(add(loss, baseline), mul(score, weight)),
      report: { loss, reward: reduceMean(reward), baseline },
    };
  };
}
