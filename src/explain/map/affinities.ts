import { nearestPoints, type Points, squaredDistances } from "./neighbours.js";

/** How alike points are: for each, some others with a probability. Row `i` is from `starts[i]` to `starts[i + 1]`. */
export interface Affinities {
  readonly count: number;
  readonly starts: Int32Array;
  readonly others: Int32Array;
  /** Of all pairs together, 1. */
  readonly values: Float64Array;
}

/** Halvings after which a width is taken as it is, and how near log perplexity its entropy must be. */
const [HALVINGS, NEAR] = [200, 1e-5] as const;
/** Neighbours of a point that are looked at, for each of the perplexity. */
const NEIGHBOURS = 3;

/**
 * Probabilities of neighbours under a Gaussian whose entropy is log perplexity, in place of squared distances (van der Maaten & Hinton
 * 2008, equation 1).
 * @param distances squared, of some others
 */
export function perplexityOf(distances: Float64Array, perplexity: number): Float64Array {
  const wanted = Math.log(perplexity);
  const least = distances.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const chances = new Float64Array(distances.length);
  let [precision, low, high] = [1, 0, Number.POSITIVE_INFINITY];
  for (let halving = 0; halving < HALVINGS; halving++) {
    let [sum, weighed] = [0, 0];
    for (let index = 0; index < distances.length; index++) {
      const apart = distances[index]! - least;
      const chance = Math.exp(-precision * apart);
      chances[index] = chance;
      sum += chance;
      weighed += chance * apart;
    }
    const entropy = Math.log(sum) + (precision * weighed) / sum;
    for (let index = 0; index < chances.length; index++) chances[index]! /= sum;
    const off = entropy - wanted;
    if (Math.abs(off) < NEAR) break;
    if (off > 0) {
      low = precision;
      precision = high === Number.POSITIVE_INFINITY ? 2 * precision : (precision + high) / 2;
    } else {
      high = precision;
      precision = (precision + low) / 2;
    }
  }
  return chances;
}

/**
 * How alike points are, over the nearest neighbours of each or, where `exact`, over all (van der Maaten 2014, section 3).
 * @param onProgress hears of points that are done
 */
export async function affinitiesOf(
  points: Points,
  perplexity: number,
  options: { exact: boolean; onProgress?: ((done: number) => void | Promise<void>) | undefined },
): Promise<Affinities> {
  const { count } = points;
  const near = options.exact ? count - 1 : Math.min(count - 1, Math.floor(NEIGHBOURS * perplexity));
  const distances = new Float64Array(count);
  const others = new Int32Array(count * near);
  const chances = new Float64Array(count * near);
  for (let point = 0; point < count; point++) {
    squaredDistances(points, point, distances);
    const found = nearestPoints(distances, point, near);
    others.set(found, point * near);
    chances.set(
      perplexityOf(
        Float64Array.from(found, (other) => distances[other]!),
        perplexity,
      ),
      point * near,
    );
    if (point % 100 === 99) await options.onProgress?.(point + 1);
  }
  return symmetric(count, near, others, chances);
}

/** (p(j | i) + p(i | j)) / 2N of every pair that has either. */
function symmetric(count: number, near: number, others: Int32Array, chances: Float64Array): Affinities {
  const rows: Map<number, number>[] = Array.from({ length: count }, () => new Map());
  for (let point = 0; point < count; point++)
    for (let index = point * near; index < (point + 1) * near; index++) {
      const other = others[index]!;
      const half = chances[index]! / (2 * count);
      rows[point]!.set(other, (rows[point]!.get(other) ?? 0) + half);
      rows[other]!.set(point, (rows[other]!.get(point) ?? 0) + half);
    }
  const starts = new Int32Array(count + 1);
  rows.forEach((row, point) => {
    starts[point + 1] = starts[point]! + row.size;
  });
  const found = { others: new Int32Array(starts[count]!), values: new Float64Array(starts[count]!) };
  rows.forEach((row, point) => {
    let at = starts[point]!;
    for (const [other, value] of [...row].sort(([a], [b]) => a - b)) {
      found.others[at] = other;
      found.values[at++] = value;
    }
  });
  return { count, starts, ...found };
}
