import {
  type Bindings,
  type EvaluationContext,
  type NDArray,
  reachableNodes,
  resolveDimension,
  type Tensor,
} from "../core/index.js";

/** Values of `results` where `parameters` have the given values, in double precision, straight from the records of operations. */
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
