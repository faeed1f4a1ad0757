import {
  formatShape,
  type LoweringContext,
  multiplyDimensions,
  type NDArray,
  ndarray,
  type Operation,
  type Shape,
  ShapeError,
  type Tensor,
  type TensorType,
} from "../core/index.js";
import { div, mul } from "./binary.js";
import { equal } from "./compare.js";
import { constant } from "./constant.js";
import { defineOperation, distincts, floats, requireDType, sameDType } from "./define.js";
import { fill, reshape } from "./layout.js";
import { matmul } from "./matmul.js";
import { reduceSum } from "./reduce.js";
import { cast, where } from "./where.js";

// Axes: N images, C channels, H rows, W columns, O output channels, k elements of a kernel, P places of an output.

type Pair = readonly [number, number];

/** How a window moves over rows and columns. */
export interface WindowOptions {
  /** Rows and columns from one place to the next; one number stands for both. */
  readonly stride?: number | Pair;
  /** Rows and columns added around: one number, rows and columns, or top, left, bottom, right. */
  readonly padding?: number | Pair | readonly [number, number, number, number];
  /** Rows and columns between neighbouring elements of the window. */
  readonly dilation?: number | Pair;
}

interface Window {
  readonly kernel: Pair;
  readonly stride: Pair;
  /** Top, left, bottom, right. */
  readonly padding: readonly [number, number, number, number];
  readonly dilation: Pair;
}

const pair = (value: number | Pair): Pair => (typeof value === "number" ? [value, value] : value);

function windowOf(kernel: Pair, { stride = 1, padding = 0, dilation = 1 }: WindowOptions): Window {
  const around =
    typeof padding === "number" || padding.length === 2 ? pair(padding as number | Pair) : undefined;
  return {
    kernel,
    stride: pair(stride),
    padding: around ? [around[0], around[1], around[0], around[1]] : (padding as Window["padding"]),
    dilation: pair(dilation),
  };
}

/** Rows and columns that a window spans. */
const span = ({ kernel, dilation }: Window): Pair => [
  dilation[0] * (kernel[0] - 1) + 1,
  dilation[1] * (kernel[1] - 1) + 1,
];

/** Height and width of an image. @throws ShapeError where they are not numbers or the tensor has not four axes */
function imageSize(operation: string, { shape }: TensorType): Pair {
  const [, , height, width] = shape;
  if (shape.length !== 4 || typeof height !== "number" || typeof width !== "number")
    throw new ShapeError(
      `${operation}: the images ${formatShape(shape)} should be [images, channels, height, width] with a height and a width that are numbers; resize or reshape them first.`,
    );
  return [height, width];
}

/** Height and width of what a window gives. @throws ShapeError where it is larger than the image */
function outputSize(operation: string, x: TensorType, window: Window): Pair {
  const size = imageSize(operation, x);
  const [top, left, bottom, right] = window.padding;
  const around: Pair = [top + bottom, left + right];
  const spanned = span(window);
  const result = [0, 1].map(
    (axis) => Math.floor((size[axis]! + around[axis]! - spanned[axis]!) / window.stride[axis]!) + 1,
  ) as [number, number];
  if (result[0] < 1 || result[1] < 1)
    throw new ShapeError(
      `${operation}: a window that spans ${spanned.join(" × ")} does not fit into images of ${size.join(" × ")} with a padding of ${window.padding.join(", ")}; use a smaller window or more padding.`,
    );
  return result;
}

const windowAttributes = ({ kernel, stride, padding, dilation }: Window, dilations = true) => ({
  kernel_shape: { ints: kernel },
  strides: { ints: stride },
  pads: { ints: padding },
  ...(dilations && { dilations: { ints: dilation } }),
});

/** Calls back for every place, element of the window and the pixel under it, which may lie outside. */
function eachPixel(
  [rows, columns]: Pair,
  { kernel, stride, padding, dilation }: Window,
  visit: (place: number, element: number, y: number, x: number) => void,
): void {
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      for (let i = 0; i < kernel[0]; i++)
        for (let j = 0; j < kernel[1]; j++)
          visit(
            row * columns + column,
            i * kernel[1] + j,
            row * stride[0] - padding[0] + i * dilation[0],
            column * stride[1] - padding[1] + j * dilation[1],
          );
}

interface PatchesAttributes {
  readonly window: Window;
  /** What lies outside the image. */
  readonly outside: number;
}

