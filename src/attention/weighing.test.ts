import { expect, test } from "vitest";
import type { Tensor } from "../core/index.js";
import { Scope } from "../nn/index.js";
import { concat, expand, input, mul, reduceSum, reshape, softmax, tanh, unsqueeze } from "../ops/index.js";
import { additive, greatestPlace, weighingOf, weighingTensors, weightsOver } from "./index.js";

const [B, P, D, Q] = ["batch", 5, 7, 3] as const;
const query = () => input("query", "float32", [B, Q]);
const values = () => input("values", "float32", [B, P, D]);
const weights = () => softmax(input("scores", "float32", [B, P]));

test("what a mechanism weighs is found behind its weights", () => {
  const [a, q] = [values(), query()];
  const attend = additive(Scope.root("float32"), { query: Q, key: D, hidden: 2 });
  const { context, weights: w } = attend(q, a);
  const found = weighingOf(weightsOver("image", w), [tanh(concat([context, q], 1))])!;
  expect([found.by, found.values]).toEqual([w, a]);
  expect(found.pooled!.shape).toEqual([B, D]);
  expect(found.pooled!.node.inputs[0]!.node.operation.name).toBe("matmul");
});

test("a sum written out is found as well, and products that are handed on as they are", () => {
  const [a, w] = [values(), weights()];
  const products = mul(a, unsqueeze(w, 2));
  const summed = weighingOf(weightsOver("image", w), [tanh(reduceSum(products, { axes: 1 }))])!;
  expect([summed.by, summed.values]).toEqual([w, a]);
  expect(summed.pooled!.shape).toEqual([B, D]);
  const flat = weighingOf(weightsOver("image", w), [reshape(products, [B, P * D])])!;
  expect([flat.by, flat.values, flat.pooled]).toEqual([w, a, undefined]);
  // Weights that are as many as the features before they are multiplied.
  const wide = mul(expand(unsqueeze(w, 2), [B, P, D]), a);
  expect(weighingOf(weightsOver("image", w), [wide])!.values).toBe(a);
});

test("of hard attention it is the place that was chosen that is weighed by", () => {
  const [a, w] = [values(), weights()];
  const used = greatestPlace(w);
  const attend = additive(Scope.root("float32"), { query: Q, key: D, hidden: 2 });
  expect(weighingOf(weightsOver("image", w, { used }), [attend.pool(used, a)])!.by).toBe(used);
  expect(weighingOf(weightsOver("image", w), [attend.pool(used, a)])).toBeUndefined();
});

test("weights that multiply nothing of their places have nothing to show", () => {
  const w = weights();
  const look = weightsOver("image", w);
  const none: Tensor[][] = [
    [tanh(w)],
    [mul(w, input("mask", "float32", [B, P]))],
    [reduceSum(w, { axes: 1 })],
  ];
  for (const results of none) expect(weighingOf(look, results)).toBeUndefined();
  const heads = weightsOver("image", input("heads", "float32", [B, 2, P]), {
    axes: ["batch", "head", "place"],
  });
  expect(weighingOf(heads, [heads.value])).toBeUndefined();
  // Only looks over the places that are asked for.
  const summed = reduceSum(mul(unsqueeze(w, 2), values()), { axes: 1 });
  expect(weighingTensors({ look }, ["words"], [summed])).toEqual({});
  expect(Object.keys(weighingTensors({ look }, ["image"], [summed])).sort()).toEqual([
    "by.look",
    "pooled.look",
    "values.look",
  ]);
});
