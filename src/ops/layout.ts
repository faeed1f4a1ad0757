import {
  addDimensions,
  at,
  broadcastShapes,
  type Dimension,
  elementCount,
  forEachIndex,
  formatShape,
  ndarray,
  normaliseAxis,
  type Operation,
  type Shape,
  ShapeError,
  sameShape,
  subtractDimensions,
  type Tensor,
  tabulate,
} from "../core/index.js";
import { mul } from "./binary.js";
import { constant } from "./constant.js";
import { defineOperation, floats, sameDType } from "./define.js";
import { sumTo } from "./reduce.js";

const reshapeOperation: Operation<{ shape: Shape }> = {
  name: "reshape",
  infer: ([x], { shape }) => {
    if (elementCount(x!.shape) !== elementCount(shape))
      throw new ShapeError(
        `reshape: ${formatShape(x!.shape)} holds ${elementCount(x!.shape)} elements but ${formatShape(shape)} holds ${elementCount(shape)}; the counts must be equal.`,
      );
    return [{ dtype: x!.dtype, shape }];
  },
  gradient: ({ inputs: [x], upstream: [dy] }) => [reshape(dy!, x!.shape)],
  lower: (context, inputs, { attributes: { shape } }) =>
    context.emit("Reshape", [inputs[0]!, context.shape(shape)], { allowzero: { int: 1 } }),
  evaluate: (context, [x], { shape }) => [ndarray(x!.dtype, context.sizes(shape), x!.data)],
  recompute: true,
  samples: () => [
    { inputs: [floats("two", "three", 5)], build: (x) => reshape(x!, [x!.shape[1]!, 5, x!.shape[0]!]) },
    { inputs: [floats("three", "five")], build: (x) => reshape(x!, [elementCount(x!.shape)]) },
  ],
};

/** The same elements, in row-major order, under another shape. */
export const reshape = defineOperation(
  reshapeOperation,
  (make): ((x: Tensor, shape: Shape) => Tensor) =>
    (x, shape) =>
      sameShape(x.shape, shape) ? x : make([x], { shape }).outputs[0]!,
);

const transposeOperation: Operation<{ permutation: readonly number[] }> = {
  name: "transpose",
  infer: ([x], { permutation }) => [{ dtype: x!.dtype, shape: permutation.map((axis) => x!.shape[axis]!) }],
  gradient: ({ attributes: { permutation }, upstream: [dy] }) => [
    transpose(
      dy!,
      permutation.map((_, axis) => permutation.indexOf(axis)),
    ),
  ],
  lower: (context, inputs, { attributes: { permutation } }) =>
    context.emit("Transpose", inputs, { perm: { ints: permutation } }),
  evaluate: (_, [x], { permutation }) => {
    const source = new Array<number>(permutation.length);
    return [
      tabulate(
        x!.dtype,
        permutation.map((axis) => x!.shape[axis]!),
        (index) => {
          permutation.forEach((axis, position) => {
            source[axis] = index[position]!;
          });
          return at(x!, source);
        },
      ),
    ];
  },
  recompute: true,
  samples: () => [
    { inputs: [floats("three", "five")], build: (x) => transpose(x!) },
    { inputs: [floats("two", "three", "five")], build: (x) => transpose(x!, [1, 2, 0]) },
  ],
};

/** Axes in another order: axis `i` of the result is axis `permutation[i]` of the operand. */
export const transpose = defineOperation(
  transposeOperation,
  (make): ((x: Tensor, permutation?: readonly number[]) => Tensor) =>
    (x, permutation = x.shape.map((_, axis) => x.shape.length - 1 - axis)) => {
      const sorted = [...permutation].sort((a, b) => a - b);
      if (permutation.length !== x.shape.length || sorted.some((axis, position) => axis !== position))
        throw new ShapeError(
          `transpose: [${permutation.join(", ")}] does not name each of the ${x.shape.length} axes of ${formatShape(x.shape)} once; list every axis from 0 to ${x.shape.length - 1}.`,
        );
      return permutation.every((axis, position) => axis === position)
        ? x
        : make([x], { permutation }).outputs[0]!;
    },
);

