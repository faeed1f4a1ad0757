import type { Random } from "../../core/index.js";
import type { Mask } from "../../data/index.js";
import type { Grid } from "../measure/pointing.js";

// Coarse-to-fine decoding (Kim & Canny 2017, section 3.3): what is attended to as blobs, each of which is masked to see whether it matters.

/** How a map of attention is parted into blobs. */
export interface BlobOptions {
  /** Particles drawn of a map. */
  readonly particles: number;
  /** How far apart neighbours are at most, in pixels, and how many make a place dense. */
  readonly radius: number;
  readonly least: number;
}

/** What blobs are found by where nothing else is asked for. */
export const BLOB_OPTIONS: BlobOptions = { particles: 200, radius: 3, least: 6 };

/** A part of a frame that is attended to. */
export interface Blob {
  /** Its pixels: the convex hull of its particles. */
  readonly mask: Mask;
  /** Cells of the attention that its pixels lie in. */
  readonly cells: ReadonlySet<number>;
}

/** A point in pixels, or in units of what it lies in. */
export type Point = readonly [x: number, y: number];

/** A map of cells brought to pixels, bilinearly between the middles of cells, [height · width]. */
export function upsampled(
  weights: ArrayLike<number>,
  { rows, columns }: Grid,
  [height, width]: readonly [number, number],
): Float64Array {
  const between = (pixel: number, pixels: number, cells: number) => {
    const at = Math.min(cells - 1, Math.max(0, ((pixel + 0.5) * cells) / pixels - 0.5));
    const low = Math.min(cells - 1, Math.floor(at));
    return { low, high: Math.min(cells - 1, low + 1), share: at - low };
  };
  const found = new Float64Array(height * width);
  for (let y = 0; y < height; y++) {
    const row = between(y, height, rows);
    for (let x = 0; x < width; x++) {
      const column = between(x, width, columns);
      const across = (line: number) =>
        weights[line * columns + column.low]! * (1 - column.share) +
        weights[line * columns + column.high]! * column.share;
      found[y * width + x] = across(row.low) * (1 - row.share) + across(row.high) * row.share;
    }
  }
  return found;
}

/** Pixels drawn with replacement in proportion to a map [height · width]; as many as are asked for, none of a map of zeros. */
export function particlesOf(map: Float64Array, width: number, count: number, random: Random): Point[] {
  const sums = new Float64Array(map.length);
  let sum = 0;
  for (let pixel = 0; pixel < map.length; pixel++) {
    sum += map[pixel]!;
    sums[pixel] = sum;
  }
  if (sum === 0) return [];
  return Array.from({ length: count }, () => {
    const at = random.uniform() * sum;
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! > at) high = middle;
      else low = middle + 1;
    }
    return [low % width, Math.floor(low / width)] as const;
  });
}

/**
 * The clusters of points by density (DBSCAN, Ester et al. 1996): a point with `least` points, itself among them, within `radius` is dense;
 * dense points that are near are one cluster, with all near them. Points of none are left out.
 */
export function clustersOf(
  points: readonly Point[],
  { radius, least }: Pick<BlobOptions, "radius" | "least">,
): Point[][] {
  const near = (of: Point) =>
    points.flatMap(([x, y], index) => (Math.hypot(x - of[0], y - of[1]) <= radius ? [index] : []));
  const taken = new Set<number>();
  const clusters: Point[][] = [];
  for (const [index, point] of points.entries()) {
    if (taken.has(index)) continue;
    const around = near(point);
    if (around.length < least) continue;
    taken.add(index);
    const members: Point[] = [point];
    const open = [...around];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (taken.has(next)) continue;
      taken.add(next);
      members.push(points[next]!);
      const further = near(points[next]!);
      if (further.length >= least) open.push(...further);
    }
    clusters.push(members);
  }
  return clusters;
}

/** The corners of the convex hull of points, in order (Andrew's monotone chain). */
export function hullOf(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const turn = (a: Point, b: Point, c: Point) =>
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
  const half = (ordered: readonly Point[]): Point[] => {
    const chain: Point[] = [];
    for (const point of ordered) {
      while (chain.length >= 2 && turn(chain.at(-2)!, chain.at(-1)!, point) <= 0) chain.pop();
      chain.push(point);
    }
    return chain.slice(0, -1);
  };
  const corners = [...half(sorted), ...half(sorted.reverse())];
  return corners.length > 0 ? corners : sorted.slice(0, 1);
}

/** Whether a point is inside a convex hull or on its edge. */
function isWithin(hull: readonly Point[], x: number, y: number): boolean {
  const left = Math.min(...hull.map(([at]) => at));
  const right = Math.max(...hull.map(([at]) => at));
  const top = Math.min(...hull.map(([, at]) => at));
  const bottom = Math.max(...hull.map(([, at]) => at));
  if (x < left || x > right || y < top || y > bottom) return false;
  return hull.every((from, index) => {
    const to = hull[(index + 1) % hull.length]!;
    return (to[0] - from[0]) * (y - from[1]) - (to[1] - from[1]) * (x - from[0]) >= 0;
  });
}

/** The blobs of one map of attention [cell]. */
export function blobsOf(
  weights: ArrayLike<number>,
  grid: Grid,
  [height, width]: readonly [number, number],
  random: Random,
  options: BlobOptions = BLOB_OPTIONS,
): Blob[] {
  const map = upsampled(weights, grid, [height, width]);
  return clustersOf(particlesOf(map, width, options.particles, random), options).map((points) => {
    const hull = hullOf(points);
    const mask: Mask = { width, height, data: new Uint8Array(width * height) };
    const cells = new Set<number>();
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        if (!isWithin(hull, x, y)) continue;
        mask.data[y * width + x] = 1;
        const row = Math.floor((y * grid.rows) / height);
        cells.add(row * grid.columns + Math.floor((x * grid.columns) / width));
      }
    return { mask, cells };
  });
}

/** Attention [cell] without a blob: 0 in its cells, the rest as it was. */
export const withoutBlob = (weights: ArrayLike<number>, { cells }: Blob): Float32Array =>
  Float32Array.from(weights, (weight, cell) => (cells.has(cell) ? 0 : weight));
