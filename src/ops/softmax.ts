import {
  at,
  broadcastShapes,
  forEachIndex,
  formatShape,
  type NDArray,
  ndarray,
  normaliseAxis,
  type Operation,
  ShapeError,
  sameShape,
  type Tensor,
  tabulate,
} from "../core/index.js";
import { mul, sub } from "./binary.js";
import { bools, defineOperation, floats, indices, type OperationFunction, requireDType } from "./define.js";
import { scatterAddAlongAxis } from "./gather.js";
import { unsqueeze } from "./layout.js";
import { reduceSum } from "./reduce.js";
import { exp, neg } from "./unary.js";
import { cast, where } from "./where.js";

/** log Σ exp along an axis, for the reference evaluator, keyed by the flat position with that axis at 0. */
function logSumExp(x: NDArray, axis: number): (index: readonly number[]) => number {
  const key = (index: readonly number[]) => index.map((i, position) => (position === axis ? 0 : i)).join();
  const largest = new Map<string, number>();
  const sums = new Map<string, number>();
  forEachIndex(x.shape, (index, flat) => {
    largest.set(key(index), Math.max(largest.get(key(index)) ?? Number.NEGATIVE_INFINITY, x.data[flat]!));
  });
  forEachIndex(x.shape, (index, flat) => {
    const at = key(index);
    sums.set(at, (sums.get(at) ?? 0) + Math.exp(x.data[flat]! - largest.get(at)!));
  });
  return (index) => largest.get(key(index))! + Math.log(sums.get(key(index))!);
}

type SoftmaxFunction = (x: Tensor, options?: SoftmaxOptions) => Tensor;

/** One of the two, with an input more where there is a mask. */
function normaliser(
  name: "softmax" | "logSoftmax",
  onnx: string,
  /** What stands where nothing takes part. */
  masked: number,
  value: (x: number, logSum: number) => number,
  gradient: (y: Tensor, dy: Tensor, axis: number, mask: Tensor | undefined) => Tensor,
): OperationFunction<SoftmaxFunction> {
  const record: Operation<{ axis: number }> = {
    name,
    infer: ([x, mask]) => {
      requireDType(name, "the operand", x!, "float32", "float64");
      if (!mask) return [x!];
      requireDType(name, "the mask", mask, "bool");
      if (!sameShape(broadcastShapes(name, x!.shape, mask.shape), x!.shape))
        throw new ShapeError(
          `${name}: a mask ${formatShape(mask.shape)} does not broadcast to the operand ${formatShape(x!.shape)}; give it at most those axes, each of that size or 1.`,
        );
      return [x!];
    },
    gradient: ({ inputs: [, mask], outputs: [y], attributes: { axis }, upstream: [dy] }) => [
      gradient(y!, dy!, axis, mask),
      undefined,
    ],
    lower: (context, [x, mask], { attributes: { axis }, inputs: [operand] }) => {
      const { dtype } = operand!;
      const attribute = { axis: { int: axis } };
      if (mask === undefined) return context.emit(onnx, [x!], attribute);
      const [kept] = context.emit("Where", [mask, x!, context.constant(dtype, [], [MASKED])]);
      const [y] = context.emit(onnx, [kept!], attribute);
      return context.emit("Where", [mask, y!, context.constant(dtype, [], [masked])]);
    },
    evaluate: (_, [x, mask], { axis }) => {
      const result = ndarray(x!.dtype, x!.shape);
      const kept = mask
        ? tabulate(x!.dtype, x!.shape, (index) => (at(mask, index) ? at(x!, index) : MASKED))
        : x!;
      const logSum = logSumExp(kept, axis);
      forEachIndex(x!.shape, (index, flat) => {
        result.data[flat] = mask && !at(mask, index) ? masked : value(kept.data[flat]!, logSum(index));
      });
      return [result];
    },
    flops: ({ outputs: [y] }, size) => 12 * y!.shape.reduce<number>((n, d) => n * size(d), 1),
    samples: () => [
      { inputs: [floats("three", "five")], build: (x) => call(x!) },
      { inputs: [floats("two", "three", "five")], build: (x) => call(x!, { axis: 1 }) },
      {
        inputs: [floats("three", "five"), bools("three", "five")],
        build: (x, mask) => call(x!, { mask: mask! }),
      },
      {
        inputs: [floats("two", "three", "five"), bools("three", 1)],
        build: (x, mask) => call(x!, { axis: 1, mask: mask! }),
      },
      {
        inputs: [floats("three", "five")],
        build: (x) => call(x!, { mask: cast(sub(x!, x!), "bool") }),
        differentiable: false,
      },
    ],
  };
  const call: OperationFunction<SoftmaxFunction> = defineOperation<{ axis: number }, SoftmaxFunction>(
    record,
    (make) =>
      (x, { axis = -1, mask } = {}) =>
        make(mask ? [x, mask] : [x], { axis: normaliseAxis(name, axis, x.shape) }).outputs[0]!,
  );
  return call;
}

