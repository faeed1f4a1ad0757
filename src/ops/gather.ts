import {
  at,
  type Dimension,
  type DType,
  forEachIndex,
  formatShape,
  multiplyDimensions,
  ndarray,
  normaliseAxis,
  type Operation,
  type Shape,
  ShapeError,
  sameShape,
  stridesOf,
  type Tensor,
  tabulate,
} from "../core/index.js";
import { equal } from "./compare.js";
import { constant } from "./constant.js";
import { defineOperation, floats, indices, requireDType, sameDType } from "./define.js";
import { fill, transpose, unsqueeze } from "./layout.js";
import { cast } from "./where.js";

const gatherOperation: Operation<{ axis: number }> = {
  name: "gather",
  infer: ([x, picks], { axis }) => {
    requireDType("gather", "indices", picks!, "int32");
    return [
      { dtype: x!.dtype, shape: [...x!.shape.slice(0, axis), ...picks!.shape, ...x!.shape.slice(axis + 1)] },
    ];
  },
  gradient: ({ inputs: [x, picks], attributes: { axis }, upstream: [dy] }) => {
    const rank = picks!.shape.length;
    const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
    const total = dy!.shape.length;
    const front = transpose(dy!, [
      ...range(axis, axis + rank),
      ...range(0, axis),
      ...range(axis + rank, total),
    ]);
    const summed = scatterAdd(picks!, front, x!.shape[axis]!);
    return [transpose(summed, [...range(1, axis + 1), 0, ...range(axis + 1, x!.shape.length)]), undefined];
  },
  lower: (context, inputs, { attributes: { axis } }) =>
    context.emit("Gather", inputs, { axis: { int: axis } }),
  evaluate: (_, [x, picks], { axis }) => {
    const rank = picks!.shape.length;
    return [
      tabulate(
        x!.dtype,
        [...x!.shape.slice(0, axis), ...picks!.shape, ...x!.shape.slice(axis + 1)],
        (index) =>
          at(x!, [
            ...index.slice(0, axis),
            at(picks!, index.slice(axis, axis + rank)),
            ...index.slice(axis + rank),
          ]),
      ),
    ];
  },
  samples: () => [
    { inputs: [floats(7, "three"), indices(7, "five")], build: (x, picks) => gather(x!, picks!) },
    { inputs: [floats(5, "three"), indices(5, "two", "seven")], build: (x, picks) => gather(x!, picks!) },
    { inputs: [floats("two", 5, "three"), indices(5, "seven")], build: (x, picks) => gather(x!, picks!, 1) },
  ],
};

/**
 * Slices of `x` picked along an axis: the axis is replaced by the axes of `indices` (int32). With axis 0 and a
 * table [V, E], token numbers [T, B] give embeddings [T, B, E].
 */
export const gather = defineOperation(
  gatherOperation,
  (make): ((x: Tensor, indices: Tensor, axis?: number) => Tensor) =>
    (x, picks, axis = 0) =>
      make([x, picks], { axis: normaliseAxis("gather", axis, x.shape) }).outputs[0]!,
);

/** Up to so many rows a product adds slices into them sooner than one after another. */
const FEW_ROWS = 256;

