import { formatShape, multiplyDimensions, ShapeError, type Tensor } from "../core/index.js";
import { add, concat, constant, gridSample, mul, pad, reshape, slice, sub, unsqueeze } from "../ops/index.js";

// A foveated gaze: sharp in its middle, coarser around it. Axes: B batch, M gazes, P cells, D cells of all rings.

interface Ring {
  /** Cells along a side of the square, of which those that the ring before covers are left out. */
  readonly cells: number;
  /** Pixels along a side of a cell. */
  readonly size: number;
}

/** Rings from the middle outwards: squares of 8, 16 and 24 pixels in cells of 1, 2 and 4 (Denil et al. 2011, section 3.1). */
const RINGS: readonly Ring[] = [
  { cells: 8, size: 1 },
  { cells: 8, size: 2 },
  { cells: 6, size: 4 },
];

/** The middles of a ring's cells, in pixels from the middle of the gaze, row by row. */
function middlesOf({ cells, size }: Ring, index: number): number[][] {
  const inner = index === 0 ? 0 : (RINGS[index - 1]!.cells * RINGS[index - 1]!.size) / 2;
  const at = Array.from({ length: cells }, (_, cell) => (cell - (cells - 1) / 2) * size);
  return at.flatMap((y) => at.flatMap((x) => (Math.max(Math.abs(x), Math.abs(y)) < inner ? [] : [[x, y]])));
}

const MIDDLES = RINGS.map(middlesOf);

/** Cells of a gaze: 64 of one pixel, 48 of 2 × 2 and 20 of 4 × 4. */
export const GAZE_CELLS = MIDDLES.reduce((sum, { length }) => sum + length, 0);

/** Means over all squares of `size` pixels along two axes, [N, H, W] to [N, H + size − 1, W + size − 1]; black lies outside. */
function means(images: Tensor, size: number): Tensor {
  return [1, 2].reduce((x, axis) => {
    const length = (images.shape[axis] as number) + size - 1;
    const padded = pad(x, axis, size - 1, size - 1);
    const parts = Array.from({ length: size }, (_, from) => slice(padded, axis, from, length));
    return mul(parts.reduce(add), 1 / size);
  }, images);
}

/** Frames as gazes read them: an image of the means of every ring's cells. */
export type GazeLevels = readonly Tensor[];

/** Images [B, H, W] as gazes read them. @throws ShapeError where height or width is not a number */
export function gazeLevels(images: Tensor): GazeLevels {
  if (images.shape.length !== 3 || images.shape.slice(1).some((size) => typeof size !== "number"))
    throw new ShapeError(
      `gazeLevels: the images ${formatShape(images.shape)} should be [batch, height, width] with a height and a width that are numbers.`,
    );
  return RINGS.map(({ size }) => (size === 1 ? images : means(images, size)));
}

/**
 * What gazes see of images: brightness of every cell, the sharp ones first. Places between pixels are read bilinearly, which is the exact
 * mean of what a cell covers as long as gazes are not scaled.
 * @param places [B, M, 2]: middles of gazes as shares of width and height
 * @param unit [B, 2]: width and height of what is a pixel to the gaze, as shares; larger than one of the image's where gazes are scaled
 * @returns [B, M, D]
 */
export function gazesAt(levels: GazeLevels, places: Tensor, unit: Tensor): Tensor {
  const [batch, count] = places.shape;
  const [height, width] = levels[0]!.shape.slice(1) as [number, number];
  const dtype = places.dtype;
  const seen = levels.map((level, index) => {
    const { size } = RINGS[index]!;
    const cells = MIDDLES[index]!;
    const offsets = mul(constant(cells.flat(), { dtype, shape: [1, 1, cells.length, 2] }), spread(unit));
    const at = add(unsqueeze(places, 2), offsets); // [B, M, P, 2], shares of the image
    // Means over squares reach beyond the image, by half a square at each side.
    const scale = constant([2 * (width / (width + size - 1)), 2 * (height / (height + size - 1))], { dtype });
    const shift = constant([1 - (size - 1) / (width + size - 1), 1 - (size - 1) / (height + size - 1)], {
      dtype,
    });
    const grid = reshape(sub(mul(at, scale), shift), [batch!, multiplyDimensions(count!, cells.length), 2]);
    return reshape(gridSample(unsqueeze(level, 1), grid), [batch!, count!, cells.length]);
  });
  return concat(seen, 2);
}

/** [B, 2] as [B, 1, 1, 2]. */
const spread = (unit: Tensor): Tensor => unsqueeze(unsqueeze(unit, 1), 1);
