import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { bleu, chrf, tokenise13a } from "./bleu.js";

const cases: { hypotheses: string[]; references: string[][]; bleu: number; chrf: number }[] = JSON.parse(
  readFileSync(new URL("fixtures/reference-scores.json", import.meta.url), "utf8"),
);

test.each(cases)("BLEU and chrF agree with sacreBLEU: $hypotheses", (example) => {
  expect(bleu(example.hypotheses, example.references)).toBeCloseTo(example.bleu, 9);
  const first = example.references.map(([reference]) => reference!);
  expect(chrf(example.hypotheses, first)).toBeCloseTo(example.chrf, 9);
});

test("the README of sacreBLEU gives 48.53", () => {
  expect(bleu(cases[0]!.hypotheses, cases[0]!.references)).toBeCloseTo(48.53, 2);
});

test("13a tokens keep numbers together and part punctuation", () => {
  expect(tokenise13a('It costs 1,000.50 (or 3-2), "he said".')).toEqual([
    "It",
    "costs",
    "1,000.50",
    "(",
    "or",
    "3",
    "-",
    "2",
    ")",
    ",",
    '"',
    "he",
    "said",
    '"',
    ".",
  ]);
});
