import { expect, test } from "vitest";
import { normals } from "../../test/run.js";
import { UsageError } from "../core/index.js";
import { Vocabulary } from "../data/index.js";
import type { ParameterKind } from "../nn/index.js";
import { beginWithLearnt } from "./tables.js";

const floats = (seed: string, shape: readonly number[]) => Float32Array.from(normals(seed, shape).data);

/** Parameters with values, of a vocabulary of words. */
function made(seed: string, words: readonly string[], shapes: Record<string, [ParameterKind, ...number[]]>) {
  const vocabulary = Vocabulary.of([words], {});
  const parameters = Object.entries(shapes).map(([name, [kind, ...shape]]) => ({ name, kind, shape }));
  const values = Object.fromEntries(parameters.map(({ name, shape }) => [name, floats(seed + name, shape)]));
  return { prepared: { words: vocabulary }, vocabulary, parameters, values };
}

const before = made("before", ["dog", "runs", "cat"], {
  "words.table": ["table", 7, 3],
  "place.position": ["position", 5, 3],
  "layer.weight": ["weight", 3, 2],
  "masked.bias": ["bias", 7],
});
const learnt = {
  model: "earlier",
  prepared: before.prepared,
  tensors: Object.fromEntries(
    before.parameters.map(({ name, shape }) => [
      name,
      { dtype: "float32" as const, shape, data: before.values[name]! },
    ]),
  ),
};

test("words begin with the rows of the words, positions with those that both have, all else whole", () => {
  const now = made("now", ["zebra", "cat", "sleeps", "dog", "sits"], {
    "words.table": ["table", 9, 3],
    "place.position": ["position", 11, 3],
    "layer.weight": ["weight", 3, 2],
    "output.weight": ["weight", 3, 1],
  });
  const own = structuredClone(now.values);
  const over = beginWithLearnt(now.parameters, now.prepared, learnt, (name) => now.values[name]!);
  expect(over).toEqual({
    taken: ["words.table", "place.position", "layer.weight"],
    own: ["output.weight"],
    tables: [{ name: "words.table", known: 2, words: 5 }],
  });
  const row = (values: Record<string, Float32Array>, name: string, at: number) =>
    values[name]!.slice(at * 3, (at + 1) * 3);
  now.vocabulary.words.forEach((word, token) => {
    const [from, at] =
      token < 4
        ? [before.values, token]
        : word === "cat" || word === "dog"
          ? [before.values, before.vocabulary.words.indexOf(word)]
          : [own, token];
    expect(row(now.values, "words.table", token)).toEqual(row(from, "words.table", at));
  });
  for (let at = 0; at < 11; at++)
    expect(row(now.values, "place.position", at)).toEqual(
      row(at < 5 ? before.values : own, "place.position", at),
    );
  expect(now.values["layer.weight"]).toEqual(before.values["layer.weight"]);
  expect(now.values["output.weight"]).toEqual(own["output.weight"]);
});

test("what does not fit is refused, and nothing is changed", () => {
  for (const [shapes, message] of [
    [
      { "place.position": ["position", 5, 3], "layer.weight": ["weight", 5, 2] },
      "layer.weight is 5 × 2 here but 3 × 2 in the run of earlier to begin with; make their options alike with --set.",
    ],
    [
      { "words.table": ["table", 9, 2], "layer.weight": ["weight", 3, 2] },
      "words.table is 9 × 2 here but 7 × 3 in the run of earlier to begin with; make their options alike with --set.",
    ],
    [
      { "words.table": ["table", 6, 3], "layer.weight": ["weight", 3, 2] },
      "words.table has no word of the run of earlier to begin with; begin with one that learnt from texts of the same language.",
    ],
    [
      { "output.weight": ["weight", 3, 1] },
      "no parameter has the name of one of the run's, which is of earlier; begin with a run of a model that shares parts with this one.",
    ],
  ] as const) {
    const words = message.includes("no word") ? ["perro", "gato"] : ["dog", "a", "b", "c", "d"];
    const now = made("now", words, shapes as never);
    const own = structuredClone(now.values);
    expect(() => beginWithLearnt(now.parameters, now.prepared, learnt, (name) => now.values[name]!)).toThrow(
      new UsageError(message),
    );
    expect(now.values).toEqual(own);
  }
});
