import { describe, expect, test } from "vitest";
import { normals, runOnce } from "../../test/run.js";
import { gradient } from "../autodiff/index.js";
import { input, mul, reduceSum } from "../ops/index.js";
import type { Value } from "../session/index.js";
import { nodeBackend } from "../session/node.js";
import { address, circularShift, contentWeights, interpolate, sharpen, writeMemory } from "./index.js";

// Sizes: batch 2, heads 3, places 7, content 5, shifts −1 … 1 unless said otherwise.
const [B, H, N, W] = [2, 3, 7, 5];

/** Positive rows that add up to 1, over the last axis. */
function shares(seed: string, shape: readonly number[]): Value {
  const value = normals(seed, shape);
  const size = shape.at(-1)!;
  const data = Float64Array.from(value.data, (element) => Math.exp(element));
  for (let start = 0; start < data.length; start += size) {
    const total = data.subarray(start, start + size).reduce((a, b) => a + b);
    for (let index = start; index < start + size; index++) data[index]! /= total;
  }
  return { ...value, data };
}

const between = (seed: string, shape: readonly number[], map: (x: number) => number): Value => {
  const value = normals(seed, shape);
  return { ...value, data: Float64Array.from(value.data, map) };
};
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Row `row` of `size` elements. */
const row = ({ data }: { data: ArrayLike<number> }, index: number, size: number): number[] =>
  Array.from(data).slice(index * size, (index + 1) * size);

/** Equation (8) as it stands: the sum over j of w(j) s(i − j mod N). */
function convolved(weights: readonly number[], shifts: readonly number[]): number[] {
  const range = (shifts.length - 1) / 2;
  return weights.map((_, i) =>
    weights.reduce((sum, weight, j) => {
      const shift = (((i - j) % weights.length) + weights.length) % weights.length;
      const signed = shift > weights.length / 2 ? shift - weights.length : shift;
      return Math.abs(signed) <= range ? sum + weight * shifts[signed + range]! : sum;
    }, 0),
  );
}

/** Equation (9) as it stands. */
function raised(weights: readonly number[], power: number): number[] {
  const powers = weights.map((weight) => weight ** power);
  const total = powers.reduce((a, b) => a + b);
  return powers.map((value) => value / total);
}

test.each([0, 1, 2, 3])(
  "weights move along the ring by up to %i places, as equation (8) has it",
  async (range) => {
    const shifts = 2 * range + 1;
    const feeds = { weights: shares("weights", [B, H, N]), shifts: shares("shifts", [B, H, shifts]) };
    const moved = circularShift(
      input("weights", "float64", ["batch", H, N]),
      input("shifts", "float64", ["batch", H, shifts]),
    );
    for (const found of [await runOnce({ moved }, feeds), await runOnce({ moved }, feeds, nodeBackend)])
      for (let index = 0; index < B * H; index++)
        expect(row(found.moved!, index, N)).toBeAllClose(
          convolved(row(feeds.weights, index, N), row(feeds.shifts, index, shifts)),
          1e-14,
        );
  },
);

test("a shift of one place moves what is at the last place to the first", async () => {
  const moved = circularShift(input("weights", "float64", [1, 1, 5]), input("shifts", "float64", [1, 1, 3]));
  const value = (data: number[]): Value => ({
    dtype: "float64",
    shape: [1, 1, data.length],
    data: Float64Array.from(data),
  });
  const found = await runOnce({ moved }, { weights: value([0, 0, 0, 0.25, 0.75]), shifts: value([0, 0, 1]) });
  expect([...found.moved!.data]).toEqual([0.75, 0, 0, 0, 0.25]);
});

test("shifts that are even, or more than places, are named", () => {
  expect(() =>
    circularShift(input("weights", "float32", ["batch", 1, 5]), input("shifts", "float32", ["batch", 1, 2])),
  ).toThrow(
    "circularShift: 2 shifts over 5 places; give an odd number of shifts, known and at most as many as places.",
  );
});

test("sharpening raises weights to a power and makes them add up to 1", async () => {
  const feeds = {
    weights: shares("weights", [B, H, N]),
    powers: between("powers", [B, H, 1], (x) => 1 + Math.exp(x)),
  };
  const sharp = sharpen(
    input("weights", "float64", ["batch", H, N]),
    input("powers", "float64", ["batch", H, 1]),
  );
  const found = await runOnce({ sharp }, feeds);
  for (let index = 0; index < B * H; index++)
    expect(row(found.sharp!, index, N)).toBeAllClose(
      raised(row(feeds.weights, index, N), feeds.powers.data[index]!),
      1e-9,
    );
});

test("weights of 0 sharpen to 0, with finite gradients, in single precision", async () => {
  const weights = input("weights", "float32", [1, 1, 3]);
  const powers = input("powers", "float32", [1, 1, 1]);
  const sharp = sharpen(weights, powers);
  const slopes = gradient(reduceSum(mul(sharp, weights)), [weights, powers]);
  const found = await runOnce(
    { sharp, weightsSlope: slopes[0]!, powersSlope: slopes[1]! },
    {
      weights: { dtype: "float32", shape: [1, 1, 3], data: Float32Array.of(0, 1, 0) },
      powers: { dtype: "float32", shape: [1, 1, 1], data: Float32Array.of(1) },
    },
    nodeBackend,
  );
  expect(found.sharp!.data).toBeAllClose([0, 1, 0], 1e-6);
  for (const { data } of [found.weightsSlope!, found.powersSlope!])
    expect([...data].every((value) => Number.isFinite(value))).toBe(true);
});

