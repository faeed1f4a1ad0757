import { describe, expect, test } from "vitest";
import { bools, normals, parametersOf, runOnce } from "../../test/run.js";
import { gradient } from "../autodiff/index.js";
import { Scope } from "../nn/index.js";
import { cast, input, mul, reduceSum } from "../ops/index.js";
import { firstPlace, locationAware } from "./location.js";

const [B, S, Q, D, K] = [2, 7, 3, 5, 4];
const sizes = { query: Q, key: D, hidden: K };
const tensors = {
  query: input("query", "float64", ["batch", Q]),
  values: input("values", "float64", ["batch", "places", D]),
  mask: input("mask", "bool", ["batch", "places"]),
  before: input("before", "float64", ["batch", "places"]),
};
const row = (values: readonly number[]) => {
  const sum = values.reduce((a, b) => a + b);
  return values.map((value) => value / sum);
};
const before = [row([1, 5, 2, 0, 1, 0, 1]), row([0, 1, 1, 6, 0, 0, 0])];
const feeds = {
  query: normals("query", [B, Q]),
  values: normals("values", [B, S, D]),
  // The second has five places.
  mask: bools([B, S], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]),
  before: { dtype: "float64" as const, shape: [B, S], data: Float64Array.from(before.flat()) },
};

const cases = [
  { filters: 3, taps: 5, smooth: false, window: 0 },
  { filters: 2, taps: 3, smooth: true, window: 0 },
  { filters: 2, taps: 9, smooth: false, window: 2 },
  { filters: 0, taps: 3, smooth: false, window: 0 },
  { filters: 1, taps: 1, smooth: true, window: 1 },
];

describe.each(cases)("attention with %j", (options) => {
  const scope = Scope.root("float64");
  const attend = locationAware(scope, sizes, options);
  const { query, values, mask } = tensors;
  const attended = attend(query, values, mask, attend.keys(values), tensors.before);
  const parameters = Object.fromEntries(
    Object.entries(parametersOf(scope)).map(([name, { shape }]) => [name, normals(name, shape)]),
  );
  const at = (name: string, ...index: number[]) => {
    const { shape, data } = parameters[name]!;
    return data[index.reduce((sum, one, axis) => sum * shape[axis]! + one, 0)]!;
  };

  /** Equations 8 and 9 by plain loops. */
  function expected(b: number): number[] {
    const energies = Array.from({ length: S }, (_, j) => {
      let energy = 0;
      for (let k = 0; k < K; k++) {
        let sum = at("key.bias", k);
        for (let q = 0; q < Q; q++) sum += feeds.query.data[b * Q + q]! * at("query.weight", q, k);
        for (let d = 0; d < D; d++) sum += feeds.values.data[(b * S + j) * D + d]! * at("key.weight", d, k);
        for (let filter = 0; filter < options.filters; filter++) {
          let seen = 0;
          for (let tap = 0; tap < options.taps; tap++) {
            const from = j - tap + (options.taps - 1) / 2;
            seen += at("filter", tap, filter) * (before[b]![from] ?? 0);
          }
          sum += seen * at("place.weight", filter, k);
        }
        energy += Math.tanh(sum) * at("vector", k, 0);
      }
      return options.smooth ? energy + at("bias", 0) : energy;
    });
    const centre = before[b]!.reduce((sum, weight, place) => sum + weight * place, 0);
    const seen = energies.map(
      (_, j) =>
        feeds.mask.data[b * S + j] === 1 && (options.window === 0 || Math.abs(j - centre) <= options.window),
    );
    return row(
      energies.map((energy, j) =>
        seen[j] ? (options.smooth ? 1 / (1 + Math.exp(-energy)) : Math.exp(energy)) : 0,
      ),
    );
  }

  test("weighs as its equations say", async () => {
    const { weights, context } = await runOnce(
      { weights: attended.weights, context: attended.context },
      { ...parameters, ...feeds },
    );
    for (let b = 0; b < B; b++) {
      const right = expected(b);
      right.forEach((weight, j) => {
        expect(weights!.data[b * S + j]).toBeCloseTo(weight, 10);
      });
      for (let d = 0; d < D; d++) {
        const sum = right.reduce(
          (total, weight, j) => total + weight * feeds.values.data[(b * S + j) * D + d]!,
          0,
        );
        expect(context!.data[b * D + d]).toBeCloseTo(sum, 10);
      }
    }
  });

  test("has gradients that agree with finite differences", async () => {
    const loss = reduceSum(mul(attended.context, input("slope", "float64", ["batch", D])));
    const named = scope.parameters.filter(({ name }) => options.filters > 0 || !name.startsWith("place"));
    const slopes = gradient(
      loss,
      named.map(({ tensor }) => tensor),
    );
    const program = {
      loss,
      ...Object.fromEntries(slopes.map((slope, index) => [named[index]!.name, slope])),
    };
    const run = (changed: typeof parameters) =>
      runOnce(program, { ...changed, ...feeds, slope: normals("slope", [B, D]) });
    const found = await run(parameters);
    for (const { name } of named) {
      const value = parameters[name]!;
      const index = value.data.length >> 1;
      const moved = async (by: number) => {
        const data = (value.data as Float64Array).slice();
        data[index]! += by;
        return (await run({ ...parameters, [name]: { ...value, data } })).loss!.data[0]!;
      };
      expect(found[name]!.data[index]).toBeCloseTo(((await moved(1e-5)) - (await moved(-1e-5))) / 2e-5, 6);
    }
  });
});

test("before the first step all weight is on the first place", async () => {
  const { first } = await runOnce(
    { first: mul(firstPlace(tensors.mask, "float64"), cast(tensors.mask, "float64")) },
    { mask: feeds.mask },
  );
  expect(Array.from(first!.data)).toEqual([1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
});
