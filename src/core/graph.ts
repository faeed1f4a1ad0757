import type { Operation } from "./operation.js";
import { Node, type Tensor } from "./tensor.js";

/** Applies an operation to tensors: infers the output types and makes the node. */
export function apply<Attributes extends object>(
  operation: Operation<Attributes>,
  inputs: readonly Tensor[],
  attributes: Attributes,
): Node {
  return new Node(
    operation,
    inputs,
    attributes as Record<string, unknown>,
    operation.infer(inputs, attributes),
  );
}

/** Every node that `outputs` depend on, inputs before the nodes that use them. Bodies of scans are not entered. */
export function reachableNodes(outputs: readonly Tensor[], stop?: (node: Node) => boolean): Node[] {
  const seen = new Set<Node>();
  const stack = outputs.map((tensor) => tensor.node);
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node) || stop?.(node)) continue;
    seen.add(node);
    for (const input of node.inputs) stack.push(input.node);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}

/**
 * Copies the part of a graph that `outputs` need, with the tensors in `replacements` put in place.
 * `rebuild` says what becomes of a node once its inputs are known; by default it is kept where no input changed
 * and its operation applied again where one did.
 */
export function rewrite(
  outputs: readonly Tensor[],
  replacements: ReadonlyMap<Tensor, Tensor>,
  rebuild: (node: Node, inputs: readonly Tensor[]) => readonly Tensor[] = reapply,
): Tensor[] {
  const done = new Map(replacements);
  const replaced = (node: Node): boolean => node.outputs.every((output) => done.has(output));
  for (const node of reachableNodes(outputs, replaced)) {
    const results = rebuild(
      node,
      node.inputs.map((input) => done.get(input) ?? input),
    );
    node.outputs.forEach((output, index) => {
      if (!done.has(output)) done.set(output, results[index]!);
    });
  }
  return outputs.map((output) => done.get(output) ?? output);
}

/** The node itself where `inputs` are its own, otherwise its operation applied to them. */
export function reapply(node: Node, inputs: readonly Tensor[]): readonly Tensor[] {
  const unchanged = inputs.every((input, index) => input === node.inputs[index]);
  return unchanged ? node.outputs : apply(node.operation, inputs, node.attributes).outputs;
}
