/** Points as rows of numbers. Axes: N points, D numbers of each. */
export interface Points {
  readonly count: number;
  readonly size: number;
  /** [N, D]. */
  readonly values: Float64Array;
}

/** Squared distances of one point to all. @param into [N] */
export function squaredDistances({ count, size, values }: Points, of: number, into: Float64Array): void {
  const start = of * size;
  for (let other = 0; other < count; other++) {
    let sum = 0;
    const at = other * size;
    for (let index = 0; index < size; index++) {
      const apart = values[start + index]! - values[at + index]!;
      sum += apart * apart;
    }
    into[other] = sum;
  }
}

/** The nearest others of one point, the nearest first, those of one distance in their order. @param distances [N] */
export function nearestPoints(distances: Float64Array, of: number, count: number): Int32Array {
  const found = new Int32Array(count);
  let many = 0;
  for (let other = 0; other < distances.length; other++) {
    if (other === of) continue;
    const distance = distances[other]!;
    if (many === count && distance >= distances[found[count - 1]!]!) continue;
    let at = many < count ? many++ : count - 1;
    for (; at > 0 && distances[found[at - 1]!]! > distance; at--) found[at] = found[at - 1]!;
    found[at] = other;
  }
  return found.subarray(0, many);
}

/**
 * How far neighbours on a map are neighbours in truth, 0.5 for a map by chance to 1 (Venna & Kaski 2001, equation 1).
 * @param neighbours how many of each point are looked at, fewer than half of the points
 */
export function trustworthiness(points: Points, map: Points, neighbours = 5): number {
  const { count } = points;
  const [inTruth, onMap] = [new Float64Array(count), new Float64Array(count)];
  let penalty = 0;
  for (let point = 0; point < count; point++) {
    squaredDistances(points, point, inTruth);
    squaredDistances(map, point, onMap);
    for (const other of nearestPoints(onMap, point, neighbours)) {
      const distance = inTruth[other]!;
      // Its rank among the others, those of one distance in their order.
      let rank = 1;
      for (let one = 0; one < count; one++)
        if (one !== point && (inTruth[one]! < distance || (inTruth[one] === distance && one < other))) rank++;
      penalty += Math.max(0, rank - neighbours);
    }
  }
  return 1 - (2 * penalty) / (count * neighbours * (2 * count - 3 * neighbours - 1));
}
