import {
  formatShape,
  isFloat,
  kindOf,
  type Node,
  RegardError,
  reachableNodes,
  ShapeError,
  Tensor,
} from "../core/index.js";
import { add, alikeScans, fill, joinScans } from "../ops/index.js";

/**
 * Gradients of `outputs`, weighted by `upstream`, with respect to `sources` (the vector-Jacobian product), as new
 * nodes of the same graph. An undefined upstream stands for zeros; an undefined result for a source that no
 * output depends on.
 */
export function differentiate(
  outputs: readonly Tensor[],
  upstream: readonly (Tensor | undefined)[],
  sources: readonly Tensor[],
): (Tensor | undefined)[] {
  const nodes = reachableNodes(outputs);
  const wanted = new Set(sources);
  const onPath = new Set<Node>();
  for (const node of nodes)
    if (node.inputs.some((input) => isFloat(input.dtype) && (wanted.has(input) || onPath.has(input.node))))
      onPath.add(node);

  const gradients = new Map<Tensor, Tensor>();
  const accumulate = (tensor: Tensor, gradient: Tensor | undefined): void => {
    if (!gradient) return;
    const before = gradients.get(tensor);
    gradients.set(tensor, before ? add(before, gradient) : gradient);
  };
  outputs.forEach((output, index) => {
    accumulate(output, upstream[index]);
  });

  // Loops that differ only in what they put out have one gradient. It is taken with the first: whatever reads any is later.
  const alike = new Map(alikeScans(nodes).flatMap((group) => group.map((node) => [node, group] as const)));
  for (const each of nodes.reverse()) {
    const group = alike.get(each);
    if (!onPath.has(each) || (group && group[0] !== each)) continue;
    let node = each;
    if (group) {
      const joined = joinScans(group);
      node = joined.node;
      for (const [output, position] of joined.positions)
        accumulate(node.outputs[position]!, gradients.get(output));
    }
    const reaching = node.outputs.map((output) => gradients.get(output));
    if (reaching.every((gradient) => gradient === undefined)) continue;
    const { gradient } = node.operation;
    if (!gradient) continue;
    const inputGradients = gradient({
      node: node as never,
      inputs: node.inputs,
      outputs: node.outputs,
      attributes: node.attributes,
      upstream: reaching,
      wanted: node.inputs.map(
        (input) => isFloat(input.dtype) && (wanted.has(input) || onPath.has(input.node)),
      ),
      differentiate,
    });
    node.inputs.forEach((input, index) => {
      if (isFloat(input.dtype) && (wanted.has(input) || onPath.has(input.node)))
        accumulate(input, inputGradients[index]);
    });
  }
  return sources.map((source) => gradients.get(source));
}

/**
 * Gradients of a scalar with respect to tensors of its graph; zeros for those it does not depend on.
 * @throws ShapeError where the loss is not a float scalar
 * @throws RegardError where something is no tensor, or no list of them
 */
export function gradient(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (!(loss instanceof Tensor))
    throw new RegardError(`gradient: the loss is ${kindOf(loss)}, not a tensor.`);
  if (!Array.isArray(wrt))
    throw new RegardError(
      `gradient: the tensors to differentiate with respect to are ${kindOf(wrt)}, not a list; put them in [ ].`,
    );
  const wrong = wrt.findIndex((tensor) => !(tensor instanceof Tensor));
  if (wrong >= 0)
    throw new RegardError(
      `gradient: number ${wrong + 1} of the tensors to differentiate with respect to is ${kindOf(wrt[wrong])}, not a tensor.`,
    );
  if (loss.shape.length !== 0 || !isFloat(loss.dtype))
    throw new ShapeError(
      `gradient: the loss is ${loss.dtype} ${formatShape(loss.shape)} but must be one floating-point number; reduce it with reduceMean or reduceSum.`,
    );
  for (const tensor of wrt)
    if (!isFloat(tensor.dtype))
      throw new RegardError(
        `gradient: cannot differentiate with respect to a ${tensor.dtype} tensor; leave it out or cast it.`,
      );
  return differentiate([loss], [fill(1, loss)], wrt).map((found, index) => found ?? fill(0, wrt[index]!));
}
