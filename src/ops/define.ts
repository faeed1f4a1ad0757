import {
  apply,
  type Dimension,
  type DType,
  kindOf,
  type Node,
  type Operation,
  type SampleInput,
  type Shape,
  ShapeError,
  Tensor,
  type TensorType,
} from "../core/index.js";
import { constant } from "./constant.js";

/** A function that builds nodes of one operation, carrying its record. */
export type OperationFunction<Call> = Call & { readonly operation: Operation };

/**
 * Defines an operation: its record, and the function users call. `build` receives a function that makes the node
 * and returns the public one, which checks and normalises arguments.
 */
export function defineOperation<Attributes extends object, Call extends object>(
  operation: Operation<Attributes>,
  build: (make: (inputs: readonly Tensor[], attributes: Attributes) => Node) => Call,
): OperationFunction<Call> {
  return Object.assign(
    build((inputs, attributes) => apply(operation, inputs, attributes)),
    { operation },
  );
}

/** A tensor, or a number that takes the element type of the tensor it meets. */
export type TensorLike = Tensor | number;

/** Turns numbers into scalar constants of the element type of the tensors beside them. */
export function tensors<Values extends readonly TensorLike[]>(
  operation: string,
  ...values: Values
): { [K in keyof Values]: Tensor } {
  const wrong = values.findIndex((value) => !(value instanceof Tensor || typeof value === "number"));
  if (wrong >= 0)
    throw new ShapeError(
      `${operation}: operand ${wrong + 1} is ${kindOf(values[wrong])} but must be a tensor or a number.`,
    );
  const model = values.find((value) => value instanceof Tensor) as Tensor | undefined;
  if (!model)
    throw new ShapeError(
      `${operation}: all operands are numbers; make one of them a tensor with constant().`,
    );
  return values.map((value) =>
    value instanceof Tensor ? value : constant(value, { dtype: model.dtype }),
  ) as never;
}

/** @throws ShapeError where the element types differ. */
export function sameDType(operation: string, ...types: readonly TensorType[]): DType {
  const [first, ...others] = types;
  for (const other of others)
    if (other.dtype !== first!.dtype)
      throw new ShapeError(
        `${operation}: operands are ${first!.dtype} and ${other.dtype}; cast one of them to the other's type.`,
      );
  return first!.dtype;
}

/** @throws ShapeError where the tensor's type is not among `allowed`. */
export function requireDType(
  operation: string,
  role: string,
  type: TensorType,
  ...allowed: readonly DType[]
): void {
  if (!allowed.includes(type.dtype))
    throw new ShapeError(
      `${operation}: ${role} is ${type.dtype} but must be ${allowed.join(" or ")}; cast it.`,
    );
}

const input =
  (kind: SampleInput["kind"]) =>
  (...shape: Dimension[]): SampleInput => ({ kind, shape });

/** Sample inputs for the conformance suite. */
export const floats = input("float");
export const positives = input("positive");
export const distincts = input("distinct");
export const bools = input("bool");
export const indices = (below: number, ...shape: Dimension[]): SampleInput => ({
  kind: "index",
  shape,
  below,
});

/** The shape with the given axes removed, or kept at size 1. */
export const reducedShape = (shape: Shape, axes: readonly number[], keep: boolean): Shape =>
  shape.flatMap((size, axis) => (axes.includes(axis) ? (keep ? [1] : []) : [size]));
