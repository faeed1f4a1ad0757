import type { Tensor } from "../core/index.js";
import { logSoftmax, mul, squeeze, takeAlongAxis, unsqueeze } from "../ops/index.js";
import type { Shown } from "./contract.js";

/** What a cosine is divided by where it is asked how likely what is near is: 1 is then far likelier than 0.5. */
const TEMPERATURE = 0.05;

/**
 * The log-probability in nats of the one that is taken as nearest.
 * @param cosines [B, N] with what may be near
 * @param answer int32 [B]
 */
export const nearestLikelihood = (cosines: Tensor, answer: Tensor): Tensor =>
  squeeze(takeAlongAxis(logSoftmax(mul(cosines, 1 / TEMPERATURE)), unsqueeze(answer, 1), 1), 1);

/** What is near, the nearest first, as people see it: the nearest is the output. @param what are near, in words: "words" */
export function shownNearest(
  what: string,
  near: readonly { readonly label: string; readonly cosine: number }[],
): Pick<Shown, "output" | "steps" | "blocks" | "references"> {
  const [best] = near;
  return {
    output: best?.label ?? "",
    steps: best ? [{ label: best.label }] : [],
    blocks: [
      {
        kind: "classes",
        title: `Nearest ${what}, by cosine`,
        items: near.map(({ label, cosine }) => ({ label, probability: Math.max(0, cosine) })),
      },
    ],
    references: [],
  };
}
