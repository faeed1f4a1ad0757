import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import type { Points } from "./neighbours.js";

/**
 * The coordinates of points along the directions in which they vary most, those of most variance first (Pearson 1901): eigenvectors of
 * the covariance. The sign of each is that its largest part is positive.
 */
export function principalComponents({ count, size, values }: Points, components: number): Points {
  const kept = Math.min(components, size);
  const mean = new Float64Array(size);
  for (let index = 0; index < values.length; index++) mean[index % size]! += values[index]! / count;
  const covariance = Matrix.zeros(size, size);
  const row = new Float64Array(size);
  for (let point = 0; point < count; point++) {
    for (let a = 0; a < size; a++) row[a] = values[point * size + a]! - mean[a]!;
    for (let a = 0; a < size; a++)
      for (let b = 0; b <= a; b++) covariance.set(a, b, covariance.get(a, b) + (row[a]! * row[b]!) / count);
  }
  for (let a = 0; a < size; a++) for (let b = 0; b < a; b++) covariance.set(b, a, covariance.get(a, b));
  // Eigenvalues rise.
  const { eigenvectorMatrix } = new EigenvalueDecomposition(covariance, { assumeSymmetric: true });
  const directions = Array.from({ length: kept }, (_, component) => {
    const direction = eigenvectorMatrix.getColumn(size - 1 - component);
    const largest = direction.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
    return largest < 0 ? direction.map((value) => -value) : direction;
  });
  const found = new Float64Array(count * kept);
  for (let point = 0; point < count; point++)
    directions.forEach((direction, component) => {
      let sum = 0;
      for (let index = 0; index < size; index++)
        sum += (values[point * size + index]! - mean[index]!) * direction[index]!;
      found[point * kept + component] = sum;
    });
  return { count, size: kept, values: found };
}