const patchesShape = (x: TensorType, window: Window): Shape => {
  const [rows, columns] = outputSize("patches", x, window);
  return [x.shape[0]!, x.shape[1]!, window.kernel[0] * window.kernel[1], rows * columns];
};

/** Emits the patches of an image: [N, C, H, W] to [N, C, k, P]. */
function emitPatches(
  context: LoweringContext,
  name: string,
  x: TensorType,
  { window, outside }: PatchesAttributes,
): string {
  const { kernel, stride, padding, dilation } = window;
  const [rows, columns] = outputSize("patches", x, window);
  const ints = (values: readonly number[]) => context.constant("int64", [values.length], values);
  const axes = ints([2, 3]);
  const padded = padding.some((count) => count > 0)
    ? context.emit("Pad", [name, ints(padding), context.constant(x.dtype, [], [outside]), axes])[0]!
    : name;
  const slices: string[] = [];
  for (let i = 0; i < kernel[0]; i++)
    for (let j = 0; j < kernel[1]; j++) {
      const start = [i * dilation[0], j * dilation[1]];
      const stop = [start[0]! + (rows - 1) * stride[0] + 1, start[1]! + (columns - 1) * stride[1] + 1];
      const part = context.emit("Slice", [padded, ints(start), ints(stop), axes, ints(stride)])[0]!;
      slices.push(context.emit("Unsqueeze", [part, ints([2])])[0]!);
    }
  const stacked = slices.length === 1 ? slices[0]! : context.emit("Concat", slices, { axis: { int: 2 } })[0]!;
  return context.emit("Reshape", [stacked, context.shape(patchesShape(x, window))])[0]!;
}

const patchesOperation: Operation<PatchesAttributes> = {
  name: "patches",
  infer: ([x], { window }) => {
    requireDType("patches", "the images", x!, "float32", "float64");
    return [{ dtype: x!.dtype, shape: patchesShape(x!, window) }];
  },
  gradient: ({ inputs: [x], attributes: { window }, upstream: [dy] }) => [fold(dy!, window, x!)],
  lower: (context, [x], { inputs: [type], attributes }) => [emitPatches(context, x!, type!, attributes)],
  evaluate: (_, [x], { window, outside }) => {
    const [images, channels, height, width] = x!.shape as [number, number, number, number];
    const shape = patchesShape(x!, window) as number[];
    const result = ndarray(x!.dtype, shape);
    const [, , elements, places] = shape as [number, number, number, number];
    const size = outputSize("patches", x!, window);
    for (let plane = 0; plane < images * channels; plane++)
      eachPixel(size, window, (place, element, y, column) => {
        const inside = y >= 0 && y < height && column >= 0 && column < width;
        result.data[(plane * elements + element) * places + place] = inside
          ? x!.data[(plane * height + y) * width + column]!
          : outside;
      });
    return [result];
  },
  samples: () => [
    { inputs: [floats("two", "three", 5, 4)], build: (x) => patches(x!, [3, 2]) },
    {
      inputs: [floats("two", "three", 5, 7)],
      build: (x) => patches(x!, [2, 3], { stride: [2, 3], padding: [1, 2, 0, 1], dilation: [2, 1] }),
    },
  ],
};

/**
 * What a window sees at every place: images [N, C, H, W] to [N, C, k, P], the elements of the window and its places
 * each row by row. Outside the images lies `outside`.
 * @throws ShapeError where the window does not fit
 */
export const patches = defineOperation(
  patchesOperation,
  (make): ((x: Tensor, kernel: number | Pair, options?: WindowOptions, outside?: number) => Tensor) =>
    (x, kernel, options = {}, outside = 0) =>
      make([x], { window: windowOf(pair(kernel), options), outside }).outputs[0]!,
);

/** The gradient of `patches`: every element added to the pixel it was taken from, [N, C, k, P] to [N, C, H, W]. */
function fold(columns: Tensor, window: Window, like: TensorType): Tensor {
  const elements = window.kernel[0] * window.kernel[1];
  const size = imageSize("patches", like);
  // A transposed convolution of each channel, whose kernel puts the n-th element of a window at the n-th pixel under it.
  const identity = constant(
    Array.from({ length: elements * elements }, (_, index) =>
      Math.floor(index / elements) === index % elements ? 1 : 0,
    ),
    { dtype: like.dtype, shape: [elements, 1, ...window.kernel] },
  );
  const planes = multiplyDimensions(...like.shape.slice(0, 2));
  const spread = reshape(columns, [planes, elements, ...outputSize("patches", like, window)]);
  return reshape(transposed(spread, identity, { window, groups: 1, size }), like.shape);
}

