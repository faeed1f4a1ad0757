import type { Random } from "../core/index.js";

/** Draws the first values of a parameter of the given shape, in row-major order. */
export type Initialiser = (shape: readonly number[], random: Random) => Float64Array;

const drawn =
  (draw: (random: Random) => number): Initialiser =>
  (shape, random) =>
    Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => draw(random));

/** The same number everywhere. */
export const constantly = (value: number): Initialiser => drawn(() => value);
/** 0 everywhere. */
export const zeros = constantly(0);
/** 1 everywhere. */
export const ones = constantly(1);

/** Normal with mean 0 and the given standard deviation. */
export const normal = (deviation: number): Initialiser => drawn((random) => deviation * random.normal());

/** Uniform between −limit and limit. */
export const uniform = (limit: number): Initialiser => drawn((random) => limit * (2 * random.uniform() - 1));

/** Uniform with variance 2 / (rows + columns) (Glorot & Bengio 2010, equation 16). */
export const glorotUniform: Initialiser = (shape, random) =>
  uniform(Math.sqrt(6 / (shape.at(-2)! + shape.at(-1)!)))(shape, random);

/** Takes from a vector its share of another, of length 1. Four sums at a time, which is most of the time models take to begin. */
function removeShare(vector: Float64Array, other: Float64Array): void {
  const { length } = vector;
  const whole = length - (length % 4);
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let row = 0; row < whole; row += 4) {
    a += vector[row]! * other[row]!;
    b += vector[row + 1]! * other[row + 1]!;
    c += vector[row + 2]! * other[row + 2]!;
    d += vector[row + 3]! * other[row + 3]!;
  }
  let overlap = a + b + c + d;
  for (let row = whole; row < length; row++) overlap += vector[row]! * other[row]!;
  for (let row = 0; row < length; row++) vector[row]! -= overlap * other[row]!;
}

/**
 * Orthonormal columns (Saxe et al. 2013): normal deviates made orthogonal by Gram & Schmidt. A matrix wider than it is
 * high is a row of square blocks, each orthogonal, as suits the packed matrices of gated cells.
 */
export const orthogonal: Initialiser = (shape, random) => {
  const [rows, columns] = shape as [number, number];
  const result = new Float64Array(rows * columns);
  for (let start = 0; start < columns; start += rows) {
    const block: Float64Array[] = [];
    for (let column = start; column < Math.min(columns, start + rows); column++) {
      const vector = Float64Array.from({ length: rows }, () => random.normal());
      // Twice, because one pass loses orthogonality to rounding.
      for (let pass = 0; pass < 2; pass++) for (const other of block) removeShare(vector, other);
      const length = Math.hypot(...vector);
      for (let row = 0; row < rows; row++) result[row * columns + column] = vector[row]! /= length;
      block.push(vector);
    }
  }
  return result;
};
