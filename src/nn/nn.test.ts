import { describe, expect, test } from "vitest";
import { bools, normals, parametersOf, runOnce } from "../../test/run.js";
import { Random } from "../core/index.js";
import { input } from "../ops/index.js";
import {
  bidirectional,
  convolutional,
  dropout,
  embedding,
  gru,
  layerNorm,
  linear,
  lstm,
  Mode,
  maxout,
  orthogonal,
  recurrent,
  Scope,
} from "./index.js";

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

test("linear is x W + b over the last axis", async () => {
  const scope = Scope.root("float64");
  const y = linear(scope, { input: 3, output: 5 })(input("x", "float64", ["steps", "batch", 3]));
  const weights = parametersOf(scope);
  const feeds = { ...weights, bias: normals("bias", [5]), x: normals("x", [2, 7, 3]) };
  const results = await runOnce({ y }, feeds);
  expect(results.y!.shape).toEqual([2, 7, 5]);
  const [weight, bias, x] = [weights.weight!.data, feeds.bias.data, feeds.x.data];
  const expected = Array.from({ length: 2 * 7 * 5 }, (_, flat) => {
    const [row, column] = [Math.floor(flat / 5), flat % 5];
    return [0, 1, 2].reduce((sum, k) => sum + x[row * 3 + k]! * weight[k * 5 + column]!, bias[column]!);
  });
  expect(results.y).toBeAllClose(expected, 1e-12);
});

/** One step of a gated cell by the formulas of its paper, on one row. */
function gruStep(
  p: (name: string) => ArrayLike<number>,
  x: readonly number[],
  h: readonly number[],
): number[] {
  const H = h.length;
  const gate = (unit: number, offset: number) =>
    x.reduce(
      (sum, value, k) => sum + value * p("input")[k * 3 * H + offset * H + unit]!,
      p("bias")[offset * H + unit]!,
    );
  const recur = (state: readonly number[], name: string, width: number, column: number) =>
    state.reduce((sum, value, k) => sum + value * p(name)[k * width + column]!, 0);
  const reset = h.map((_, unit) => sigmoid(gate(unit, 0) + recur(h, "gates", 2 * H, unit)));
  const update = h.map((_, unit) => sigmoid(gate(unit, 1) + recur(h, "gates", 2 * H, H + unit)));
  const gated = h.map((value, unit) => value * reset[unit]!);
  return h.map((value, unit) => {
    const candidate = Math.tanh(gate(unit, 2) + recur(gated, "candidate", H, unit));
    return (1 - update[unit]!) * value + update[unit]! * candidate;
  });
}