interface ConvolutionAttributes {
  readonly window: Window;
  readonly groups: number;
}

interface TransposedAttributes extends ConvolutionAttributes {
  /** Height and width of the result. */
  readonly size: Pair;
}

/**
 * The gradient of a convolution's weights [O, C / groups, kh, kw] from its images and its upstream gradient: one product
 * of matrices for each image and group, summed over images.
 */
function weightGradient(
  x: Tensor,
  dy: Tensor,
  weights: Shape,
  { window, groups }: ConvolutionAttributes,
): Tensor {
  const [images, channels] = x.shape as [Tensor["shape"][number], number];
  const [outputs, , ...kernel] = weights as [number, number, number, number];
  const columns = patches(x, window.kernel, window);
  const [elements, places] = [columns.shape[2] as number, columns.shape[3] as number];
  const grouped = reshape(columns, [images, groups, (channels / groups) * elements, places]);
  const upstream = reshape(dy, [images, groups, outputs / groups, places]);
  const products = matmul(upstream, grouped, { transposeRight: true }); // [N, g, O / g, C / g · k]
  return reshape(reduceSum(products, { axes: 0 }), [outputs, channels / groups, ...kernel]);
}

const convolutionOperation: Operation<ConvolutionAttributes> = {
  name: "convolution",
  infer: ([x, w], { window, groups }) => {
    sameDType("convolution", x!, w!);
    requireDType("convolution", "the images", x!, "float32", "float64");
    const [outputs, inner] = w!.shape as [number, number];
    const channels = x!.shape[1];
    if (typeof channels !== "number" || channels !== inner * groups || outputs % groups !== 0)
      throw new ShapeError(
        `convolution: images ${formatShape(x!.shape)} have ${channels} channels but weights ${formatShape(w!.shape)} in ${groups} groups take ${inner * groups}; the weights should be [outputs, channels / groups, height, width].`,
      );
    return [{ dtype: x!.dtype, shape: [x!.shape[0]!, outputs, ...outputSize("convolution", x!, window)] }];
  },
  gradient: ({ inputs: [x, w], attributes, upstream: [dy], wanted }) => [
    wanted[0] ? transposed(dy!, w!, { ...attributes, size: imageSize("convolution", x!) }) : undefined,
    wanted[1] ? weightGradient(x!, dy!, w!.shape, attributes) : undefined,
  ],
  lower(context, [x, w], { inputs: [images, weights], outputs: [y], attributes: { window, groups } }) {
    if (images!.dtype === "float32")
      return context.emit("Conv", [x!, w!], { ...windowAttributes(window), group: { int: groups } });
    // ONNX Runtime convolves in single precision alone; in double precision it is a product of matrices.
    const columns = emitPatches(context, x!, images!, { window, outside: 0 });
    return [emitProduct(context, columns, w!, images!, weights!, y!, groups)];
  },
  evaluate: (_, [x, w], { window, groups }) => [convolve(x!, w!, window, groups)],
  flops: ({ inputs: [, w], outputs: [y] }, size) => {
    const [, inner, height, width] = w!.shape as number[];
    return 2 * inner! * height! * width! * y!.shape.reduce<number>((n, d) => n * size(d), 1);
  },
  samples: () => [
    {
      inputs: [floats("two", 3, 5, 4), floats(2, 3, 3, 2)],
      build: (x, w) => convolution(x!, w!),
    },
    {
      inputs: [floats("two", 4, 7, 5), floats(6, 2, 3, 2)],
      build: (x, w) =>
        convolution(x!, w!, { stride: [2, 3], padding: [1, 2, 0, 1], dilation: [2, 1], groups: 2 }),
    },
    {
      // One channel to a group, and a stride that leaves a row out.
      inputs: [floats("two", 3, 6, 6), floats(3, 1, 3, 3)],
      build: (x, w) => convolution(x!, w!, { stride: 2, padding: 1, groups: 3 }),
    },
  ],
};

/** Emits patches [N, C, k, P] times weights [O, C / g, …] as [N, O, rows, columns]. */
function emitProduct(
  context: LoweringContext,
  columns: string,
  weights: string,
  x: TensorType,
  w: TensorType,
  y: TensorType,
  groups: number,
): string {
  const [outputs, inner, height, width] = w.shape as [number, number, number, number];
  const [rows, breadth] = y.shape.slice(2) as [number, number];
  const depth = inner * height * width;
  const grouped = context.emit("Reshape", [
    columns,
    context.shape([x.shape[0]!, groups, depth, rows * breadth]),
  ])[0]!;
  const flat = context.emit("Reshape", [weights, context.shape([groups, outputs / groups, depth])])[0]!;
  const product = context.emit("MatMul", [flat, grouped])[0]!;
  return context.emit("Reshape", [product, context.shape(y.shape)])[0]!;
}

