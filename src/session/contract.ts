import type { Bindings, DType, Tensor, TypedArray } from "../core/index.js";
import { resolveDimension, ShapeError } from "../core/index.js";
import type { LowerOptions, Program } from "../onnx/index.js";
import { inputAttributes } from "../ops/index.js";

/** A tensor with values, as it goes into and comes out of a session. */
export interface Value {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** One number as a value without axes, float32. */
export const scalar = (value: number): Value => ({
  dtype: "float32",
  shape: [],
  data: Float32Array.of(value),
});

export type Values = Readonly<Record<string, Value>>;

/**
 * Values of inputs as constants of a program that is loaded (`values` of `LoadOptions`). The runtime packs constants
 * once, where it packs inputs at every run: for weights that stay as they are.
 */
export const constants = (values: Values): Readonly<Record<string, TypedArray>> =>
  Object.fromEntries(Object.entries(values).map(([name, { data }]) => [name, data]));

/** A program that has been loaded and can be run any number of times. */
export interface Session {
  /** The inputs a run must be given. */
  readonly inputs: readonly Tensor[];
  /**
   * Runs the program once.
   * @param feeds a value for every input, by name
   * @param into storage for outputs, by name: an output named here is written into the given array, not a new one
   * @throws ShapeError where a feed is missing or of no input, or its type, shape or sizes do not fit
   */
  run(feeds: Values, into?: Values): Promise<Record<string, Value>>;
  /** Frees the memory the session holds. */
  release(): Promise<void>;
}

export interface LoadOptions extends LowerOptions {
  /** Threads to use; as many as the machine has cores where absent. */
  readonly threads?: number;
}

/** Something that runs programs. */
export interface Backend {
  readonly name: string;
  load(program: Program, options?: LoadOptions): Promise<Session>;
}

/** Those of some values that a program reads: a model's step does not use all of its parameters. */
export const neededBy = ({ inputs }: Pick<Session, "inputs">, values: Values): Values =>
  Object.fromEntries(
    inputs.flatMap((tensor) => {
      const { name } = inputAttributes(tensor)!;
      return values[name] ? [[name, values[name]]] : [];
    }),
  );

/**
 * Checks feeds against inputs and finds the sizes of named dimensions.
 * @throws ShapeError naming the input, the axis, both sizes and both shapes
 */
export function bindSizes(inputs: readonly Tensor[], feeds: Values): Bindings {
  const bindings = new Map<string, number>();
  const show = (shape: readonly unknown[]) => `[${shape.join(", ")}]`;
  const names = inputs.map((tensor) => inputAttributes(tensor)!.name);
  const unknown = Object.keys(feeds).find((name) => !names.includes(name));
  for (const tensor of inputs) {
    const { name } = inputAttributes(tensor)!;
    const value = feeds[name];
    if (!value)
      throw new ShapeError(
        `run: no value was given for input "${name}" (${tensor.dtype} ${show(tensor.shape)}); add it to the feeds.`,
      );
    if (value.dtype !== tensor.dtype || value.shape.length !== tensor.shape.length)
      throw new ShapeError(
        `run: input "${name}" is ${tensor.dtype} ${show(tensor.shape)} but was given ${value.dtype} ${show(value.shape)}; convert or reshape the value.`,
      );
    const count = value.shape.reduce((a, b) => a * b, 1);
    if (count !== value.data.length)
      throw new ShapeError(
        `run: input "${name}" was given ${value.data.length} elements for shape ${show(value.shape)}, which holds ${count}.`,
      );
    tensor.shape.forEach((dimension, axis) => {
      const size = value.shape[axis]!;
      if (typeof dimension === "string" && /^\w+$/.test(dimension) && !bindings.has(dimension))
        bindings.set(dimension, size);
    });
  }
  if (unknown !== undefined)
    throw new ShapeError(
      `run: "${unknown}" is no input of this program, whose inputs are ${names.map((name) => `"${name}"`).join(", ") || "none"}; leave it out, or correct its name.`,
    );
  for (const tensor of inputs) {
    const { name } = inputAttributes(tensor)!;
    tensor.shape.forEach((dimension, axis) => {
      const expected = resolveDimension(dimension, bindings);
      const size = feeds[name]!.shape[axis]!;
      if (expected !== size)
        throw new ShapeError(
          `run: axis ${axis} of input "${name}" is ${dimension}${typeof dimension === "string" ? ` = ${expected}` : ""} but was given ${size} (${show(tensor.shape)} and ${show(feeds[name]!.shape)}). Feed sizes that agree.`,
        );
    });
  }
  return bindings;
}
