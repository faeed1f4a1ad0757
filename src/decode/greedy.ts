import { attentionOf } from "../attention/index.js";
import { addDimensions, type Dimension, END, PAD, type Shape, START, type Tensor } from "../core/index.js";
import type { Model, Tensors } from "../models/index.js";
import { Mode } from "../nn/index.js";
import {
  cast,
  constant,
  equal,
  fill,
  greater,
  logSoftmax,
  not,
  or,
  reduceSum,
  repeat,
  slice,
  squeeze,
  topK,
  where,
} from "../ops/index.js";
import {
  type Backend,
  type LoadOptions,
  neededBy,
  type Session,
  type Value,
  type Values,
} from "../session/index.js";
import { type Decoded, type DecodeOptions, grown, stepsOf } from "./decoder.js";

/** What the steps of greedy decoding took. Axes: B batch, T steps until every row has ended, P places. */
interface Taken {
  /** int32 [T, B], PAD after END. */
  readonly tokens: Tensor;
  /** Log-probability of each token, [T, B], 0 after END. */
  readonly gains: Tensor;
  /** [T, B, P], where the model has attention. */
  readonly weights?: Tensor;
}

/**
 * Greedy decoding as one graph, the loop included: no step is taken once every row has ended.
 * @param inputs what the model reads, by name
 * @param most the most steps that are taken, as a size
 */
function taken(model: Model, inputs: Tensors, most: Dimension): Taken {
  const mode = Mode.plain();
  const steps = stepsOf(model);
  const { memory, state } = steps.begin(inputs, mode);
  const rows = ["batch"] as const;
  const { outputs } = repeat(
    {
      initial: {
        ...mapped(state, roomFor(most)),
        "decode.previous": fill(START, { dtype: "int32", shape: rows }),
        "decode.ended": equal(fill(0, { dtype: "int32", shape: rows }), 1),
      } as Record<string, Tensor>,
      most,
      taken: "taken",
    },
    ({ "decode.previous": previous, "decode.ended": before, ...states }) => {
      const {
        outputs: found,
        state: after,
        looks,
      } = steps.step(memory, states, { previous: previous! }, mode);
      const weights = attentionOf(looks)?.value;
      const best = topK(logSoftmax(found.logits!), 1);
      const token = where(before!, constant(PAD, { dtype: "int32" }), squeeze(best.indices, 1));
      const ended = or(before!, equal(token, constant(END, { dtype: "int32" })));
      return {
        states: {
          ...mapped(after, (tensor, name) => lastOf(tensor, state[name]!.shape, most)),
          "decode.previous": token,
          "decode.ended": ended,
        },
        outputs: {
          tokens: token,
          gains: where(before!, 0, squeeze(best.values, 1)),
          ...(weights && { weights }),
        } as Record<string, Tensor>,
        goOn: greater(reduceSum(cast(not(ended), "float32")), 0),
      };
    },
  );
  return outputs as unknown as Taken;
}

/**
 * Greedy decoding as one graph, for files that run without Regard. Axes: B batch, T steps until every row has ended, P places.
 * @param inputs what the model reads, by name
 * @param length the most steps that are taken, as a size
 * @returns `tokens` int32 [T, B], PAD after END; `logProbability` [B]; and `weights` [T, B, P] where the model has
 *   attention
 */
export function decodingGraph(
  model: Model,
  inputs: Tensors,
  length: Dimension,
): {
  tokens: Tensor;
  logProbability: Tensor;
  weights?: Tensor;
} {
  const { tokens, gains, weights } = taken(model, inputs, length);
  return { tokens, logProbability: reduceSum(gains, { axes: 0 }), ...(weights && { weights }) };
}

/** Greedy decoding, loaded and ready: takes the most probable token at every step, for a whole batch at once. */
export class GreedyDecoder {
  private constructor(private readonly session: Session) {}

  /**
   * @param inputs what the model reads, by name
   * @param longest tokens after which a sequence is cut, as a size
   */
  static async load(
    model: Model,
    inputs: Tensors,
    longest: Dimension,
    backend: Backend,
    options: LoadOptions = {},
  ): Promise<GreedyDecoder> {
    // One step more, in which a sequence that is as long as it may be can end.
    const program = { ...taken(model, inputs, addDimensions(longest, 1)) };
    return new GreedyDecoder(await backend.load(program, options));
  }

  /** The sequence of each input of a batch. @param options.longest the size that the decoder was loaded with, in this batch */
  async decode(parameters: Values, inputs: Values, { longest }: DecodeOptions): Promise<Decoded[]> {
    const results = await this.session.run(neededBy(this.session, { ...parameters, ...inputs }));
    const { gains, tokens } = results;
    const rows = tokens!.shape[1]!;
    return Array.from({ length: rows }, (_, row) => {
      const sequence = sequenceOf(results, row, longest);
      const steps = sequence.tokens.length + (sequence.finished ? 1 : 0);
      let logProbability = 0;
      for (let step = 0; step < steps; step++) logProbability += gains!.data[step * rows + row]!;
      return { ...sequence, logProbability };
    });
  }

  release(): Promise<void> {
    return this.session.release();
  }
}

const mapped = (tensors: Tensors, change: (tensor: Tensor, name: string) => Tensor): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, change(tensor, name)]));

// States of a loop keep their sizes. So one that grows has room for all steps from the beginning, zeros in front of what
// was written, and of these one less after each step.

const roomFor =
  (length: Dimension) =>
  (state: Tensor): Tensor =>
    state.shape.includes(0) ? fill(0, { dtype: state.dtype, shape: grown(state.shape, length) }) : state;

/** What fits of a state of which `first` was the shape before any step. */
const lastOf = (state: Tensor, first: Shape, length: Dimension): Tensor =>
  first.reduce<Tensor>((kept, size, axis) => (size === 0 ? slice(kept, axis, 1, length) : kept), state);

/**
 * A sequence of what a graph gave, and where it looked.
 * @param longest tokens after which it is cut, where a step more was taken
 */
function sequenceOf(
  { tokens, weights }: Readonly<Record<string, Value>>,
  row: number,
  longest: number,
): Omit<Decoded, "logProbability"> {
  const [steps, rows] = tokens!.shape as [number, number];
  const all = Array.from({ length: steps }, (_, step) => tokens!.data[step * rows + row]!);
  const end = all.indexOf(END);
  const finished = end >= 0;
  const places = weights?.shape[2] ?? 0;
  const written = finished ? all.slice(0, end) : all.slice(0, longest);
  return {
    tokens: written,
    finished,
    ...(weights && {
      weights: Array.from({ length: written.length + (finished ? 1 : 0) }, (_, step) => {
        const at = (step * rows + row) * places;
        return [...weights.data.subarray(at, at + places)];
      }),
    }),
  };
}

/** The first sequence of what the graph of a file gave, as a decoder would have. */
export const decodedOf = (results: Readonly<Record<string, Value>>): Decoded => ({
  ...sequenceOf(results, 0, Number.POSITIVE_INFINITY),
  logProbability: results.logProbability!.data[0]!,
});
