import { describe, expect, test } from "vitest";
import { normals, parametersOf, runOnce } from "../../../test/run.js";
import { gradient } from "../../autodiff/index.js";
import { END, PAD, START } from "../../core/index.js";
import { Mode, Scope } from "../../nn/index.js";
import { input } from "../../ops/index.js";
import type { Value } from "../../session/index.js";
import { bert } from "./model.js";
import { bertPairs } from "./pairs.js";

const [V, F, PLACES] = [11, 6, 203];
const options = bertPairs.configuration.parse({ features: F, inner: 7, heads: 2, layers: 2, dropout: 0 });
const mode = Mode.plain({ dtype: "float64" });
const scope = Scope.root("float64");
const model = bertPairs.build(scope, options, { words: V });
const inputs = {
  first: input("first", "int32", ["length", "batch"]),
  second: input("second", "int32", ["length", "batch"]),
};
const parameters = Object.fromEntries(
  Object.entries(parametersOf(scope)).map(([name, { shape }]) => {
    const { data, ...rest } = normals(name, shape);
    return [name, { ...rest, data: (data as Float64Array).map((x) => 0.4 * x) }];
  }),
);
const columns = (rows: readonly (readonly number[])[], length: number): Value => ({
  dtype: "int32",
  shape: [length, rows.length],
  data: Int32Array.from({ length: length * rows.length }, (_, at) => {
    return rows[at % rows.length]![Math.floor(at / rows.length)] ?? PAD;
  }),
});
const pairs = [
  { first: [5, 6, 7, 8, 9], second: [6, 10] },
  { first: [7], second: [5, 5, 9, 4] },
  { first: [10, 4, 6], second: [10, 4, 6] },
];
const valuesOf = (asked: typeof pairs, length: number) => ({
  first: columns(
    asked.map(({ first }) => first),
    length,
  ),
  second: columns(
    asked.map(({ second }) => second),
    length,
  ),
});

describe("BERT of pairs", () => {
  const { outputs } = model.once!(inputs, mode);
  const ask = async (asked: typeof pairs, length: number) => {
    const { similarity } = await runOnce(outputs, { ...parameters, ...valuesOf(asked, length) });
    return Array.from(similarity!.data);
  };

  test("reads both as the pre-trained one reads two texts, whatever padding lies between", async () => {
    const whole = Scope.root("float64");
    const pretrained = bert.build(whole, options, { words: V, longest: PLACES });
    const shared = Object.fromEntries(
      whole.parameters.map(({ name, shape }) => [
        name,
        parameters[name.replace("follows.output", "similarity.output")] ?? normals(name, shape),
      ]),
    );
    const found = pretrained.once!(
      {
        source: input("source", "int32", ["words", "batch"]),
        segments: input("segments", "int32", ["words", "batch"]),
        masked: input("masked", "int32", ["asked", "batch"]),
      },
      mode,
    );
    const expected = [];
    for (const { first, second } of pairs) {
      const source = [START, ...first, END, ...second, END];
      const { follows } = await runOnce(
        { follows: found.outputs.follows! },
        {
          ...shared,
          source: columns([source], source.length),
          segments: columns([source.map((_, at) => (at > first.length + 1 ? 1 : 0))], source.length),
          masked: columns([[1]], 1),
        },
      );
      expected.push(1 / (1 + Math.exp(-follows!.data[0]!)));
    }
    const near = expected.map((one) => expect.closeTo(one, 12));
    expect(await ask(pairs, 5)).toEqual(near);
    expect(await ask(pairs, 13)).toEqual(near);
    expect((await ask([pairs[1]!], 4))[0]).toBeCloseTo(expected[1]!, 12);
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(1e-4);
  });

  test("has the gradient of its loss, by finite differences", async () => {
    const { loss } = model.objective({ ...inputs, score: input("score", "float64", ["batch"]) }, mode);
    const { parameters: all } = scope;
    const gradients = gradient(
      loss,
      all.map(({ tensor }) => tensor),
    );
    const fed = {
      ...valuesOf(pairs, 5),
      score: { dtype: "float64", shape: [3], data: Float64Array.of(0.2, 1, 0.7) } as Value,
    };
    const program = {
      loss,
      ...Object.fromEntries(all.map(({ name }, at) => [name, gradients[at]!])),
    };
    const found = await runOnce(program, { ...parameters, ...fed });
    const step = 1e-5;
    for (const name of ["words.table", "place.position", "follows.pooled.weight", "similarity.output.bias"]) {
      const { data, ...rest } = parameters[name]!;
      const analytic = Array.from(found[name]!.data);
      const at = analytic.reduce((best, one, index) => {
        return Math.abs(one) > Math.abs(analytic[best]!) ? index : best;
      }, 0);
      const lossAt = async (by: number) => {
        const moved = {
          ...rest,
          data: (data as Float64Array).map((x, index) => (index === at ? x + by : x)),
        };
        return (await runOnce({ loss }, { ...parameters, [name]: moved, ...fed })).loss!.data[0]!;
      };
      const numeric = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
      expect(Math.abs(numeric)).toBeGreaterThan(0);
      expect(analytic[at]! / numeric).toBeCloseTo(1, 5);
    }
  });
});
