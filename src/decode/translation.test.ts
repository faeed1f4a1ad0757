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
  const { words, output, trace } = translationOf({ ...decoded, weights }, vocabularies, source);
  expect(words).toEqual(["Zoltan", "lives", "in", "Szeged"]);
  expect(output).toBe("Zoltan lives in Szeged");
  expect(trace).toEqual({ kind: "alignment", source: [...source, "■"], target: words, weights });
  const atEnd = [...weights.slice(0, 3), [0, 0, 0, 0.1, 0.9]];
  expect(translationOf({ ...decoded, weights: atEnd }, vocabularies, source).words.at(-1)).toBe("<unknown>");
  expect(translationOf({ ...decoded, weights }, vocabularies, source, { keepUnknown: true }).words[0]).toBe(
    "<unknown>",
  );
});

test("words are drawn as the text has them, and written with their marks", () => {
  const target = Vocabulary.of([["10", "‿-‿", "12"]]);
  const { output, pieces, trace } = translationOf(
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
  expect(pieces).toEqual(["10", "‿-‿", "12", "■"]);
  expect(trace!.target).toEqual(["10", "-", "12", "■"]);
});

test("without attention it stays unknown, and there is no trace", () => {
  const { words, trace } = translationOf(decoded, vocabularies, source);
  expect(words).toEqual(["<unknown>", "lives", "in", "<unknown>"]);
  expect(trace).toBeUndefined();
});

test("pieces of words are joined in the output and drawn one by one in the trace", () => {
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
  const { words, trace } = translationOf(spelled, both, ["ab"]);
  expect(words).toEqual(["ab", "ab"]);
  expect(trace).toMatchObject({ source: ["a@@", "b", "■"], target: ["a@@", "b", "ab"] });
});
