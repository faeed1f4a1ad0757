import { gradient } from "../autodiff/index.js";
import { elementCount, RegardError, type Tensor, typedArray } from "../core/index.js";
import { type ImportedGraph, importModel, lower } from "../onnx/index.js";
import { inputAttributes, log, mul, reduceSum, reshape, slice } from "../ops/index.js";
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
  /** The names of what it gives for the input: one number an element, of each place where the file reads it. */
  readonly read: readonly string[];
}

/** Operators that leave whole numbers as they are. */
const SAME = new Set(["Cast", "Identity"]);

/**
 * Values that stand for the elements of an input, with the axes after those of the input: itself where it has a gradient, or the rows
 * of tables that its whole numbers are looked up in.
 */
function standingFor({ nodes }: ForeignGraph, { inputs, value }: ImportedGraph, name: string): Tensor[] {
  const own = inputs[name];
  if (!own) return [];
  if (own.dtype !== "int32" && own.dtype !== "bool") return [own];
  const same = new Set([name]);
  return nodes.flatMap(({ opType, domain, input, output, attribute }) => {
    if (domain) return [];
    if (SAME.has(opType) && same.has(input[0]!)) same.add(output[0]!);
    const axis = Number(attribute.find((one) => one.name === "axis")?.i ?? 0);
    const row = opType === "Gather" && axis === 0 && same.has(input[1]!) ? value(output[0]!) : undefined;
    return row && row.dtype !== "int32" && row.dtype !== "bool" ? [row] : [];
  });
}

/**
 * What each weight of attention adds to a number of an output, to first order: the weight times the number's gradient by it; and the
 * same of each element of an input (gradient × input, Shrikumar et al. 2016), summed over the features of what it is looked up as. For that
 * the graph is imported, for the shapes of what is fed.
 * @throws ForeignError where the graph has what is not imported, naming it
 */
export function salienceGraph(
  graph: ForeignGraph,
  feeds: Feeds,
  attentions: readonly FoundAttention[],
  of: string,
  target: Target,
): SalienceGraph {
  const { model, name } = graph;
  try {
    const shapes = Object.fromEntries(Object.entries(feeds).map(([input, { shape }]) => [input, shape]));
    const imported = importModel(model, { shapes });
    const { outputs, stored, value } = imported;
    const output = outputs[target.output]!;
    const number = reshape(slice(reshape(output, [elementCount(output.shape)]), 0, target.index, 1), []);
    const looks = attentions.map((one) => value(one.value)!);
    const elements = standingFor(graph, imported, of);
    const factors = [...looks, ...elements];
    if (factors.length === 0)
      throw new RegardError(`"${of}" is whole numbers that are looked up in no table.`);
    const slopes = gradient(target.log ? log(number) : number, factors);
    const results = looks.map((_, index) => `regard.salience.${index}`);
    const read = elements.map((_, index) => `regard.read.${index}`);
    const rank = feeds[of]?.shape.length ?? 0;
    const { bytes, inputs } = lower(
      Object.fromEntries(
        [...results, ...read].map((result, index) => {
          const added = mul(factors[index]!, slopes[index]!);
          const features = index < looks.length ? [] : added.shape.map((_, axis) => axis).slice(rank);
          return [result, features.length > 0 ? reduceSum(added, { axes: features }) : added];
        }),
      ),
      { values: Object.fromEntries(Array.from(stored, ([input, { data }]) => [input, data])) },
    );
    return {
      bytes,
      results,
      read,
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
