import { at, broadcastShapes, type Tensor, tabulate } from "../core/index.js";
import {
  bools,
  defineOperation,
  floats,
  type OperationFunction,
  requireDType,
  sameDType,
  type TensorLike,
  tensors,
} from "./define.js";

type Comparison = (a: TensorLike, b: TensorLike) => Tensor;

function comparison(
  name: "equal" | "less" | "lessEqual" | "greater" | "greaterEqual" | "and" | "or",
  onnx: string,
  value: (a: number, b: number) => boolean,
): OperationFunction<Comparison> {
  const logical = name === "and" || name === "or";
  const sample = logical ? bools : floats;
  return defineOperation<Record<never, never>, Comparison>(
    {
      name,
      infer: ([a, b]) => {
        sameDType(name, a!, b!);
        if (logical) requireDType(name, "an operand", a!, "bool");
        else requireDType(name, "an operand", a!, "float32", "float64", "int32");
        return [{ dtype: "bool" as const, shape: broadcastShapes(name, a!.shape, b!.shape) }];
      },
      lower: (context, inputs) => context.emit(onnx, inputs),
      evaluate: (_, [a, b]) => [
        tabulate("bool", broadcastShapes(name, a!.shape, b!.shape) as number[], (index) =>
          value(at(a!, index), at(b!, index)) ? 1 : 0,
        ),
      ],
      samples: () => [
        {
          inputs: [sample("three", "five"), sample("two", 1, "five")],
          differentiable: false,
          build: (a, b) => operations[name](a!, b!),
        },
        { inputs: [sample("five")], differentiable: false, build: (a) => operations[name](a!, a!) },
      ],
    },
    (make) => (a, b) => make(tensors(name, a, b), {}).outputs[0]!,
  );
}

/** Elementwise comparisons and logic with broadcasting; the result is bool. */
export const equal = comparison("equal", "Equal", (a, b) => a === b);
/** a < b, elementwise, broadcast; bool. */
export const less = comparison("less", "Less", (a, b) => a < b);
/** a ≤ b, elementwise, broadcast; bool. */
export const lessEqual = comparison("lessEqual", "LessOrEqual", (a, b) => a <= b);
/** a > b, elementwise, broadcast; bool. */
export const greater = comparison("greater", "Greater", (a, b) => a > b);
/** a ≥ b, elementwise, broadcast; bool. */
export const greaterEqual = comparison("greaterEqual", "GreaterOrEqual", (a, b) => a >= b);
/** Whether both are true, elementwise, broadcast; bool. */
export const and = comparison("and", "And", (a, b) => a === 1 && b === 1);
/** Whether one of them is true, elementwise, broadcast; bool. */
export const or = comparison("or", "Or", (a, b) => a === 1 || b === 1);
const operations = { equal, less, lessEqual, greater, greaterEqual, and, or };
