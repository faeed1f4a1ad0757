import { forEachIndex, ndarray, normaliseAxis, type Operation, type Tensor } from "../core/index.js";
import { defineOperation, floats, requireDType } from "./define.js";

interface Running {
  readonly axis: number;
  /** From the last element on. */
  readonly reverse: boolean;
  /** Without the element itself. */
  readonly exclusive: boolean;
}

const cumulativeOperation: Operation<Running> = {
  name: "cumulativeSum",
  infer: ([x]) => {
    requireDType("cumulativeSum", "the operand", x!, "float32", "float64", "int32");
    return [x!];
  },
  gradient: ({ attributes: { axis, reverse, exclusive }, upstream: [dy] }) => [
    cumulativeSum(dy!, axis, { reverse: !reverse, exclusive }),
  ],
  lower: (context, inputs, { attributes: { axis, reverse, exclusive } }) =>
    context.emit("CumSum", [inputs[0]!, context.constant("int64", [], [axis])], {
      reverse: { int: reverse ? 1 : 0 },
      exclusive: { int: exclusive ? 1 : 0 },
    }),
  evaluate: (_, [x], { axis, reverse, exclusive }) => {
    const { shape } = x!;
    const result = ndarray(x!.dtype, shape);
    const stride = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    const length = shape[axis]!;
    forEachIndex(shape, (index, flat) => {
      const first = flat - index[axis]! * stride;
      const [from, to] = reverse
        ? [index[axis]! + Number(exclusive), length]
        : [0, index[axis]! + Number(!exclusive)];
      for (let step = from; step < to; step++) result.data[flat]! += x!.data[first + step * stride]!;
    });
    return [result];
  },
  flops: ({ outputs }, size) => outputs[0]!.shape.reduce<number>((n, d) => n * size(d), 1),
  samples: () => [
    { inputs: [floats("three", "five")], build: (x) => cumulativeSum(x!, 1) },
    { inputs: [floats("three", "five", "two")], build: (x) => cumulativeSum(x!, -2, { reverse: true }) },
    { inputs: [floats("three", "five")], build: (x) => cumulativeSum(x!, 0, { exclusive: true }) },
  ],
};

/** At each place of an axis the sum of all elements up to it, or from it on where it is reversed. */
export const cumulativeSum = defineOperation(
  cumulativeOperation,
  (
    make,
  ): ((
    x: Tensor,
    axis: number,
    options?: { readonly reverse?: boolean; readonly exclusive?: boolean },
  ) => Tensor) =>
    (x, axis, { reverse = false, exclusive = false } = {}) =>
      make([x], { axis: normaliseAxis("cumulativeSum", axis, x.shape), reverse, exclusive }).outputs[0]!,
);
