import type { Mask } from "../../data/index.js";

/** Rows and columns into which attention cuts an image. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
}

/** The share of each cell's pixels that a mask covers, row by row. */
export function coverageOf({ width, height, data }: Mask, { rows, columns }: Grid): Float64Array {
  const covered = new Float64Array(rows * columns);
  const pixels = new Float64Array(rows * columns);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const cell = Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / width);
      pixels[cell]!++;
      covered[cell]! += data[y * width + x]!;
    }
  return covered.map((count, cell) => count / pixels[cell]!);
}

/** How attention meets the masks of what words tell of; add those of many words before scoring. */
export interface PointingCounts {
  readonly words: number;
  /** Words whose greatest cell holds a pixel of the mask. */
  readonly hits: number;
  /** Attention on cells that hold a pixel of the mask. */
  readonly mass: number;
  /** The share of all cells that hold a pixel of the mask: what attention spread alike would have of both. */
  readonly uniform: number;
  /** Words whose mask is met by the cells around the centre of the image. */
  readonly centre: number;
}

/** Counts of no word. */
export const NO_POINTING: PointingCounts = { words: 0, hits: 0, mass: 0, uniform: 0, centre: 0 };

/** The counts of two together. */
export const addPointing = (a: PointingCounts, b: PointingCounts): PointingCounts => ({
  words: a.words + b.words,
  hits: a.hits + b.hits,
  mass: a.mass + b.mass,
  uniform: a.uniform + b.uniform,
  centre: a.centre + b.centre,
});

/** Compares the attention of one word [cell] with the mask of what it tells of. */
export function countPointing(weights: ArrayLike<number>, mask: Mask, grid: Grid): PointingCounts {
  const covered = coverageOf(mask, grid);
  let [best, mass, cells] = [0, 0, 0];
  for (let cell = 0; cell < covered.length; cell++) {
    if (weights[cell]! > weights[best]!) best = cell;
    if (covered[cell]! === 0) continue;
    mass += weights[cell]!;
    cells++;
  }
  const centre = Math.floor(grid.rows / 2) * grid.columns + Math.floor(grid.columns / 2);
  return {
    words: 1,
    hits: covered[best]! > 0 ? 1 : 0,
    mass,
    uniform: cells / covered.length,
    centre: covered[centre]! > 0 ? 1 : 0,
  };
}

/** Pointing accuracy (Zhang et al. 2016, "Top-down neural attention by excitation backprop", section 4.1), by cells. */
export const pointingAccuracy = ({ hits, words }: PointingCounts): number => (words === 0 ? 0 : hits / words);

/** The mean share of attention that is on what a word tells of. */
export const massOnTarget = ({ mass, words }: PointingCounts): number => (words === 0 ? 0 : mass / words);
