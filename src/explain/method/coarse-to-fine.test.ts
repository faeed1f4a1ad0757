import { expect, test } from "vitest";
import { Random } from "../../core/index.js";
import {
  blobsOf,
  clustersOf,
  hullOf,
  type Point,
  particlesOf,
  upsampled,
  withoutBlob,
} from "./coarse-to-fine.js";

test("a map is brought to pixels bilinearly, the middles of its cells as they were", () => {
  const map = upsampled([0, 1, 2, 5], { rows: 2, columns: 2 }, [6, 6]);
  expect([map[7]!, map[10]!, map[25]!, map[28]!]).toBeAllClose([0, 1, 2, 5], 1e-9);
  expect(map[8]!).toBeCloseTo(1 / 3);
});

test("particles are drawn in proportion to the map, and none of nothing", () => {
  const map = Float64Array.of(0, 3, 0, 1, 0, 0);
  const drawn = particlesOf(map, 3, 4000, new Random(1, "particles"));
  const share = drawn.filter(([x, y]) => x === 1 && y === 0).length / 4000;
  expect(Math.abs(share - 0.75)).toBeLessThan(0.03);
  expect(drawn.every(([x, y]) => (x === 1 && y === 0) || (x === 0 && y === 1))).toBe(true);
  expect(particlesOf(new Float64Array(6), 3, 10, new Random(1, "none"))).toEqual([]);
});

test("dense points that are near are one cluster, single ones none", () => {
  const chain = [0, 1, 2, 3, 4].map((x): Point => [x, 0]);
  const far = [0, 1, 2].map((y): Point => [20, y]);
  const found = clustersOf([...chain, [10, 10], ...far], { radius: 1, least: 3 });
  expect(found.map((points) => [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]))).toEqual([chain, far]);
});

test("a hull holds its corners alone", () => {
  const corners = hullOf([
    [0, 0],
    [4, 0],
    [2, 1],
    [4, 3],
    [0, 3],
    [2, 0],
  ]);
  expect(new Set(corners.map(String))).toEqual(new Set(["0,0", "4,0", "4,3", "0,3"]));
});

test("attention to two places is two blobs, and is 0 in one of them without it", () => {
  const [rows, columns] = [5, 7];
  const weights = new Float32Array(35).fill(0.1 / 33);
  weights[8] = 0.5;
  weights[26] = 0.4;
  const blobs = blobsOf(weights, { rows, columns }, [30, 42], new Random(1, "blobs"), {
    particles: 300,
    radius: 2.5,
    least: 9,
  });
  const first = blobs.find(({ cells }) => cells.has(8))!;
  const second = blobs.find(({ cells }) => cells.has(26))!;
  expect(first).not.toBe(second);
  const without = withoutBlob(weights, first);
  expect(without[8]).toBe(0);
  expect(without[26]).toBe(weights[26]);
});
