import { expect, test } from "vitest";
import type { Box, GreyImage } from "../../contract.js";
import { films } from "./index.js";
import { along } from "./path.js";

const load = async (seed: number) => (await films.load(seed)).validation;

const inside = ({ x, y, width, height }: Box, column: number, row: number) =>
  column >= x && column < x + width && row >= y && row < y + height;

/** Brightness in a box. */
const cut = ({ data, width }: GreyImage, box: Box) =>
  Array.from(
    { length: box.width * box.height },
    (_, at) => data[(box.y + Math.floor(at / box.width)) * width + box.x + (at % box.width)]!,
  );

test("a film is a function of its seed, and no other is like it", async () => {
  const [one, again, other] = await Promise.all([load(7), load(7), load(8)]);
  const frame = async (from: typeof one, index: number, at: number) => (await from[index]!.frame(at)).data;
  expect(await frame(one, 3, 17)).toEqual(await frame(again, 3, 17));
  expect(await frame(one, 3, 17)).not.toEqual(await frame(other, 3, 17));
  expect(await frame(one, 3, 17)).not.toEqual(await frame(one, 4, 17));
  expect(one[3]!.boxes!()).toEqual(again[3]!.boxes!());
});

test("what moves is where its boxes say, always inside, and goes on smoothly from where it is first", async () => {
  for (const film of await load(1)) {
    const boxes = film.boxes!();
    expect(boxes).toHaveLength(film.frames);
    expect(film.first).toEqual(boxes[0]);
    // Pixels of the box that are bright in every clear frame: the digit, at the same place in its box all along.
    const bright = new Array<boolean>(28 * 28).fill(true);
    for (const [at, box] of boxes.entries()) {
      const image = await film.frame(at);
      const { width, height } = image;
      expect([width, height]).toEqual([120, 96]);
      expect(box).toMatchObject({ width: 28, height: 28 });
      expect(box.x >= 0 && box.y >= 0 && box.x + 28 <= width && box.y + 28 <= height).toBe(true);
      const before = boxes[at - 1] ?? box;
      expect(Math.hypot(box.x - before.x, box.y - before.y)).toBeLessThan(7);
      if (film.seen!(at)) continue;
      cut(image, box).forEach((value, pixel) => {
        if (value < 150) bright[pixel] = false;
      });
    }
    const ink = bright.flatMap((is, pixel) => (is ? [[pixel % 28, Math.floor(pixel / 28)]] : []));
    expect(ink.length).toBeGreaterThan(25);
    for (const axis of [0, 1])
      expect(
        Math.abs(ink.reduce((sum, place) => sum + place[axis]! + 0.5, 0) / ink.length - 14),
      ).toBeLessThan(5);
  }
});

test("time and again all of it is hidden but one quarter, the same all through a film, which shows enough of it", async () => {
  const [film] = await load(1);
  const boxes = film!.boxes!();
  const hidden = boxes.flatMap((_, at) => (film!.seen!(at) ? [at] : []));
  expect(hidden[0]).toBeGreaterThan(3);
  expect(hidden.length).toBeGreaterThan(film!.frames / 3);
  const quarters = new Set(
    hidden.map((at) => {
      const { x, y, width, height } = film!.seen!(at)!;
      expect([width, height]).toEqual([14, 14]);
      return `${x - boxes[at]!.x} ${y - boxes[at]!.y}`;
    }),
  );
  expect(quarters.size).toBe(1);
  // What hides it flickers: hidden pixels are alike from frame to frame no more than by chance, those that are seen are.
  const [first, second] = [hidden[1]!, hidden[2]!];
  const [a, b] = [await film!.frame(first), await film!.frame(second)];
  let [seen, alikeSeen, covered, alikeCovered] = [0, 0, 0, 0];
  for (let row = 0; row < 28; row++)
    for (let column = 0; column < 28; column++) {
      const value = (image: GreyImage, at: number) =>
        image.data[(boxes[at]!.y + row) * image.width + boxes[at]!.x + column]!;
      const alike = Math.abs(value(a, first) - value(b, second)) < 30;
      if (inside(film!.seen!(first)!, boxes[first]!.x + column, boxes[first]!.y + row)) {
        seen++;
        if (alike) alikeSeen++;
      } else {
        covered++;
        if (alike) alikeCovered++;
      }
    }
  expect(alikeSeen / seen).toBeGreaterThan(0.85);
  expect(alikeCovered / covered).toBeLessThan(0.5);
});

test("a path goes through its points, evenly in time", () => {
  const points = [
    [0, 0],
    [3, 5],
    [7, 2],
    [11, 13],
  ] as const;
  for (const [index, point] of points.entries())
    expect(along(points, index / 3).map((value) => Math.round(1e9 * value) / 1e9)).toEqual(point);
  // Points in a line at equal distances are passed at a constant speed, but for the ends.
  const line = [0, 1, 2, 3].map((x) => [x, 2 * x] as const);
  expect(along(line, 0.5)).toEqual([1.5, 3]);
});
