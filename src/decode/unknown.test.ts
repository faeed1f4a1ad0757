import { expect, test } from "vitest";
import { UNKNOWN } from "../core/index.js";
import { Vocabulary } from "../data/index.js";
import { wordsOf } from "./index.js";

const vocabulary = Vocabulary.of([["lives", "in"]]);
const [inside, lives] = [vocabulary.numberOf("in"), vocabulary.numberOf("lives")];
const decoded = { tokens: [UNKNOWN, lives, inside, UNKNOWN], logProbability: -1, finished: true };
const source = ["Zoltan", "wohnt", "in", "Szeged"];

test("an unknown word becomes the source word it looked at", () => {
  const weights = [
    [0.9, 0.1, 0, 0, 0],
    [0, 1, 0, 0, 0],
    [0, 0, 1, 0, 0],
    [0, 0, 0.1, 0.8, 0.1],
  ];
  expect(wordsOf({ ...decoded, weights }, vocabulary, source)).toEqual(["Zoltan", "lives", "in", "Szeged"]);
  const atEnd = [...weights.slice(0, 3), [0, 0, 0, 0.1, 0.9]];
  expect(wordsOf({ ...decoded, weights: atEnd }, vocabulary, source).at(-1)).toBe("<unknown>");
});

test("without attention it stays unknown", () => {
  expect(wordsOf(decoded, vocabulary, source)).toEqual(["<unknown>", "lives", "in", "<unknown>"]);
});
