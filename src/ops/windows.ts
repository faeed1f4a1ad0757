import {
  type Dimension,
  type DType,
  formatShape,
  type LoweringContext,
  ndarray,
  type Operation,
  type Shape,
  ShapeError,
  type Tensor,
  type TensorType,
} from "../core/index.js";
import { defineOperation, floats, requireDType } from "./define.js";

// Images with their channels last. Axes: N images, H rows, W columns, C channels, k elements of a window; H' and W' places.
// What a window sees then lies in stretches of whole pixels, and a convolution is one product of matrices for all images.

interface Layout {
  readonly kernel: number;
  readonly stride: number;
  /** Pixels added on every side. */
  readonly padding: number;
  /** Height and width of the images. */
  readonly size: readonly [number, number];
}

/** Rows or columns of places in an image that is so long. */
const placesOf = ({ kernel, stride, padding }: Layout, length: number): number =>
  Math.floor((length + 2 * padding - kernel) / stride) + 1;

const outputOf = (layout: Layout): [number, number] => [
  placesOf(layout, layout.size[0]),
  placesOf(layout, layout.size[1]),
];

const windowsShape = (x: TensorType, layout: Layout): Shape => [
  x.shape[0]!,
  ...outputOf(layout),
  layout.kernel ** 2 * (x.shape[3] as number),
];

const ints = (context: LoweringContext, values: readonly number[]): string =>
  context.constant("int64", [values.length], values);

/** Rows of a value, taken as [images, rows, channels], for each of some lists of picks; the row after the last is 0. */
function gathered(
  context: LoweringContext,
  value: string,
  dtype: DType,
  shape: readonly [Dimension, number, number],
  picks: readonly (readonly number[])[],
): string[] {
  let [name] = context.emit("Reshape", [value, context.shape(shape)]) as [string];
  if (picks.some((list) => list.includes(shape[1]))) {
    const zero = context.constant(dtype, [], [0]);
    [name] = context.emit("Pad", [name, ints(context, [0, 0, 0, 0, 1, 0]), zero]) as [string];
  }
  return picks.map((list) => context.emit("Gather", [name, ints(context, list)], { axis: { int: 1 } })[0]!);
}

/** The channels of images [N, H, W, C] whose height and width are known. @throws ShapeError for others */
function assertImages(operation: string, { shape }: TensorType): void {
  if (shape.length !== 4 || shape.slice(1).some((size) => typeof size !== "number"))
    throw new ShapeError(
      `${operation}: the images ${formatShape(shape)} should be [images, height, width, channels] with sizes that are numbers, but for the images; resize or reshape them first.`,
    );
}

/** Calls back for every place, element and the pixel under it; pixels outside are left out. */
function eachPixel(layout: Layout, visit: (place: number, element: number, pixel: number) => void): void {
  const [rows, columns] = outputOf(layout);
  const [height, width] = layout.size;
  const { kernel, stride, padding } = layout;
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      for (let i = 0; i < kernel; i++)
        for (let j = 0; j < kernel; j++) {
          const [y, x] = [row * stride - padding + i, column * stride - padding + j];
          if (y >= 0 && y < height && x >= 0 && x < width)
            visit(row * columns + column, i * kernel + j, y * width + x);
        }
}

const windowsOperation: Operation<Layout> = {
  name: "windows",
  infer: ([x], layout) => {
    requireDType("windows", "the images", x!, "float32", "float64");
    return [{ dtype: x!.dtype, shape: windowsShape(x!, layout) }];
  },
  gradient: ({ attributes, upstream: [dy] }) => [foldWindows(dy!, attributes)],
  lower(context, [x], { inputs: [type], attributes: layout }) {
    const { kernel, size } = layout;
    const channels = type!.shape[3] as number;
    const pixels = size[0] * size[1];
    const [rows, columns] = outputOf(layout);
    // The pixel under each element of each place; what lies outside is one more pixel, which is 0.
    const picks = new Array<number>(rows * columns * kernel ** 2).fill(pixels);
    eachPixel(layout, (place, element, pixel) => {
      picks[place * kernel ** 2 + element] = pixel;
    });
    const [seen] = gathered(context, x!, type!.dtype, [type!.shape[0]!, pixels, channels], [picks]);
    return context.emit("Reshape", [seen!, context.shape(windowsShape(type!, layout))]);
  },
  evaluate: (_, [x], layout) => {
    const [images, height, width, channels] = x!.shape as [number, number, number, number];
    const shape = windowsShape(x!, layout) as number[];
    const result = ndarray(x!.dtype, shape);
    const [, rows, columns, features] = shape as [number, number, number, number];
    for (let image = 0; image < images; image++)
      eachPixel(layout, (place, element, pixel) => {
        for (let channel = 0; channel < channels; channel++)
          result.data[(image * rows * columns + place) * features + element * channels + channel] =
            x!.data[(image * height * width + pixel) * channels + channel]!;
      });
    return [result];
  },
  samples: () => [
    { inputs: [floats("two", 5, 7, 3)], build: (x) => windows(x!, 3, { padding: 1 }) },
    { inputs: [floats("two", 6, 5, 3)], build: (x) => windows(x!, 3, { stride: 2, padding: 1 }) },
    { inputs: [floats("two", 7, 8, 2)], build: (x) => windows(x!, 2, { stride: 3 }) },
    { inputs: [floats("three", 6, 6, 2)], build: (x) => windows(x!, 5, { stride: 2, padding: 2 }) },
  ],
};