function convolve(x: NDArray, w: NDArray, window: Window, groups: number): NDArray {
  const [images, channels, height, width] = x.shape as [number, number, number, number];
  const [outputs, inner] = w.shape as [number, number];
  const size = outputSize("convolution", x, window);
  const result = ndarray(x.dtype, [images, outputs, ...size]);
  const elements = window.kernel[0] * window.kernel[1];
  for (let image = 0; image < images; image++)
    for (let output = 0; output < outputs; output++) {
      const first = Math.floor(output / (outputs / groups)) * inner;
      const base = (image * outputs + output) * size[0] * size[1];
      eachPixel(size, window, (place, element, y, column) => {
        if (y < 0 || y >= height || column < 0 || column >= width) return;
        for (let channel = 0; channel < inner; channel++)
          result.data[base + place]! +=
            x.data[((image * channels + first + channel) * height + y) * width + column]! *
            w.data[(output * inner + channel) * elements + element]!;
      });
    }
  return result;
}

/**
 * The convolution of images [N, C, H, W] with weights [O, C / groups, kh, kw] to [N, O, H', W'], the kernel not flipped
 * (LeCun et al. 1998). Heights and widths are numbers; the number of images may have a name.
 * @throws ShapeError where channels do not fit or the window is larger than the image
 */
export const convolution = defineOperation(
  convolutionOperation,
  (make): ((x: Tensor, weights: Tensor, options?: WindowOptions & { groups?: number }) => Tensor) =>
    (x, weights, { groups = 1, ...options } = {}) => {
      const [height, width] = weights.shape.slice(2);
      if (weights.shape.length !== 4 || typeof height !== "number" || typeof width !== "number")
        throw new ShapeError(
          `convolution: the weights ${formatShape(weights.shape)} should be [outputs, channels / groups, height, width], all numbers.`,
        );
      return make([x, weights], { window: windowOf([height, width], options), groups }).outputs[0]!;
    },
);