/** The axis that adds up to 1, the last where absent, and what takes part in it. */
export interface SoftmaxOptions {
  readonly axis?: number;
  /** bool, broadcast to the operand: only elements where it is true take part. */
  readonly mask?: Tensor;
}

/** Far below any score, yet finite, so that differences of two masked scores are numbers. */
const MASKED = -1e30;

/**
 * exp(x) / Σ exp(x) along an axis. With a mask, masked elements are exactly 0; where everything is masked all are 0.
 */
export const softmax = normaliser(
  "softmax",
  "Softmax",
  0,
  (x, logSum) => Math.exp(x - logSum),
  // What is masked is 0, and so is its gradient.
  (y, dy, axis) => mul(y, sub(dy, reduceSum(mul(dy, y), { axes: axis, keep: true }))),
);

/** x − log Σ exp(x) along an axis. With a mask, masked elements are −10⁴: finite, and 0 as a probability. */
export const logSoftmax = normaliser(
  "logSoftmax",
  "LogSoftmax",
  -1e4,
  (x, logSum) => x - logSum,
  (y, dy, axis, mask) => {
    const through = mask ? where(mask, dy, 0) : dy;
    return sub(through, mul(exp(y), reduceSum(through, { axes: axis, keep: true })));
  },
);

const crossEntropyOperation: Operation<Record<never, never>> = {
  name: "crossEntropy",
  infer: ([logits, targets]) => {
    requireDType("crossEntropy", "logits", logits!, "float32", "float64");
    requireDType("crossEntropy", "targets", targets!, "int32");
    if (logits!.shape.length !== 2 || !sameShape(targets!.shape, logits!.shape.slice(0, 1)))
      throw new ShapeError(
        `crossEntropy: logits ${formatShape(logits!.shape)} need targets of shape ${formatShape(logits!.shape.slice(0, 1))} but they are ${formatShape(targets!.shape)}; reshape both to one row per prediction.`,
      );
    return [{ dtype: logits!.dtype, shape: targets!.shape }, logits!];
  },
  gradient: ({ inputs: [, targets], outputs: [, logProbabilities], upstream: [dy, extra] }) => {
    // softmax − one-hot, each row scaled by its gradient: written into one array of the logits' size.
    const rows = dy ? unsqueeze(dy, 1) : undefined;
    const scaled = rows
      ? scatterAddAlongAxis(mul(exp(logProbabilities!), rows), unsqueeze(targets!, 1), neg(rows), 1)
      : undefined;
    if (!extra) return [scaled, undefined];
    const through = sub(extra, mul(exp(logProbabilities!), reduceSum(extra, { axes: 1, keep: true })));
    return [scaled ? sub(scaled, neg(through)) : through, undefined];
  },
  lower: (context, [logits, targets]) => {
    const [logProbabilities] = context.emit("LogSoftmax", [logits!], { axis: { int: 1 } });
    const [column] = context.emit("Unsqueeze", [targets!, context.constant("int64", [1], [1])]);
    const [picked] = context.emit("GatherElements", [logProbabilities!, column!], { axis: { int: 1 } });
    const [row] = context.emit("Squeeze", [picked!, context.constant("int64", [1], [1])]);
    return [context.emit("Neg", [row!])[0]!, logProbabilities!];
  },
  evaluate: (_, [logits, targets]) => {
    const logSum = logSumExp(logits!, 1);
    const columns = logits!.shape[1]!;
    const logProbabilities = ndarray(logits!.dtype, logits!.shape);
    forEachIndex(logits!.shape, (index, flat) => {
      logProbabilities.data[flat] = logits!.data[flat]! - logSum(index);
    });
    const losses = ndarray(
      logits!.dtype,
      targets!.shape,
      targets!.data.map((target, row) => -logProbabilities.data[row * columns + target]!),
    );
    return [losses, logProbabilities];
  },
  flops: ({ inputs: [logits] }, size) => 12 * logits!.shape.reduce<number>((n, d) => n * size(d), 1),
  samples: () => [
    {
      inputs: [floats("three", 7), indices(7, "three")],
      build: (logits, targets) => crossEntropy(logits!, targets!).losses,
    },
    {
      inputs: [floats("three", 7), indices(7, "three")],
      build: (logits, targets) => Object.values(crossEntropy(logits!, targets!)),
    },
  ],
};

/**
 * Softmax with cross-entropy: −log softmax(logits)[target], per row.
 * @param logits [N, V]
 * @param targets int32 [N], below V
 * @returns the losses [N] and the log-probabilities [N, V]
 */
export const crossEntropy = defineOperation(
  crossEntropyOperation,
  (make): ((logits: Tensor, targets: Tensor) => { losses: Tensor; logProbabilities: Tensor }) =>
    (logits, targets) => {
      const [losses, logProbabilities] = make([logits, targets], {}).outputs;
      return { losses: losses!, logProbabilities: logProbabilities! };
    },
);
