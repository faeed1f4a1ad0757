import { gradient } from "../autodiff/index.js";
import { type DType, RegardError, type Tensor, type TypedArray, typedArray } from "../core/index.js";
import { type Buffer, initialValues, type Parameter } from "../nn/index.js";
import type { Program } from "../onnx/index.js";
import {
  add,
  concat,
  constant,
  div,
  fill,
  input,
  minimum,
  mul,
  reduceSum,
  reshape,
  scan,
  sqrt,
  square,
} from "../ops/index.js";
import { DoubleBuffer, type Values } from "../session/index.js";
import type { Optimizer } from "./optimizer.js";

/** Where each parameter lies in the flat array that holds them all. */
export interface Slot {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly length: number;
}

/** Elements the optimizer updates at a time: few enough that all it touches stays in the processor's cache. */
const BLOCK = 16_384;

/** Parameters one behind the other, padded to a whole number of optimizer blocks. */
export interface Layout {
  readonly slots: readonly Slot[];
  /** Elements without the padding. */
  readonly count: number;
  readonly padded: number;
  readonly dtype: DType;
}

const blocksOf = ({ padded }: Layout): number[] => [padded / BLOCK, BLOCK];

export function layoutOf(parameters: readonly Parameter[]): Layout {
  let count = 0;
  const slots = parameters.map(({ name, shape }) => {
    const length = shape.reduce((a, b) => a * b, 1);
    const slot = { name, shape, offset: count, length };
    count += length;
    return slot;
  });
  return { slots, count, padded: Math.ceil(count / BLOCK) * BLOCK, dtype: parameters[0]!.tensor.dtype };
}

/** The parameters inside a flat array, as values to feed, without copies. */
export const viewsOf = (layout: Layout, flat: TypedArray): Values =>
  Object.fromEntries(
    layout.slots.map(({ name, shape, offset, length }) => [
      name,
      { dtype: layout.dtype, shape, data: flat.subarray(offset, offset + length) },
    ]),
  );

/** Names of what a step reads and writes besides the batch. */
const STATE = "state.";
const NEXT = "next.";
const PARAMETERS = `${STATE}parameters`;

/**
 * Forward, backward and optimizer as one program. Gradients meet in one flat tensor, `gradient`, before the optimizer
 * takes it; between the two is where gradients of several machines would be averaged.
 *
 * Outputs: `loss`, `gradientNorm` (before clipping), those of `extra`, and the new state.
 * Where the loss or the norm is not finite the new state is worthless: do not advance to it.
 */
export function trainingStep(options: {
  readonly loss: Tensor;
  readonly parameters: readonly Parameter[];
  /** What the model carries from step to step besides them. */
  readonly buffers?: readonly Buffer[];
  readonly optimizer: Optimizer;
  /** The largest global norm a gradient may have; longer ones are scaled down to it. */
  readonly clip?: number | undefined;
  readonly extra?: Program;
}): Program {
  const { loss, parameters, optimizer, clip, buffers = [] } = options;
  const layout = layoutOf(parameters);
  const { dtype, padded, count } = layout;
  const gradients = gradient(
    loss,
    parameters.map(({ tensor }) => tensor),
  );
  const flat = concat(
    [
      ...gradients.map((tensor, index) => reshape(tensor, [layout.slots[index]!.length])),
      ...(padded > count ? [fill(0, { dtype, shape: [padded - count] })] : []),
    ],
    0,
  );
  const gradientNorm = sqrt(reduceSum(square(flat)));
  const scale = clip === undefined ? constant(1, { dtype }) : minimum(div(clip, add(gradientNorm, 1e-12)), 1);

  const learningRate = input("learningRate", dtype, []);
  const step = input("step", dtype, []);
  const names = ["parameters", ...optimizer.slots];
  const blocks = blocksOf(layout);
  const before = names.map((name) => [name, input(STATE + name, dtype, blocks)] as const);
  const { outputs } = scan(
    {
      initial: {},
      sequences: { ...Object.fromEntries(before), gradient: reshape(flat, blocks) } as Record<string, Tensor>,
    },
    (_, { gradient: block, parameters: parameter, ...slots }) => {
      const next = optimizer.update({
        parameter: parameter!,
        gradient: clip === undefined ? block! : mul(block!, scale),
        slots,
        learningRate,
        step,
      });
      return { states: {}, outputs: { parameters: next.parameter, ...next.slots } as Record<string, Tensor> };
    },
  );
  const after = [
    ...names.map((name) => [NEXT + name, outputs[name]!]),
    ...buffers.map(({ name, next }) => [NEXT + name, next]),
  ];
  return { loss, gradientNorm, ...options.extra, ...Object.fromEntries(after) };
}

