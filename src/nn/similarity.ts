import type { Tensor } from "../core/index.js";
import { add, div, gather, matmul, mul, reduceSum, sqrt, transpose, unsqueeze } from "../ops/index.js";

/** What is added to the length of a vector, so that one of zeros is divided by none. */
const TINY = 1e-12;

/** Vectors of length 1 along the last axis; those of zeros stay what they are. */
export const unitVectors = (x: Tensor): Tensor =>
  div(x, add(sqrt(reduceSum(mul(x, x), { axes: -1, keep: true })), TINY));

/**
 * The cosines of sums of rows with every row. The rows are of length 1 before they are added.
 * @param table [V, D]
 * @param rows int32 [N, B], the rows of each sum
 * @param signs [N, B], what each counts: 0 for those that there are not
 * @returns [B, V]
 */
export function cosinesOfSums(table: Tensor, rows: Tensor, signs: Tensor): Tensor {
  const all = unitVectors(table);
  const sums = reduceSum(mul(gather(all, rows), unsqueeze(signs, 2)), { axes: 0 }); // [B, D]
  return matmul(unitVectors(sums), transpose(all));
}
