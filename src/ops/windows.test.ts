import { expect, test } from "vitest";
import { normals, runOnce } from "../../test/run.js";
import { gradient } from "../autodiff/index.js";
import { input, matmul, reduceSum, windows } from "./index.js";

const counted = (shape: readonly number[]) => ({
  dtype: "float64" as const,
  shape,
  data: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, index) => index),
});
const ones = (shape: readonly number[]) => ({ ...counted(shape), data: counted(shape).data.fill(1) });

test("a product with what windows see gives the values that ONNX publishes for its Conv", async () => {
  // https://onnx.ai/onnx/operators/onnx__Conv.html: images 0 … 24, weights of ones.
  const [x, w] = [input("x", "float64", [1, 5, 5, 1]), input("w", "float64", [9, 1])];
  const feeds = { x: counted([1, 5, 5, 1]), w: ones([9, 1]) };
  const { padded, plain } = await runOnce(
    { padded: matmul(windows(x, 3, { padding: 1 }), w), plain: matmul(windows(x, 3), w) },
    feeds,
  );
  expect([...padded!.data.slice(0, 10)]).toEqual([12, 21, 27, 33, 24, 33, 54, 63, 72, 51]);
  expect([...plain!.data]).toEqual([54, 63, 72, 99, 108, 117, 144, 153, 162]);
  const tall = input("x", "float64", [1, 7, 5, 1]);
  const { strided } = await runOnce(
    { strided: matmul(windows(tall, 3, { stride: 2, padding: 1 }), w) },
    { x: counted([1, 7, 5, 1]), w: ones([9, 1]) },
  );
  expect([...strided!.data]).toEqual([12, 27, 24, 63, 108, 81, 123, 198, 141, 112, 177, 124]);
});

test("windows can be differentiated twice", async () => {
  const [x, w] = [input("x", "float64", [2, 5, 4, 3]), input("w", "float64", [27, 2])];
  const [first] = gradient(reduceSum(matmul(windows(x, 3, { padding: 1 }), w)), [w]);
  const [second] = gradient(reduceSum(first!), [x]);
  // Σ over w of ∂Σy/∂w is linear in x: its derivative counts how many windows a pixel lies in, for each output.
  const { d } = await runOnce({ d: second! }, { x: normals("x", [2, 5, 4, 3]), w: normals("w", [27, 2]) });
  const inWindows = (size: number) => Array.from({ length: size }, (_, i) => (i % (size - 1) ? 3 : 2));
  const expected = [0, 1].flatMap(() =>
    inWindows(5).flatMap((rows) => inWindows(4).flatMap((columns) => Array(3).fill(2 * rows * columns))),
  );
  expect([...d!.data]).toEqual(expected);
});

test("windows that do not fit are named", () => {
  expect(() => windows(input("x", "float32", ["images", 5, 5, 3]), 7)).toThrow(
    "windows: a window of 7 × 7 does not fit into images of 5 × 5 with a padding of 0; use a smaller window or more padding.",
  );
});
