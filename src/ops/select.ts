import {
  forEachIndex,
  formatShape,
  ndarray,
  normaliseAxis,
  type Operation,
  reducedFlat,
  ShapeError,
  type Tensor,
} from "../core/index.js";
import { defineOperation, distincts, floats, reducedShape, requireDType } from "./define.js";
import { scatterAddAlongAxis } from "./gather.js";
import { fill } from "./layout.js";

const argMaxOperation: Operation<{ axis: number }> = {
  name: "argMax",
  infer: ([x], { axis }) => {
    requireDType("argMax", "the operand", x!, "float32", "float64", "int32");
    return [{ dtype: "int32", shape: reducedShape(x!.shape, [axis], false) }];
  },
  lower: (context, inputs, { attributes: { axis } }) => {
    const [positions] = context.emit("ArgMax", inputs, { axis: { int: axis }, keepdims: { int: 0 } });
    return context.emit("Cast", [positions!], { to: { int: context.onnxType("int32") } });
  },
  evaluate: (_, [x], { axis }) => {
    const result = ndarray("int32", reducedShape(x!.shape, [axis], false) as number[]);
    const best = new Map<number, number>();
    forEachIndex(x!.shape, (index, flat) => {
      const row = reducedFlat(x!.shape, index, axis);
      if (x!.data[flat]! > (best.get(row) ?? Number.NEGATIVE_INFINITY)) {
        best.set(row, x!.data[flat]!);
        result.data[row] = index[axis]!;
      }
    });
    return [result];
  },
  samples: () => [
    { inputs: [distincts("three", "five")], differentiable: false, build: (x) => argMax(x!) },
    { inputs: [distincts("three", "five", "two")], differentiable: false, build: (x) => argMax(x!, 1) },
  ],
};

/** The positions (int32) of the largest elements along an axis; the first where several are largest. */
export const argMax = defineOperation(
  argMaxOperation,
  (make): ((x: Tensor, axis?: number) => Tensor) =>
    (x, axis = -1) =>
      make([x], { axis: normaliseAxis("argMax", axis, x.shape) }).outputs[0]!,
);

const topKOperation: Operation<{ count: number }> = {
  name: "topK",
  infer: ([x], { count }) => {
    const size = x!.shape.at(-1);
    if (size === undefined || (typeof size === "number" && count > size) || count < 1)
      throw new ShapeError(
        `topK: the last axis of ${formatShape(x!.shape)} is ${size} but ${count} elements are asked for; ask for 1 to ${size}.`,
      );
    const shape = [...x!.shape.slice(0, -1), count];
    return [
      { dtype: x!.dtype, shape },
      { dtype: "int32", shape },
    ];
  },
  gradient: ({ inputs: [x], outputs: [, picks], upstream: [dy] }) => [
    dy ? scatterAddAlongAxis(fill(0, x!), picks!, dy, x!.shape.length - 1) : undefined,
  ],
  lower: (context, inputs, { attributes: { count } }) => {
    const [values, positions] = context.emit(
      "TopK",
      [inputs[0]!, context.constant("int64", [1], [count])],
      { axis: { int: -1 } },
      2,
    );
    return [values!, context.emit("Cast", [positions!], { to: { int: context.onnxType("int32") } })[0]!];
  },
  evaluate: (_, [x], { count }) => {
    const size = x!.shape.at(-1)!;
    const shape = [...x!.shape.slice(0, -1), count];
    const values = ndarray(x!.dtype, shape);
    const picks = ndarray("int32", shape);
    for (let row = 0; row * size < x!.data.length; row++) {
      const order = Array.from({ length: size }, (_, i) => i).sort(
        (a, b) => x!.data[row * size + b]! - x!.data[row * size + a]! || a - b,
      );
      for (let rank = 0; rank < count; rank++) {
        values.data[row * count + rank] = x!.data[row * size + order[rank]!]!;
        picks.data[row * count + rank] = order[rank]!;
      }
    }
    return [values, picks];
  },
  samples: () => [
    { inputs: [distincts("three", 7)], build: (x) => topK(x!, 2).values },
    {
      inputs: [distincts("two", "three", 5)],
      differentiable: false,
      build: (x) => Object.values(topK(x!, 3)),
    },
  ],
};

/** The `count` largest elements of the last axis, largest first, and their positions (int32). */
export const topK = defineOperation(
  topKOperation,
  (make): ((x: Tensor, count: number) => { values: Tensor; indices: Tensor }) =>
    (x, count) => {
      const [values, picks] = make([x], { count }).outputs;
      return { values: values!, indices: picks! };
    },
);

const stopGradientOperation: Operation<Record<never, never>> = {
  name: "stopGradient",
  infer: ([x]) => [x!],
  lower: (_, inputs) => inputs,
  evaluate: (_, inputs) => inputs,
  samples: () => [
    { inputs: [floats("three", "five")], differentiable: false, build: (x) => stopGradient(x!) },
  ],
};

/** The operand itself, through which no gradient passes. */
export const stopGradient = defineOperation(
  stopGradientOperation,
  (make): ((x: Tensor) => Tensor) =>
    (x) =>
      make([x], {}).outputs[0]!,
);
