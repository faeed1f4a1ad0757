import type { Captioned, Mask } from "../../data/index.js";
import {
  addPointing,
  countPointing,
  type Grid,
  NO_POINTING,
  type PointingCounts,
} from "../../explain/index.js";
import type { Scoring } from "../contract.js";
import { type ForcedScores, scoreForced } from "../forced.js";
import type { Vocabularies } from "../vocabularies.js";
import type { CaptionSource } from "./captioned.js";

/** What teacher-forced scoring finds. */
export interface Scores extends ForcedScores {
  /** How the attention of content words meets the masks; no words where either is missing. */
  readonly pointing: PointingCounts;
}

/** Scores examples against their own first captions. */
export async function scoreCaptioned<Example extends Captioned>(
  scoring: Scoring<Example, Vocabularies>,
  examples: readonly Example[],
  source: CaptionSource<Example>,
): Promise<Scores> {
  let pointing = NO_POINTING;
  const { evaluator, prepared } = scoring;
  const scores = await scoreForced(scoring, examples, (example, weights) => {
    const { gold, captions } = example;
    const grid = source.grid(example, evaluator);
    if (gold && prepared.target.kind === "word")
      pointing = addPointing(pointing, pointingOf(weights, gold.referents(captions[0]!), gold.masks(), grid));
    return { rows: weights, places: grid.rows * grid.columns };
  });
  return { ...scores, pointing };
}

/** How the attention of the words of one caption, [word, cell], meets what they tell of. */
export function pointingOf(
  weights: readonly ArrayLike<number>[],
  referents: readonly (number | undefined)[],
  masks: readonly Mask[],
  grid: Grid,
): PointingCounts {
  return referents.reduce<PointingCounts>((sum, referent, word) => {
    const mask = referent === undefined ? undefined : masks[referent];
    return mask && weights[word] ? addPointing(sum, countPointing(weights[word], mask, grid)) : sum;
  }, NO_POINTING);
}
