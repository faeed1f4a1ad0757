import { gradient } from "../autodiff/index.js";
import { elementCount, RegardError, typedArray } from "../core/index.js";
import { importModel, lower } from "../onnx/index.js";
import { inputAttributes, log, mul, reshape, slice } from "../ops/index.js";
import type { ForeignValue } from "../session/index.js";
import { ForeignError } from "./error.js";
import type { FoundAttention } from "./find.js";
import type { ForeignGraph } from "./graph.js";
import { numbersOf } from "./value.js";

/** The number of an output that is differentiated, or its logarithm. */
export interface Target {
  readonly output: string;
  readonly index: number;
  readonly log: boolean;
}

type Feeds = Readonly<Record<string, ForeignValue>>;

/** A graph that gives what each weight of attention adds to a number. */
export interface SalienceGraph {
  readonly bytes: Uint8Array;
  readonly feeds: Feeds;
  /** The names of what it gives for each attention, of the shape that its weights have. */
  readonly results: readonly string[];
}

/**
 * What each weight of attention adds to a number of an output, to first order: the weight times the number's gradient by it. For that
 * the graph is imported, for the shapes of what is fed.
 * @throws ForeignError where the graph has what is not imported, naming it
 */
export function salienceGraph(
  { model, name }: ForeignGraph,
  feeds: Feeds,
  attentions: readonly FoundAttention[],
  target: Target,
): SalienceGraph {
  try {
    const shapes = Object.fromEntries(Object.entries(feeds).map(([input, { shape }]) => [input, shape]));
    const { outputs, stored, value } = importModel(model, { shapes });
    const output = outputs[target.output]!;
    const number = reshape(slice(reshape(output, [elementCount(output.shape)]), 0, target.index, 1), []);
    const looks = attentions.map((one) => value(one.value)!);
    const slopes = gradient(target.log ? log(number) : number, looks);
    const results = looks.map((_, index) => `regard.salience.${index}`);
    const { bytes, inputs } = lower(
      Object.fromEntries(looks.map((look, index) => [results[index]!, mul(look, slopes[index]!)])),
      { values: Object.fromEntries(Array.from(stored, ([input, { data }]) => [input, data])) },
    );
    return {
      bytes,
      results,
      feeds: Object.fromEntries(
        inputs.map((tensor) => {
          const { name: input, dtype } = inputAttributes(tensor)!;
          const fed = feeds[input]!;
          return [input, { dtype, shape: fed.shape, data: typedArray(dtype, numbersOf(fed)) }];
        }),
      ),
    };
  } catch (error) {
    if (!(error instanceof RegardError)) throw error;
    throw new ForeignError(`${name} has no gradient here: ${error.message}`);
  }
}
