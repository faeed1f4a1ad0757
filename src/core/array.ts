import type { DType } from "./dtype.js";
import { stridesOf } from "./shape.js";

/**
 * A dense array of the reference evaluator. Values are kept in double precision whatever `dtype` says,
 * so the reference is never the less exact side of a comparison; `bool` is 0 or 1.
 */
export interface NDArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** The number of elements of a shape. */
export const countOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** An array of the reference evaluator, row-major; zeros where no data is given. */
export function ndarray(dtype: DType, shape: readonly number[], data?: ArrayLike<number>): NDArray {
  return { dtype, shape, data: data ? Float64Array.from(data) : new Float64Array(countOf(shape)) };
}

/** Calls `visit(index, flat)` for every element position of `shape` in row-major order; `index` is reused. */
export function forEachIndex(shape: readonly number[], visit: (index: number[], flat: number) => void): void {
  const total = countOf(shape);
  const index = new Array<number>(shape.length).fill(0);
  for (let flat = 0; flat < total; flat++) {
    visit(index, flat);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      if (index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
}

/** Builds an array by computing each element from its index. */
export function tabulate(
  dtype: DType,
  shape: readonly number[],
  element: (index: readonly number[]) => number,
): NDArray {
  const result = ndarray(dtype, shape);
  forEachIndex(shape, (index, flat) => {
    result.data[flat] = element(index);
  });
  return result;
}

/** The element at `index`, with axes of size 1 broadcast and missing leading axes ignored. */
export function at(array: NDArray, index: readonly number[]): number {
  const strides = stridesOf(array.shape);
  const offset = index.length - array.shape.length;
  let flat = 0;
  for (let axis = 0; axis < array.shape.length; axis++)
    if (array.shape[axis] !== 1) flat += index[axis + offset]! * strides[axis]!;
  return array.data[flat]!;
}

/** The flat position of `index` in the shape without `axis`. */
export function reducedFlat(shape: readonly number[], index: readonly number[], axis: number): number {
  return index.reduce((sum, i, position) => (position === axis ? sum : sum * shape[position]! + i), 0);
}
