import { decode } from "fast-png";
import { expect, test } from "vitest";
import { fromBase64 } from "../../core/index.js";
import { mapColour, mapCover, type Rgb } from "./colour-map.js";
import { outlines, smoothPicture, valueAt } from "./field.js";

/** Lightness in CIELAB of an sRGB colour (CIE 15:2004; IEC 61966-2-1). */
function lightness(colour: readonly number[]): number {
  const [red, green, blue] = colour.map(linear);
  const y = 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  return y > 0.008856 ? 116 * Math.cbrt(y) - 16 : 903.3 * y;
}
const linear = (channel: number): number =>
  channel <= 10.31475 ? channel / 255 / 12.92 : ((channel / 255 + 0.055) / 1.055) ** 2.4;
const coded = (share: number): number =>
  255 * (share <= 0.0031308 ? 12.92 * share : 1.055 * Math.max(0, share) ** (1 / 2.4) - 0.055);

/** How those see who lack a kind of cone (Machado, Oliveira & Fernandes 2009, table 1, severity 1). */
const VISION = {
  protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};
const seenWith = (matrix: readonly number[], colour: Rgb): number[] => {
  const shares = colour.map(linear);
  return [0, 3, 6].map((row) => coded(shares.reduce((sum, one, at) => sum + matrix[row + at]! * one, 0)));
};

test("the colours of maps grow evenly lighter, and in the same order with every kind of colour vision", () => {
  const shares = Array.from({ length: 33 }, (_, index) => index / 32);
  const steps = (levels: readonly number[]) => levels.slice(1).map((level, index) => level - levels[index]!);
  const own = steps(shares.map((share) => lightness(mapColour(share))));
  expect(own.reduce((a, b) => a + b)).toBeGreaterThan(75);
  expect(Math.min(...own)).toBeGreaterThan(1.2);
  expect(Math.max(...own)).toBeLessThan(3.9);
  for (const matrix of Object.values(VISION))
    expect(
      Math.min(...steps(shares.map((share) => lightness(seenWith(matrix, mapColour(share)))))),
    ).toBeGreaterThan(0.5);
  expect([mapCover(-1), mapCover(0), mapCover(1)]).toEqual([0, 0, 1]);
});

// 2 × 3 cells, of which the middle ones of the columns lie at 0.5, 1.5 and 2.5.
const cells = { values: [0, 1, 0, 0.25, 0.5, 0], rows: 2, columns: 3 };

test("values are bilinear between the middles of cells, and level beyond them", () => {
  expect(valueAt(cells, 1.5, 0.5)).toBe(1);
  expect(valueAt(cells, 1.5, 0)).toBe(1);
  expect(valueAt(cells, 1, 0.5)).toBe(0.5);
  expect(valueAt(cells, 1, 1)).toBe((0 + 1 + 0.25 + 0.5) / 4);
  expect(valueAt(cells, 0, 2)).toBe(0.25);
  expect(valueAt(cells, 3, 2)).toBe(0);
});

test("outlines enclose what is at least a level, along the edge of the grid where it lies there", () => {
  const [line, ...others] = outlines(cells, 0.75, true);
  expect(others).toEqual([]);
  expect(line![0]).toEqual(line!.at(-1));
  for (const [x, y] of line!) if (y > 0) expect(valueAt(cells, x, y)).toBeCloseTo(0.75, 2);
  // Nor do its straight parts leave the level.
  line!.slice(1).forEach(([x, y], index) => {
    const [x0, y0] = line![index]!;
    if (y + y0 > 0) expect(Math.abs(valueAt(cells, (x + x0) / 2, (y + y0) / 2) - 0.75)).toBeLessThan(0.02);
  });
  // Along the upper edge it is as wide as the ramps on both sides say.
  const along = line!.filter(([, y]) => y === 0).map(([x]) => x);
  expect(Math.min(...along)).toBeCloseTo(1.25, 6);
  expect(Math.max(...along)).toBeCloseTo(1.75, 6);
  expect(outlines(cells, 0.5, false)).toEqual([
    [
      [1, 0],
      [1, 2],
      [2, 2],
      [2, 0],
      [1, 0],
    ],
  ]);
  // All of it, and two parts that meet at a corner.
  expect(outlines({ values: [1, 1], rows: 1, columns: 2 }, 0.5, true)).toHaveLength(1);
  expect(outlines({ values: [1, 0, 0, 1], rows: 2, columns: 2 }, 0.5, false).flat().length).toBeGreaterThan(
    8,
  );
  expect(outlines(cells, 2, true)).toEqual([]);
});

test("an enlarged picture has the colours of its values, and covers nothing where there is none", () => {
  const { url, beyond } = smoothPicture(cells, 1);
  const { width, height, data, channels } = decode(fromBase64(url.slice(url.indexOf(",") + 1)));
  expect([channels, beyond]).toEqual([4, 1 / 8]);
  expect([width, height]).toEqual([3 * 8 + 2, 2 * 8 + 2]);
  const at = (x: number, y: number) => Array.from(data.slice(4 * (y * width + x), 4 * (y * width + x) + 4));
  expect(at(0, 0)).toEqual([...mapColour(0), 0]);
  const most = valueAt(cells, 12.5 / 8, 2.5 / 8);
  expect(at(13, 3)).toEqual([...mapColour(most), 255]);
});