const expandOperation: Operation<{ shape: Shape }> = {
  name: "expand",
  infer: ([x], { shape }) => {
    if (!sameShape(broadcastShapes("expand", x!.shape, shape), shape))
      throw new ShapeError(
        `expand: ${formatShape(x!.shape)} does not broadcast to ${formatShape(shape)}; each size must be equal or 1.`,
      );
    return [{ dtype: x!.dtype, shape }];
  },
  gradient: ({ inputs: [x], upstream: [dy] }) => [sumTo(dy!, x!.shape)],
  lower: (context, inputs, { attributes: { shape } }) =>
    context.emit("Expand", [inputs[0]!, context.shape(shape)]),
  evaluate: (context, [x], { shape }) => [tabulate(x!.dtype, context.sizes(shape), (index) => at(x!, index))],
  recompute: true,
  samples: () => [
    {
      inputs: [floats("three", 1), floats("five")],
      build: (x, y) => mul(expand(x!, [2, x!.shape[0]!, y!.shape[0]!]), y!),
    },
    { inputs: [floats(1)], build: (x) => expand(x!, [7]) },
  ],
};

/** The operand repeated along axes of size 1, and along new leading axes, until it has `shape`. */
export const expand = defineOperation(
  expandOperation,
  (make): ((x: Tensor, shape: Shape) => Tensor) =>
    (x, shape) =>
      sameShape(x.shape, shape) ? x : make([x], { shape }).outputs[0]!,
);

/** A tensor of one value. */
export const fill = (value: number, like: { dtype: Tensor["dtype"]; shape: Shape }): Tensor =>
  expand(constant(value, { dtype: like.dtype }), like.shape);

const concatOperation: Operation<{ axis: number }> = {
  name: "concat",
  infer: (parts, { axis }) => {
    const [first, ...others] = parts;
    for (const other of others) {
      sameDType("concat", first!, other);
      if (other.shape.length !== first!.shape.length)
        throw new ShapeError(
          `concat: ${formatShape(first!.shape)} and ${formatShape(other.shape)} have ${first!.shape.length} and ${other.shape.length} axes; reshape one to the other's number of axes.`,
        );
      other.shape.forEach((size, position) => {
        if (position !== axis && size !== first!.shape[position])
          throw new ShapeError(
            `concat: axis ${position} is ${first!.shape[position]} in one part but ${size} in another (${formatShape(first!.shape)} and ${formatShape(other.shape)}, joined on axis ${axis}). Every other axis must be equal.`,
          );
      });
    }
    const total = parts.map((part) => part.shape[axis]!).reduce(addDimensions);
    return [
      {
        dtype: first!.dtype,
        shape: first!.shape.map((size, position) => (position === axis ? total : size)),
      },
    ];
  },
  gradient: ({ inputs, attributes: { axis }, upstream: [dy] }) =>
    split(
      dy!,
      inputs.map((part) => part.shape[axis]!),
      axis,
    ),
  lower: (context, inputs, { attributes: { axis } }) =>
    context.emit("Concat", inputs, { axis: { int: axis } }),
  evaluate: (_, parts, { axis }) => {
    const total = parts.reduce((sum, part) => sum + part.shape[axis]!, 0);
    const result = ndarray(
      parts[0]!.dtype,
      parts[0]!.shape.map((size, position) => (position === axis ? total : size)),
    );
    let offset = 0;
    for (const part of parts) {
      forEachIndex(part.shape, (index, flat) => {
        const target = index.reduce(
          (sum, i, position) => sum * result.shape[position]! + i + (position === axis ? offset : 0),
          0,
        );
        result.data[target] = part.data[flat]!;
      });
      offset += part.shape[axis]!;
    }
    return [result];
  },
  samples: () => [
    { inputs: [floats("two", "three"), floats("five", "three")], build: (a, b) => concat([a!, b!], 0) },
    {
      inputs: [floats("two", "three"), floats("two", "five"), floats("two", "one")],
      build: (...parts) => concat(parts, -1),
    },
  ],
};

/** Tensors joined along an axis. */
export const concat = defineOperation(
  concatOperation,
  (make): ((parts: readonly Tensor[], axis: number) => Tensor) =>
    (parts, axis) => {
      if (parts.length === 0) throw new ShapeError("concat: no tensors were given; give at least one.");
      const normal = normaliseAxis("concat", axis, parts[0]!.shape);
      return parts.length === 1 ? parts[0]! : make(parts, { axis: normal }).outputs[0]!;
    },
);

