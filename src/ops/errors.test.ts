import { expect, test } from "vitest";
import { gradient } from "../autodiff/index.js";
import {
  add,
  cast,
  concat,
  constant,
  crossEntropy,
  expand,
  gather,
  input,
  matmul,
  reduceSum,
  reshape,
  scan,
  slice,
  softmax,
  split,
  squeeze,
  topK,
  transpose,
} from "./index.js";

const x = (...shape: (number | string)[]) => input("x", "float32", shape);

/** Each message names the operation, the axis, both sizes, both whole shapes and the likely fix. */
test.each<[string, () => unknown, string]>([
  [
    "add",
    () => add(x(3, 5), x(7, 5)),
    "add: axis 0 is 3 on the left but 7 on the right (left [3, 5], right [7, 5]). Sizes must be equal or 1; reshape or expand one operand.",
  ],
  [
    "add with names",
    () => add(x("batch", 5), x("source", 5)),
    "add: axis 0 is batch on the left but source on the right (left [batch, 5], right [source, 5]). Sizes must be equal or 1; reshape or expand one operand.",
  ],
  [
    "add of types",
    () => add(x(3), cast(x(3), "int32")),
    "add: operands are float32 and int32; cast one of them to the other's type.",
  ],
  [
    "matmul",
    () => matmul(x(2, 5), x(7, 3)),
    "matmul: axis 1 of the left operand is 5 but axis 0 of the right operand is 7 (left [2, 5], right [7, 3]). The inner sizes must be equal; transpose an operand or change the layer's size.",
  ],
  [
    "matmul transposed",
    () => matmul(x(2, 5), x(7, 3), { transposeRight: true }),
    "matmul: axis 1 of the left operand is 5 but axis 1 of the right operand is 3 (left [2, 5], right [7, 3] transposed). The inner sizes must be equal; transpose an operand or change the layer's size.",
  ],
  [
    "matmul of a vector",
    () => matmul(x(5), x(5, 3)),
    "matmul: the left operand [5] has 1 axes but needs at least 2; use unsqueeze to add one.",
  ],
  [
    "reshape",
    () => reshape(x(2, 3), [7]),
    "reshape: [2, 3] holds 6 elements but [7] holds 7; the counts must be equal.",
  ],
  [
    "transpose",
    () => transpose(x(2, 3), [0, 0]),
    "transpose: [0, 0] does not name each of the 2 axes of [2, 3] once; list every axis from 0 to 1.",
  ],
  [
    "expand",
    () => expand(x(3), [5]),
    "expand: axis 0 is 3 on the left but 5 on the right (left [3], right [5]). Sizes must be equal or 1; reshape or expand one operand.",
  ],
  [
    "concat",
    () => concat([x(2, 3), x(2, 5)], 0),
    "concat: axis 1 is 3 in one part but 5 in another ([2, 3] and [2, 5], joined on axis 0). Every other axis must be equal.",
  ],
  [
    "split",
    () => split(x(2, 7), [3, 5], 1),
    "split: axis 1 of [2, 7] is 7 but the parts [3, 5] add up to 8; make the parts cover the axis exactly.",
  ],
  [
    "slice",
    () => slice(x(2, 7), 1, 3, 5),
    "slice: elements 3 to 8 lie outside axis 1 of [2, 7], whose size is 7; shorten the slice.",
  ],
  [
    "squeeze",
    () => squeeze(x(2, 7), 1),
    "squeeze: axis 1 of [2, 7] is 7, not 1; only axes of size 1 can be removed.",
  ],
  [
    "an axis",
    () => softmax(x(2, 3), { axis: 2 }),
    "softmax: axis 2 is outside the 2 axes of [2, 3]; use -2 to 1.",
  ],
  ["gather", () => gather(x(7, 3), x(5)), "gather: indices is float32 but must be int32; cast it."],
  [
    "topK",
    () => topK(x(2, 3), 5),
    "topK: the last axis of [2, 3] is 3 but 5 elements are asked for; ask for 1 to 3.",
  ],
  [
    "crossEntropy",
    () => crossEntropy(x(5, 7), input("y", "int32", [3])),
    "crossEntropy: logits [5, 7] need targets of shape [5] but they are [3]; reshape both to one row per prediction.",
  ],
  [
    "constant",
    () => constant([1, 2, 3], { shape: [2, 2] }),
    "constant: 3 values were given for shape [2, 2], which holds 4.",
  ],
  [
    "gradient",
    () => gradient(reduceSum(x(2, 3), { axes: 1 }), []),
    "gradient: the loss is float32 [2] but must be one floating-point number; reduce it with reduceMean or reduceSum.",
  ],
  [
    "scan states",
    () =>
      scan({ initial: { h: x(3) }, sequences: { s: x(5, 7) } }, (_, { s }) => ({
        states: { h: s },
        outputs: {},
      })),
    'scan: state "h" is float32 [3] before a step but float32 [7] after it; a state must keep its type and shape.',
  ],
  [
    "scan sequences",
    () => scan({ initial: {}, sequences: { a: x(5, 2), b: x(3, 2) } }, () => ({ states: {}, outputs: {} })),
    'scan: axis 0 of sequence "b" is 3 but of "a" it is 5 ([3, 2] and [5, 2]). All sequences must have one step for each step of the others.',
  ],
  [
    "input name",
    () => input("", "float32", [3]),
    'input: the name is "" but must be a text that is not empty.',
  ],
  [
    "input type",
    () => input("x", "float3" as never, [3]),
    'input: "x" is of type "float3" but must be one of float32, float64, int32, bool.',
  ],
  [
    "input shape",
    () => input("x", "float32", undefined as never),
    'input: the shape of "x" is undefined but must be a list of sizes, such as ["batch", 3].',
  ],
  [
    "input size",
    () => input("x", "float32", ["batch", -2]),
    'input: axis 1 of "x" is -2 but must be a whole number from 0, or a name.',
  ],
  [
    "input part of a size",
    () => input("x", "float32", [1.5]),
    'input: axis 0 of "x" is 1.5 but must be a whole number from 0, or a name.',
  ],
  [
    "one operand of two",
    () => add(x(3), undefined as never),
    "add: operand 2 is undefined but must be a tensor or a number.",
  ],
  [
    "text as an operand",
    () => add("a" as never, x(3)),
    'add: operand 1 is "a" but must be a tensor or a number.',
  ],
])("%s", (_, build, message) => {
  expect(build).toThrow(expect.objectContaining({ name: "ShapeError", message }));
});

test.each([
  [() => gradient(undefined as never, []), "gradient: the loss is undefined, not a tensor."],
  [
    () => gradient(reduceSum(x(3)), x(3) as never),
    "gradient: the tensors to differentiate with respect to are a tensor, not a list; put them in [ ].",
  ],
  [
    () => gradient(reduceSum(x(3)), [x(3), 5 as never]),
    "gradient: number 2 of the tensors to differentiate with respect to is 5, not a tensor.",
  ],
])("a gradient of what is no tensor", (build, message) => {
  expect(build).toThrow(expect.objectContaining({ name: "RegardError", message }));
});
