import type { Value } from "../session/index.js";

/** Slices of a parameter's gradient, as a step gives them. */
export interface GradientRows {
  /** [N]: the row that each slice is added into. */
  readonly picks: Value;
  /** [N, W] */
  readonly values: Value;
}

/** Elements that are updated at a time: their parameter, gradient and memories stay in the second-level cache. */
export const PORTION = 1 << 15;

/**
 * Adds slices of one row together.
 * @param into where the sums go, one behind the other, in the order in which rows come first
 * @returns the rows
 */
export function summedRows({ picks, values }: GradientRows, into: Float32Array): Int32Array {
  const width = values.shape[1]!;
  const data = values.data as Float32Array;
  const placeOf = new Map<number, number>();
  for (let slice = 0; slice < picks.data.length; slice++) {
    const row = picks.data[slice]!;
    let place = placeOf.get(row);
    const from = slice * width;
    if (place === undefined) {
      place = placeOf.size * width;
      placeOf.set(row, place);
      into.set(data.subarray(from, from + width), place);
    } else for (let index = 0; index < width; index++) into[place + index]! += data[from + index]!;
  }
  return Int32Array.from(placeOf.keys());
}

/** How a parameter [rows, width], or [width, columns], has its rows, or columns: elements of one, to the next, and within one. */
export interface RowLayout {
  readonly width: number;
  readonly row: number;
  readonly element: number;
}

export const rowsAlong = (axis: 0 | 1, [first, columns = 1]: readonly number[]): RowLayout =>
  axis === 0 ? { width: columns, row: columns, element: 1 } : { width: first!, row: 1, element: columns };

/** Copies rows of a parameter one behind the other. */
export function gatherRows(
  from: Float32Array,
  rows: Int32Array,
  { width, row, element }: RowLayout,
  into: Float32Array,
): void {
  if (element === 1)
    for (const [place, each] of rows.entries())
      into.set(from.subarray(each * row, each * row + width), place * width);
  // Elements of neighbouring columns lie side by side.
  else
    for (let index = 0; index < width; index++)
      for (let place = 0; place < rows.length; place++)
        into[place * width + index] = from[rows[place]! * row + index * element]!;
}

/** Copies them back. */
export function scatterRows(
  from: Float32Array,
  rows: Int32Array,
  { width, row, element }: RowLayout,
  into: Float32Array,
): void {
  if (element === 1)
    for (const [place, each] of rows.entries())
      into.set(from.subarray(place * width, (place + 1) * width), each * row);
  else
    for (let index = 0; index < width; index++)
      for (let place = 0; place < rows.length; place++)
        into[rows[place]! * row + index * element] = from[place * width + index]!;
}
