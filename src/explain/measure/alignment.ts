import type { Link } from "../../data/index.js";

/** Counts from which alignment scores are made; add those of many sentences before scoring. */
export interface AlignmentCounts {
  readonly proposed: number;
  readonly sure: number;
  readonly proposedSure: number;
  readonly proposedPossible: number;
}

/** The link of each target word to the place its attention is greatest at; none where that is no source word. */
export function linksOf(
  weights: readonly ArrayLike<number>[],
  sourceWords: number,
): { source: number; target: number }[] {
  return weights.flatMap((row, target) => {
    let source = 0;
    for (let place = 1; place < row.length; place++) if (row[place]! > row[source]!) source = place;
    return source < sourceWords ? [{ source, target }] : [];
  });
}

/** Compares proposed links with gold ones, as sets: a link counts once. Every sure link is a possible one too. */
export function countAlignment(
  proposed: readonly { source: number; target: number }[],
  gold: readonly Link[],
): AlignmentCounts {
  const key = ({ source, target }: { source: number; target: number }) => `${source} ${target}`;
  const sure = new Set(gold.filter((link) => link.sure).map(key));
  const possible = new Set(gold.map(key));
  const links = [...new Set(proposed.map(key))];
  return {
    proposed: links.length,
    sure: sure.size,
    proposedSure: links.filter((link) => sure.has(link)).length,
    proposedPossible: links.filter((link) => possible.has(link)).length,
  };
}

/** The counts of two together. */
export const addCounts = (a: AlignmentCounts, b: AlignmentCounts): AlignmentCounts => ({
  proposed: a.proposed + b.proposed,
  sure: a.sure + b.sure,
  proposedSure: a.proposedSure + b.proposedSure,
  proposedPossible: a.proposedPossible + b.proposedPossible,
});

/** Counts of no sentence. */
export const NO_COUNTS: AlignmentCounts = { proposed: 0, sure: 0, proposedSure: 0, proposedPossible: 0 };

/** Alignment error rate (Och & Ney 2003, equation 36): 1 − (|A ∩ S| + |A ∩ P|) / (|A| + |S|). Lower is better. */
export const alignmentErrorRate = ({
  proposed,
  sure,
  proposedSure,
  proposedPossible,
}: AlignmentCounts): number =>
  proposed + sure === 0 ? 0 : 1 - (proposedSure + proposedPossible) / (proposed + sure);

/** Share of the proposed links that are possible ones (Och & Ney 2003, equation 34). */
export const alignmentPrecision = ({ proposed, proposedPossible }: AlignmentCounts): number =>
  proposed === 0 ? 0 : proposedPossible / proposed;

/** Share of the sure links that are proposed (Och & Ney 2003, equation 35). */
export const alignmentRecall = ({ sure, proposedSure }: AlignmentCounts): number =>
  sure === 0 ? 0 : proposedSure / sure;