const transposedOperation: Operation<TransposedAttributes> = {
  name: "convolutionTransposed",
  infer: ([y, w], { groups, size }) => {
    sameDType("convolutionTransposed", y!, w!);
    const [outputs, inner] = w!.shape as [number, number];
    if (y!.shape[1] !== outputs)
      throw new ShapeError(
        `convolutionTransposed: images ${formatShape(y!.shape)} have ${y!.shape[1]} channels but weights ${formatShape(w!.shape)} take ${outputs}; the weights should be [channels, outputs / groups, height, width].`,
      );
    return [{ dtype: y!.dtype, shape: [y!.shape[0]!, inner * groups, ...size] }];
  },
  gradient: ({ inputs: [y, w], attributes: { window, groups }, upstream: [dx], wanted }) => [
    wanted[0] ? convolution(dx!, w!, { ...window, groups }) : undefined,
    wanted[1] ? weightGradient(dx!, y!, w!.shape, { window, groups }) : undefined,
  ],
  lower(context, [y, w], { inputs: [images, weights], outputs: [x], attributes: { window, groups, size } }) {
    const { stride, padding } = window;
    const spanned = span(window);
    const [rows, columns] = imageSize("convolutionTransposed", images!);
    // Rows and columns at the end that no window reached.
    const rest = [0, 1].map(
      (axis) =>
        size[axis]! -
        (([rows, columns][axis]! - 1) * stride[axis]! - padding[axis]! - padding[axis + 2]! + spanned[axis]!),
    );
    if (images!.dtype === "float32")
      return context.emit("ConvTranspose", [y!, w!], {
        ...windowAttributes(window),
        group: { int: groups },
        output_padding: { ints: rest },
      });
    // In double precision: zeros between the pixels, then a convolution with the kernel turned round.
    const ints = (values: readonly number[]) => context.constant("int64", [values.length], values);
    const zero = context.constant(images!.dtype, [], [0]);
    const lead = images!.shape.slice(0, 2);
    const apart = context.emit("Reshape", [y!, context.shape([...lead, rows, 1, columns, 1])])[0]!;
    const spaced = context.emit("Pad", [
      apart,
      ints([0, 0, stride[0] - 1, stride[1] - 1]),
      zero,
      ints([3, 5]),
    ])[0]!;
    const together = context.emit("Reshape", [
      spaced,
      context.shape([...lead, rows * stride[0], columns * stride[1]]),
    ])[0]!;
    // A negative count takes away: the zeros after the last pixel, and what the padding had added.
    const around = [
      spanned[0] - 1 - padding[0],
      spanned[1] - 1 - padding[1],
      spanned[0] - 1 - padding[2] + rest[0]! - (stride[0] - 1),
      spanned[1] - 1 - padding[3] + rest[1]! - (stride[1] - 1),
    ];
    const padded = context.emit("Pad", [together, ints(around), zero, ints([2, 3])])[0]!;
    const inner = {
      kernel: window.kernel,
      stride: [1, 1],
      padding: [0, 0, 0, 0],
      dilation: window.dilation,
    } as const;
    const type: TensorType = {
      dtype: images!.dtype,
      shape: [...lead, size[0] + spanned[0] - 1, size[1] + spanned[1] - 1],
    };
    const [outputs, depth, height, width] = weights!.shape as [number, number, number, number];
    const turned = context.emit("Slice", [
      w!,
      ints([-1, -1]),
      ints([-height - 1, -width - 1]),
      ints([2, 3]),
      ints([-1, -1]),
    ])[0]!;
    // [g, O / g, C / g, …] to [g · C / g, O / g, …]: what gave the images now takes them.
    const split = context.emit("Reshape", [
      turned,
      ints([groups, outputs / groups, depth, height, width]),
    ])[0]!;
    const swapped = context.emit("Transpose", [split], { perm: { ints: [0, 2, 1, 3, 4] } })[0]!;
    const shape = [groups * depth, outputs / groups, height, width];
    const kernel = context.emit("Reshape", [swapped, ints(shape)])[0]!;
    const found = emitPatches(context, padded, type, { window: inner, outside: 0 });
    return [emitProduct(context, found, kernel, type, { dtype: type.dtype, shape }, x!, groups)];
  },
  evaluate: (_, [y, w], { window, groups, size }) => {
    const [images, outputs, rows, columns] = y!.shape as [number, number, number, number];
    const [, inner] = w!.shape as [number, number];
    const channels = inner * groups;
    const result = ndarray(y!.dtype, [images, channels, ...size]);
    const elements = window.kernel[0] * window.kernel[1];
    for (let image = 0; image < images; image++)
      for (let output = 0; output < outputs; output++) {
        const first = Math.floor(output / (outputs / groups)) * inner;
        eachPixel([rows, columns], window, (place, element, row, column) => {
          if (row < 0 || row >= size[0] || column < 0 || column >= size[1]) return;
          for (let channel = 0; channel < inner; channel++)
            result.data[((image * channels + first + channel) * size[0] + row) * size[1] + column]! +=
              y!.data[(image * outputs + output) * rows * columns + place]! *
              w!.data[(output * inner + channel) * elements + element]!;
        });
      }
    return [result];
  },
  flops: ({ inputs: [y, w] }, size) => {
    const [, inner, height, width] = w!.shape as number[];
    return 2 * inner! * height! * width! * y!.shape.reduce<number>((n, d) => n * size(d), 1);
  },
  samples: () => [
    {
      inputs: [floats("two", 3, 3, 2), floats(3, 2, 2, 3)],
      build: (y, w) => convolutionTransposed(y!, w!, [6, 5], { stride: 2 }),
    },
    {
      inputs: [floats("two", 4, 3, 2), floats(4, 3, 3, 2)],
      build: (y, w) =>
        convolutionTransposed(y!, w!, [9, 5], {
          stride: [2, 3],
          padding: [1, 0, 0, 1],
          dilation: [2, 1],
          groups: 2,
        }),
    },
  ],
};

/** A transposed convolution with a window that is known. */
const transposed = defineOperation(
  transposedOperation,
  (make): ((y: Tensor, weights: Tensor, attributes: TransposedAttributes) => Tensor) =>
    (y, weights, attributes) =>
      make([y, weights], attributes).outputs[0]!,
);

/**
 * The gradient of a convolution with respect to its images, as a layer of its own: images [N, O, H', W'] and weights
 * [O, C / groups, kh, kw] to [N, C, H, W] of the given size.
 * @throws ShapeError where a convolution of images of that size would not give [H', W']
 */
