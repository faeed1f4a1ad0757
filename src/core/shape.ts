import { type Dimension, multiplyDimensions } from "./dimension.js";
import { ShapeError } from "./errors.js";

/** Axis sizes, outermost first. */
export type Shape = readonly Dimension[];

/** A shape as messages have it: [batch, 3]. */
export const formatShape = (shape: Shape): string => `[${shape.join(", ")}]`;

/** Whether two shapes have the same sizes and names. */
export const sameShape = (left: Shape, right: Shape): boolean =>
  left.length === right.length && left.every((size, axis) => size === right[axis]);

/** The number of elements, as a dimension. */
export const elementCount = (shape: Shape): Dimension => multiplyDimensions(...shape);

/** Turns an axis counted from the end (negative) into one counted from the front. @throws ShapeError out of range. */
export function normaliseAxis(operation: string, axis: number, shape: Shape): number {
  const normal = axis < 0 ? axis + shape.length : axis;
  if (!Number.isInteger(axis) || normal < 0 || normal >= shape.length)
    throw new ShapeError(
      `${operation}: axis ${axis} is outside the ${shape.length} axes of ${formatShape(shape)}; use ${-shape.length} to ${shape.length - 1}.`,
    );
  return normal;
}

/**
 * The common shape of operands under NumPy broadcasting: aligned at the last axis, sizes equal or 1.
 * @throws ShapeError naming the operation, the axis, both sizes and both shapes.
 */
export function broadcastShapes(operation: string, left: Shape, right: Shape): Shape {
  const rank = Math.max(left.length, right.length);
  return Array.from({ length: rank }, (_, axis) => {
    const a = left[axis - rank + left.length] ?? 1;
    const b = right[axis - rank + right.length] ?? 1;
    if (a === b || b === 1) return a;
    if (a === 1) return b;
    throw new ShapeError(
      `${operation}: axis ${axis} is ${a} on the left but ${b} on the right (left ${formatShape(left)}, right ${formatShape(right)}). ` +
        "Sizes must be equal or 1; reshape or expand one operand.",
    );
  });
}

/** Row-major strides, in elements, of a shape of numbers. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}
