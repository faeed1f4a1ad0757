import { formatShape, ShapeError, type Tensor } from "../core/index.js";
import {
  add,
  concat,
  constant,
  div,
  matmul,
  maximum,
  minimum,
  mul,
  relu,
  reshape,
  slice,
  squeeze,
  stack,
  sub,
  unsqueeze,
} from "../ops/index.js";

// What a window of an image shows, at any centre and size. Axes: B batch, C channels, W windows, S cells along a side.

/** The smallest side of a window, as a share of the image: the inverse of it stays finite. */
const SMALLEST = 1e-4;

const numbered = (count: number, like: Tensor): Tensor =>
  constant(
    Array.from({ length: count }, (_, index) => index),
    { dtype: like.dtype },
  );

/**
 * Windows, one for each scale, around places.
 * @param places [B, 2]: x and y, −1 at the left or upper edge of the image and 1 at the right or lower
 * @param sides width and height of each window, as shares of the image's
 * @returns [B, W, 4]: centre x and y, width and height as shares of the image
 */
export function windowsAt(
  places: Tensor,
  sides: readonly (readonly [width: number, height: number])[],
): Tensor {
  const centre = mul(add(places, 1), 0.5); // [B, 2]
  const window = (side: readonly [number, number]) =>
    concat([centre, add(mul(centre, 0), constant([...side], { dtype: places.dtype }))], 1); // [B, 4]
  return stack(sides.map(window), 1);
}

/** The place that the first of windows [B, W, 4] lies around, the inverse of `windowsAt`: [B, 2]. */
export const placeOf = (windows: Tensor): Tensor =>
  sub(mul(squeeze(slice(slice(windows, 2, 0, 2), 1, 0, 1), 1), 2), 1);

/**
 * How much of each pixel along an axis goes into each cell of windows: the length that they share, as a share of the cell's.
 * A cell of a pixel's size takes its two pixels bilinearly, one of several pixels their mean; what lies outside has no pixel.
 * @param centre and `extent` of windows as shares of the axis, [B, W]
 * @returns [B, W, S, pixels]; rows of windows that lie inside add up to 1
 */
function overlaps(centre: Tensor, extent: Tensor, cells: number, pixels: number): Tensor {
  const alongPixels = (x: Tensor) => unsqueeze(unsqueeze(x, 2), 3); // [B, W, 1, 1]
  const width = mul(alongPixels(maximum(extent, SMALLEST)), pixels / cells);
  // In cells, so that what is shared needs no division: where cells begin, and where pixels do.
  const cell = add(
    div(mul(alongPixels(centre), pixels), width),
    unsqueeze(sub(numbered(cells, centre), cells / 2), 1),
  ); // [B, W, S, 1]
  const pixel = div(numbered(pixels, centre), width); // [B, W, 1, pixels]
  const ends = minimum(add(cell, 1), add(pixel, div(1, width)));
  return relu(sub(ends, maximum(cell, pixel)));
}

/**
 * What windows show of images, each brought to `cells` × `cells`: small windows sharp, large ones as means (Mnih et al. 2014,
 * section 3.1, the retina). Two products with matrices of weights, rows first; black lies outside.
 * @param images [B, C, height, width]
 * @param windows [B, W, 4]: centre x and y, width and height as shares of the image
 * @returns [B, C, W, S, S]; gradients go to images and windows
 * @throws ShapeError where height, width or the number of windows is not a number
 */
export function glimpses(images: Tensor, windows: Tensor, cells: number): Tensor {
  const [batch, channels, height, width] = images.shape;
  const count = windows.shape[1];
  if (
    images.shape.length !== 4 ||
    [height, width, count].some((size) => typeof size !== "number") ||
    windows.shape[2] !== 4
  )
    throw new ShapeError(
      `glimpses: the images ${formatShape(images.shape)} should be [batch, channels, height, width] and the windows ${formatShape(windows.shape)} [batch, windows, 4], all but the batch numbers.`,
    );
  const side = (index: number) => squeeze(slice(windows, 2, index, 1), 2); // [B, W]
  const rows = overlaps(side(1), side(3), cells, height as number); // [B, W, S, height]
  const columns = overlaps(side(0), side(2), cells, width as number); // [B, W, S, width]
  const all = (count as number) * cells;
  const seen = matmul(reshape(rows, [windows.shape[0]!, 1, all, height!]), images); // [B, C, W · S, width]
  const windowed = reshape(seen, [batch!, channels!, count!, cells, width!]);
  return matmul(windowed, unsqueeze(columns, 1), { transposeRight: true });
}
