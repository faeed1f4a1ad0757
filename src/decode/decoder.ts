import { attentionOf } from "../attention/index.js";
import { type Dimension, prefixed, RegardError, type Shape, type Tensor, typedArray } from "../core/index.js";
import type { TokenBatch } from "../data/index.js";
import type { Model, Steps, Tensors } from "../models/index.js";
import { Mode } from "../nn/index.js";
import { input, logSoftmax, topK } from "../ops/index.js";
import {
  type Backend,
  type LoadOptions,
  neededBy,
  type Session,
  type Value,
  type Values,
} from "../session/index.js";

/** One output sequence. */
export interface Decoded {
  /** Token numbers, without START and END. */
  readonly tokens: readonly number[];
  /** Log-probability in nats of the tokens, and of END where it was reached. */
  readonly logProbability: number;
  /** Attention weights, a row of source places for each token (and END), where the model has attention. */
  readonly weights?: readonly (readonly number[])[];
  /** False where the length limit cut it short. */
  readonly finished: boolean;
}

/** What decoding is bounded by. */
export interface DecodeOptions {
  /** Tokens after which a sequence is cut. */
  readonly longest: number;
}

/** What a step offers for each row: the most probable tokens, best first. */
export interface Step {
  readonly tokens: Int32Array;
  readonly logProbabilities: ArrayLike<number>;
  /** Candidates a row, the second axis of both. */
  readonly width: number;
  readonly state: Values;
  readonly weights?: Value;
}

const MEMORY = "memory.";
const STATE = "state.";

/**
 * A model's encoder and one decoding step, loaded and ready. Parameters are fed at every call, except those that are
 * constants (`values` of `LoadOptions`).
 */
export class Decoder {
  private constructor(
    readonly width: number,
    private readonly encoder: Session,
    private readonly stepper: Session,
  ) {}

  /**
   * @param inputs what the model reads, by name
   * @param options.width the largest number of candidates a step will be asked for
   */
  static async load(
    model: Model,
    inputs: Tensors,
    backend: Backend,
    options: { width: number } & LoadOptions,
  ): Promise<Decoder> {
    const steps = stepsOf(model);
    const encoded = steps.begin(inputs, Mode.plain());
    const asInputs = (prefix: string, tensors: Readonly<Record<string, Tensor>>) =>
      Object.fromEntries(
        Object.entries(tensors).map(([name, { dtype, shape }]) => [
          name,
          input(prefix + name, dtype, [ROWS, ...grown(shape.slice(1), WRITTEN)]),
        ]),
      );
    const encoder = await backend.load(
      { ...prefixed(MEMORY, encoded.memory), ...prefixed(STATE, encoded.state) },
      options,
    );
    const step = steps.step(
      asInputs(MEMORY, encoded.memory),
      asInputs(STATE, encoded.state),
      { previous: input("previous", "int32", [ROWS]) },
      Mode.plain(),
    );
    const weights = attentionOf(step.looks)?.value;
    const logits = step.outputs.logits!;
    const width = Math.min(options.width, logits.shape.at(-1) as number);
    const best = topK(logSoftmax(logits), width);
    const stepper = await backend.load(
      {
        tokens: best.indices,
        logProbabilities: best.values,
        ...prefixed(`next.${STATE}`, step.state),
        ...(weights && { weights }),
      },
      options,
    );
    return new Decoder(width, encoder, stepper);
  }

  /** Reads a batch of inputs; `rows` is how many they are. */
  async encode(parameters: Values, inputs: Values): Promise<{ memory: Values; state: Values; rows: number }> {
    const results = await this.encoder.run(neededBy(this.encoder, { ...parameters, ...inputs }));
    const part = (prefix: string) =>
      Object.fromEntries(Object.entries(results).filter(([name]) => name.startsWith(prefix)));
    const state = part(STATE);
    return { memory: part(MEMORY), state, rows: Object.values(state)[0]!.shape[0]! };
  }

  /** One step for every row. */
  async step(parameters: Values, memory: Values, state: Values, previous: Int32Array): Promise<Step> {
    const results = await this.stepper.run(
      neededBy(this.stepper, {
        ...parameters,
        ...memory,
        ...state,
        previous: { dtype: "int32", shape: [previous.length], data: previous },
      }),
    );
    const next = Object.entries(results).filter(([name]) => name.startsWith(`next.${STATE}`));
    return {
      tokens: results.tokens!.data as Int32Array,
      logProbabilities: results.logProbabilities!.data,
      width: this.width,
      state: Object.fromEntries(next.map(([name, value]) => [name.slice("next.".length), value])),
      ...(results.weights && { weights: results.weights }),
    };
  }

  async release(): Promise<void> {
    await this.encoder.release();
    await this.stepper.release();
  }
}

/** The steps of a model. @throws RegardError where it has none */
export function stepsOf({ steps }: Model): Steps {
  if (!steps) throw new RegardError("the model writes everything at once: it has no steps to decode.");
  return steps;
}

/** A batch of tokens as a value to feed, int32 [length, count]. */
export const tokensValue = ({ length, count, data }: TokenBatch): Value => ({
  dtype: "int32",
  shape: [length, count],
  data,
});

/** The axis of steps so far, along which a state grows. */
export const WRITTEN = "written";

/** The shape of a state whose sizes that grow are `size`. */
export const grown = (shape: Shape, size: Dimension): Shape =>
  shape.map((known) => (known === 0 ? size : known));

/** The axis of hypotheses: the batch when decoding greedily, the batch times the beam otherwise. */
const ROWS = "rows";

/** The rows of values picked by `rows`, in that order. */
export const takeRows = (values: Values, rows: readonly number[]): Values =>
  Object.fromEntries(
    Object.entries(values).map(([name, { dtype, shape, data }]) => {
      const size = data.length / shape[0]!;
      const result = typedArray(dtype, rows.length * size);
      rows.forEach((row, index) => {
        result.set(data.subarray(row * size, (row + 1) * size), index * size);
      });
      return [name, { dtype, shape: [rows.length, ...shape.slice(1)], data: result }];
    }),
  );

/** Row `row` of attention weights, as numbers. */
export function weightsOf(weights: Value | undefined, row: number): number[] | undefined {
  if (!weights) return undefined;
  const size = weights.shape[1]!;
  return [...weights.data.subarray(row * size, (row + 1) * size)];
}
