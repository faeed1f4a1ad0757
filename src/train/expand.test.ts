import { expect, test } from "vitest";
import { normals } from "../../test/run.js";
import { Vocabulary } from "../data/index.js";
import { expanded, linearMap } from "./expand.js";
import type { RunSettings } from "./settings.js";
import { buildModel } from "./trainer.js";

const [E, D] = [5, 7];
const words = Array.from({ length: 23 }, (_, index) => `word${index + 10}`);
const floats = (seed: string, count: number) => Float32Array.from(normals(seed, [count]).data);

test("the map is the one that brings vectors nearest, by squares", () => {
  const [x, y] = [floats("x", 11 * 3), floats("y", 11 * 2)];
  const map = linearMap(x, 3, y, 2);
  const off = (by: ArrayLike<number>) => {
    let sum = 0;
    for (let row = 0; row < 11; row++)
      for (let to = 0; to < 2; to++) {
        const found = [0, 1, 2].reduce((all, from) => all + x[row * 3 + from]! * by[from * 2 + to]!, 0);
        sum += (found - y[row * 2 + to]!) ** 2;
      }
    return sum;
  };
  for (let index = 0; index < map.length; index++)
    for (const by of [-0.05, 0.05])
      expect(off(map.map((value, at) => (at === index ? value + by : value)))).toBeGreaterThan(off(map));
});

/** A trained model as it might be, and vectors that are a linear map away from its table, with words of their own. */
function trained(model: string, configuration: Record<string, unknown>, prepared: unknown, table: string) {
  const settings = { model, configuration } as unknown as RunSettings;
  const { scope } = buildModel(settings, prepared);
  const tensors = Object.fromEntries(
    scope.parameters.map(({ name, shape }) => [
      name,
      {
        dtype: "float32" as const,
        shape,
        data: floats(
          name,
          shape.reduce((a, b) => a * b, 1),
        ),
      },
    ]),
  );
  const values = tensors[table]!.data;
  const back = floats("back", E * D);
  const vectorOf = (row: number) =>
    Array.from({ length: D }, (_, to) =>
      Array.from({ length: E }, (_, from) => values[row * E + from]! * back[from * D + to]!).reduce(
        (a, b) => a + b,
      ),
    );
  const rows = words.map((_, index) => 4 + index);
  const vectors = {
    words: ["novel", ...words, "unheard"],
    size: D,
    values: Float32Array.from([vectorOf(9), ...rows.map(vectorOf), vectorOf(13)].flat()),
  };
  return { settings, prepared, tensors, vectors, values };
}

test.each([
  ["skip-thought", { embedding: E, hidden: 4, encoder: "forward" }, "words.table"],
  ["rnnsearch", { embedding: E, hidden: 4, alignment: 3, maxout: 3, attention: "additive" }, "source.table"],
])(
  "%s reads words that vectors of others have, and is as it was of those it knew",
  (model, options, table) => {
    const vocabulary = Vocabulary.of([words]);
    const prepared =
      model === "rnnsearch" ? { source: vocabulary, target: vocabulary } : { words: vocabulary, known: [] };
    const { settings, tensors, vectors, values } = trained(model, options, prepared, table);
    const found = expanded({ settings, prepared, tensors }, vectors, 1);
    expect([found.shared, found.added]).toEqual([23, 1]);
    const row = (data: ArrayLike<number>, at: number) => Array.from(data).slice(at * E, (at + 1) * E);
    const grown = found.tensors[table]!;
    expect(grown.shape).toEqual([28, E]);
    expect(row(grown.data, 27)).toEqual(row(values, 9).map((value) => expect.closeTo(value, 2)));
    expect(Array.from(grown.data).slice(0, 27 * E)).toEqual(Array.from(values));
    for (const [name, tensor] of Object.entries(tensors))
      if (name !== table) expect(found.tensors[name]).toBe(tensor);
    expect(expanded({ settings, prepared, tensors }, vectors, 9).added).toBe(2);
    expect(() =>
      expanded(
        { settings, prepared, tensors },
        { ...vectors, words: vectors.words.map((word) => `${word}!`) },
        9,
      ),
    ).toThrow(
      "the run and the vectors share 0 words, too few to learn a map of vectors of 7 from; give vectors of the same language, with 14 words of the run or more.",
    );
  },
);

test("a model that writes the words it reads has nothing to add to", () => {
  const settings = { model: "skip-gram", configuration: {} } as unknown as RunSettings;
  const prepared = { vocabulary: Vocabulary.of([words]), counts: words.map(() => 1), analogies: [] };
  expect(() =>
    expanded({ settings, prepared, tensors: {} }, { words, size: 1, values: floats("v", 23) }, 9),
  ).toThrow("skip-gram has no table of words that it reads alone; more cannot be added.");
});
