import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { captionBleu, ciderD, meteorExact, rougeL } from "./captions.js";

interface Case {
  readonly captions: readonly string[];
  readonly references: readonly (readonly string[])[];
  readonly bleu: readonly number[];
  readonly rougeL: number;
  readonly ciderD: number;
  readonly meteorExact: number;
}

const cases: readonly Case[] = JSON.parse(
  readFileSync(new URL("fixtures/caption-scores.json", import.meta.url), "utf8"),
);
const words = (text: string): string[] => text.split(" ");

test.each(cases)("$captions are scored as COCO's evaluation scores them", (given) => {
  const captions = given.captions.map(words);
  const references = given.references.map((others) => others.map(words));
  const bleu = captionBleu(captions, references);
  given.bleu.forEach((expected, index) => {
    expect(bleu[index]! / expected, `BLEU-${index + 1}`).toBeCloseTo(1, 9);
  });
  expect(rougeL(captions, references)).toBeCloseTo(given.rougeL, 9);
  expect(ciderD(captions, references)).toBeCloseTo(given.ciderD, 9);
  expect(meteorExact(captions, references)).toBeCloseTo(given.meteorExact, 9);
});

test("an empty caption scores nothing and breaks nothing", () => {
  const references = [[["a", "b"]], [["c"]]];
  expect(captionBleu([[], []], references)).toEqual([0, 0, 0, 0]);
  expect(rougeL([[], []], references)).toBe(0);
  expect(ciderD([[], []], references)).toBe(0);
  expect(meteorExact([[], []], references)).toBe(0);
});
