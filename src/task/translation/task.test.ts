import { expect, test } from "vitest";
import { Vocabulary } from "../../data/index.js";
import { translation } from "./task.js";

const pieces = Vocabulary.from({
  pieces: ["<pad>", "<start>", "<end>", "<unknown>", "a@@", "b", "ab"],
  merges: [],
});

test("words are drawn as the text has them, and chosen with their marks", async () => {
  const vocabularies = {
    source: Vocabulary.of([["wohnt", "in"]]),
    target: Vocabulary.of([["10", "‿-‿", "12"]]),
  };
  const pair = { source: ["wohnt", "in", "Szeged"], target: [] };
  const decoded = {
    tokens: vocabularies.target.segment(["10", "‿-‿", "12"]).tokens,
    logProbability: 0,
    finished: true,
  };
  const { output, steps, unknown, references } = await translation.show(pair, decoded, vocabularies, {
    model: {},
  });
  expect(output).toBe("10-12");
  expect(steps.map(({ label }) => label)).toEqual(["10", "-", "12", "(end)"]);
  expect(steps.map(({ piece }) => piece)).toEqual(["10", "‿-‿", "12", "(end)"]);
  expect(unknown).toEqual(["Szeged"]);
  expect(references).toEqual([]);
});

test("what is looked at are the pieces of the source and its end", async () => {
  const places = await translation.places(
    { source: ["ab"], target: [] },
    { source: pieces, target: pieces },
    {},
  );
  expect(places).toEqual({ source: { kind: "tokens", labels: ["a@@", "b", "(end)"] } });
});
