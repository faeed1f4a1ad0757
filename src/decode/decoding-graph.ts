import { attentionOf } from "../attention/index.js";
import { type Dimension, END, type Shape, START, type Tensor } from "../core/index.js";
import type { Model, Tensors } from "../models/index.js";
import { Mode } from "../nn/index.js";
import {
  add,
  argMax,
  constant,
  equal,
  fill,
  logSoftmax,
  or,
  reduceMax,
  scan,
  slice,
  where,
} from "../ops/index.js";
import type { Value } from "../session/index.js";
import { type Decoded, grown, stepsOf } from "./decoder.js";

/**
 * Greedy decoding as one graph, the loop included, for files that run without Regard. Axes: B batch, T steps, P places.
 * @param inputs what the model reads, by name
 * @param length the steps there are, as a size
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
  const mode = Mode.plain();
  const steps = stepsOf(model);
  const { memory, state } = steps.begin(inputs, mode);
  const rows = ["batch"] as const;
  const { states, outputs } = scan(
    {
      initial: {
        ...mapped(state, roomFor(length)),
        "decode.previous": fill(START, { dtype: "int32", shape: rows }),
        "decode.ended": equal(fill(0, { dtype: "int32", shape: rows }), 1),
        "decode.total": fill(0, { dtype: "float32", shape: rows }),
      } as Record<string, Tensor>,
      length,
    },
    ({ "decode.previous": previous, "decode.ended": ended, "decode.total": total, ...before }) => {
      const {
        outputs: found,
        state: after,
        looks,
      } = steps.step(memory, before, { previous: previous! }, mode);
      const weights = attentionOf(looks)?.value;
      const logProbabilities = logSoftmax(found.logits!);
      const token = where(ended!, constant(0, { dtype: "int32" }), argMax(logProbabilities));
      const gain = where(ended!, 0, reduceMax(logProbabilities, { axes: 1 }));
      return {
        states: {
          ...mapped(after, (tensor, name) => lastOf(tensor, state[name]!.shape, length)),
          "decode.previous": token,
          "decode.ended": or(ended!, equal(token, constant(END, { dtype: "int32" }))),
          "decode.total": add(total!, gain),
        },
        outputs: { tokens: token, ...(weights && { weights }) } as Record<string, Tensor>,
      };
    },
  );
  return {
    tokens: outputs.tokens!,
    logProbability: states["decode.total"]!,
    ...(outputs.weights && { weights: outputs.weights }),
  };
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

/** The first sequence of what the graph gave, as a decoder would have. */
export function decodedOf({ tokens, logProbability, weights }: Readonly<Record<string, Value>>): Decoded {
  const [steps, sentences] = tokens!.shape as [number, number];
  const all = Array.from({ length: steps }, (_, step) => tokens!.data[step * sentences]!);
  const end = all.indexOf(END);
  const rows = end < 0 ? steps : end + 1;
  const places = weights?.shape[2] ?? 0;
  return {
    tokens: end < 0 ? all : all.slice(0, end),
    logProbability: logProbability!.data[0]!,
    finished: end >= 0,
    ...(weights && {
      weights: Array.from({ length: rows }, (_, step) => [
        ...weights.data.subarray(step * sentences * places, (step * sentences + 1) * places),
      ]),
    }),
  };
}
