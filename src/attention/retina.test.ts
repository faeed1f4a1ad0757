import { expect, test } from "vitest";
import { normals, runOnce } from "../../test/run.js";
import { gradient } from "../autodiff/index.js";
import { constant, gridSample, input, reduceMean, reduceSum, reshape, tanh } from "../ops/index.js";
import { nodeBackend } from "../session/node.js";
import { glimpses, placeOf, windowsAt } from "./index.js";

const [B, C, HEIGHT, WIDTH, CELLS] = [3, 2, 11, 13, 5];
const images = normals("images", [B, C, HEIGHT, WIDTH]);
/** Inside, over the left upper corner, and far outside to the right. */
const PLACES = [0.137, -0.21, -0.93, -1.03, 1.9, 0.41];
const places = { dtype: "float64" as const, shape: [B, 2], data: Float64Array.from(PLACES) };
const sidesOf = (scales: readonly number[]) =>
  scales.map((pixels) => [(CELLS * pixels) / WIDTH, (CELLS * pixels) / HEIGHT] as const);
const image = input("images", "float64", [B, C, HEIGHT, WIDTH]);
const shown = (scales: readonly number[]) =>
  glimpses(image, windowsAt(input("places", "float64", [B, 2]), sidesOf(scales)), CELLS);

/** What a square around each place shows, its cells of `pixels` × `pixels` each the mean of as many bilinear samples. */
function sampled(pixels: number) {
  const count = CELLS * pixels;
  const grid = [0, 1, 2].flatMap((row) => {
    const at = (axis: 0 | 1, index: number) => {
      const size = axis === 0 ? WIDTH : HEIGHT;
      const centre = ((PLACES[2 * row + axis]! + 1) / 2) * size;
      return ((centre + index + 0.5 - count / 2) / size) * 2 - 1;
    };
    return Array.from({ length: count ** 2 }, (_, flat) => [
      at(0, flat % count),
      at(1, Math.floor(flat / count)),
    ]).flat();
  });
  const samples = gridSample(image, constant(grid, { dtype: "float64", shape: [B, count ** 2, 2] }));
  const parted = reshape(samples, [B, C, CELLS, pixels, CELLS, pixels]);
  return reduceMean(reduceMean(parted, { axes: 5 }), { axes: 3 });
}

test("each window shows what bilinear samples show on the average, black outside", async () => {
  const { seen } = await runOnce({ seen: shown([1, 2, 4]) }, { images, places });
  expect(seen!.shape).toEqual([B, C, 3, CELLS, CELLS]);
  const found = await runOnce({ one: sampled(1), two: sampled(2), four: sampled(4) }, { images });
  const size = CELLS ** 2;
  for (const [scale, name] of ["one", "two", "four"].entries())
    for (let image = 0; image < B * C; image++) {
      const start = (image * 3 + scale) * size;
      expect(seen!.data.slice(start, start + size), `${name} of ${image}`).toBeAllClose(
        found[name]!.data.slice(image * size, (image + 1) * size),
        1e-12,
      );
    }
});

test("a window of the whole image shows every pixel", async () => {
  const whole = glimpses(
    input("images", "float64", [B, C, CELLS, CELLS]),
    constant([0.5, 0.5, 1, 1, 0.5, 0.5, 1, 1, 0.5, 0.5, 1, 1], { dtype: "float64", shape: [B, 1, 4] }),
    CELLS,
  );
  const square = normals("square", [B, C, CELLS, CELLS]);
  const { seen } = await runOnce({ seen: whole }, { images: square });
  expect(seen!.data).toBeAllClose(square.data, 1e-12);
});

test("windows lie around their places, which can be read from them", async () => {
  const windows = windowsAt(input("places", "float64", [B, 2]), sidesOf([1, 2]));
  const found = await runOnce({ windows, places: placeOf(windows) }, { places });
  expect(found.places!.data).toBeAllClose(PLACES, 1e-12);
  expect(found.windows!.shape).toEqual([B, 2, 4]);
  expect(found.windows!.data.slice(0, 8)).toBeAllClose(
    [0.5685, 0.395, 5 / 13, 5 / 11, 0.5685, 0.395, 10 / 13, 10 / 11],
    1e-12,
  );
});

test("gradients to images and places agree with finite differences", async () => {
  const operands = [image, input("places", "float64", [B, 2])];
  const windows = windowsAt(operands[1]!, sidesOf([1, 2]));
  const loss = reduceSum(tanh(glimpses(operands[0]!, windows, CELLS)));
  const [ofImages, ofPlaces] = gradient(loss, operands);
  const session = await nodeBackend.load({ loss, ofImages: ofImages!, ofPlaces: ofPlaces! });
  const feeds = { images, places };
  const slopes = await session.run(feeds);
  for (const [name, slope] of [
    ["images", "ofImages"],
    ["places", "ofPlaces"],
  ] as const) {
    const direction = normals(`direction of ${name}`, feeds[name].shape).data;
    const lossAt = async (step: number) => {
      const data = feeds[name].data.map((element, index) => element + step * direction[index]!);
      return (await session.run({ ...feeds, [name]: { ...feeds[name], data } })).loss!.data[0]!;
    };
    const numeric = ((await lossAt(1e-6)) - (await lossAt(-1e-6))) / 2e-6;
    const analytic = Float64Array.from(slopes[slope]!.data).reduce(
      (sum, value, index) => sum + value * direction[index]!,
      0,
    );
    expect([analytic], name).toBeAllClose([numeric], 1e-6);
  }
});

test("a window of no size shows the pixel it lies in", async () => {
  const dot = glimpses(
    input("images", "float64", ["batch", C, HEIGHT, WIDTH]),
    constant([0.5, 0.5, 0, 0], { dtype: "float64", shape: [1, 1, 4] }),
    CELLS,
  );
  const one = { ...images, shape: [1, C, HEIGHT, WIDTH], data: images.data.slice(0, C * HEIGHT * WIDTH) };
  const { seen } = await runOnce({ seen: dot }, { images: one });
  const middle = images.data[5 * WIDTH + 6]!;
  expect(seen!.data.slice(0, CELLS ** 2)).toBeAllClose(new Array(CELLS ** 2).fill(middle), 1e-9);
});

test("sizes that are not known are refused", () => {
  expect(() =>
    glimpses(
      input("images", "float32", ["batch", 1, "height", 7]),
      input("windows", "float32", ["batch", 2, 4]),
      3,
    ),
  ).toThrow(
    "glimpses: the images [batch, 1, height, 7] should be [batch, channels, height, width] and the windows [batch, 2, 4] [batch, windows, 4], all but the batch numbers.",
  );
});
