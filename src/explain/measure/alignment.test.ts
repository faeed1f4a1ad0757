import { expect, test } from "vitest";
import {
  addCounts,
  alignmentErrorRate,
  alignmentPrecision,
  alignmentRecall,
  countAlignment,
  linksOf,
  NO_COUNTS,
} from "./alignment.js";

const gold = [
  { source: 0, target: 0, sure: true },
  { source: 1, target: 1, sure: true },
  { source: 2, target: 2, sure: false },
  { source: 2, target: 3, sure: true },
];

test("the gold alignment has no errors, with or without its possible links", () => {
  expect(alignmentErrorRate(countAlignment(gold, gold))).toBe(0);
  const sure = gold.filter((link) => link.sure);
  expect(alignmentErrorRate(countAlignment(sure, gold))).toBe(0);
});

test("errors are counted as by Och & Ney", () => {
  // |A| = 3, |S| = 3, |A ∩ S| = 1, |A ∩ P| = 2.
  const proposed = [
    { source: 0, target: 0 },
    { source: 2, target: 2 },
    { source: 0, target: 3 },
  ];
  const counts = countAlignment(proposed, gold);
  expect(alignmentErrorRate(counts)).toBeCloseTo(1 - (1 + 2) / (3 + 3), 12);
  expect(alignmentPrecision(counts)).toBeCloseTo(2 / 3, 12);
  expect(alignmentRecall(counts)).toBeCloseTo(1 / 3, 12);
  expect(alignmentErrorRate(addCounts(counts, NO_COUNTS))).toBe(alignmentErrorRate(counts));
  expect(alignmentErrorRate(NO_COUNTS)).toBe(0);
});

test("a link that is proposed again counts once", () => {
  const proposed = [gold[0]!, gold[0]!, { source: 0, target: 3 }, { source: 0, target: 3 }, gold[2]!];
  const counts = countAlignment([...proposed, ...proposed], [...gold, ...gold]);
  expect(counts).toEqual({ proposed: 3, sure: 3, proposedSure: 1, proposedPossible: 2 });
});

test("each target word is linked to the place it looks at most, unless that is the end mark", () => {
  const weights = [
    [0.1, 0.7, 0.2],
    [0.2, 0.1, 0.7],
  ];
  expect(linksOf(weights, 2)).toEqual([{ source: 1, target: 0 }]);
});