const replaceAxis = (shape: Shape, axis: number, size: Dimension): Shape =>
  shape.map((old, position) => (position === axis ? size : old));

const splitOperation: Operation<{ sizes: readonly Dimension[]; axis: number }> = {
  name: "split",
  infer: ([x], { sizes, axis }) => {
    const total = sizes.reduce(addDimensions);
    if (total !== x!.shape[axis])
      throw new ShapeError(
        `split: axis ${axis} of ${formatShape(x!.shape)} is ${x!.shape[axis]} but the parts [${sizes.join(", ")}] add up to ${total}; make the parts cover the axis exactly.`,
      );
    return sizes.map((size) => ({ dtype: x!.dtype, shape: replaceAxis(x!.shape, axis, size) }));
  },
  gradient: ({ outputs, attributes: { axis }, upstream }) => [
    concat(
      outputs.map((output, index) => upstream[index] ?? fill(0, output)),
      axis,
    ),
  ],
  lower: (context, inputs, { attributes: { sizes, axis } }) =>
    context.emit("Split", [inputs[0]!, context.shape(sizes)], { axis: { int: axis } }, sizes.length),
  evaluate: (context, [x], { sizes, axis }) => {
    let offset = 0;
    return sizes.map((dimension) => {
      const size = context.size(dimension);
      const start = offset;
      offset += size;
      return tabulate(x!.dtype, replaceAxis(x!.shape, axis, size) as number[], (index) =>
        at(
          x!,
          index.map((i, position) => (position === axis ? i + start : i)),
        ),
      );
    });
  },
  samples: () => [
    { inputs: [floats("two", 10)], build: (x) => split(x!, [2, 3, 5], 1) },
    {
      inputs: [floats("two", "seven"), floats("three", "seven")],
      build: (x, y) => split(concat([x!, y!], 0), [x!.shape[0]!, y!.shape[0]!], 0),
    },
  ],
};

/** The operand cut into parts of the given sizes along an axis. */
export const split = defineOperation(
  splitOperation,
  (make): ((x: Tensor, sizes: readonly Dimension[], axis: number) => readonly Tensor[]) =>
    (x, sizes, axis) => {
      const normal = normaliseAxis("split", axis, x.shape);
      return sizes.length === 1 && sizes[0] === x.shape[normal]
        ? [x]
        : make([x], { sizes, axis: normal }).outputs;
    },
);

const sliceOperation: Operation<{ axis: number; start: Dimension; size: Dimension }> = {
  name: "slice",
  infer: ([x], { axis, start, size }) => {
    const length = x!.shape[axis]!;
    if (typeof length === "number" && typeof start === "number" && typeof size === "number")
      if (start < 0 || size < 0 || start + size > length)
        throw new ShapeError(
          `slice: elements ${start} to ${start + size} lie outside axis ${axis} of ${formatShape(x!.shape)}, whose size is ${length}; shorten the slice.`,
        );
    return [{ dtype: x!.dtype, shape: replaceAxis(x!.shape, axis, size) }];
  },
  gradient: ({ inputs: [x], attributes: { axis, start, size }, upstream: [dy] }) => [
    pad(dy!, axis, start, subtractDimensions(x!.shape[axis]!, addDimensions(start, size))),
  ],
  lower: (context, inputs, { attributes: { axis, start, size } }) =>
    context.emit("Slice", [
      inputs[0]!,
      context.shape([start]),
      context.shape([addDimensions(start, size)]),
      context.constant("int64", [1], [axis]),
    ]),
  evaluate: (context, [x], { axis, start, size }) => {
    const first = context.size(start);
    return [
      tabulate(x!.dtype, replaceAxis(x!.shape, axis, context.size(size)) as number[], (index) =>
        at(
          x!,
          index.map((i, position) => (position === axis ? i + first : i)),
        ),
      ),
    ];
  },
  samples: () => [
    { inputs: [floats("seven", "three")], build: (x) => slice(x!, 1, 0, 1) },
    { inputs: [floats(7, "three")], build: (x) => slice(x!, 0, 2, 3) },
    { inputs: [floats("two", "seven")], build: (x) => slice(x!, -1, subtractDimensions(x!.shape[1]!, 1), 1) },
  ],
};