/**
 * The state of a training step: parameters and what the optimizer remembers, as flat arrays kept twice, and the model's
 * buffers, kept twice too.
 */
export class TrainingState {
  readonly #buffer: DoubleBuffer;
  readonly #buffers: DoubleBuffer;

  private constructor(
    readonly layout: Layout,
    arrays: Readonly<Record<string, TypedArray>>,
    buffers: readonly Buffer[],
  ) {
    this.#buffers = new DoubleBuffer(
      Object.fromEntries(
        buffers.map(({ name, shape, tensor: { dtype }, initial }) => {
          const count = shape.reduce((a, b) => a * b, 1);
          return [name, { dtype, shape, data: typedArray(dtype, new Array<number>(count).fill(initial)) }];
        }),
      ),
    );
    this.#buffer = new DoubleBuffer(
      Object.fromEntries(
        Object.entries(arrays).map(([name, data]) => [
          STATE + name,
          { dtype: layout.dtype, shape: blocksOf(layout), data },
        ]),
      ),
    );
  }

  /** First values of all parameters from a seed; what the optimizer remembers starts at 0. */
  static initial(
    parameters: readonly Parameter[],
    optimizer: Optimizer,
    seed: number,
    buffers: readonly Buffer[] = [],
  ): TrainingState {
    const layout = layoutOf(parameters);
    const empty = () => typedArray(layout.dtype, layout.padded);
    const flat = empty();
    layout.slots.forEach(({ offset }, index) => {
      flat.set(initialValues(parameters[index]!, seed), offset);
    });
    const arrays = {
      parameters: flat,
      ...Object.fromEntries(optimizer.slots.map((name) => [name, empty()])),
    };
    return new TrainingState(layout, arrays, buffers);
  }

  /** The arrays of the state by name (`parameters`, and one for each memory of the optimizer), padding included. */
  get arrays(): Readonly<Record<string, TypedArray>> {
    return Object.fromEntries(
      Object.entries(this.#buffer.current).map(([name, { data }]) => [name.slice(STATE.length), data]),
    );
  }

  /** What a step reads. */
  get feeds(): Values {
    return { ...this.#buffer.current, ...this.parameters, ...this.buffers };
  }

  /** Where a step writes. */
  get into(): Values {
    return Object.fromEntries([
      ...Object.entries(this.#buffer.next).map(([name, value]) => [NEXT + name.slice(STATE.length), value]),
      ...Object.entries(this.#buffers.next).map(([name, value]) => [NEXT + name, value]),
    ]);
  }

  /** The current parameters by name, without copies: they change when training goes on. */
  get parameters(): Values {
    return viewsOf(this.layout, this.#buffer.current[PARAMETERS]!.data);
  }

  /** The model's buffers by name. */
  get buffers(): Values {
    return this.#buffers.current;
  }

  /**
   * Copies stored parameters, buffers and memories of the optimizer (`optimizer.` and their name) into the state.
   * @throws RegardError naming what is missing or of another size
   */
  restore(tensors: StoredTensors): void {
    for (const [name, { shape, data }] of Object.entries({ ...this.parameters, ...this.buffers }))
      data.set(stored(tensors, name, shape));
    for (const [name, data] of Object.entries(this.arrays))
      if (name !== "parameters") data.set(stored(tensors, `optimizer.${name}`, [data.length]));
  }

  /** Takes what the last step wrote as the state. */
  advance(): void {
    this.#buffer.swap();
    this.#buffers.swap();
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
