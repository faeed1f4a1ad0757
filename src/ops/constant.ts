import {
  apply,
  type Dimension,
  type DType,
  dtypes,
  elementCount,
  formatShape,
  kindOf,
  ndarray,
  type Operation,
  type Shape,
  ShapeError,
  type Tensor,
  typedArray,
} from "../core/index.js";
import { mul } from "./binary.js";

const constantOperation: Operation<{ dtype: DType; shape: readonly number[]; data: readonly number[] }> = {
  name: "constant",
  infer: (_, { dtype, shape }) => [{ dtype, shape }],
  lower: (context, _, { attributes: { dtype, shape, data } }) => [
    context.constant(dtype, shape, typedArray(dtype, data)),
  ],
  evaluate: (_, __, { dtype, shape, data }) => [ndarray(dtype, shape, typedArray(dtype, data))],
  samples: () => [
    { inputs: [], differentiable: false, build: () => constant([1, 2, 3, 4, 5, 6], { shape: [2, 3] }) },
  ],
};

/**
 * A tensor of known values.
 * @param values one number for a scalar, or as many as `shape` has elements
 * @throws ShapeError where the count of values and the shape disagree
 */
export const constant = Object.assign(
  (
    values: number | readonly number[],
    options: { dtype?: DType; shape?: readonly number[] } = {},
  ): Tensor => {
    const data = typeof values === "number" ? [values] : values;
    const shape = options.shape ?? (typeof values === "number" ? [] : [values.length]);
    if (elementCount(shape) !== data.length)
      throw new ShapeError(
        `constant: ${data.length} values were given for shape ${formatShape(shape)}, which holds ${elementCount(shape)}.`,
      );
    return apply(constantOperation, [], { dtype: options.dtype ?? "float32", shape, data }).outputs[0]!;
  },
  { operation: constantOperation },
);

/** What an input is for, and what a session must know to feed it. */
export interface InputRole {
  readonly kind: "data" | "parameter" | "buffer" | "noise" | "body";
  /** For noise: the distribution its values are drawn from. */
  readonly distribution?: "uniform" | "normal";
}

const inputOperation: Operation<{ name: string; dtype: DType; shape: Shape; role: InputRole }> = {
  name: "input",
  infer: (_, { dtype, shape }) => [{ dtype, shape }],
  lower: (_, __, { attributes }) => {
    throw new ShapeError(
      `input: "${attributes.name}" is used outside the program or scan body it belongs to.`,
    );
  },
  evaluate: (_, __, { name }) => {
    throw new ShapeError(`input: no value was given for "${name}".`);
  },
  samples: () => [],
};

/** @throws ShapeError where a name, a type or a shape is none */
function requireInput(name: unknown, dtype: DType, shape: Shape): void {
  if (typeof name !== "string" || name === "")
    throw new ShapeError(`input: the name is ${kindOf(name)} but must be a text that is not empty.`);
  if (!dtypes.includes(dtype))
    throw new ShapeError(
      `input: "${name}" is of type ${kindOf(dtype)} but must be one of ${dtypes.join(", ")}.`,
    );
  if (!Array.isArray(shape))
    throw new ShapeError(
      `input: the shape of "${name}" is ${kindOf(shape)} but must be a list of sizes, such as ["batch", 3].`,
    );
  const wrong = shape.findIndex((size) =>
    typeof size === "string" ? size === "" : !Number.isInteger(size) || size < 0,
  );
  if (wrong >= 0)
    throw new ShapeError(
      `input: axis ${wrong} of "${name}" is ${kindOf(shape[wrong])} but must be a whole number from 0, or a name.`,
    );
}

/**
 * A value to be given when the program runs.
 * @throws ShapeError where a name, a type or a shape is none
 */
export const input = Object.assign(
  (name: string, dtype: DType, shape: Shape, role: InputRole = { kind: "data" }): Tensor => {
    requireInput(name, dtype, shape);
    return apply(inputOperation, [], { name, dtype, shape, role }).outputs[0]!;
  },
  { operation: inputOperation },
);

/** The attributes of an input tensor, or undefined where the tensor is not an input. */
export function inputAttributes(
  tensor: Tensor,
): { name: string; dtype: DType; shape: Shape; role: InputRole } | undefined {
  return tensor.node.operation === inputOperation ? (tensor.node.attributes as never) : undefined;
}

const extentOperation: Operation<{ dimension: Dimension; dtype: DType }> = {
  name: "extent",
  infer: (_, { dtype }) => [{ dtype, shape: [] }],
  lower: (context, _, { attributes: { dimension, dtype } }) => {
    const [scalar] = context.emit("Squeeze", [context.shape([dimension])]);
    return context.emit("Cast", [scalar!], { to: { int: context.onnxType(dtype) } });
  },
  evaluate: (context, _, { dimension, dtype }) => [ndarray(dtype, [], [context.size(dimension)])],
  samples: () => [
    {
      inputs: [{ kind: "float", shape: ["three", "five"] }],
      build: (x) => mul(x!, extent(x!.shape[1]!, x!.dtype)),
    },
  ],
};

/** The size of a dimension as a scalar tensor: a constant where it is known, otherwise read when the program runs. */
export const extent = Object.assign(
  (dimension: Dimension, dtype: DType): Tensor =>
    typeof dimension === "number"
      ? constant(dimension, { dtype })
      : apply(extentOperation, [], { dimension, dtype }).outputs[0]!,
  { operation: extentOperation },
);

const rangeOperation: Operation<{ length: Dimension; dtype: DType }> = {
  name: "range",
  infer: (_, { length, dtype }) => [{ dtype, shape: [length] }],
  lower: (context, _, { attributes: { length, dtype } }) => {
    const [end] = context.emit("Squeeze", [context.shape([length])]);
    const [numbers] = context.emit("Range", [
      context.constant("int64", [], [0]),
      end!,
      context.constant("int64", [], [1]),
    ]);
    return context.emit("Cast", [numbers!], { to: { int: context.onnxType(dtype) } });
  },
  evaluate: (context, _, { length, dtype }) => {
    const count = context.size(length);
    return [
      ndarray(
        dtype,
        [count],
        Array.from({ length: count }, (__, index) => index),
      ),
    ];
  },
  samples: () => [
    {
      inputs: [{ kind: "float", shape: ["three", "five"] }],
      build: (x) => mul(x!, range(x!.shape[1]!, x!.dtype)),
    },
  ],
};

/** The whole numbers from 0 up to, but without, `length`: [length]. */
export const range = Object.assign(
  (length: Dimension, dtype: DType): Tensor => apply(rangeOperation, [], { length, dtype }).outputs[0]!,
  { operation: rangeOperation },
);
