import type { Random } from "../../../core/index.js";

export type Point = readonly [x: number, y: number];

/**
 * A point of the curve that goes through all of some points, evenly in time (Catmull & Rom 1974): smooth in place and velocity.
 * @param share how far along, from 0 at the first to 1 at the last
 */
export function along(points: readonly Point[], share: number): Point {
  const last = points.length - 1;
  const piece = Math.min(last - 1, Math.floor(share * last));
  const t = share * last - piece;
  const at = (index: number) => points[Math.min(last, Math.max(0, index))]!;
  const [a, b, c, d] = [at(piece - 1), at(piece), at(piece + 1), at(piece + 2)];
  const on = (axis: 0 | 1) =>
    b[axis] +
    (t / 2) *
      (c[axis] -
        a[axis] +
        t *
          (2 * a[axis] -
            5 * b[axis] +
            4 * c[axis] -
            d[axis] +
            t * (3 * (b[axis] - c[axis]) + d[axis] - a[axis])));
  return [on(0), on(1)];
}

/** Points anywhere in a field, each no further from the one before than `reach`. */
export function wander(random: Random, count: number, [width, height]: Point, reach: number): Point[] {
  const points: Point[] = [[width * random.uniform(), height * random.uniform()]];
  while (points.length < count) {
    const [x, y] = points.at(-1)!;
    const angle = 2 * Math.PI * random.uniform();
    const far = reach * (0.5 + 0.5 * random.uniform());
    const next: Point = [x + far * Math.cos(angle), y + far * Math.sin(angle)];
    if (next[0] >= 0 && next[0] <= width && next[1] >= 0 && next[1] <= height) points.push(next);
  }
  return points;
}
