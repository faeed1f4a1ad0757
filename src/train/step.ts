import { gradient, slicesOf } from "../autodiff/index.js";
import type { StoredTensor } from "../core/index.js";
import { countOf, RegardError, type Tensor, type TypedArray, typedArray } from "../core/index.js";
import type { LearnerPlace } from "../models/index.js";
import { type Buffer, initialValues, type Parameter } from "../nn/index.js";
import type { Program } from "../onnx/index.js";
import { fill } from "../ops/index.js";
import type { Value, Values } from "../session/index.js";
import { GRAIN, type Kernels, kernelArrays } from "./kernels.js";
import type { Optimizer } from "./optimizer.js";
import { gatherRows, PORTION, type RowLayout, rowsAlong, scatterRows, summedRows } from "./rows.js";

/** Steps in a row that may be skipped before training is given up. */
export const MOST_SKIPPED = 10;

/** Where each parameter lies in the flat arrays that hold something of all of them. */
export interface Slot {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  /** Elements; those up to the next slot are padding and stay 0. */
  readonly length: number;
  readonly decays: boolean;
}

/** Parameters one behind the other, each at the beginning of a cache line. */
export interface Layout {
  readonly slots: readonly Slot[];
  /** Elements without the padding. */
  readonly count: number;
  readonly padded: number;
}

const inGrains = (count: number): number => Math.ceil(count / GRAIN) * GRAIN;

/** How parameters lie one after the other in a flat array, each from a whole grain of the kernels' on. */
export function layoutOf(parameters: readonly Parameter[]): Layout {
  let [count, padded] = [0, 0];
  const slots = parameters.map(({ name, shape, kind }) => {
    const length = countOf(shape);
    const slot = { name, shape, offset: padded, length, decays: kind === "weight" };
    count += length;
    padded += inGrains(length);
    return slot;
  });
  return { slots, count, padded };
}

/** What a flat array holds of each parameter, under a prefix and its name, without copies. */
const viewsOf = ({ slots }: Layout, flat: Float32Array, prefix = ""): Record<string, Value> =>
  Object.fromEntries(
    slots.map(({ name, shape, offset, length }) => [
      prefix + name,
      { dtype: "float32", shape, data: flat.subarray(offset, offset + length) },
    ]),
  );

/** What the names of a step's outputs, and of what a checkpoint holds besides the model, begin with. */
const GRADIENT = "gradient.";
/** Which rows of a parameter, by the axis they are along, a gradient is of that has not all of them. */
const ROWS = ["rows.", "columns."] as const;
const NEXT = "next.";
const OPTIMIZER = "optimizer.";

/**
 * Forward and backward as one program, to be loaded by a backend. A run of it is fed the inputs of the loss by name, each parameter and
 * each buffer by its own, float32 of its shape, and the noise that the model draws by: `neededBy(session, { ...state.feeds, ...batch },
 * () => ({ seed, step }))` has them all, where `state` is a `TrainingState`, whose `into` takes the outputs and whose `update` then
 * moves the parameters. `fit` does just this.
 *
 * Outputs: `loss`, those of `extra`, the gradient of each parameter (`gradient.<name>`, of its shape), and the buffers after the step
 * (`next.<name>`). With `byRows`, the gradient of a table of which a step reads some rows is of these alone, [N, W], and `rows.<name>`,
 * or `columns.<name>`, says which, [N].
 */
export function trainingStep(options: {
  readonly loss: Tensor;
  readonly parameters: readonly Parameter[];
  /** Gradients by the names of parameters, where they are not those of `loss`; 0 where one has none. */
  readonly gradients?: Readonly<Record<string, Tensor>>;
  /** What the model carries from step to step besides them. */
  readonly buffers?: readonly Buffer[];
  readonly extra?: Program;
  readonly byRows?: boolean;
}): Program {
  const { loss, parameters, buffers = [] } = options;
  const given = options.gradients;
  const gradients = given
    ? parameters.map(({ name, shape, tensor: { dtype } }) => given[name] ?? fill(0, { dtype, shape }))
    : gradient(
        loss,
        parameters.map(({ tensor }) => tensor),
      );
  return {
    loss,
    ...options.extra,
    ...Object.assign(
      {},
      ...parameters.map(({ name }, index) => {
        const found = options.byRows ? slicesOf(gradients[index]!) : undefined;
        return found
          ? { [GRADIENT + name]: found.values, [ROWS[found.axis] + name]: found.picks }
          : { [GRADIENT + name]: gradients[index]! };
      }),
    ),
    ...Object.fromEntries(buffers.map(({ name, next }) => [NEXT + name, next])),
  };
}

