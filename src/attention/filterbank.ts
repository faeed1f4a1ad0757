import { formatShape, ShapeError, type Tensor } from "../core/index.js";
import {
  add,
  concat,
  constant,
  div,
  exp,
  matmul,
  mul,
  neg,
  reduceSum,
  slice,
  square,
  squeeze,
  sub,
  unsqueeze,
} from "../ops/index.js";

// Grids of Gaussian filters that read from an image and write to one (Gregor et al. 2015, section 3.2). Axes: B batch, C channels,
// N filters along a side.

/** Where a grid of filters lies: what reading and writing need of it. */
export interface FilterGrid {
  /** [B, 1, 4]: the square between the outermost filters, centre x and y, width and height as shares of the image. */
  readonly window: Tensor;
  /** The standard deviation of every filter in pixels, [B]. */
  readonly deviation: Tensor;
  /** What is read is multiplied by, and what is written divided by, [B]. */
  readonly intensity: Tensor;
}

const numbers = (count: number, of: (index: number) => number, like: Tensor): Tensor =>
  constant(
    Array.from({ length: count }, (_, index) => of(index)),
    { dtype: like.dtype },
  );

/** What keeps a filter that lies off the image from being made large: it sees black. */
const LEAST = 1e-4;

/**
 * Filters along an axis: F[i, a] ∝ exp(−(a − μ_i)² / 2σ²), μ_i = g + (i − N/2 + ½) δ, counted from 0  (19, 20, 25, 26).
 * @param centre and `extent` of the window as shares of the axis, [B]
 * @returns [B, N, pixels]; rows add up to 1
 */
function filters(centre: Tensor, extent: Tensor, deviation: Tensor, count: number, pixels: number): Tensor {
  const along = (x: Tensor) => unsqueeze(unsqueeze(x, 1), 2); // [B, 1, 1]
  const middle = sub(mul(along(centre), pixels), 0.5); // g, in pixels
  const stride = mul(along(extent), pixels / (count - 1)); // δ
  const offsets = unsqueeze(
    numbers(count, (index) => index - count / 2 + 0.5, centre),
    1,
  ); // [N, 1]
  const means = add(middle, mul(offsets, stride)); // [B, N, 1]
  const distances = sub(
    numbers(pixels, (pixel) => pixel, centre),
    means,
  ); // [B, N, pixels]
  const bells = exp(neg(div(square(distances), mul(square(along(deviation)), 2))));
  return div(bells, add(reduceSum(bells, { axes: 2, keep: true }), LEAST));
}

function banks({ window, deviation }: FilterGrid, count: number, [height, width]: readonly [number, number]) {
  const side = (index: number) => squeeze(squeeze(slice(window, 2, index, 1), 2), 1); // [B]
  const [x, y, across, down] = [side(0), side(1), side(2), side(3)];
  return {
    rows: unsqueeze(filters(y, down, deviation, count, height), 1), // F_Y [B, 1, N, height]
    columns: unsqueeze(filters(x, across, deviation, count, width), 1), // F_X [B, 1, N, width]
  };
}

const perExample = (x: Tensor): Tensor => unsqueeze(unsqueeze(unsqueeze(x, 1), 2), 3);

/**
 * What the filters see of images: γ F_Y x F_Xᵀ  (27).
 * @param images [B, C, height, width]
 * @returns [B, C, N, N]; gradients go to images and to the grid
 * @throws ShapeError where height or width is not a number
 */
export function readBy(grid: FilterGrid, images: Tensor, count: number): Tensor {
  const [, , height, width] = images.shape;
  if (images.shape.length !== 4 || typeof height !== "number" || typeof width !== "number")
    throw new ShapeError(
      `filters: the images ${formatShape(images.shape)} should be [batch, channels, height, width], the last two numbers.`,
    );
  const { rows, columns } = banks(grid, count, [height, width]);
  return mul(matmul(matmul(rows, images), columns, { transposeRight: true }), perExample(grid.intensity));
}

/**
 * What the filters write: F_Yᵀ w F_X / γ  (29).
 * @param patches [B, C, N, N]
 * @param size height and width of the image
 * @returns [B, C, height, width]
 */
export function writeBy(
  grid: FilterGrid,
  patches: Tensor,
  size: readonly [height: number, width: number],
): Tensor {
  const { rows, columns } = banks(grid, patches.shape[2] as number, size);
  const down = matmul(rows, matmul(patches, columns), { transposeLeft: true });
  return div(down, perExample(grid.intensity));
}

/**
 * A grid from five numbers of each example (21 to 24): g̃_X, g̃_Y, log σ̃², log δ̃ and log γ, [B, 5]. All at 0 is a grid over the whole
 * image, whose filters meet: their deviation is half of the stride between them, or a pixel where that is less.
 * @param size height and width of the image
 * @param count filters along a side, N
 */
export function filterGrid(
  numbersOf: Tensor,
  [height, width]: readonly [number, number],
  count: number,
): FilterGrid {
  const column = (index: number) => slice(numbersOf, 1, index, 1); // [B, 1]
  const centre = (index: number, pixels: number) =>
    // g = (A + 1) / 2 (g̃ + 1), counted from 1, as a share of the axis (22, 23).
    sub(mul(add(column(index), 1), (pixels + 1) / 2 / pixels), 0.5 / pixels);
  const stride = (Math.max(height, width) - 1) / (count - 1);
  const side = mul(exp(column(3)), stride * (count - 1)); // (N − 1) δ in pixels
  const window = concat([centre(0, width), centre(1, height), div(side, width), div(side, height)], 1);
  return {
    window: unsqueeze(window, 1),
    deviation: mul(exp(mul(squeeze(column(2), 1), 0.5)), Math.max(1, stride / 2)),
    intensity: exp(squeeze(column(4), 1)),
  };
}
