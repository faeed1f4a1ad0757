import { describe, expect, test } from "vitest";
import { bools, normals, parametersOf, runOnce } from "../../test/run.js";
import { Scope } from "../nn/index.js";
import { input } from "../ops/index.js";
import { type MechanismName, mechanisms } from "./index.js";

const [B, S, D] = [2, 5, 3];
const HIDDEN = 7;
const names = Object.keys(mechanisms) as MechanismName[];

function build(name: MechanismName) {
  const scope = Scope.root("float64");
  const attend = mechanisms[name](scope, { query: D, key: D, hidden: HIDDEN });
  const attended = attend(
    input("query", "float64", ["batch", D]),
    input("values", "float64", ["batch", "places", D]),
    input("mask", "bool", ["batch", "places"]),
  );
  return { scope, program: { ...attended } };
}

/** The score of one query and one value, from its formula. */
const formulas: Record<
  MechanismName,
  (q: number[], v: number[], p: Record<string, ArrayLike<number>>) => number
> = {
  additive: (q, v, p) =>
    Array.from({ length: HIDDEN }, (_, unit) => {
      const row = (x: number[], weight: ArrayLike<number>) =>
        x.reduce((sum, value, k) => sum + value * weight[k * HIDDEN + unit]!, 0);
      return p.vector![unit]! * Math.tanh(row(q, p["query.weight"]!) + row(v, p["key.weight"]!));
    }).reduce((a, b) => a + b),
  dot: (q, v) => q.reduce((sum, value, k) => sum + value * v[k]!, 0),
  "scaled-dot": (q, v) => q.reduce((sum, value, k) => sum + value * v[k]!, 0) / Math.sqrt(D),
  "projected-dot": (q, v, p) => {
    const row = (x: number[], name: string, unit: number) =>
      x.reduce((sum, value, k) => sum + value * p[name]![k * HIDDEN + unit]!, 0);
    return (
      Array.from(
        { length: HIDDEN },
        (_, unit) => (row(q, "query.weight", unit) + p["query.bias"]![unit]!) * row(v, "key.weight", unit),
      ).reduce((a, b) => a + b) / Math.sqrt(HIDDEN)
    );
  },
  general: (q, v, p) =>
    q.reduce(
      (sum, value, i) =>
        sum + value * v.reduce((inner, other, k) => inner + other * p.weight![k * D + i]!, 0),
      0,
    ),
};

describe.each(names)("%s attention", (name) => {
  const feeds = {
    query: normals("query", [B, D]),
    values: normals("values", [B, S, D]),
    mask: bools([B, S], [1, 1, 0, 1, 0, 1, 1, 1, 1, 1]),
  };

  test("scores by its formula, weighs unmasked places alone, and sums the values", async () => {
    const { scope, program } = build(name);
    const parameters = parametersOf(scope);
    const { context, weights, scores } = await runOnce(program, { ...feeds, ...parameters });
    const arrays = Object.fromEntries(Object.entries(parameters).map(([key, value]) => [key, value.data]));
    for (let b = 0; b < B; b++) {
      const query = [...feeds.query.data.slice(b * D, (b + 1) * D)];
      const value = (s: number) => [...feeds.values.data.slice((b * S + s) * D, (b * S + s + 1) * D)];
      const expected = Array.from({ length: S }, (_, s) => formulas[name](query, value(s), arrays));
      expect(scores!.data.slice(b * S, (b + 1) * S)).toBeAllClose(expected, 1e-12);
      const powers = expected.map((score, s) => (feeds.mask.data[b * S + s] ? Math.exp(score) : 0));
      const total = powers.reduce((x, y) => x + y);
      const shares = powers.map((power) => power / total);
      expect(weights!.data.slice(b * S, (b + 1) * S)).toBeAllClose(shares, 1e-12);
      const sum = Array.from({ length: D }, (_, d) =>
        shares.reduce((x, share, s) => x + share * value(s)[d]!, 0),
      );
      expect(context!.data.slice(b * D, (b + 1) * D)).toBeAllClose(sum, 1e-12);
    }
  });

  test("is finite, and nothing, where everything is masked", async () => {
    const { scope, program } = build(name);
    const results = await runOnce(program, {
      ...feeds,
      ...parametersOf(scope),
      mask: bools([B, S], new Array(B * S).fill(0)),
    });
    expect([...results.weights!.data].every((weight) => weight === 0)).toBe(true);
    expect([...results.context!.data].every((value) => value === 0)).toBe(true);
  });

  test("does not see padding", async () => {
    const { scope, program } = build(name);
    const parameters = parametersOf(scope);
    const mask = bools([B, S], new Array(B * S).fill(1));
    const plain = await runOnce(program, { ...feeds, ...parameters, mask });
    const wider = { ...normals("padding", [B, S + 2, D]) };
    for (let b = 0; b < B; b++)
      wider.data.set(feeds.values.data.subarray(b * S * D, (b + 1) * S * D), b * (S + 2) * D);
    const padded = await runOnce(program, {
      ...feeds,
      ...parameters,
      values: wider,
      mask: bools(
        [B, S + 2],
        Array.from({ length: B * (S + 2) }, (_, i) => i % (S + 2) < S),
      ),
    });
    expect(padded.context).toBeAllClose(plain.context!, 1e-14);
  });
});

test("dot attention refuses a query of another size than the keys", () => {
  expect(() => mechanisms.dot(Scope.root(), { query: 3, key: 5, hidden: 1 })).toThrow(
    "dot attention: the query has 3 features but the keys have 5; make them equal, or use general attention.",
  );
});

test("a query of the wrong size is named", () => {
  const attend = mechanisms.general(Scope.root(), { query: 3, key: 5, hidden: 1 });
  expect(() => attend(input("q", "float32", [2, 7]), input("v", "float32", [2, 4, 5]))).toThrow(
    "general attention: the query [2, 7] and values [2, 4, 5] should end in 3 and 5 features; give the sizes the scope was made with.",
  );
});