interface StateOptions {
  readonly workspace?: number | undefined;
  readonly program?: Program;
}

/**
 * The state of training: parameters, what the optimizer remembers of them, and the model's buffers. A step's program reads
 * parameters and buffers (`feeds`) and writes gradients (`into`); `update` then changes the state in place.
 */
export class TrainingState {
  readonly layout: Layout;
  /** The gradient of all parameters, as the last step wrote it, padding included. */
  readonly gradient: Float32Array;
  /** The current parameters by name, without copies: they change when training goes on. */
  readonly parameters: Values;
  /** The model's buffers by name. */
  readonly buffers: Values;
  /** What a step reads. */
  readonly feeds: Values;
  /** Where a step writes. */
  readonly into: Values;
  /** What a step writes, in as few pieces as there are: what processes that train together add up before the update. */
  readonly written: readonly TypedArray[];
  /** Everything that resuming needs, by the names that checkpoints have for it. */
  readonly tensors: Readonly<Record<string, StoredTensor>>;
  readonly #kernels: Kernels;
  readonly #flat: Float32Array;
  readonly #remembered: readonly Float32Array[];
  readonly #place: Pick<LearnerPlace, "memory" | "workspace">;
  /** Parameters, by name, whose gradient is of some of their rows: how these lie, and the output that says which they are. */
  readonly #rowsOf: ReadonlyMap<string, { readonly layout: RowLayout; readonly picks: string }>;
  /** Where portions of rows are updated: of the parameter, and of what is remembered of it. */
  readonly #portions: readonly Float32Array[];