describe("recurrent cells", () => {
  test("a GRU follows Cho et al. 2014, and hands out its gates", async () => {
    const scope = Scope.root("float64");
    const cell = gru(scope, { input: 2, hidden: 3 });
    const { outputs, gates } = recurrent(cell, input("x", "float64", ["steps", "batch", 2]));
    const feeds = { ...parametersOf(scope), bias: normals("bias", [9]), x: normals("x", [5, 1, 2]) };
    const results = await runOnce({ outputs, ...gates }, feeds);
    let h = [0, 0, 0];
    const expected: number[] = [];
    for (let step = 0; step < 5; step++) {
      h = gruStep((name) => feeds[name as "x"].data, [...feeds.x.data.slice(2 * step, 2 * step + 2)], h);
      expected.push(...h);
    }
    expect(results.outputs).toBeAllClose(expected, 1e-12);
    for (const name of ["reset", "update", "candidate"]) expect(results[name]!.shape).toEqual([5, 1, 3]);
  });

  test("an LSTM's cell and hidden state follow its gates", async () => {
    const scope = Scope.root("float64");
    const cell = lstm(scope, { input: 2, hidden: 3 });
    const { outputs, final, gates } = recurrent(cell, input("x", "float64", ["steps", "batch", 2]));
    const feeds = { ...parametersOf(scope), x: normals("x", [5, 7, 2]) };
    const results = await runOnce({ outputs, cell: final.cell!, ...gates }, feeds);
    const size = 7 * 3;
    const c = new Float64Array(size);
    for (let step = 0; step < 5; step++)
      for (let unit = 0; unit < size; unit++) {
        const gate = (name: string) => results[name]!.data[step * size + unit]!;
        c[unit] = gate("forget") * c[unit]! + gate("input") * gate("candidate");
        expect(results.outputs!.data[step * size + unit]).toBeCloseTo(
          gate("output") * Math.tanh(c[unit]!),
          12,
        );
      }
    expect(results.cell).toBeAllClose({ ...results.cell!, data: c }, 1e-12);
    const bias = [...parametersOf(scope).bias!.data];
    expect(bias).toEqual([0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
  });

  test("padding changes nothing, whichever way a sequence is read", async () => {
    const scope = Scope.root("float64");
    const read = bidirectional(scope, gru, { input: 2, hidden: 3 });
    const x = input("x", "float64", ["steps", "batch", 2]);
    const { outputs, forward, backward } = read(x, { mask: input("mask", "bool", ["steps", "batch"]) });
    const program = { outputs, forward: forward.final.hidden, backward: backward.final.hidden };
    const parameters = parametersOf(scope);
    const short = normals("short", [3, 1, 2]);
    const alone = await runOnce(program, { ...parameters, x: short, mask: bools([3, 1], [1, 1, 1]) });
    const padded = { ...normals("padding", [5, 1, 2]) };
    padded.data.set(short.data);
    const beside = await runOnce(program, { ...parameters, x: padded, mask: bools([5, 1], [1, 1, 1, 0, 0]) });
    expect(beside.outputs!.data.slice(0, 18)).toBeAllClose(alone.outputs!.data, 1e-15);
    expect(beside.forward).toBeAllClose(alone.forward!, 1e-15);
    expect(beside.backward).toBeAllClose(alone.backward!, 1e-15);
  });
});

test("embedding picks rows, maxout the largest of linear pieces, layer norm standardises", async () => {
  const scope = Scope.root("float64");
  const words = embedding(scope.at("words"), { vocabulary: 5, size: 2 })(input("tokens", "int32", ["n"]));
  const largest = maxout(input("x", "float64", ["n", 6]), 3);
  const normal = layerNorm(scope.at("norm"), { features: 6, epsilon: 0 })(input("x2", "float64", ["n", 6]));
  const x = normals("x", [2, 6]);
  const results = await runOnce(
    { words, largest, normal },
    { ...parametersOf(scope), tokens: { dtype: "int32", shape: [2], data: Int32Array.of(4, 1) }, x, x2: x },
  );
  const table = parametersOf(scope)["words.table"]!.data;
  expect([...results.words!.data]).toEqual([table[8], table[9], table[2], table[3]]);
  const piece = (row: number, feature: number) =>
    Math.max(...[0, 2, 4].map((start) => x.data[row * 6 + start + feature]!));
  expect(results.largest).toBeAllClose([piece(0, 0), piece(0, 1), piece(1, 0), piece(1, 1)], 0);
  const row = [...results.normal!.data.slice(0, 6)];
  expect(row.reduce((a, b) => a + b)).toBeCloseTo(0, 10);
  expect(row.reduce((sum, value) => sum + value * value, 0) / 6).toBeCloseTo(1, 10);
  expect(() => maxout(input("x", "float64", [2, 7]), 3)).toThrow(
    "maxout: the last axis of [2, 7] is 7, which does not divide into 3 pieces; make it a multiple.",
  );
});

test("dropout keeps the mean and drops the share it should", async () => {
  const x = input("x", "float64", ["n"]);
  const mode = Mode.training({ dtype: "float64" });
  const y = dropout(x, 0.25, mode, "noise");
  const random = new Random(1, "dropout");
  const noise = Float64Array.from({ length: 997 }, () => random.uniform());
  const feeds = {
    x: { dtype: "float64" as const, shape: [997], data: new Float64Array(997).fill(3) },
    noise: { dtype: "float64" as const, shape: [997], data: noise },
  };
  const { y: found } = await runOnce({ y }, feeds);
  found!.data.forEach((value, index) => {
    expect(value).toBe(noise[index]! < 0.25 ? 0 : 4);
  });
  expect(dropout(x, 0, mode, "none")).toBe(x);
  expect(dropout(x, 0.25, Mode.plain(), "noise")).toBe(x);
  expect(() => mode.chance("noise", [2], "normal")).toThrow(
    'two noise inputs are named "noise"; give each a name of its own.',
  );
});

test("orthogonal blocks are orthogonal", () => {
  const [rows, columns] = [5, 12];
  const values = orthogonal([rows, columns], new Random(1, "orthogonal"));
  const product = (a: number, b: number) =>
    Array.from({ length: rows }, (_, row) => values[row * columns + a]! * values[row * columns + b]!).reduce(
      (x, y) => x + y,
    );
  for (let a = 0; a < columns; a++)
    for (let b = 0; b < columns; b++)
      if (Math.floor(a / rows) === Math.floor(b / rows))
        expect(product(a, b)).toBeCloseTo(a === b ? 1 : 0, 12);
});

test("two parameters of one name are refused", () => {
  const scope = Scope.root();
  linear(scope, { input: 2, output: 3 });
  expect(() => linear(scope, { input: 2, output: 3 })).toThrow(
    'two parameters are named "weight"; give each layer a scope of its own with scope.at().',
  );
});

test("a convolutional layer adds its bias to every place, and begins with He's variance", async () => {
  const scope = Scope.root("float64");
  const sizes = { input: 3, output: 64, kernel: 5, padding: 2, stride: 2 };
  const layer = convolutional(scope.at("conv"), sizes);
  const y = layer(input("x", "float64", ["batch", 7, 5, 3]));
  expect(y.shape).toEqual(["batch", 4, 3, 64]);
  expect(scope.parameters.map(({ name, shape }) => [name, shape])).toEqual([
    ["conv.weight", [5 * 5 * 3, 64]],
    ["conv.bias", [64]],
  ]);
  const parameters = parametersOf(scope);
  const weights = Array.from(parameters["conv.weight"]!.data);
  const variance = weights.reduce((sum, weight) => sum + weight ** 2, 0) / weights.length;
  expect(variance).toBeCloseTo(2 / (3 * 5 * 5), 2);
  const bias = parameters["conv.bias"]!;
  const moved = { ...bias, data: bias.data.map((_, channel) => channel) };
  const x = normals("x", [2, 7, 5, 3]);
  const plain = await runOnce({ y }, { ...parameters, x });
  const shifted = await runOnce({ y }, { ...parameters, "conv.bias": moved, x });
  plain.y!.data.forEach((value, index) => {
    expect(shifted.y!.data[index]! - value).toBeCloseTo(index % 64, 9);
  });
});