/** `size` elements of an axis, from `start` on. */
export const slice = defineOperation(
  sliceOperation,
  (make): ((x: Tensor, axis: number, start: Dimension, size: Dimension) => Tensor) =>
    (x, axis, start, size) => {
      const normal = normaliseAxis("slice", axis, x.shape);
      return start === 0 && size === x.shape[normal]
        ? x
        : make([x], { axis: normal, start, size }).outputs[0]!;
    },
);

const padOperation: Operation<{ axis: number; before: Dimension; after: Dimension; value: number }> = {
  name: "pad",
  infer: ([x], { axis, before, after }) => {
    for (const count of [before, after])
      if (typeof count === "number" && count < 0)
        throw new ShapeError(
          `pad: cannot add ${count} elements to axis ${axis} of ${formatShape(x!.shape)}; use slice to remove some.`,
        );
    const size = addDimensions(addDimensions(before, x!.shape[axis]!), after);
    return [{ dtype: x!.dtype, shape: replaceAxis(x!.shape, axis, size) }];
  },
  gradient: ({ inputs: [x], attributes: { axis, before }, upstream: [dy] }) => [
    slice(dy!, axis, before, x!.shape[axis]!),
  ],
  // Every axis is given: where only some are, the runtime moves a transposition past it wrongly (its reordering of pads knows no axes).
  lower: (context, inputs, { inputs: [x], attributes: { axis, before, after, value } }) => {
    const none: Shape = x!.shape.map(() => 0);
    return context.emit("Pad", [
      inputs[0]!,
      context.shape([...replaceAxis(none, axis, before), ...replaceAxis(none, axis, after)]),
      context.constant(x!.dtype, [], [value]),
    ]);
  },
  evaluate: (context, [x], { axis, before, after, value }) => {
    const first = context.size(before);
    const length = x!.shape[axis]!;
    return [
      tabulate(
        x!.dtype,
        replaceAxis(x!.shape, axis, first + length + context.size(after)) as number[],
        (index) => {
          const inside = index[axis]! - first;
          if (inside < 0 || inside >= length) return value;
          return at(
            x!,
            index.map((i, position) => (position === axis ? inside : i)),
          );
        },
      ),
    ];
  },
  samples: () => [
    { inputs: [floats("three", "five")], build: (x) => pad(x!, 0, 2, 1) },
    { inputs: [floats("three", "five")], build: (x) => pad(x!, 1, 0, x!.shape[0]!, -1.5) },
  ],
};

/** The operand with `before` and `after` elements of `value` added to an axis. */
export const pad = defineOperation(
  padOperation,
  (make): ((x: Tensor, axis: number, before: Dimension, after: Dimension, value?: number) => Tensor) =>
    (x, axis, before, after, value = 0) => {
      const normal = normaliseAxis("pad", axis, x.shape);
      return before === 0 && after === 0 ? x : make([x], { axis: normal, before, after, value }).outputs[0]!;
    },
);

/** Tensors of one shape joined on a new axis. */
export const stack = (parts: readonly Tensor[], axis = 0): Tensor =>
  concat(
    parts.map((part) => unsqueeze(part, axis)),
    axis,
  );

/** A new axis of size 1 at position `axis` of the result. */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  const position = axis < 0 ? axis + x.shape.length + 1 : axis;
  return reshape(x, [...x.shape.slice(0, position), 1, ...x.shape.slice(position)]);
}

/** Without the axis at `axis`, whose size must be 1. @throws ShapeError where it is not. */
export function squeeze(x: Tensor, axis: number): Tensor {
  const position = normaliseAxis("squeeze", axis, x.shape);
  if (x.shape[position] !== 1)
    throw new ShapeError(
      `squeeze: axis ${position} of ${formatShape(x.shape)} is ${x.shape[position]}, not 1; only axes of size 1 can be removed.`,
    );
  return reshape(x, [...x.shape.slice(0, position), ...x.shape.slice(position + 1)]);
}
