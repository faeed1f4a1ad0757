import type { CaptionedImage, Mask } from "../../data/index.js";
import { addPointing, countPointing, NO_POINTING, type PointingCounts } from "../../explain/index.js";
import type { Scoring } from "../contract.js";
import { type Spread, SpreadMeter } from "../spread.js";

/** What teacher-forced scoring of images finds. */
export interface Scores {
  /** Cross-entropy in nats a token. */
  readonly loss: number;
  /** How the attention of content words meets the masks; no words where either is missing. */
  readonly pointing: PointingCounts;
  /** Where the model has attention. */
  readonly attention?: Spread | undefined;
}

/** Scores images against their own first captions. */
export async function scoreImages(
  { evaluator, parameters, vocabularies }: Scoring<CaptionedImage>,
  images: readonly CaptionedImage[],
): Promise<Scores> {
  let [total, tokens] = [0, 0];
  let pointing = NO_POINTING;
  const meter = new SpreadMeter();
  for await (const found of evaluator.force(parameters, images)) {
    total += found.loss;
    tokens += found.tokens;
    if (!found.weights) continue;
    const { rows, columns } = gridOf(evaluator.grid!);
    const { gold, captions } = found.example;
    meter.add(found.weights, rows * columns);
    if (!gold || vocabularies.target.kind !== "word") continue;
    pointing = addPointing(
      pointing,
      pointingOf(found.weights, gold.referents(captions[0]!), gold.masks(), { rows, columns }),
    );
  }
  return { loss: total / tokens, pointing, attention: meter.mean };
}

export const gridOf = ([rows, columns]: readonly [number, number]) => ({ rows, columns });

/** How the attention of the words of one caption, [word, cell], meets what they tell of. */
export function pointingOf(
  weights: readonly ArrayLike<number>[],
  referents: readonly (number | undefined)[],
  masks: readonly Mask[],
  grid: { rows: number; columns: number },
): PointingCounts {
  return referents.reduce<PointingCounts>((sum, referent, word) => {
    const mask = referent === undefined ? undefined : masks[referent];
    return mask && weights[word] ? addPointing(sum, countPointing(weights[word], mask, grid)) : sum;
  }, NO_POINTING);
}
