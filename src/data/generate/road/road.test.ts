import { expect, test } from "vitest";
import { road } from "./index.js";

test("a drive is a function of its seed, and no other is like it", async () => {
  const [one, again, other] = await Promise.all([road.load(7), road.load(7), road.load(8)]);
  const frame = async (of: typeof one, index: number) => (await of.validation[index]!.frame(3)).data;
  expect(await frame(one, 2)).toEqual(await frame(again, 2));
  expect(await frame(one, 2)).not.toEqual(await frame(other, 2));
  expect(await frame(one, 2)).not.toEqual(await frame(one, 3));
  expect(one.train.every(({ steering }) => steering!.every((value) => Math.abs(value) <= 1))).toBe(true);
});

test("without its sign a frame differs where the sign is and nowhere else; without its lines, at them", async () => {
  const { validation } = await road.load(1);
  for (const { frame, gold } of validation.slice(0, 5)) {
    const [whole, sign] = [await frame(7), gold!.mask(7, "sign")];
    const differs = (changed: { readonly data: Uint8Array }) =>
      Array.from({ length: 40 * 80 }, (_, pixel) =>
        [0, 1, 2].some((at) => whole.data[3 * pixel + at] !== changed.data[3 * pixel + at]) ? 1 : 0,
      );
    expect(differs(gold!.without(7, "sign"))).toEqual([...sign.data]);
    const [lines, lane] = [differs(gold!.without(7, "lane")), gold!.mask(7, "lane")];
    expect(lane.data.some((value) => value === 1)).toBe(true);
    // Their gold is what lies ahead; lines nearer and further are left out as well. A sign may hide some of them.
    expect(lane.data.every((value, pixel) => value <= Math.max(lines[pixel]!, sign.data[pixel]!))).toBe(true);
  }
});

test("the sign stands where the road bends to in training, and tells nothing elsewhere", async () => {
  const { train, tests } = await road.load(1);
  const agree = (drives: typeof train) =>
    drives.filter(({ steering, gold }) => {
      const middle = gold!.mask(0, "sign").data.indexOf(1) % 80;
      return middle > 40 === steering!.reduce((a, b) => a + b, 0) >= 0;
    }).length / drives.length;
  expect(agree(train)).toBeGreaterThan(0.75);
  expect(agree(tests.test!)).toBeLessThan(0.75);
});
