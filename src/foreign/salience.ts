import { gradient } from "../autodiff/index.js";
import { elementCount, RegardError, typedArray } from "../core/index.js";
import { importModel, lower, type Program } from "../onnx/index.js";
import { inputAttributes, log, mul, reshape, slice } from "../ops/index.js";
import type { ForeignValue, OpenedModel, Value } from "../session/index.js";
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

/**
 * What each weight of attention adds to a number of an output, to first order: the weight times the number's gradient by it. For that
 * the graph is imported, for the shapes of what is fed.
 * @returns for each attention values of the shape that its weights have
 * @throws ForeignError where the graph has what is not imported, naming it
 */
export async function salienceOf(
  { model, name }: ForeignGraph,
  feeds: Readonly<Record<string, ForeignValue>>,
  attentions: readonly FoundAttention[],
  target: Target,
  open: (bytes: Uint8Array) => Promise<OpenedModel>,
): Promise<readonly Value[]> {
  const resultName = (index: number) => `regard.salience.${index}`;
  let program: Program;
  let values: Readonly<Record<string, Value["data"]>>;
  try {
    const shapes = Object.fromEntries(Object.entries(feeds).map(([input, { shape }]) => [input, shape]));
    const { outputs, stored, value } = importModel(model, { shapes });
    const output = outputs[target.output]!;
    const number = reshape(slice(reshape(output, [elementCount(output.shape)]), 0, target.index, 1), []);
    const looks = attentions.map((one) => value(one.value)!);
    const slopes = gradient(target.log ? log(number) : number, looks);
    program = Object.fromEntries(
      looks.map((look, index) => [resultName(index), mul(look, slopes[index]!)] as const),
    );
    values = Object.fromEntries(Array.from(stored, ([input, { data }]) => [input, data]));
  } catch (error) {
    if (!(error instanceof RegardError)) throw error;
    throw new ForeignError(`${name} has no gradient here: ${error.message}`);
  }
  const { bytes, inputs } = lower(program, { values });
  const opened = await open(bytes);
  try {
    const results = await opened.run(
      Object.fromEntries(
        inputs.map((tensor) => {
          const { name: input, dtype } = inputAttributes(tensor)!;
          const fed = feeds[input]!;
          return [input, { dtype, shape: fed.shape, data: typedArray(dtype, numbersOf(fed)) }];
        }),
      ),
    );
    return attentions.map((_, index) => results[resultName(index)]!);
  } finally {
    await opened.release();
  }
}