const scatterAddOperation: Operation<{ size: Dimension }> = {
  name: "scatterAdd",
  infer: ([picks, updates], { size }) => {
    requireDType("scatterAdd", "indices", picks!, "int32");
    const lead = updates!.shape.slice(0, picks!.shape.length);
    if (!sameShape(lead, picks!.shape))
      throw new ShapeError(
        `scatterAdd: updates ${formatShape(updates!.shape)} must begin with the shape of the indices ${formatShape(picks!.shape)}; give one slice for each index.`,
      );
    return [{ dtype: updates!.dtype, shape: [size, ...updates!.shape.slice(picks!.shape.length)] }];
  },
  gradient: ({ inputs: [picks], upstream: [dy] }) => [undefined, gather(dy!, picks!)],
  lower: (context, [picks, updates], { inputs: [p, u], outputs: [y], attributes: { size } }) => {
    const count = multiplyDimensions(...p!.shape);
    const width = multiplyDimensions(...u!.shape.slice(p!.shape.length));
    const [rows] = context.emit("Reshape", [updates!, context.shape([count, width])]);
    if (typeof size === "number" && size <= FEW_ROWS && u!.dtype === "float32") {
      const [flat] = context.emit("Reshape", [picks!, context.shape([count])]);
      const [chosen] = context.emit(
        "OneHot",
        [flat!, context.constant("int32", [], [size]), context.constant("float32", [2], [0, 1])],
        { axis: { int: 0 } },
      );
      const [summed] = context.emit("MatMul", [chosen!, rows!]);
      return context.emit("Reshape", [summed!, context.shape(y!.shape)]);
    }
    const [zeros] = context.emit("Expand", [
      context.constant(u!.dtype, [], [0]),
      context.shape([size, width]),
    ]);
    const [column] = context.emit("Reshape", [picks!, context.shape([count, 1])]);
    const [everywhere] = context.emit("Expand", [column!, context.shape([count, width])]);
    const [summed] = context.emit("ScatterElements", [zeros!, everywhere!, rows!], {
      axis: { int: 0 },
      reduction: { string: "add" },
    });
    return context.emit("Reshape", [summed!, context.shape(y!.shape)]);
  },
  evaluate: (context, [picks, updates], { size }) => {
    const rest = updates!.shape.slice(picks!.shape.length);
    const result = ndarray(updates!.dtype, [context.size(size), ...rest]);
    const width = rest.reduce((a, b) => a * b, 1);
    updates!.data.forEach((value, flat) => {
      result.data[picks!.data[Math.floor(flat / width)]! * width + (flat % width)]! += value;
    });
    return [result];
  },
  sumOverSteps: ({ inputs: [picks, updates], attributes: { size } }, stack) =>
    scatterAdd(stack(picks!), stack(updates!), size),
  samples: () => [
    { inputs: [indices(7, "five"), floats("five", "three")], build: (picks, x) => scatterAdd(picks!, x!, 7) },
    {
      inputs: [indices(3, "two", "five"), floats("two", "five")],
      build: (picks, x) => scatterAdd(picks!, x!, 3),
    },
    {
      inputs: [indices(FEW_ROWS + 1, "seven"), floats("seven", "three")],
      build: (picks, x) => scatterAdd(picks!, x!, FEW_ROWS + 1),
    },
  ],
};

/**
 * Slices added into rows of zeros: the transpose of `gather` along axis 0. `indices` [I...] (int32) and `updates`
 * [I..., R...] give [size, R...]; slices with one index add up.
 */
export const scatterAdd = defineOperation(
  scatterAddOperation,
  (make): ((indices: Tensor, updates: Tensor, size: Dimension) => Tensor) =>
    (picks, updates, size) =>
      make([picks, updates], { size }).outputs[0]!,
);

function checkAlong(
  name: string,
  x: { shape: Shape },
  picks: { shape: Shape; dtype: DType },
  axis: number,
): void {
  requireDType(name, "indices", picks, "int32");
  const others = (shape: Shape) => shape.filter((_, position) => position !== axis);
  if (picks.shape.length !== x.shape.length || !sameShape(others(picks.shape), others(x.shape)))
    throw new ShapeError(
      `${name}: indices ${formatShape(picks.shape)} must have the shape of the data ${formatShape(x.shape)} on every axis but ${axis}; expand or reshape them.`,
    );
}

