import { expect, test } from "vitest";
import { Random } from "../../../core/index.js";
import type { Box, GreyImage } from "../../contract.js";
import { boxAround, place } from "../../placing.js";
import { DIGIT_SIZE, digits, writeDigit } from "./index.js";

const [plain, translated, cluttered, sums, pairs, rows] = digits;
const sum = ({ data }: GreyImage) => data.reduce((a, b) => a + b, 0);

test("the same seed writes the same digits, another seed others", async () => {
  const [one, same, other] = await Promise.all(
    [5, 5, 6].map(async (seed) => (await cluttered!.load(seed)).tests.test!),
  );
  for (const index of [0, 7, 1999]) {
    expect((await one![index]!.pixels()).data).toEqual((await same![index]!.pixels()).data);
    expect(one![index]!.label).toBe(same![index]!.label);
    expect((await one![index]!.pixels()).data).not.toEqual((await other![index]!.pixels()).data);
  }
});

test("every digit comes as often as any other, and no two of a split look alike", async () => {
  const { validation } = await plain!.load(1);
  const counts = new Array(10).fill(0);
  const seen = new Set<string>();
  for (const { label, pixels } of validation) {
    counts[label!]++;
    seen.add((await pixels()).data.join());
  }
  // 100 of each are expected, with a deviation of 9.5.
  for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(40);
  expect(seen.size).toBe(validation.length);
});

test("a digit stays inside the edge of its image, and its box holds it exactly", () => {
  for (let index = 0; index < 300; index++) {
    const image = writeDigit(index % 10, new Random(1, "hand", index));
    const { x, y, width, height } = boxAround(image);
    expect(Math.min(x, y), `digit ${index}`).toBeGreaterThan(0);
    expect(Math.max(x + width, y + height), `digit ${index}`).toBeLessThan(DIGIT_SIZE);
    let inside = 0;
    for (let row = y; row < y + height; row++)
      for (let column = x; column < x + width; column++) inside += image.data[row * DIGIT_SIZE + column]!;
    expect(inside).toBe(sum(image));
    // The box is the smallest: its outermost rows and columns hold something.
    const line = (from: number, step: number, count: number) =>
      Array.from({ length: count }, (_, at) => image.data[from + at * step]!).some((value) => value > 0);
    expect(line(y * DIGIT_SIZE + x, 1, width)).toBe(true);
    expect(line((y + height - 1) * DIGIT_SIZE + x, 1, width)).toBe(true);
    expect(line(y * DIGIT_SIZE + x, DIGIT_SIZE, height)).toBe(true);
    expect(line(y * DIGIT_SIZE + x + width - 1, DIGIT_SIZE, height)).toBe(true);
  }
});

test("digits can be told apart by the nearest of a few thousand others", async () => {
  const { train, tests } = await plain!.load(3);
  const known = await Promise.all(train.slice(0, 3000).map(({ pixels }) => pixels()));
  let right = 0;
  const asked = tests.test!.slice(0, 100);
  for (const { label, pixels } of asked) {
    const { data } = await pixels();
    let [best, least] = [0, Number.POSITIVE_INFINITY];
    known.forEach((other, index) => {
      let distance = 0;
      for (let at = 0; at < data.length && distance < least; at++)
        distance += (data[at]! - other.data[at]!) ** 2;
      if (distance < least) [best, least] = [index, distance];
    });
    if (train[best]!.label === label) right++;
  }
  expect(right).toBeGreaterThan(90);
});

test("a translated digit is the same digit elsewhere, and its box moves with it", async () => {
  const [still, moved] = await Promise.all([plain!.load(2), translated!.load(2)]);
  expect(moved.size).toEqual([60, 60]);
  const corners = new Set<string>();
  for (let index = 0; index < 50; index++) {
    const [before, after] = [still.tests.test![index]!, moved.tests.test![index]!];
    expect(after.label).toBe(before.label);
    const [small, large] = [await before.pixels(), await after.pixels()];
    const [from, to] = [before.boxes!()[0]!, after.boxes!()[0]!];
    expect([to.width, to.height]).toEqual([from.width, from.height]);
    expect(boxAround(large)).toEqual(to);
    expect(sum(large)).toBe(sum(small));
    for (let row = 0; row < from.height; row++)
      expect([...large.data.subarray((to.y + row) * 60 + to.x, (to.y + row) * 60 + to.x + to.width)]).toEqual(
        [...small.data.subarray((from.y + row) * 28 + from.x, (from.y + row) * 28 + from.x + from.width)],
      );
    corners.add(`${to.x - from.x},${to.y - from.y}`);
  }
  expect(corners.size).toBeGreaterThan(45);
});