export const convolutionTransposed = Object.assign(
  (
    y: Tensor,
    weights: Tensor,
    size: Pair,
    { groups = 1, ...options }: WindowOptions & { groups?: number } = {},
  ): Tensor => {
    const window = windowOf(weights.shape.slice(2) as unknown as Pair, options);
    const like = { dtype: y.dtype, shape: [y.shape[0]!, 1, ...size] };
    const found = outputSize("convolutionTransposed", like, window);
    const given = imageSize("convolutionTransposed", y);
    if (found.join() !== given.join())
      throw new ShapeError(
        `convolutionTransposed: images of ${given.join(" × ")} cannot become ${size.join(" × ")}, of which the window has ${found.join(" × ")} places; give a size whose places are as many.`,
      );
    return transposed(y, weights, { window, groups, size });
  },
  { operation: transposedOperation },
);

const maxPoolOperation: Operation<{ window: Window }> = {
  name: "maxPool",
  infer: ([x], { window }) => {
    requireDType("maxPool", "the images", x!, "float32", "float64");
    return [{ dtype: x!.dtype, shape: [...x!.shape.slice(0, 2), ...outputSize("maxPool", x!, window)] }];
  },
  // The gradient goes to the greatest element of a window; equal ones share it.
  gradient: ({ inputs: [x], outputs: [y], attributes: { window }, upstream: [dy] }) => {
    const columns = patches(x!, window.kernel, window, Number.NEGATIVE_INFINITY);
    const lead = [x!.shape[0]!, x!.shape[1]!];
    const places = columns.shape[3]!;
    const greatest = equal(columns, reshape(y!, [...lead, 1, places]));
    const sharing = reduceSum(cast(greatest, x!.dtype), { axes: 2, keep: true });
    const share = div(reshape(dy!, [...lead, 1, places]), sharing);
    return [fold(where(greatest, share, fill(0, { dtype: x!.dtype, shape: [] })), window, x!)];
  },
  lower: (context, inputs, { attributes: { window } }) =>
    context.emit("MaxPool", inputs, windowAttributes(window)),
  evaluate: (_, [x], { window }) => {
    const [images, channels, height, width] = x!.shape as [number, number, number, number];
    const size = outputSize("maxPool", x!, window);
    const result = ndarray(x!.dtype, [images, channels, ...size]);
    result.data.fill(Number.NEGATIVE_INFINITY);
    for (let plane = 0; plane < images * channels; plane++)
      eachPixel(size, window, (place, _element, y, column) => {
        if (y < 0 || y >= height || column < 0 || column >= width) return;
        const index = plane * size[0] * size[1] + place;
        result.data[index] = Math.max(result.data[index]!, x!.data[(plane * height + y) * width + column]!);
      });
    return [result];
  },
  samples: () => [
    { inputs: [distincts("two", 3, 6, 5)], build: (x) => maxPool(x!, 2, { stride: 2 }) },
    {
      inputs: [distincts("two", 3, 7, 5)],
      build: (x) => maxPool(x!, [3, 2], { stride: [2, 1], padding: [1, 1, 0, 0], dilation: [2, 1] }),
    },
  ],
};

/**
 * The greatest element of every window, [N, C, H, W] to [N, C, H', W']. The stride is 1 unless another is given.
 * @throws ShapeError where the window does not fit
 */
export const maxPool = defineOperation(
  maxPoolOperation,
  (make): ((x: Tensor, kernel: number | Pair, options?: WindowOptions) => Tensor) =>
    (x, kernel, options = {}) =>
      make([x], { window: windowOf(pair(kernel), options) }).outputs[0]!,
);

/**
 * The mean of every window, [N, C, H, W] to [N, C, H', W']; what lies outside the images counts as 0.
 * @throws ShapeError where the window does not fit
 */
export function averagePool(x: Tensor, kernel: number | Pair, options: WindowOptions = {}): Tensor {
  const [height, width] = pair(kernel);
  const channels = x.shape[1];
  if (typeof channels !== "number")
    throw new ShapeError(`averagePool: the channels of ${formatShape(x.shape)} should be a number.`);
  const weights = fill(1 / (height * width), { dtype: x.dtype, shape: [channels, 1, height, width] });
  return convolution(x, weights, { ...options, groups: channels });
}

/** The mean over all places, [N, C, H, W] to [N, C]. */
export function globalAveragePool(x: Tensor): Tensor {
  const [height, width] = imageSize("globalAveragePool", x);
  return mul(reduceSum(x, { axes: [2, 3] }), 1 / (height * width));
}
