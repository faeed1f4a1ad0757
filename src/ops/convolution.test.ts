import { expect, test } from "vitest";
import { normals, runOnce } from "../../test/run.js";
import { gradient } from "../autodiff/index.js";
import {
  averagePool,
  convolution,
  convolutionTransposed,
  globalAveragePool,
  input,
  maxPool,
  reduceSum,
} from "./index.js";

const counted = (shape: readonly number[]) => ({
  dtype: "float64" as const,
  shape,
  data: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, index) => index),
});
const ones = (shape: readonly number[]) => ({ ...counted(shape), data: counted(shape).data.fill(1) });

test("convolution gives the values that ONNX publishes for its Conv", async () => {
  // https://onnx.ai/onnx/operators/onnx__Conv.html: images 0 … 24, weights of ones.
  const [x, w] = [input("x", "float64", [1, 1, 5, 5]), input("w", "float64", [1, 1, 3, 3])];
  const feeds = { x: counted([1, 1, 5, 5]), w: ones([1, 1, 3, 3]) };
  const { padded, plain } = await runOnce(
    { padded: convolution(x, w, { padding: 1 }), plain: convolution(x, w) },
    feeds,
  );
  expect([...padded!.data.slice(0, 10)]).toEqual([12, 21, 27, 33, 24, 33, 54, 63, 72, 51]);
  expect([...plain!.data]).toEqual([54, 63, 72, 99, 108, 117, 144, 153, 162]);
  const tall = input("x", "float64", [1, 1, 7, 5]);
  const { strided } = await runOnce(
    { strided: convolution(tall, w, { stride: 2, padding: 1 }) },
    { x: counted([1, 1, 7, 5]), w: ones([1, 1, 3, 3]) },
  );
  expect([...strided!.data]).toEqual([12, 27, 24, 63, 108, 81, 123, 198, 141, 112, 177, 124]);
});

test("a transposed convolution gives the values that ONNX publishes for its ConvTranspose", async () => {
  // https://onnx.ai/onnx/operators/onnx__ConvTranspose.html: images 0 … 8, two outputs of ones.
  const [y, w] = [input("y", "float64", [1, 1, 3, 3]), input("w", "float64", [1, 2, 3, 3])];
  const { x } = await runOnce(
    { x: convolutionTransposed(y, w, [5, 5]) },
    { y: counted([1, 1, 3, 3]), w: ones([1, 2, 3, 3]) },
  );
  const plane = [0, 1, 3, 3, 2, 3, 8, 15, 12, 7, 9, 21, 36, 27, 15, 9, 20, 33, 24, 13, 6, 13, 21, 15, 8];
  expect([...x!.data]).toEqual([...plane, ...plane]);
});

test("pools take the greatest and the mean of windows, and the mean of all", async () => {
  const x = input("x", "float64", [1, 1, 4, 4]);
  const results = await runOnce(
    { max: maxPool(x, 2, { stride: 2 }), mean: averagePool(x, 2, { stride: 2 }), all: globalAveragePool(x) },
    { x: counted([1, 1, 4, 4]) },
  );
  expect([...results.max!.data]).toEqual([5, 7, 13, 15]);
  expect([...results.mean!.data]).toEqual([2.5, 4.5, 10.5, 12.5]);
  expect(results.all).toEqual({ dtype: "float64", shape: [1, 1], data: Float64Array.of(7.5) });
});

test("equal greatest elements share the gradient", async () => {
  const x = input("x", "float64", [1, 1, 2, 2]);
  const [slope] = gradient(reduceSum(maxPool(x, 2)), [x]);
  const { dx } = await runOnce(
    { dx: slope! },
    { x: { ...counted([1, 1, 2, 2]), data: Float64Array.of(3, 1, 3, 0) } },
  );
  expect([...dx!.data]).toEqual([0.5, 0, 0.5, 0]);
});

test("convolutions can be differentiated twice", async () => {
  const [x, w] = [input("x", "float64", [2, 3, 5, 4]), input("w", "float64", [2, 3, 3, 2])];
  const y = convolution(x, w, { padding: 1 });
  const [first] = gradient(reduceSum(y), [w]);
  const [second] = gradient(reduceSum(first!), [x]);
  // Σ over w of ∂Σy/∂w is linear in x: its derivative counts how many windows a pixel lies in, for each output.
  const { d } = await runOnce(
    { d: second! },
    { x: normals("x", [2, 3, 5, 4]), w: normals("w", [2, 3, 3, 2]) },
  );
  expect([...d!.data.slice(0, 4)]).toEqual([2 * 2 * 2, 2 * 2 * 2, 2 * 2 * 2, 2 * 2 * 2]);
  expect([...d!.data.slice(4, 8)]).toEqual([2 * 3 * 2, 2 * 3 * 2, 2 * 3 * 2, 2 * 3 * 2]);
});

test("shapes that do not fit are named", () => {
  const x = input("x", "float32", ["images", 3, 5, 5]);
  const w = (...shape: (number | string)[]) => input("w", "float32", shape);
  expect(() => convolution(x, w(2, 4, 3, 3))).toThrow(
    "convolution: images [images, 3, 5, 5] have 3 channels but weights [2, 4, 3, 3] in 1 groups take 4; the weights should be [outputs, channels / groups, height, width].",
  );
  expect(() => convolution(x, w(2, 3, 7, 7))).toThrow(
    "convolution: a window that spans 7 × 7 does not fit into images of 5 × 5 with a padding of 0, 0, 0, 0; use a smaller window or more padding.",
  );
  expect(() => convolution(x, w(2, 3, 3))).toThrow(
    "convolution: the weights [2, 3, 3] should be [outputs, channels / groups, height, width], all numbers.",
  );
  expect(() => maxPool(input("x", "float32", [2, 3, "height", 5]), 2)).toThrow(
    "maxPool: the images [2, 3, height, 5] should be [images, channels, height, width] with a height and a width that are numbers; resize or reshape them first.",
  );
  expect(() => convolutionTransposed(x, w(3, 2, 3, 3), [5, 5])).toThrow(
    "convolutionTransposed: images of 5 × 5 cannot become 5 × 5, of which the window has 3 × 3 places; give a size whose places are as many.",
  );
  expect(() => convolutionTransposed(x, w(4, 2, 3, 3), [7, 7])).toThrow(
    "convolutionTransposed: images [images, 3, 5, 5] have 3 channels but weights [4, 2, 3, 3] take 4;",
  );
  expect(() => averagePool(input("x", "float32", [2, "channels", 5, 5]), 2)).toThrow(
    "averagePool: the channels of [2, channels, 5, 5] should be a number.",
  );
});
