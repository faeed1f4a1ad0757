import { at, broadcastShapes, type Tensor, tabulate } from "../core/index.js";
import { greater, greaterEqual } from "./compare.js";
import { constant } from "./constant.js";
import {
  defineOperation,
  floats,
  type OperationFunction,
  positives,
  requireDType,
  sameDType,
  type TensorLike,
  tensors,
} from "./define.js";
import { sumTo } from "./reduce.js";
import { log, neg } from "./unary.js";
import { where } from "./where.js";

interface Binary {
  readonly onnx: string;
  readonly value: (a: number, b: number) => number;
  /** Gradients before they are summed back over broadcast axes. */
  readonly left: (a: Tensor, b: Tensor, y: Tensor, dy: Tensor) => Tensor;
  readonly right: (a: Tensor, b: Tensor, y: Tensor, dy: Tensor) => Tensor;
  readonly domain?: "positive";
}

type BinaryFunction = (a: TensorLike, b: TensorLike) => Tensor;

function binary(name: string, definition: Binary): OperationFunction<BinaryFunction> {
  const first = definition.domain ? positives : floats;
  return defineOperation<Record<never, never>, BinaryFunction>(
    {
      name,
      infer: ([a, b]) => {
        const dtype = sameDType(name, a!, b!);
        requireDType(name, "an operand", a!, "float32", "float64", "int32");
        return [{ dtype, shape: broadcastShapes(name, a!.shape, b!.shape) }];
      },
      gradient: ({ inputs: [a, b], outputs: [y], upstream: [dy], wanted }) => [
        wanted[0] ? sumTo(definition.left(a!, b!, y!, dy!), a!.shape) : undefined,
        wanted[1] ? sumTo(definition.right(a!, b!, y!, dy!), b!.shape) : undefined,
      ],
      lower: (context, inputs) => context.emit(definition.onnx, inputs),
      evaluate: (_, [a, b]) => [
        tabulate(a!.dtype, broadcastShapes(name, a!.shape, b!.shape) as number[], (index) =>
          definition.value(at(a!, index), at(b!, index)),
        ),
      ],
      flops: ({ outputs }, size) => outputs[0]!.shape.reduce<number>((n, d) => n * size(d), 1),
      samples: () => [
        { inputs: [first("three", "five"), positives("three", "five")], build: (a, b) => call(a!, b!) },
        { inputs: [first("two", "three", "five"), positives("five")], build: (a, b) => call(a!, b!) },
        { inputs: [first("three", 1), positives("two", 1, "five")], build: (a, b) => call(a!, b!) },
      ],
    },
    (make) => (a: TensorLike, b: TensorLike) => make(tensors(name, a, b), {}).outputs[0]!,
  );
  function call(a: Tensor, b: Tensor): Tensor {
    return operations[name as keyof typeof operations](a, b);
  }
}

const zero = (like: Tensor): Tensor => constant(0, { dtype: like.dtype });

/** Elementwise arithmetic with NumPy broadcasting; numbers take the type of the tensor beside them. */
export const add = binary("add", {
  onnx: "Add",
  value: (a, b) => a + b,
  left: (_, __, ___, dy) => dy,
  right: (_, __, ___, dy) => dy,
});
/** a − b, elementwise, broadcast. */
export const sub = binary("sub", {
  onnx: "Sub",
  value: (a, b) => a - b,
  left: (_, __, ___, dy) => dy,
  right: (_, __, ___, dy) => neg(dy),
});
/** a · b, elementwise, broadcast. */
export const mul = binary("mul", {
  onnx: "Mul",
  value: (a, b) => a * b,
  left: (_, b, __, dy) => mul(dy, b),
  right: (a, _, __, dy) => mul(dy, a),
});
/** a / b, elementwise, broadcast. */
export const div = binary("div", {
  onnx: "Div",
  value: (a, b) => a / b,
  left: (_, b, __, dy) => div(dy, b),
  right: (_, b, y, dy) => neg(div(mul(dy, y), b)),
});
/** Where the operands are equal, the gradient goes to the left one. */
export const maximum = binary("maximum", {
  onnx: "Max",
  value: Math.max,
  left: (a, b, _, dy) => where(greaterEqual(a, b), dy, zero(dy)),
  right: (a, b, _, dy) => where(greater(b, a), dy, zero(dy)),
});
/** Where the operands are equal, the gradient goes to the left one. */
export const minimum = binary("minimum", {
  onnx: "Min",
  value: Math.min,
  left: (a, b, _, dy) => where(greaterEqual(b, a), dy, zero(dy)),
  right: (a, b, _, dy) => where(greater(a, b), dy, zero(dy)),
});
/** aᵇ for positive `a`. */
export const pow = binary("pow", {
  onnx: "Pow",
  value: (a, b) => a ** b,
  left: (a, b, _, dy) => mul(mul(dy, b), pow(a, sub(b, 1))),
  right: (a, _, y, dy) => mul(mul(dy, y), log(a)),
  domain: "positive",
});
const operations = { add, sub, mul, div, maximum, minimum, pow };