  /**
   * Parameters and what the optimizer remembers of them are 0.
   * @param options.workspace bytes that a learner works in beside them; absent where gradients are written
   * @param options.program the step's program; where absent, its gradients are of whole parameters
   * @throws RegardError where parameters are not float32, or take more memory than there is
   */
  constructor(
    parameters: readonly Parameter[],
    private readonly optimizer: Optimizer,
    buffers: readonly Buffer[] = [],
    { workspace, program = {} }: StateOptions = {},
  ) {
    for (const { name, tensor } of parameters)
      if (tensor.dtype !== "float32")
        throw new RegardError(
          `parameters are trained in float32 and "${name}" is ${tensor.dtype}; declare it in a scope of float32.`,
        );
    this.layout = layoutOf(parameters);
    // What learns in place has no gradient.
    const learns = workspace !== undefined;
    this.#rowsOf = new Map(
      parameters.flatMap(({ name, shape }) => {
        const axis = ROWS.findIndex((prefix) => prefix + name in program);
        if (axis < 0) return [];
        return [[name, { layout: rowsAlong(axis as 0 | 1, shape), picks: ROWS[axis]! + name }] as const];
      }),
    );
    const portions = this.#rowsOf.size > 0 ? 1 + optimizer.slots.length : 0;
    const widths = Array.from(this.#rowsOf.values(), ({ layout }) => layout.width);
    const portion = Math.max(PORTION, ...widths.map(inGrains));
    const { kernels, arrays, ...place } = kernelArrays(
      (learns ? 1 : 2) + optimizer.slots.length,
      this.layout.padded,
      workspace ?? portions * portion * Float32Array.BYTES_PER_ELEMENT,
    );
    this.#portions = Array.from(
      { length: portions },
      (_, index) =>
        new Float32Array(
          place.memory.buffer,
          place.workspace + index * portion * Float32Array.BYTES_PER_ELEMENT,
          portion,
        ),
    );
    const [flat, ...others] = arrays;
    const slopes = (learns ? undefined : others.shift()) ?? new Float32Array(0);
    const remembered = others;
    this.#kernels = kernels;
    this.#place = place;
    this.#flat = flat!;
    this.gradient = slopes;
    this.#remembered = remembered;
    this.parameters = viewsOf(this.layout, flat!);
    const values = (prefix: string) =>
      Object.fromEntries(
        buffers.map(({ name, shape, tensor: { dtype }, initial }) => [
          prefix + name,
          { dtype, shape, data: typedArray(dtype, countOf(shape)).fill(initial) },
        ]),
      );
    this.buffers = values("");
    this.feeds = { ...this.parameters, ...this.buffers };
    const next = values(NEXT);
    const whole = { ...this.layout, slots: this.layout.slots.filter(({ name }) => !this.#rowsOf.has(name)) };
    this.into = { ...(!learns && viewsOf(whole, slopes, GRADIENT)), ...next };
    this.written = [slopes, ...Object.values(next).map(({ data }) => data)];
    this.tensors = {
      ...this.feeds,
      ...Object.assign(
        {},
        ...remembered.map((array, index) =>
          viewsOf(this.layout, array, `${OPTIMIZER}${optimizer.slots[index]}.`),
        ),
      ),
    };
  }

  /** First values of all parameters from a seed; what the optimizer remembers starts at 0. */
  static initial(
    parameters: readonly Parameter[],
    optimizer: Optimizer,
    seed: number,
    buffers: readonly Buffer[] = [],
    options: StateOptions = {},
  ): TrainingState {
    const state = new TrainingState(parameters, optimizer, buffers, options);
    for (const parameter of parameters)
      state.parameters[parameter.name]!.data.set(initialValues(parameter, seed));
    return state;
  }

  /** Where a learner works on the parameters. */
  get place(): LearnerPlace {
    return {
      ...this.#place,
      remembered: this.#remembered.map(({ byteOffset }) => byteOffset - this.#flat.byteOffset),
      parameters: Object.fromEntries(
        Object.entries(this.parameters).map(([name, { data }]) => [name, data as Float32Array]),
      ),
    };
  }

  /**
   * Takes what the last step wrote as the state: the optimizer's update of the parameters, and the buffers. Where the loss
   * or the gradient is not finite, or its square is not in single precision, nothing changes.
   */
  update(now: {
    readonly loss: number;
    /** The number of this update, from 1. */
    readonly step: number;
    readonly learningRate: number;
    /** The largest global norm a gradient may have; longer ones are scaled down to it. */
    readonly clip?: number | undefined;
    /** What was written is a sum over so many shares of a batch, of which the mean is meant. */
    readonly shares?: number;
    /** What the step gave, where its gradients are of some rows. */
    readonly results?: Values;
  }): { readonly gradientNorm: number; readonly skipped: boolean } {
    const { clip = Number.POSITIVE_INFINITY, shares = 1, results = {} } = now;
    const rows = this.#summed(results);
    const gradientNorm = this.#norm(rows) / shares;
    const applied = Math.min(gradientNorm, clip);
    const skipped = !(
      Number.isFinite(now.loss) &&
      Number.isFinite(gradientNorm) &&
      Number.isFinite(Math.fround(applied ** 2))
    );
    if (!skipped) {
      const scale = (gradientNorm > clip ? clip / gradientNorm : 1) / shares;
      for (const slot of this.layout.slots) {
        const { name, offset, length, decays } = slot;
        const some = rows.get(name);
        if (some) {
          this.#updateRows(slot, some, { ...now, scale });
          continue;
        }
        const addressIn = ({ byteOffset }: Float32Array) =>
          byteOffset + offset * Float32Array.BYTES_PER_ELEMENT;
        this.optimizer.update(
          this.#kernels,
          {
            parameter: addressIn(this.#flat),
            gradient: addressIn(this.gradient),
            slots: this.#remembered.map(addressIn),
            count: inGrains(length),
            decays,
          },
          { ...now, scale },
        );
      }
      for (const [name, { data }] of Object.entries(this.buffers))
        data.set(this.into[NEXT + name]!.data.map((value) => value / shares));
    }
    return { gradientNorm, skipped };
  }

  /** Rows of parameters that have a gradient, whose sums are brought to the beginning of their stretches of `gradient`. */
  #summed(results: Values): Map<string, Int32Array> {
    const found = new Map<string, Int32Array>();
    for (const { name, offset, length } of this.layout.slots) {
      const rows = this.#rowsOf.get(name);
      if (!rows) continue;
      const slices = { picks: results[rows.picks]!, values: results[GRADIENT + name]! };
      found.set(name, summedRows(slices, this.gradient.subarray(offset, offset + length)));
    }
    return found;
  }

  /** Of the gradient; of what is known by rows, over these. */
  #norm(rows: ReadonlyMap<string, Int32Array>): number {
    const { BYTES_PER_ELEMENT } = Float32Array;
    if (rows.size === 0) return this.#kernels.norm(this.gradient.byteOffset, this.gradient.length);
    return Math.hypot(
      ...this.layout.slots.map(({ name, offset, length }) => {
        const some = rows.get(name);
        const count = some ? some.length * this.#rowsOf.get(name)!.layout.width : length;
        // Whole grains: what is behind the last row is of an earlier step.
        const end = offset + inGrains(count);
        this.gradient.fill(0, offset + count, end);
        return this.#kernels.norm(this.gradient.byteOffset + offset * BYTES_PER_ELEMENT, end - offset);
      }),
    );
  }