/** A window that is square, and how it moves. */
export interface SquareWindow {
  /** Pixels from one place to the next. */
  readonly stride?: number;
  /** Pixels added on every side. */
  readonly padding?: number;
}

/**
 * What a square window sees at every place of images whose channels are last: [N, H, W, C] to [N, H', W', k² · C], the pixels
 * of the window row by row. Outside the images lies 0.
 * @throws ShapeError where the window does not fit
 */
export const windows = defineOperation(
  windowsOperation,
  (make): ((x: Tensor, kernel: number, options?: SquareWindow) => Tensor) =>
    (x, kernel, { stride = 1, padding = 0 } = {}) => {
      assertImages("windows", x);
      const [, height, width] = x.shape as [number, number, number, number];
      if (Math.min(height, width) + 2 * padding < kernel)
        throw new ShapeError(
          `windows: a window of ${kernel} × ${kernel} does not fit into images of ${height} × ${width} with a padding of ${padding}; use a smaller window or more padding.`,
        );
      return make([x], { kernel, stride, padding, size: [height, width] }).outputs[0]!;
    },
);

const foldOperation: Operation<Layout> = {
  name: "foldWindows",
  infer: ([y], layout) => {
    const channels = (y!.shape[3] as number) / layout.kernel ** 2;
    return [{ dtype: y!.dtype, shape: [y!.shape[0]!, ...layout.size, channels] }];
  },
  gradient: ({ attributes: { kernel, stride, padding }, upstream: [dx] }) => [
    windows(dx!, kernel, { stride, padding }),
  ],
  lower(context, [y], { inputs: [type], outputs: [x], attributes: layout }) {
    const [images, height, width, channels] = x!.shape as [Dimension, number, number, number];
    const [rows, columns] = outputOf(layout);
    const elements = rows * columns * layout.kernel ** 2;
    // The elements that lie on each pixel: the first of every pixel, the second, and so on, which are summed. Where a pixel
    // has no more of them it takes one more element, which is 0.
    const ranks: number[][] = [];
    const found = new Array<number>(height * width).fill(0);
    eachPixel(layout, (place, element, pixel) => {
      const rank = found[pixel]!++;
      ranks[rank] ??= new Array<number>(height * width).fill(elements);
      ranks[rank][pixel] = place * layout.kernel ** 2 + element;
    });
    const sum = gathered(context, y!, type!.dtype, [images, elements, channels], ranks).reduce(
      (left, right) => context.emit("Add", [left, right])[0]!,
    );
    return context.emit("Reshape", [sum, context.shape(x!.shape)]);
  },
  evaluate: (_, [y], layout) => {
    const [images, rows, columns, features] = y!.shape as [number, number, number, number];
    const [height, width] = layout.size;
    const channels = features / layout.kernel ** 2;
    const result = ndarray(y!.dtype, [images, height, width, channels]);
    for (let image = 0; image < images; image++)
      eachPixel(layout, (place, element, pixel) => {
        for (let channel = 0; channel < channels; channel++)
          result.data[(image * height * width + pixel) * channels + channel]! +=
            y!.data[(image * rows * columns + place) * features + element * channels + channel]!;
      });
    return [result];
  },
  samples: () => [
    {
      inputs: [floats("two", 3, 3, 18)],
      build: (y) => foldWindows(y!, { kernel: 3, stride: 2, padding: 1, size: [6, 5] }),
    },
    {
      inputs: [floats("two", 5, 7, 9)],
      build: (y) => foldWindows(y!, { kernel: 3, stride: 1, padding: 1, size: [5, 7] }),
    },
    {
      inputs: [floats("two", 2, 3, 8)],
      build: (y) => foldWindows(y!, { kernel: 2, stride: 3, padding: 0, size: [7, 8] }),
    },
  ],
};

/** The gradient of `windows`: every element added to the pixel it was taken from, [N, H', W', k² · C] to [N, H, W, C]. */
export const foldWindows = defineOperation(
  foldOperation,
  (make): ((y: Tensor, layout: Layout) => Tensor) =>
    (y, layout) =>
      make([y], layout).outputs[0]!,
);
