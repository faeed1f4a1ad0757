import { expect, test } from "vitest";
import { UNKNOWN } from "../core/index.js";
import { Vocabulary } from "../data/index.js";
import { translationOf } from "./index.js";

const english = Vocabulary.of([["lives", "in"]]);
const german = Vocabulary.of([["wohnt", "in"]]);
const vocabularies = { source: german, target: english };
const [inside, lives] = english.segment(["in", "lives"]).tokens as [number, number];
const decoded = { tokens: [UNKNOWN, lives, inside, UNKNOWN], logProbability: -1, finished: true };
const source = ["Zoltan", "wohnt", "in", "Szeged"];
const weights = [
  [0.9, 0.1, 0, 0, 0],
  [0, 1, 0, 0, 0],
  [0, 0, 1, 0, 0],
  [0, 0, 0.1, 0.8, 0.1],
];

test("an unknown word becomes the source word it looked at", () => {
  const { words, output, pieces } = translationOf({ ...decoded, weights }, vocabularies, source);
  expect(words).toEqual(["Zoltan", "lives", "in", "Szeged"]);
  expect(output).toBe("Zoltan lives in Szeged");
  expect(pieces).toEqual([...words, "(end)"]);
  const atEnd = [...weights.slice(0, 3), [0, 0, 0, 0.1, 0.9]];
  expect(translationOf({ ...decoded, weights: atEnd }, vocabularies, source).words.at(-1)).toBe("<unknown>");
  expect(translationOf({ ...decoded, weights }, vocabularies, source, { keepUnknown: true }).words[0]).toBe(
    "<unknown>",
  );
});

test("words are written with their marks", () => {
  const target = Vocabulary.of([["10", "‿-‿", "12"]]);
  const { output, pieces } = translationOf(
    {
      tokens: target.segment(["10", "‿-‿", "12"]).tokens,
      weights: weights.slice(0, 4),
      logProbability: 0,
      finished: true,
    },
    { source: german, target },
    source,
  );
  expect(output).toBe("10-12");
  expect(pieces).toEqual(["10", "‿-‿", "12", "(end)"]);
});

test("without attention it stays unknown", () => {
  const { words } = translationOf(decoded, vocabularies, source);
  expect(words).toEqual(["<unknown>", "lives", "in", "<unknown>"]);
});

test("pieces of words are joined in the output", () => {
  const pieces = Vocabulary.from({
    pieces: ["<pad>", "<start>", "<end>", "<unknown>", "a@@", "b", "ab"],
    merges: [],
  });
  const both = { source: pieces, target: pieces };
  const spelled = {
    tokens: [4, 5, UNKNOWN],
    weights: [
      [1, 0, 0],
      [0, 1, 0],
      [1, 0, 0],
    ],
    logProbability: 0,
    finished: false,
  };
  const { words, pieces: written } = translationOf(spelled, both, ["ab"]);
  expect(words).toEqual(["ab", "ab"]);
  // The end was not reached.
  expect(written).toEqual(["a@@", "b", "ab"]);
});