  /** The optimizer's update of some rows of a parameter, a portion at a time; the others, and what is remembered of them, stay. */
  #updateRows(
    { name, offset, length, decays }: Slot,
    rows: Int32Array,
    now: { readonly step: number; readonly learningRate: number; readonly scale: number },
  ): void {
    const { layout } = this.#rowsOf.get(name)!;
    const { width } = layout;
    const several = Math.max(1, Math.floor(this.#portions[0]!.length / width / GRAIN) * GRAIN);
    const places = [this.#flat, ...this.#remembered].map((all) => all.subarray(offset, offset + length));
    const [parameter, ...slots] = this.#portions.map(({ byteOffset }) => byteOffset);
    for (let from = 0; from < rows.length; from += several) {
      const some = rows.subarray(from, from + several);
      for (const [index, place] of places.entries()) gatherRows(place, some, layout, this.#portions[index]!);
      this.optimizer.update(
        this.#kernels,
        {
          parameter: parameter!,
          gradient: this.gradient.byteOffset + (offset + from * width) * Float32Array.BYTES_PER_ELEMENT,
          slots,
          count: inGrains(some.length * width),
          decays,
        },
        now,
      );
      for (const [index, place] of places.entries()) scatterRows(this.#portions[index]!, some, layout, place);
    }
  }

  /**
   * Copies stored parameters, buffers and memories of the optimizer into the state.
   * @throws RegardError naming what is missing or of another size; nothing is changed then
   */
  restore(tensors: StoredTensors): void {
    if (this.optimizer.slots.some((slot) => OPTIMIZER + slot in tensors))
      throw new RegardError(
        "the checkpoint holds what the optimizer remembers in one piece, as Regard wrote it before it went by the names of parameters; see, evaluate and export read it still, but training cannot go on from it: train in a new folder.",
      );
    const found = Object.entries(this.tensors).map(
      ([name, { shape, data }]) => [data, stored(tensors, name, shape)] as const,
    );
    for (const [data, values] of found) data.set(values);
  }
}

type StoredTensors = Readonly<
  Record<string, { readonly shape: readonly number[]; readonly data: TypedArray }>
>;

function stored(tensors: StoredTensors, name: string, shape: readonly number[]): TypedArray {
  const found = tensors[name];
  if (found?.shape.join() !== shape.join())
    throw new RegardError(
      `the checkpoint holds ${found ? `"${name}" as [${found.shape.join(", ")}]` : `no "${name}"`} but the model needs [${shape.join(", ")}]; it belongs to another model or other sizes.`,
    );
  return found!.data;
}

/** Parameters of a checkpoint as values to feed. @throws RegardError naming what is missing or of another size */
export const storedParameters = (parameters: readonly Parameter[], tensors: StoredTensors): Values =>
  Object.fromEntries(
    parameters.map(({ name, shape, tensor: { dtype } }) => [
      name,
      { dtype, shape, data: stored(tensors, name, shape) },
    ]),
  );