const takeAlongAxisOperation: Operation<{ axis: number }> = {
  name: "takeAlongAxis",
  infer: ([x, picks], { axis }) => {
    checkAlong("takeAlongAxis", x!, picks!, axis);
    return [{ dtype: x!.dtype, shape: picks!.shape }];
  },
  gradient: ({ inputs: [x, picks], attributes: { axis }, upstream: [dy] }) => [
    scatterAddAlongAxis(fill(0, x!), picks!, dy!, axis),
    undefined,
  ],
  lower: (context, inputs, { attributes: { axis } }) =>
    context.emit("GatherElements", inputs, { axis: { int: axis } }),
  evaluate: (_, [x, picks], { axis }) => [
    tabulate(x!.dtype, picks!.shape, (index) =>
      at(
        x!,
        index.map((i, position) => (position === axis ? at(picks!, index) : i)),
      ),
    ),
  ],
  samples: () => [
    {
      inputs: [floats("three", 5), indices(5, "three", "two")],
      build: (x, picks) => takeAlongAxis(x!, picks!, 1),
    },
    {
      inputs: [floats(3, "five"), indices(3, "seven", "five")],
      build: (x, picks) => takeAlongAxis(x!, picks!, 0),
    },
  ],
};

/** Elements of `x` picked along an axis by `indices` (int32), which has the shape of `x` on every other axis. */
export const takeAlongAxis = defineOperation(
  takeAlongAxisOperation,
  (make): ((x: Tensor, indices: Tensor, axis: number) => Tensor) =>
    (x, picks, axis) =>
      make([x, picks], { axis: normaliseAxis("takeAlongAxis", axis, x.shape) }).outputs[0]!,
);

const scatterAddAlongAxisOperation: Operation<{ axis: number }> = {
  name: "scatterAddAlongAxis",
  infer: ([x, picks, updates], { axis }) => {
    sameDType("scatterAddAlongAxis", x!, updates!);
    checkAlong("scatterAddAlongAxis", x!, picks!, axis);
    if (!sameShape(picks!.shape, updates!.shape))
      throw new ShapeError(
        `scatterAddAlongAxis: indices are ${formatShape(picks!.shape)} but updates are ${formatShape(updates!.shape)}; give one update for each index.`,
      );
    return [{ dtype: x!.dtype, shape: x!.shape }];
  },
  gradient: ({ inputs: [, picks], attributes: { axis }, upstream: [dy], wanted }) => [
    dy,
    undefined,
    wanted[2] ? takeAlongAxis(dy!, picks!, axis) : undefined,
  ],
  lower: (context, inputs, { attributes: { axis } }) =>
    context.emit("ScatterElements", inputs, { axis: { int: axis }, reduction: { string: "add" } }),
  evaluate: (_, [x, picks, updates], { axis }) => {
    const result = ndarray(x!.dtype, x!.shape, x!.data);
    const strides = stridesOf(x!.shape);
    forEachIndex(picks!.shape, (index, flat) => {
      const target = index.reduce(
        (sum, i, position) => sum + strides[position]! * (position === axis ? picks!.data[flat]! : i),
        0,
      );
      result.data[target]! += updates!.data[flat]!;
    });
    return [result];
  },
  samples: () => [
    {
      inputs: [floats("three", 5), indices(5, "three", "seven"), floats("three", "seven")],
      build: (x, picks, updates) => scatterAddAlongAxis(x!, picks!, updates!, 1),
    },
  ],
};

/** `x` with `updates` added at places picked along an axis by `indices` (int32); places named twice get both. */
export const scatterAddAlongAxis = defineOperation(
  scatterAddAlongAxisOperation,
  (make): ((x: Tensor, indices: Tensor, updates: Tensor, axis: number) => Tensor) =>
    (x, picks, updates, axis) =>
      make([x, picks, updates], { axis: normaliseAxis("scatterAddAlongAxis", axis, x.shape) }).outputs[0]!,
);

/** Indices (int32) as vectors of `depth` elements that are 1 at the index and 0 elsewhere, on a new last axis. */
export function oneHot(picks: Tensor, depth: number, dtype: DType = "float32"): Tensor {
  const classes = constant(
    Array.from({ length: depth }, (_, i) => i),
    { dtype: "int32" },
  );
  return cast(equal(unsqueeze(picks, -1), classes), dtype);
}
