import { expect, test } from "vitest";
import { agreementOf, meanInterval, rankCorrelation, verdictOf, verdictSentence } from "./agreement.js";

test("rank correlation is Spearman's", () => {
  // The worked example of hours of television against intelligence quotient: 1 − 6 · 194 / (10 · 99) = −29/165.
  const quotients = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110];
  const hours = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17];
  expect(rankCorrelation(quotients, hours)).toBeCloseTo(-29 / 165, 12);
  // Ties share their mean rank: ranks 0, 1.5, 1.5, 3 against 0, 1, 2, 3.
  expect(rankCorrelation([1, 2, 2, 3], [1, 2, 3, 4])).toBeCloseTo(4.5 / Math.sqrt(4.5 * 5), 12);
  expect(rankCorrelation([1, 1, 1], [1, 2, 3])).toBeUndefined();
});

test("maps agree by their rows", () => {
  const a = [
    [0.7, 0.2, 0.1],
    [0.1, 0.2, 0.7],
  ];
  const b = [
    [9, 5, 1],
    [9, 1, 3],
  ];
  const agreement = agreementOf(a, b);
  expect(agreement.sameGreatest).toBe(0.5);
  expect(agreement.correlation).toBeCloseTo((1 - 0.5) / 2, 12);
  expect(agreementOf([], [])).toEqual({ correlation: undefined, sameGreatest: 0 });
  expect(agreementOf([[1]], [[3]])).toEqual({ correlation: undefined, sameGreatest: 1 });
});

test("an interval holds the mean, narrows with more values, and is the same every time", () => {
  const values = Array.from({ length: 7 }, (_, index) => index);
  const narrow = meanInterval([...values, ...values, ...values, ...values, ...values]);
  const wide = meanInterval(values);
  expect(wide.mean).toBe(3);
  expect(wide.low).toBeLessThan(3);
  expect(wide.high).toBeGreaterThan(3);
  expect(narrow.high - narrow.low).toBeLessThan(wide.high - wide.low);
  expect(meanInterval(values)).toEqual(wide);
  expect(meanInterval([2, 2])).toEqual({ mean: 2, low: 2, high: 2 });
});

test("a verdict says what it rests on", () => {
  const word = { decision: "word", cause: "word" };
  const of = (sameGreatest: number) => ({ correlation: 0, sameGreatest });
  expect([0.9, 0.5, 0.1].map((share) => verdictOf(of(share)))).toEqual(["explains", "partly", "does not"]);
  expect(verdictSentence(of(0.5), 6, word)).toBe(
    "For 3 of 6 words, the word that attention is greatest at is also the one whose removal hurts most: here the map explains the output in part.",
  );
  expect(verdictSentence(of(1), 2, word)).toMatch(/here the map explains the output\.$/);
  expect(verdictSentence(of(0), 2, { decision: "row", cause: "slot" })).toMatch(
    /^For 0 of 2 rows, the slot .*does not explain the output\.$/,
  );
});
