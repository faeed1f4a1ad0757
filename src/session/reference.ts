import {
  type Bindings,
  type EvaluationContext,
  type NDArray,
  ndarray,
  reachableNodes,
  resolveDimension,
  type Tensor,
  typedArray,
} from "../core/index.js";
import { assertProgram, inputsOf } from "../onnx/index.js";
import { inputAttributes } from "../ops/index.js";
import { type Backend, checkedSession } from "./contract.js";

/**
 * Evaluates graphs in plain TypeScript and double precision, straight from the operation records. It shares nothing
 * with the ONNX path, which makes it the truth that the other backends are tested against.
 */
export const referenceBackend: Backend = {
  name: "reference",
  async load(program) {
    assertProgram(program);
    const names = Object.keys(program);
    const results = Object.values(program);
    const inputs = inputsOf(results);
    return checkedSession(program, inputs, {
      async run(feeds, into, bindings) {
        const known = inputs.map((tensor) => {
          const value = feeds[inputAttributes(tensor)!.name]!;
          return ndarray(value.dtype, value.shape, value.data);
        });
        const values = evaluateGraph(inputs, known, results, bindings);
        return Object.fromEntries(
          names.map((name, index) => {
            const { dtype, shape, data } = values[index]!;
            const target = into[name]?.data ?? typedArray(dtype, data.length);
            target.set(data);
            return [name, { dtype, shape, data: target }];
          }),
        );
      },
      async release() {},
    });
  },
};

/** Values of `results` where `parameters` have the given values. */
export function evaluateGraph(
  parameters: readonly Tensor[],
  values: readonly NDArray[],
  results: readonly Tensor[],
  bindings: Bindings,
): NDArray[] {
  const known = new Map<Tensor, NDArray>(parameters.map((parameter, index) => [parameter, values[index]!]));
  const context: EvaluationContext = {
    size: (dimension) => resolveDimension(dimension, bindings),
    sizes: (shape) => shape.map((dimension) => resolveDimension(dimension, bindings)),
    evaluate: (inner, arrays, outputs) => evaluateGraph(inner, arrays, outputs, bindings),
  };
  for (const node of reachableNodes(results)) {
    if (node.outputs.every((output) => known.has(output))) continue;
    const outputs = node.operation.evaluate(
      context,
      node.inputs.map((input) => known.get(input)!),
      node.attributes,
    );
    node.outputs.forEach((output, index) => {
      known.set(output, outputs[index]!);
    });
  }
  return results.map((result) => known.get(result)!);
}