describe("a head's weights", () => {
  const feeds = {
    keys: normals("keys", [B, H, W]),
    strengths: between("strengths", [B, H, 1], Math.exp),
    gates: between("gates", [B, H, 1], sigmoid),
    shifts: shares("shifts", [B, H, 3]),
    powers: between("powers", [B, H, 1], (x) => 1 + Math.exp(x)),
    memory: normals("memory", [B, N, W]),
    before: shares("before", [B, H, N]),
  };
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, { shape }]) => [
      name,
      input(name, "float64", ["batch", ...shape.slice(1)]),
    ]),
  ) as Record<keyof typeof feeds, ReturnType<typeof input>>;
  const weights = address(inputs, inputs.memory, inputs.before);

  test("follow equations (5) to (9)", async () => {
    const found = await runOnce(
      {
        weights,
        content: contentWeights(inputs.keys, inputs.strengths, inputs.memory),
        mixed: interpolate(inputs.before, inputs.gates, inputs.before),
      },
      feeds,
    );
    expect(found.mixed).toBeAllClose(feeds.before, 1e-14);
    for (let b = 0; b < B; b++)
      for (let h = 0; h < H; h++) {
        const head = b * H + h;
        const key = row(feeds.keys, head, W);
        const scores = Array.from({ length: N }, (_, place) => {
          const content = row(feeds.memory, b * N + place, W);
          const dot = key.reduce((sum, value, i) => sum + value * content[i]!, 0);
          return Math.exp(
            (feeds.strengths.data[head]! * dot) / (Math.hypot(...key) * Math.hypot(...content)),
          );
        });
        const total = scores.reduce((x, y) => x + y);
        const content = scores.map((score) => score / total);
        expect(row(found.content!, head, N)).toBeAllClose(content, 1e-9);
        const gate = feeds.gates.data[head]!;
        const before = row(feeds.before, head, N);
        const mixed = content.map((weight, place) => gate * weight + (1 - gate) * before[place]!);
        expect(row(found.weights!, head, N)).toBeAllClose(
          raised(convolved(mixed, row(feeds.shifts, head, 3)), feeds.powers.data[head]!),
          1e-9,
        );
      }
  });

  test("have gradients that agree with finite differences, for everything they are made from", async () => {
    const upstream = normals("upstream", [B, H, N]);
    const loss = reduceSum(mul(weights, input("upstream", "float64", ["batch", H, N])));
    const names = Object.keys(feeds) as (keyof typeof feeds)[];
    const slopes = gradient(
      loss,
      names.map((name) => inputs[name]),
    );
    const all = { ...feeds, upstream };
    const found = await runOnce(Object.fromEntries(names.map((name, i) => [name, slopes[i]!])), all);
    for (const name of names) {
      const direction = normals(`direction ${name}`, feeds[name].shape).data;
      const at = async (step: number) => {
        const data = Float64Array.from(feeds[name].data, (value, index) => value + step * direction[index]!);
        const { y } = await runOnce({ y: loss }, { ...all, [name]: { ...feeds[name], data } });
        return y!.data[0]!;
      };
      const numeric = ((await at(1e-5)) - (await at(-1e-5))) / 2e-5;
      const analytic = Array.from(found[name]!.data).reduce(
        (sum, slope, index) => sum + slope * direction[index]!,
        0,
      );
      expect([analytic], name).toBeAllClose([numeric], 1e-7);
    }
  });
});

test("every head erases before any adds, as equations (3) and (4) have it", async () => {
  const feeds = {
    memory: normals("memory", [B, N, W]),
    weights: shares("weights", [B, H, N]),
    erase: between("erase", [B, H, W], sigmoid),
    added: normals("added", [B, H, W]),
  };
  const found = await runOnce(
    {
      after: writeMemory(
        input("memory", "float64", ["batch", N, W]),
        input("weights", "float64", ["batch", H, N]),
        input("erase", "float64", ["batch", H, W]),
        input("added", "float64", ["batch", H, W]),
      ),
    },
    feeds,
  );
  const expected = Array.from(feeds.memory.data, (content, flat) => {
    const [b, place, feature] = [Math.floor(flat / (N * W)), Math.floor(flat / W) % N, flat % W];
    let value = content;
    for (let h = 0; h < H; h++)
      value *=
        1 - feeds.weights.data[(b * H + h) * N + place]! * feeds.erase.data[(b * H + h) * W + feature]!;
    for (let h = 0; h < H; h++)
      value += feeds.weights.data[(b * H + h) * N + place]! * feeds.added.data[(b * H + h) * W + feature]!;
    return value;
  });
  expect(found.after!.data).toBeAllClose(expected, 1e-13);
});
