import { expect, test } from "vitest";
import { normals, runOnce } from "../../test/run.js";
import { gradient } from "../autodiff/index.js";
import type { Tensor } from "../core/index.js";
import type { Value } from "../session/index.js";
import { nodeBackend } from "../session/node.js";
import { batchNorm, channelStatistics, gridSample, input, mul, reduceSum, resize } from "./index.js";

const value = (shape: readonly number[], data: readonly number[]): Value => ({
  dtype: "float64",
  shape,
  data: Float64Array.from(data),
});
const near = (found: Value, expected: readonly number[], tolerance = 1e-6) =>
  expect(found.data).toBeAllClose(expected, tolerance);

/** Compares gradients of Σ upstream · y with central differences. */
async function expectGradients(
  y: Tensor,
  upstream: Value,
  feeds: Record<string, Value>,
  of: readonly Tensor[],
) {
  const loss = reduceSum(mul(y, input("upstream", "float64", upstream.shape)));
  const names = Object.keys(feeds);
  const slopes = gradient(loss, of);
  const found = await runOnce(Object.fromEntries(slopes.map((slope, index) => [`d${names[index]}`, slope])), {
    ...feeds,
    upstream,
  });
  for (const name of names) {
    const numeric: number[] = [];
    for (let index = 0; index < feeds[name]!.data.length; index++) {
      const at = async (by: number) => {
        const data = Float64Array.from(feeds[name]!.data);
        data[index]! += by;
        const result = await runOnce({ loss }, { ...feeds, upstream, [name]: { ...feeds[name]!, data } });
        return result.loss!.data[0]!;
      };
      numeric.push(((await at(1e-5)) - (await at(-1e-5))) / 2e-5);
    }
    expect(found[`d${name}`]!.data, name).toBeAllClose(numeric, 1e-6);
  }
}

test("resize gives the values that ONNX publishes for its Resize", async () => {
  // https://onnx.ai/onnx/operators/onnx__Resize.html: upsample_scales_linear and downsample_scales_linear, half_pixel.
  const x = input("x", "float64", [1, 1, 2, 2]);
  const { up, near: nearest } = await runOnce(
    { up: resize(x, [4, 4]), near: resize(x, [4, 6], "nearest") },
    { x: value([1, 1, 2, 2], [1, 2, 3, 4]) },
  );
  near(up!, [1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75, 3.25, 3.5, 3, 3.25, 3.75, 4]);
  near(nearest!, [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 3, 3, 3, 4, 4, 4]);
  const wide = input("x", "float64", [1, 1, 2, 4]);
  const { down } = await runOnce(
    { down: resize(wide, [1, 2]) },
    { x: value([1, 1, 2, 4], [1, 2, 3, 4, 5, 6, 7, 8]) },
  );
  near(down!, [3.5, 5.5]);
});

test("resize has the gradient of finite differences", async () => {
  const x = input("x", "float64", [2, 3, 5, 4]);
  await expectGradients(resize(x, [3, 7]), normals("dy", [2, 3, 3, 7]), { x: normals("x", [2, 3, 5, 4]) }, [
    x,
  ]);
});

test("gridSample gives the values that ONNX publishes for its GridSample", async () => {
  // https://onnx.ai/onnx/operators/onnx__GridSample.html: mode linear, padding zeros, align_corners 0.
  const x = input("x", "float64", [1, 1, 3, 2]);
  const grid = input("grid", "float64", [1, 8, 2]);
  const places = [-10, -10, -5, -5, -0.2, -0.2, 10, 10, 10, 10, -0.2, -0.2, 5, 5, 10, 10];
  const feeds = { x: value([1, 1, 3, 2], [0, 1, 2, 3, 4, 5]), grid: value([1, 8, 2], places) };
  const { y } = await runOnce({ y: gridSample(x, grid) }, feeds);
  near(y!, [0, 0, 1.7, 0, 0, 1.7, 0, 0]);
});

test("gridSample has the gradient of finite differences, of images and of places, and runs natively", async () => {
  const x = input("x", "float64", [2, 3, 5, 4]);
  const grid = input("grid", "float64", [2, 7, 2]);
  const places = normals("grid", [2, 7, 2]);
  const feeds = {
    x: normals("x", [2, 3, 5, 4]),
    grid: { ...places, data: places.data.map((one) => one * 0.6) },
  };
  const y = gridSample(x, grid);
  await expectGradients(y, normals("dy", [2, 3, 7]), feeds, [x, grid]);
  const [plain, native] = [await runOnce({ y }, feeds), await runOnce({ y }, feeds, nodeBackend)];
  expect(native.y!).toBeAllClose(plain.y!, 1e-10);
});

test("batch normalisation gives every channel its scale and bias, or uses what statistics it is given", async () => {
  const x = input("x", "float64", [5, 3, 2, 7]);
  const [scale, bias] = [input("scale", "float64", [3]), input("bias", "float64", [3])];
  const feeds = {
    x: normals("x", [5, 3, 2, 7]),
    scale: value([3], [1, 2, 0.5]),
    bias: value([3], [0, -1, 3]),
  };
  const y = batchNorm(x, scale, bias, { epsilon: 1e-12 });
  const { mean, variance } = channelStatistics(y);
  const after = await runOnce({ mean, variance }, feeds);
  near(after.mean!, [0, -1, 3], 1e-9);
  near(after.variance!, [1, 4, 0.25], 1e-9);
  await expectGradients(y, normals("dy", [5, 3, 2, 7]), feeds, [x, scale, bias]);
  const statistics = { mean: input("mean", "float64", [3]), variance: input("variance", "float64", [3]) };
  const { used } = await runOnce(
    { used: batchNorm(x, scale, bias, { statistics, epsilon: 0 }) },
    { ...feeds, mean: value([3], [1, 1, 1]), variance: value([3], [4, 4, 4]) },
  );
  expect(used!.data[0]).toBeCloseTo((feeds.x.data[0]! - 1) / 2, 12);
});

test("shapes that do not fit are named", () => {
  const x = input("x", "float32", ["images", 3, 5, 5]);
  expect(() => resize(input("x", "float32", [1, 1, "height", 2]), [2, 2])).toThrow(
    "resize: the images [1, 1, height, 2] should be [images, channels, height, width] with a height and a width that are numbers.",
  );
  expect(() => gridSample(input("x", "float32", [1, 1, 2]), input("grid", "float32", [1, 3, 2]))).toThrow(
    "gridSample: the images [1, 1, 2] should be",
  );
  expect(() => gridSample(x, input("grid", "float32", ["images", 3, 3]))).toThrow(
    "gridSample: the grid [images, 3, 3] should be [images, places, 2] for images [images, 3, 5, 5].",
  );
  expect(() => batchNorm(x, input("s", "float32", [4]), input("b", "float32", [3]))).toThrow(
    "batchNorm: scale is [4] but images [images, 3, 5, 5] need [3]; make it one value a channel.",
  );
});
