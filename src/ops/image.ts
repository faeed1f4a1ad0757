import { formatShape, ShapeError, type Tensor } from "../core/index.js";
import { add, maximum, minimum, mul, sub } from "./binary.js";
import { and, greaterEqual, lessEqual } from "./compare.js";
import { constant } from "./constant.js";
import { takeAlongAxis } from "./gather.js";
import { expand, reshape, split, transpose } from "./layout.js";
import { matmul } from "./matmul.js";

import { stopGradient } from "./select.js";
import { floor } from "./unary.js";
import { cast } from "./where.js";

// Axes: N images, C channels, H rows, W columns, P places.

/** Weights of old places [to, from] for each new one; the corners of the first and last pixel stay where they are. */
function interpolation(from: number, to: number, mode: "bilinear" | "nearest"): number[] {
  const weights = new Array<number>(from * to).fill(0);
  for (let place = 0; place < to; place++) {
    const centre = ((place + 0.5) * from) / to - 0.5;
    if (mode === "nearest") {
      // Half-way between two pixels, the first of them.
      weights[place * from + Math.min(from - 1, Math.max(0, Math.ceil(centre - 0.5)))] = 1;
      continue;
    }
    const inside = Math.min(from - 1, Math.max(0, centre));
    const first = Math.floor(inside);
    weights[place * from + first]! += 1 - (inside - first);
    if (first + 1 < from) weights[place * from + first + 1]! += inside - first;
  }
  return weights;
}

/**
 * Images [N, C, H, W] at another height and width. Each new pixel lies at its place between the centres of the old ones
 * (`half_pixel` in ONNX); outside the outermost centres their value holds. Both directions are products with matrices
 * that are known, and so is the gradient.
 * @throws ShapeError where height or width is not a number
 */
export function resize(
  x: Tensor,
  size: readonly [number, number],
  mode: "bilinear" | "nearest" = "bilinear",
): Tensor {
  const [height, width] = x.shape.slice(2);
  if (x.shape.length !== 4 || typeof height !== "number" || typeof width !== "number")
    throw new ShapeError(
      `resize: the images ${formatShape(x.shape)} should be [images, channels, height, width] with a height and a width that are numbers.`,
    );
  const matrix = (from: number, to: number) =>
    constant(interpolation(from, to, mode), { dtype: x.dtype, shape: [to, from] });
  const wide = matmul(x, matrix(width, size[1]), { transposeRight: true }); // [N, C, H, W']
  const turned = matmul(transpose(wide, [0, 1, 3, 2]), matrix(height, size[0]), { transposeRight: true });
  return transpose(turned, [0, 1, 3, 2]);
}

/**
 * Images [N, C, H, W] read at any places (Jaderberg et al. 2015, equation 5), bilinearly between pixels and 0 outside.
 * @param grid [N, P, 2]: x and y of each place, −1 at the outer edge of the first column or row and 1 at that of the last
 *   (`align_corners = 0` in ONNX)
 * @returns [N, C, P]; gradients go to the images and, wherever a place lies between pixels, to the grid
 * @throws ShapeError where the shapes do not fit
 */
export function gridSample(images: Tensor, grid: Tensor): Tensor {
  const [count, channels, height, width] = images.shape;
  if (images.shape.length !== 4 || typeof height !== "number" || typeof width !== "number")
    throw new ShapeError(
      `gridSample: the images ${formatShape(images.shape)} should be [images, channels, height, width] with a height and a width that are numbers.`,
    );
  if (grid.shape.length !== 3 || grid.shape[0] !== count || grid.shape[2] !== 2)
    throw new ShapeError(
      `gridSample: the grid ${formatShape(grid.shape)} should be [${count}, places, 2] for images ${formatShape(images.shape)}.`,
    );
  const places = grid.shape[1]!;
  const pixels = reshape(images, [count!, channels!, height * width]);
  // In pixels: 0 is the centre of the first.
  const [x, y] = split(grid, [1, 1], 2).map((part, axis) => {
    const size = axis === 0 ? width : height;
    return sub(mul(add(reshape(part, [count!, places]), 1), size / 2), 0.5);
  }) as [Tensor, Tensor];
  const [left, top] = [stopGradient(floor(x)), stopGradient(floor(y))];
  const corner = (dx: 0 | 1, dy: 0 | 1): Tensor => {
    const [column, row] = [add(left, dx), add(top, dy)];
    const inside = and(
      and(greaterEqual(column, 0), lessEqual(column, width - 1)),
      and(greaterEqual(row, 0), lessEqual(row, height - 1)),
    );
    const share = (at: Tensor, from: Tensor, side: 0 | 1) =>
      side === 1 ? sub(at, from) : sub(add(from, 1), at);
    const weight = mul(mul(share(x, left, dx), share(y, top, dy)), cast(inside, images.dtype)); // [N, P]
    const clamped = (value: Tensor, most: number) => minimum(maximum(value, 0), most);
    const pick = cast(add(mul(clamped(row, height - 1), width), clamped(column, width - 1)), "int32");
    const shape = [count!, channels!, places];
    const found = takeAlongAxis(pixels, expand(reshape(pick, [count!, 1, places]), shape), 2);
    return mul(found, reshape(weight, [count!, 1, places]));
  };
  return add(add(corner(0, 0), corner(1, 0)), add(corner(0, 1), corner(1, 1)));
}
