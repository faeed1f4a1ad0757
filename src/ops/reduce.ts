import {
  forEachIndex,
  formatShape,
  ndarray,
  normaliseAxis,
  type Shape,
  ShapeError,
  sameShape,
  type Tensor,
} from "../core/index.js";
import { div, mul } from "./binary.js";
import { equal } from "./compare.js";
import { constant, extent } from "./constant.js";
import { defineOperation, distincts, type OperationFunction, reducedShape, requireDType } from "./define.js";
import { expand, reshape } from "./layout.js";
import { where } from "./where.js";

interface Reduction {
  readonly axes: readonly number[];
  readonly keep: boolean;
}

/** What a reduction goes over. */
export interface ReduceOptions {
  /** Axes to reduce; negative counts from the end; all of them where absent. */
  readonly axes?: number | readonly number[];
  /** Keep reduced axes at size 1. */
  readonly keep?: boolean;
}

type ReduceFunction = (x: Tensor, options?: ReduceOptions) => Tensor;

function reduction(
  name: string,
  definition: {
    readonly onnx: string;
    readonly start: number;
    readonly combine: (total: number, value: number) => number;
    readonly gradient: (x: Tensor, y: Tensor, dy: Tensor) => Tensor;
    readonly sums?: boolean;
  },
): OperationFunction<ReduceFunction> {
  const call: OperationFunction<ReduceFunction> = defineOperation<Reduction, ReduceFunction>(
    {
      name,
      infer: ([x], { axes, keep }) => {
        requireDType(name, "the operand", x!, "float32", "float64", "int32");
        return [{ dtype: x!.dtype, shape: reducedShape(x!.shape, axes, keep) }];
      },
      gradient: ({ inputs: [x], outputs: [y], attributes: { axes }, upstream: [dy] }) => {
        const kept = reducedShape(x!.shape, axes, true);
        return [definition.gradient(x!, reshape(y!, kept), reshape(dy!, kept))];
      },
      lower: (context, inputs, { attributes: { axes, keep } }) =>
        context.emit(definition.onnx, [inputs[0]!, context.constant("int64", [axes.length], axes)], {
          keepdims: { int: keep ? 1 : 0 },
          noop_with_empty_axes: { int: 1 },
        }),
      evaluate: (_, [x], { axes, keep }) => {
        const result = ndarray(x!.dtype, reducedShape(x!.shape, axes, keep) as number[]);
        result.data.fill(definition.start);
        const kept = ndarray(x!.dtype, reducedShape(x!.shape, axes, true) as number[]);
        forEachIndex(x!.shape, (index, flat) => {
          const target = index.reduce(
            (sum, i, axis) => sum * kept.shape[axis]! + (axes.includes(axis) ? 0 : i),
            0,
          );
          result.data[target] = definition.combine(result.data[target]!, x!.data[flat]!);
        });
        return [result];
      },
      ...(definition.sums && {
        sumOverSteps: ({ inputs: [x], attributes: { axes, keep } }, stack) => {
          const summed = call(stack(x!), { axes: [0, ...axes.map((axis) => axis + 1)], keep });
          return keep ? reshape(summed, summed.shape.slice(1)) : summed;
        },
      }),
      flops: ({ inputs: [x] }, size) => x!.shape.reduce<number>((n, d) => n * size(d), 1),
      samples: () => [
        { inputs: [distincts("three", "five")], build: (x) => call(x!) },
        { inputs: [distincts("two", "three", "five")], build: (x) => call(x!, { axes: [0, 2] }) },
        { inputs: [distincts("two", "three", "five")], build: (x) => call(x!, { axes: -2, keep: true }) },
      ],
    },
    (make) =>
      (x, { axes, keep = false } = {}) => {
        const list =
          axes === undefined ? x.shape.map((_, axis) => axis) : typeof axes === "number" ? [axes] : axes;
        const normal = list.map((axis) => normaliseAxis(name, axis, x.shape)).sort((a, b) => a - b);
        if (normal.length === 0) return x;
        return make([x], { axes: normal, keep }).outputs[0]!;
      },
  );
  return call;
}

/** The sum over axes. */
export const reduceSum = reduction("reduceSum", {
  onnx: "ReduceSum",
  start: 0,
  combine: (total, value) => total + value,
  gradient: (x, _, dy) => expand(dy, x.shape),
  sums: true,
});

/** The largest element over axes. Where several are largest, each gets the whole gradient. */
export const reduceMax = reduction("reduceMax", {
  onnx: "ReduceMax",
  start: Number.NEGATIVE_INFINITY,
  combine: Math.max,
  gradient: (x, y, dy) => where(equal(x, y), dy, constant(0, { dtype: dy.dtype })),
});

/** The arithmetic mean over axes. */
export function reduceMean(x: Tensor, options: ReduceOptions = {}): Tensor {
  const total = reduceSum(x, options);
  const axes = options.axes === undefined ? x.shape.map((_, axis) => axis) : [options.axes].flat();
  const count = axes
    .map((axis) => extent(x.shape[normaliseAxis("reduceMean", axis, x.shape)]!, x.dtype))
    .reduce<Tensor | undefined>((product, size) => (product ? mul(product, size) : size), undefined);
  return count ? div(total, count) : total;
}

/**
 * Sums a tensor over the axes along which `shape` was broadcast to it: the transpose of broadcasting.
 * @throws ShapeError where `shape` does not broadcast to the tensor's shape
 */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const extra = x.shape.length - shape.length;
  const axes: number[] = [];
  x.shape.forEach((size, axis) => {
    const target = axis < extra ? 1 : shape[axis - extra];
    if (target === size && axis >= extra) return;
    if (target !== 1)
      throw new ShapeError(
        `sumTo: axis ${axis} is ${size} but ${target} was broadcast (from ${formatShape(shape)} to ${formatShape(x.shape)}).`,
      );
    axes.push(axis);
  });
  const summed = reduceSum(x, { axes });
  return sameShape(summed.shape, shape) ? summed : reshape(summed, shape);
}
