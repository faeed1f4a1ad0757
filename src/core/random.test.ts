import { expect, test } from "vitest";
import { Random, threefry } from "./random.js";

test("Threefry-2x32-20 gives the known answers of Random123", () => {
  expect(threefry(0, 0, 0, 0)).toEqual([0x6b200159, 0x99ba4efe]);
  expect(threefry(-1, -1, -1, -1)).toEqual([0x1cb996fc, 0xbb002be7]);
  expect(threefry(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3)).toEqual([0xc4923a9c, 0x483df7a0]);
});

test("values are a function of seed, stream and step", () => {
  const draw = (seed: number, stream: string, step: number) =>
    Array.from(
      { length: 5 },
      (
        (random) => () =>
          random.bits()
      )(new Random(seed, stream, step)),
    );
  expect(draw(1, "noise", 2)).toEqual(draw(1, "noise", 2));
  expect(draw(1, "noise", 3)).not.toEqual(draw(1, "noise", 2));
  expect(draw(1, "other", 2)).not.toEqual(draw(1, "noise", 2));
  expect(draw(2 ** 40 + 1, "noise", 2)).not.toEqual(draw(1, "noise", 2));
});

test("many at once are what would have been drawn one after another", () => {
  for (const before of [0, 1, 2])
    for (const count of [0, 1, 2, 7, 1031])
      for (const kind of ["uniform", "normal"] as const) {
        const [one, all] = [new Random(2 ** 33 + 5, "bulk", 3), new Random(2 ** 33 + 5, "bulk", 3)];
        for (let index = 0; index < before; index++) expect(all.bits()).toBe(one.bits());
        const found = new Float64Array(count + 4);
        all.fill(kind, found, 2, count + 2);
        const expected = Float64Array.from({ length: count }, () => one[kind]());
        expect([...found]).toEqual([0, 0, ...expected, 0, 0]);
        expect(all.bits()).toBe(one.bits());
      }
});

test("uniform and normal deviates have the moments they should", () => {
  const random = new Random(3, "moments");
  const count = 20_000;
  const moments = (draw: () => number) => {
    const values = Array.from({ length: count }, draw);
    const mean = values.reduce((a, b) => a + b) / count;
    return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count };
  };
  const uniform = moments(() => random.uniform());
  expect(uniform.mean).toBeCloseTo(0.5, 1.9);
  expect(uniform.variance).toBeCloseTo(1 / 12, 2);
  const normal = moments(() => random.normal());
  expect(Math.abs(normal.mean)).toBeLessThan(0.03);
  expect(Math.abs(normal.variance - 1)).toBeLessThan(0.04);
});

test("a shuffle keeps every item", () => {
  const items = Array.from({ length: 101 }, (_, index) => index);
  const shuffled = new Random(1, "shuffle").shuffle([...items]);
  expect(shuffled).not.toEqual(items);
  expect(shuffled.sort((a, b) => a - b)).toEqual(items);
});
