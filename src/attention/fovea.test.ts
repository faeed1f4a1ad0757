import { expect, test } from "vitest";
import { normals, runOnce } from "../../test/run.js";
import { input } from "../ops/index.js";
import { GAZE_CELLS, gazeLevels, gazesAt, glimpses } from "./index.js";

const [B, HEIGHT, WIDTH] = [2, 29, 37];
/** In the middle, between pixels, and over the left upper corner. */
const PLACES = [
  [18, 14],
  [20.37, 11.81],
  [2.63, -1.2],
] as const;

const images = normals("images", [B, HEIGHT, WIDTH]);
const frames = input("images", "float64", [B, HEIGHT, WIDTH]);

/** Gazes at every place, of every image. */
async function gazes(scale = 1): Promise<number[][]> {
  const unit = [scale / WIDTH, scale / HEIGHT];
  const { seen } = await runOnce(
    {
      seen: gazesAt(
        gazeLevels(frames),
        input("places", "float64", [B, PLACES.length, 2]),
        input("unit", "float64", [B, 2]),
      ),
    },
    {
      images,
      places: {
        dtype: "float64",
        shape: [B, PLACES.length, 2],
        data: Float64Array.from([0, 1].flatMap(() => PLACES.flatMap(([x, y]) => [x / WIDTH, y / HEIGHT]))),
      },
      unit: { dtype: "float64", shape: [B, 2], data: Float64Array.from([...unit, ...unit]) },
    },
  );
  return Array.from({ length: B * PLACES.length }, (_, row) =>
    Array.from(seen!.data.subarray(row * GAZE_CELLS, (row + 1) * GAZE_CELLS)),
  );
}

test("a gaze is 64 cells of one pixel, 48 of four and 20 of sixteen, as windows of such cells are without their middle", async () => {
  expect(GAZE_CELLS).toBe(132);
  const found = await gazes();
  for (const [index, [x, y]] of PLACES.entries())
    for (let b = 0; b < B; b++) {
      const expected: number[] = [];
      let covered = 0;
      for (const [cells, size] of [
        [8, 1],
        [8, 2],
        [6, 4],
      ] as const) {
        const side = cells * size;
        const { square } = await runOnce(
          {
            square: glimpses(
              input("image", "float64", [1, 1, HEIGHT, WIDTH]),
              input("window", "float64", [1, 1, 4]),
              cells,
            ),
          },
          {
            image: {
              dtype: "float64",
              shape: [1, 1, HEIGHT, WIDTH],
              data: images.data.slice(b * HEIGHT * WIDTH, (b + 1) * HEIGHT * WIDTH),
            },
            window: {
              dtype: "float64",
              shape: [1, 1, 4],
              data: Float64Array.of(x / WIDTH, y / HEIGHT, side / WIDTH, side / HEIGHT),
            },
          },
        );
        const outside = (at: number) => Math.abs((at + 0.5) * size - side / 2) > covered / 2;
        square!.data.forEach((value, cell) => {
          if (outside(cell % cells) || outside(Math.floor(cell / cells))) expected.push(value);
        });
        covered = side;
      }
      expect(expected).toHaveLength(GAZE_CELLS);
      expect(found[b * PLACES.length + index]!).toBeAllClose(expected, 1e-12);
    }
});

test("a gaze that is scaled reads places further apart", async () => {
  const [middle] = await gazes(1.5);
  // The first sharp cell is 3.5 pixels of the gaze up and to the left.
  const at = (row: number, column: number) => images.data[row * WIDTH + column]!;
  const [x, y] = [18 - 5.25 - 0.5, 14 - 5.25 - 0.5];
  const [column, row, right, down] = [Math.floor(x), Math.floor(y), x % 1, y % 1];
  expect([middle![0]!]).toBeAllClose(
    [
      (1 - down) * ((1 - right) * at(row, column) + right * at(row, column + 1)) +
        down * ((1 - right) * at(row + 1, column) + right * at(row + 1, column + 1)),
    ],
    1e-12,
  );
});

test("frames whose size is not known are refused", () => {
  expect(() => gazeLevels(input("images", "float32", ["batch", "height", 5]))).toThrow(
    "gazeLevels: the images [batch, height, 5] should be [batch, height, width] with a height and a width that are numbers.",
  );
});
