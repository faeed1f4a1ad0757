import { describe, expect, test } from "vitest";
import { Random } from "../../core/index.js";
import { perplexityOf } from "./affinities.js";
import { type Points, trustworthiness } from "./neighbours.js";
import { principalComponents } from "./principal-components.js";
import { PointMap } from "./t-sne.js";

const random = new Random(7, "points");
/** Points around three middles. */
function clusters(count: number, size: number): Points {
  const middles = Array.from({ length: 3 }, () => Array.from({ length: size }, () => 6 * random.normal()));
  const values = Float64Array.from({ length: count * size }, (_, index) => {
    const point = Math.floor(index / size);
    return middles[point % 3]![index % size]! + random.normal();
  });
  return { count, size, values };
}
const points = clusters(61, 11);

test("principal components are uncorrelated, by falling variance, and keep distances", () => {
  const found = principalComponents(points, 11);
  expect(found.size).toBe(11);
  const column = (axis: number) => Array.from({ length: 61 }, (_, point) => found.values[point * 11 + axis]!);
  const dot = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, value, index) => sum + value * b[index]!, 0);
  const variances = Array.from({ length: 11 }, (_, axis) => dot(column(axis), column(axis)));
  expect(variances).toEqual([...variances].sort((a, b) => b - a));
  // The first two hold the three middles; what is left turns slowly.
  for (const [a, b] of [
    [0, 1],
    [0, 5],
    [1, 7],
  ] as const)
    expect(Math.abs(dot(column(a), column(b)))).toBeLessThan(1e-3 * variances[0]!);
  const apart = (all: Points, a: number, b: number) =>
    Math.hypot(
      ...Array.from({ length: 11 }, (_, axis) => all.values[a * 11 + axis]! - all.values[b * 11 + axis]!),
    );
  expect(apart(found, 3, 17)).toBeCloseTo(apart(points, 3, 17), 8);
});

test("neighbours have the entropy that the perplexity asks for", () => {
  const distances = Float64Array.from({ length: 40 }, () => 50 * random.uniform());
  for (const perplexity of [2, 7, 19.5]) {
    const chances = perplexityOf(distances, perplexity);
    const entropy = chances.reduce((sum, p) => sum - (p > 0 ? p * Math.log(p) : 0), 0);
    expect(Math.exp(entropy)).toBeCloseTo(perplexity, 3);
    expect(chances.reduce((a, b) => a + b)).toBeCloseTo(1, 10);
  }
  // All as far away: each is as likely, whatever is asked for.
  expect([...perplexityOf(new Float64Array(5).fill(3), 2)]).toEqual(new Array(5).fill(0.2));
});

describe("the gradient", () => {
  const moved = async (exact: boolean) => {
    const map = await PointMap.of(points, { perplexity: 7, exact });
    const other = new Random(4, "places");
    map.places.forEach((_, index) => {
      map.places[index] = 2 * other.normal();
    });
    return map;
  };

  test("is that of the divergence, by finite differences", async () => {
    const map = await moved(true);
    const slopes = new Float64Array(122);
    map.slopes(slopes, 1);
    const without = new Float64Array(122);
    for (const index of [0, 17, 58, 121]) {
      const value = map.places[index]!;
      const at = (by: number) => {
        map.places[index] = value + by;
        const found = map.slopes(without, 1);
        map.places[index] = value;
        return found;
      };
      expect((at(1e-5) - at(-1e-5)) / 2e-5).toBeCloseTo(slopes[index]!, 8);
    }
  });

  test("is the same where far points are taken apart, and near where they are taken together", async () => {
    const map = await moved(false);
    const [apart, together, pairs] = [0, 1, 2].map(() => new Float64Array(122)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const divergence = map.slopes(apart, 12, 0);
    const near = map.slopes(together, 12, 0.5);
    // Σ over all pairs by definition.
    let total = 0;
    for (let a = 0; a < 61; a++)
      for (let b = 0; b < 61; b++)
        if (a !== b) {
          const [x, y] = [0, 1].map((axis) => map.places[2 * a + axis]! - map.places[2 * b + axis]!) as [
            number,
            number,
          ];
          const q = 1 / (1 + x * x + y * y);
          total += q;
          pairs[2 * a]! += q * q * x;
          pairs[2 * a + 1]! += q * q * y;
        }
    const attraction = new Float64Array(122);
    map.slopes(attraction, 0, 0);
    for (let index = 0; index < 122; index++)
      expect(attraction[index]).toBeCloseTo((-4 * pairs[index]!) / total, 10);
    const error = Math.max(...apart.map((value, index) => Math.abs(value - together[index]!)));
    expect(error).toBeLessThan(0.02 * Math.max(...apart.map(Math.abs)));
    expect(near).toBeCloseTo(divergence, 2);
  });
});

test.each([true, false])(
  "keeps clusters together, is repeated to the bit, and goes on where it stopped (exact: %s)",
  async (exact) => {
    const run = async (iterations: number, from?: PointMap["state"]) => {
      const map = await PointMap.of(points, { perplexity: 7, exact });
      if (from) map.restore(JSON.parse(JSON.stringify(from)));
      let divergence = 0;
      while (map.iteration < iterations) divergence = map.step();
      return { map, divergence };
    };
    const { map, divergence } = await run(400);
    expect(divergence).toBeLessThan(0.6);
    const found = { count: 61, size: 2, values: map.places };
    // scikit-learn 1.7's TSNE of the same points, perplexity 7, from PCA: 0.96.
    expect(trustworthiness(points, found)).toBeGreaterThan(0.9);
    // The nearest on the map is of the same cluster.
    for (let point = 0; point < 61; point++) {
      const distances = Array.from({ length: 61 }, (_, other) =>
        other === point
          ? Infinity
          : Math.hypot(
              map.places[2 * point]! - map.places[2 * other]!,
              map.places[2 * point + 1]! - map.places[2 * other + 1]!,
            ),
      );
      expect(distances.indexOf(Math.min(...distances)) % 3).toBe(point % 3);
    }
    const half = await run(150);
    const whole = await run(400, half.map.state);
    expect([...whole.map.places]).toEqual([...map.places]);
  },
);

test("trustworthiness is 1 for a map that keeps all neighbours, and lower where it does not", () => {
  expect(trustworthiness(points, points)).toBe(1);
  const shuffled = { count: 61, size: 2, values: Float64Array.from({ length: 122 }, () => random.normal()) };
  expect(trustworthiness(points, shuffled)).toBeLessThan(0.65);
});

test("points at one place, too few points and no numbers are said", async () => {
  const map = (one: Points, perplexity = 7) => PointMap.of(one, { perplexity });
  await expect(map({ count: 30, size: 2, values: new Float64Array(60).fill(3) })).rejects.toThrow(
    "all 30 points are at one place",
  );
  await expect(map(points, 30)).rejects.toThrow(
    "61 points are too few for a perplexity of 30, which takes 91; give more points, or a perplexity of 20 or less.",
  );
  const holed = { ...points, values: points.values.slice() };
  holed.values[25] = Number.NaN;
  await expect(map(holed)).rejects.toThrow("number 4 of point 3 is NaN");
  await expect(map(points, 0.5)).rejects.toThrow("the perplexity is 0.5");
  // Some points at one place are no harm.
  const doubled = { ...points, values: points.values.slice() };
  doubled.values.copyWithin(0, 11, 22);
  const doubles = await PointMap.of(doubled, { perplexity: 7, exact: false });
  for (let step = 0; step < 50; step++) expect(Number.isFinite(doubles.step())).toBe(true);
});