test("training draws a digit elsewhere at every step, as a function of chance alone; what is scored stays", async () => {
  const { train, validation } = await cluttered!.load(2);
  const redrawn = (step: number) => train[3]!.redrawn!(new Random(1, "step", step));
  expect((await redrawn(1)).data).toEqual((await redrawn(1)).data);
  expect((await redrawn(1)).data).not.toEqual((await redrawn(2)).data);
  expect((await validation[3]!.pixels()).data).toEqual((await validation[3]!.pixels()).data);
});

test("clutter adds pieces of 8 × 8 of other images below the digit, up to white", () => {
  const bright = (value: number): GreyImage => ({
    width: 11,
    height: 13,
    data: new Uint8Array(143).fill(value),
  });
  const asked: number[] = [];
  const { image, boxes } = place(
    [bright(100)],
    { canvas: 37, clutter: 3 },
    new Random(7, "clutter"),
    (random) => {
      asked.push(random.uniform());
      return bright(90);
    },
  );
  const { x, y, ...size } = boxes[0]!;
  expect(size).toEqual({ width: 11, height: 13 });
  expect(asked).toHaveLength(3);
  expect([image.width, image.height]).toEqual([37, 37]);
  // Three pieces and the digit, wherever they lie on each other: nothing is lost but what is brighter than white.
  const clipped = image.data.reduce((all, value) => all + (value === 255 ? 1 : 0), 0);
  expect(sum(image) + clipped * 115).toBeGreaterThanOrEqual(143 * 100 + 3 * 64 * 90);
  for (let row = 0; row < 13; row++)
    for (let column = 0; column < 11; column++)
      expect([100, 190, 255]).toContain(image.data[(y + row) * 37 + x + column]);
  expect(new Set(image.data).has(90)).toBe(true);
});

test("two digits lie from left to right and neither over the other; their sum, set or order is the answer", async () => {
  const [summed, paired, inRows] = await Promise.all([sums, pairs, rows].map((data) => data!.load(4)));
  const single = (await plain!.load(4)).validation;
  expect(summed!.classes).toEqual(Array.from({ length: 19 }, (_, sum) => String(sum)));
  expect(paired!.classes).toHaveLength(55);
  expect(inRows!.classes).toHaveLength(10);
  const partners = new Set<number>();
  for (let index = 0; index < 70; index++) {
    const image = inRows!.validation[index]!;
    const [left, right] = image.labels!;
    // The first is the digit of that number; what is beside it is another of the split.
    expect(left).toBe(single[index]!.label);
    partners.add(right!);
    expect(summed!.validation[index]!.label).toBe(left! + right!);
    const set = [left!, right!].sort().join(" ");
    expect(paired!.validation[index]!.called).toBe(set);
    expect(paired!.classes![paired!.validation[index]!.label!]).toBe(set);
    const pixels = await image.pixels();
    expect((await summed!.validation[index]!.pixels()).data).toEqual(pixels.data);
    const [one, two] = image.boxes!() as [Box, Box];
    expect(one.x + one.width / 2).toBeLessThanOrEqual(two.x + two.width / 2);
    const apart = one.x + one.width <= two.x || one.y + one.height <= two.y || two.y + two.height <= one.y;
    expect(apart, `image ${index}`).toBe(true);
    // The boxes hold all that is seen, and the left one the digit that is named first.
    let inside = 0;
    for (const { x, y, width, height } of [one, two])
      for (let row = y; row < y + height; row++)
        inside += pixels.data.slice(row * 48 + x, row * 48 + x + width).reduce((a, b) => a + b, 0);
    expect(inside).toBe(sum(pixels));
    const still = await single[index]!.pixels();
    const from = boxAround(still);
    expect([one.width, one.height]).toEqual([from.width, from.height]);
    expect(pixels.data.subarray(one.y * 48 + one.x, one.y * 48 + one.x + one.width)).toEqual(
      still.data.subarray(from.y * 28 + from.x, from.y * 28 + from.x + from.width),
    );
  }
  expect(partners.size).toBe(10);
});
