import { expect, test } from "vitest";
import { normals, runOnce } from "../../test/run.js";
import { gradient } from "../autodiff/index.js";
import { Random } from "../core/index.js";
import { input, mul, reduceSum } from "../ops/index.js";
import type { Value } from "../session/index.js";
import { nodeBackend } from "../session/node.js";
import { filterGrid, readBy, writeBy } from "./filterbank.js";

const [B, C, HEIGHT, WIDTH, N] = [2, 3, 11, 7, 5];
const DTYPE = "float64" as const;

const given = input("numbers", DTYPE, ["batch", 5]);
const images = input("images", DTYPE, ["batch", C, HEIGHT, WIDTH]);
const patches = input("patches", DTYPE, ["batch", C, N, N]);
const grid = filterGrid(given, [HEIGHT, WIDTH], N);
const random = new Random(1, "filters");
const numbers: Value = {
  dtype: DTYPE,
  shape: [B, 5],
  data: Float64Array.from({ length: B * 5 }, () => 0.4 * random.normal()),
};
const feeds = {
  numbers,
  images: normals("images", [B, C, HEIGHT, WIDTH]),
  patches: normals("patches", [B, C, N, N]),
};

/** F_X or F_Y as the paper writes it, counted from 1 (21 to 26). */
function paper(row: number, axis: 0 | 1, sizeOf: number): number[][] {
  const [x, y, logVariance, logStride] = numbers.data.subarray(row * 5, row * 5 + 4);
  const stride = ((Math.max(HEIGHT, WIDTH) - 1) / (N - 1)) * Math.exp(logStride!);
  // Where filters begin further apart than two pixels they begin as much wider.
  const variance = Math.exp(logVariance!) * Math.max(1, (Math.max(HEIGHT, WIDTH) - 1) / (N - 1) / 2) ** 2;
  const centre = ((sizeOf + 1) / 2) * ((axis === 0 ? x! : y!) + 1);
  return Array.from({ length: N }, (_, index) => {
    const mean = centre + (index + 1 - N / 2 - 0.5) * stride;
    const bells = Array.from({ length: sizeOf }, (__, pixel) =>
      Math.exp(-((pixel + 1 - mean) ** 2) / (2 * variance)),
    );
    const sum = bells.reduce((a, b) => a + b, 1e-4);
    return bells.map((bell) => bell / sum);
  });
}

test("what is read and written is the paper's, worked out pixel by pixel", async () => {
  const { read, written } = await runOnce(
    { read: readBy(grid, images, N), written: writeBy(grid, patches, [HEIGHT, WIDTH]) },
    feeds,
  );
  for (let b = 0; b < B; b++) {
    const [columns, rows] = [paper(b, 0, WIDTH), paper(b, 1, HEIGHT)];
    const intensity = Math.exp(numbers.data[b * 5 + 4]!);
    for (let c = 0; c < C; c++) {
      const start = (b * C + c) * HEIGHT * WIDTH;
      for (let i = 0; i < N; i++)
        for (let j = 0; j < N; j++) {
          let sum = 0;
          for (let y = 0; y < HEIGHT; y++)
            for (let x = 0; x < WIDTH; x++)
              sum += rows[i]![y]! * columns[j]![x]! * feeds.images.data[start + y * WIDTH + x]!;
          expect(read!.data[((b * C + c) * N + i) * N + j]).toBeCloseTo(intensity * sum, 9);
        }
      for (let y = 0; y < HEIGHT; y++)
        for (let x = 0; x < WIDTH; x++) {
          let sum = 0;
          for (let i = 0; i < N; i++)
            for (let j = 0; j < N; j++)
              sum += rows[i]![y]! * columns[j]![x]! * feeds.patches.data[((b * C + c) * N + i) * N + j]!;
          expect(written!.data[start + y * WIDTH + x]).toBeCloseTo(sum / intensity, 9);
        }
    }
  }
});

test("all numbers at 0 are a window over the whole image, and the window is what moves the filters", async () => {
  const nothing = { ...feeds, numbers: { ...numbers, data: new Float64Array(B * 5) } };
  const { window, deviation, intensity } = await runOnce({ ...grid }, nothing);
  // From the middle of the first pixel to that of the last, along the longer side.
  const side = Math.max(HEIGHT, WIDTH) - 1;
  for (let b = 0; b < B; b++)
    expect([...window!.data.subarray(4 * b, 4 * b + 4)]).toEqual([
      expect.closeTo(0.5, 12),
      expect.closeTo(0.5, 12),
      expect.closeTo(side / WIDTH, 12),
      expect.closeTo(side / HEIGHT, 12),
    ]);
  expect([...deviation!.data]).toEqual(new Array(B).fill(side / (N - 1) / 2));
  expect([...intensity!.data]).toEqual(new Array(B).fill(1));
  // A window a pixel to the right sees what the first saw of an image moved a pixel to the left.
  const at = input("window", DTYPE, ["batch", 1, 4]);
  const moved = { ...grid, window: at };
  const windows = (x: number) => ({
    window: {
      dtype: DTYPE,
      shape: [B, 1, 4],
      data: Float64Array.from({ length: B * 4 }, (_, index) => [x / WIDTH, 0.5, 2 / WIDTH, 0.3][index % 4]!),
    },
  });
  const shifted = Float64Array.from(feeds.images.data, (_, index) =>
    index % WIDTH < WIDTH - 1 ? feeds.images.data[index + 1]! : 0,
  );
  const narrow = { ...numbers, data: Float64Array.from({ length: B * 5 }, (_, i) => (i % 5 === 2 ? -6 : 0)) };
  const read = (more: object) =>
    runOnce({ read: readBy(moved, images, N) }, { ...feeds, numbers: narrow, ...more });
  const [there, here] = [
    await read(windows(3.5)),
    await read({ ...windows(2.5), images: { ...feeds.images, data: shifted } }),
  ];
  expect(there.read).toBeAllClose(here.read!, 1e-4);
});

test("gradients are those of finite differences, and it runs natively", async () => {
  const weights = input("weights", DTYPE, ["batch", C, N, N]);
  const loss = reduceSum(mul(readBy(grid, images, N), weights));
  const fed = { ...feeds, weights: normals("weights", [B, C, N, N]) };
  const [toNumbers] = gradient(loss, [given]);
  const { loss: value, toNumbers: slopes } = await runOnce({ loss, toNumbers: toNumbers! }, fed);
  for (let index = 0; index < B * 5; index++) {
    const moved = async (by: number) => {
      const data = Float64Array.from(numbers.data);
      data[index]! += by;
      return (await runOnce({ loss }, { ...fed, numbers: { ...numbers, data } })).loss!.data[0]!;
    };
    expect(slopes!.data[index]).toBeCloseTo(((await moved(1e-5)) - (await moved(-1e-5))) / 2e-5, 5);
  }
  const native = await runOnce({ loss }, fed, nodeBackend);
  expect(native.loss!.data[0]).toBeCloseTo(value!.data[0]!, 9);
});
