import type { CaptionedImage, Mask } from "../../data/index.js";
import { addPointing, countPointing, NO_POINTING, type PointingCounts } from "../../explain/index.js";
import type { Scoring } from "../contract.js";
import { type ForcedScores, scoreForced } from "../forced.js";
import type { Vocabularies } from "../vocabularies.js";

/** What teacher-forced scoring of images finds. */
export interface Scores extends ForcedScores {
  /** How the attention of content words meets the masks; no words where either is missing. */
  readonly pointing: PointingCounts;
}

/** Scores images against their own first captions. */
export async function scoreImages(
  scoring: Scoring<CaptionedImage, Vocabularies>,
  images: readonly CaptionedImage[],
): Promise<Scores> {
  let pointing = NO_POINTING;
  const { evaluator, prepared } = scoring;
  const scores = await scoreForced(scoring, images, ({ gold, captions }, weights) => {
    const [rows, columns] = evaluator.grids.source!;
    if (gold && prepared.target.kind === "word")
      pointing = addPointing(
        pointing,
        pointingOf(weights, gold.referents(captions[0]!), gold.masks(), { rows, columns }),
      );
    return { rows: weights, places: rows * columns };
  });
  return { ...scores, pointing };
}

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
