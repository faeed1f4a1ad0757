import type { Bindings, DType, Tensor, TypedArray } from "../core/index.js";
import {
  countOf,
  formatShape,
  kindOf,
  Random,
  RegardError,
  resolveDimension,
  ShapeError,
  stores,
  typedArray,
  UsageError,
} from "../core/index.js";
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

/** Values by the names of inputs or outputs. */
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
   * @throws ShapeError where a feed is missing or of no input, or its type, shape or sizes do not fit, or those of storage
   * @throws RegardError where the session was released
   */
  run(feeds: Values, into?: Values): Promise<Record<string, Value>>;
  /** Frees the memory the session holds; once is enough. */
  release(): Promise<void>;
}

/** How a program is loaded. */
export interface LoadOptions extends LowerOptions {
  /** Threads to use; as many as the machine has cores where absent. */
  readonly threads?: number;
}

/** The threads that are asked for. @throws UsageError where their number is none */
export function threadsOf({ threads }: LoadOptions): number | undefined {
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1))
    throw new UsageError(`load: threads is ${threads} but must be a whole number from 1.`);
  return threads;
}

/** Something that runs programs. */
export interface Backend {
  readonly name: string;
  load(program: Program, options?: LoadOptions): Promise<Session>;
}

/**
 * Those of some values that a program reads: a model's step does not use all of its parameters. What it draws by chance and is not
 * given is drawn by the seed 0, so that what is scored, asked and explained is one and the same.
 * @param drawnBy the seed and the step that a noise input is a function of, where others are wanted
 */
export function neededBy(
  { inputs }: Pick<Session, "inputs">,
  values: Values,
  drawnBy: (noise: Tensor) => { readonly seed?: number; readonly step?: number } = () => ({}),
): Values {
  const found: Record<string, Value> = {};
  let sizes: Bindings | undefined;
  for (const tensor of inputs) {
    const { name, role } = inputAttributes(tensor)!;
    if (values[name]) found[name] = values[name];
    else if (role.kind === "noise") {
      sizes ??= sizesOf(inputs, values);
      found[name] = noiseValue(tensor, sizes, drawnBy(tensor));
    }
  }
  return found;
}

/** Sizes by their names, as the values of inputs have them. */
export function sizesOf(inputs: readonly Tensor[], values: Values): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const tensor of inputs) {
    const value = values[inputAttributes(tensor)!.name];
    tensor.shape.forEach((dimension, axis) => {
      if (value && typeof dimension === "string") sizes.set(dimension, value.shape[axis]!);
    });
  }
  return sizes;
}

/**
 * What a noise input is fed where it is drawn as a whole: a function of (seed, name, step). The first rows are the same however many there
 * are, so that what a step draws does not depend on how many follow.
 */
export function noiseValue(
  noise: Tensor,
  sizes: Bindings,
  { seed = 0, step = 0 }: { readonly seed?: number; readonly step?: number },
): Value {
  const { name, role } = inputAttributes(noise)!;
  const { dtype } = noise;
  const shape = noise.shape.map((dimension) => resolveDimension(dimension, sizes));
  const data = typedArray(dtype, countOf(shape));
  new Random(seed, `noise ${name}`, step).fill(role.distribution ?? "uniform", data as Float32Array);
  return { dtype, shape, data };
}

/** @throws ShapeError where something is no value at all */
function requireValue(role: string, value: unknown): asserts value is Value {
  const { dtype, shape, data } = (value ?? {}) as Partial<Value>;
  if (typeof dtype !== "string" || !Array.isArray(shape) || data === undefined)
    throw new ShapeError(
      `run: ${role} was given ${kindOf(value)}, which is no value; give { dtype, shape, data }.`,
    );
}

/** @throws ShapeError where an array is not of the kind or the length that its type and shape ask for */
function requireContents(role: string, { dtype, shape, data }: Value): void {
  if (!stores(dtype, data))
    throw new ShapeError(
      `run: ${role} is ${dtype} but its data is ${kindOf(data)}; give what typedArray("${dtype}", data) makes of it.`,
    );
  const count = shape.reduce((a, b) => a * b, 1);
  if (count !== data.length)
    throw new ShapeError(
      `run: ${role} was given ${data.length} elements for shape ${formatShape(shape)}, which holds ${count}.`,
    );
}

/**
 * Checks storage against the outputs it is for.
 * @throws ShapeError naming the output, both types and both shapes
 */
function checkStorage(program: Program, into: Values, bindings: Bindings): void {
  for (const [name, value] of Object.entries(into)) {
    const tensor = Object.hasOwn(program, name) ? program[name] : undefined;
    if (!tensor)
      throw new ShapeError(
        `run: "${name}" is no output of this program, whose outputs are ${Object.keys(program)
          .map((each) => `"${each}"`)
          .join(", ")}; leave its storage out, or correct its name.`,
      );
    const role = `the storage of output "${name}"`;
    requireValue(role, value);
    const shape = tensor.shape.map((dimension) => resolveDimension(dimension, bindings));
    if (value.dtype !== tensor.dtype || formatShape(value.shape) !== formatShape(shape))
      throw new ShapeError(
        `run: output "${name}" is ${tensor.dtype} ${formatShape(shape)} but its storage is ${value.dtype} ${formatShape(value.shape)}; give storage of that type and shape, or none.`,
      );
    requireContents(role, value);
  }
}

/** A session that checks what it is given, whatever runs it. */
export function checkedSession(
  program: Program,
  inputs: readonly Tensor[],
  runner: {
    run(feeds: Values, into: Values, bindings: Bindings): Promise<Record<string, Value>>;
    release(): Promise<void>;
  },
): Session {
  let released = false;
  return {
    inputs,
    async run(feeds, into = {}) {
      if (released)
        throw new RegardError("run: this session was released; load the program again to run it.");
      const bindings = bindSizes(inputs, feeds);
      checkStorage(program, into, bindings);
      return runner.run(feeds, into, bindings);
    },
    async release() {
      if (released) return;
      released = true;
      await runner.release();
    },
  };
}

/**
 * Checks feeds against inputs and finds the sizes of named dimensions.
 * @throws ShapeError naming the input, the axis, both sizes and both shapes
 */
export function bindSizes(inputs: readonly Tensor[], feeds: Values): Bindings {
  const bindings = new Map<string, number>();
  if (typeof feeds !== "object" || feeds === null)
    throw new ShapeError(`run: feeds are values by name, such as { x }, but this is ${kindOf(feeds)}.`);
  const names = inputs.map((tensor) => inputAttributes(tensor)!.name);
  const unknown = Object.keys(feeds).find((name) => !names.includes(name));
  for (const tensor of inputs) {
    const { name } = inputAttributes(tensor)!;
    const value = feeds[name];
    if (!value)
      throw new ShapeError(
        `run: no value was given for input "${name}" (${tensor.dtype} ${formatShape(tensor.shape)}); add it to the feeds.`,
      );
    requireValue(`input "${name}"`, value);
    if (value.dtype !== tensor.dtype || value.shape.length !== tensor.shape.length)
      throw new ShapeError(
        `run: input "${name}" is ${tensor.dtype} ${formatShape(tensor.shape)} but was given ${value.dtype} ${formatShape(value.shape)}; convert or reshape the value.`,
      );
    requireContents(`input "${name}"`, value);
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
          `run: axis ${axis} of input "${name}" is ${dimension}${typeof dimension === "string" ? ` = ${expected}` : ""} but was given ${size} (${formatShape(tensor.shape)} and ${formatShape(feeds[name]!.shape)}). Feed sizes that agree.`,
        );
    });
  }
  return bindings;
}
