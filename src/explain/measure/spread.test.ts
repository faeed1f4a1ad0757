import { expect, test } from "vitest";
import {
  attentionCoverage,
  attentionEntropy,
  attentionMovement,
  attentionUniformity,
  collapseOf,
} from "./spread.js";

test("entropy is 0 for one place and log n for all alike", () => {
  expect(attentionEntropy([[0, 1, 0]])).toBe(0);
  expect(attentionEntropy([[0.2, 0.2, 0.2, 0.2, 0.2]])).toBeCloseTo(Math.log(5), 12);
  expect(
    attentionEntropy([
      [1, 0],
      [0.5, 0.5],
    ]),
  ).toBeCloseTo(Math.log(2) / 2, 12);
});

test("coverage counts each source word up to 1", () => {
  expect(
    attentionCoverage(
      [
        [1, 0, 0],
        [0.5, 0.25, 0.25],
      ],
      2,
    ),
  ).toBeCloseTo((1 + 0.25) / 2, 12);
  expect(attentionCoverage([], 0)).toBe(0);
});

test("attention that is spread alike, or never moves, has collapsed", () => {
  const summary = (weights: number[][]) => ({
    uniformity: attentionUniformity(weights),
    movement: attentionMovement(weights),
  });
  const moving = [
    [0.9, 0.1, 0],
    [0.1, 0.9, 0],
    [0, 0, 1],
  ];
  expect(attentionMovement(moving)).toBeCloseTo((0.8 + 1) / 2, 12);
  expect(collapseOf(summary(moving))).toBeUndefined();
  expect(
    collapseOf(
      summary([
        [0.33, 0.34, 0.33],
        [0.34, 0.33, 0.33],
      ]),
    ),
  ).toBe("uniform");
  expect(
    collapseOf(
      summary([
        [0.9, 0.1, 0],
        [0.9, 0.1, 0],
        [0.89, 0.11, 0],
      ]),
    ),
  ).toBe("still");
  expect(attentionMovement([[1]])).toBe(1);
});
