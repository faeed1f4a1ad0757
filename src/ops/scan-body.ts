import {
  type Dimension,
  type EvaluationContext,
  formatShape,
  type NDArray,
  type Node,
  ndarray,
  reachableNodes,
  rewrite,
  ShapeError,
  sameShape,
  type Tensor,
} from "../core/index.js";
import { input, inputAttributes } from "./constant.js";
import { fill } from "./layout.js";

/** The step of a scan as a closed graph. */
export interface Body {
  /** States, then slices of the sequences, then loop invariants. */
  readonly parameters: readonly Tensor[];
  /** Next states, then per-step outputs. */
  readonly results: readonly Tensor[];
}

/** What a node of `scan` holds. */
export interface ScanAttributes {
  readonly states: number;
  readonly sequences: number;
  readonly reverse: boolean;
  readonly length: Dimension;
  readonly body: Body;
}

/** A sequence that says nothing, for loops that would have none to count their steps by. */
export const counter = (length: Dimension) => ({
  sequence: fill(0, { dtype: "float32", shape: [length] }),
  slice: input("step", "float32", [], { kind: "body" }),
});

/** Nodes among `nodes` that depend on any of `sources`; `nodes` are in order. */
export function dependents(nodes: readonly Node[], sources: Iterable<Tensor>): Set<Node> {
  const tensors = new Set(sources);
  const found = new Set<Node>();
  for (const node of nodes)
    if (node.inputs.some((tensor) => tensors.has(tensor) || found.has(tensor.node))) found.add(node);
  return found;
}

interface OpenScan {
  readonly initial: readonly Tensor[];
  readonly sequences: readonly Tensor[];
  readonly length: Dimension;
  readonly reverse: boolean;
  readonly parameters: readonly Tensor[];
  readonly results: readonly Tensor[];
}

/** Closes a step: what it uses from outside becomes loop invariants. Returns the inputs and attributes of a scan. */
export function close({ initial, sequences, length, reverse, parameters, results }: OpenScan): {
  readonly inputs: readonly Tensor[];
  readonly attributes: ScanAttributes;
} {
  const nodes = reachableNodes(results);
  const inside = dependents(nodes, parameters);
  const invariants = new Map<Tensor, Tensor>();
  const isParameter = new Set(parameters);
  const capture = (tensor: Tensor) => {
    if (inside.has(tensor.node) || isParameter.has(tensor) || invariants.has(tensor)) return;
    // Constants are as cheap inside as outside.
    if (tensor.node.inputs.length === 0 && !inputAttributes(tensor)) return;
    invariants.set(
      tensor,
      input(`invariant${invariants.size}`, tensor.dtype, tensor.shape, { kind: "body" }),
    );
  };
  for (const node of inside) node.inputs.forEach(capture);
  results.forEach(capture);
  const body: Body = {
    parameters: [...parameters, ...invariants.values()],
    results: rewrite(results, new Map([...invariants, ...parameters.map((p) => [p, p] as const)])),
  };
  return {
    inputs: [...initial, ...sequences, ...invariants.keys()],
    attributes: { states: initial.length, sequences: sequences.length, reverse, length, body },
  };
}

/** @throws ShapeError where a step does not return every state it was given, each as it was given */
export function assertStates(
  loop: string,
  initial: Readonly<Record<string, Tensor>>,
  states: Readonly<Record<string, Tensor>>,
): void {
  for (const [name, state] of Object.entries(initial)) {
    const next = states[name];
    if (!next)
      throw new ShapeError(`${loop}: the step returns no state "${name}", which it was given; return it.`);
    if (next.dtype !== state.dtype || !sameShape(next.shape, state.shape))
      throw new ShapeError(
        `${loop}: state "${name}" is ${state.dtype} ${formatShape(state.shape)} before a step but ${next.dtype} ${formatShape(next.shape)} after it; a state must keep its type and shape.`,
      );
  }
}

/** What each step put out, stacked, for the reference evaluator. */
export function stacked(
  parts: readonly NDArray[],
  { dtype, shape }: Tensor,
  context: EvaluationContext,
): NDArray {
  const result = ndarray(dtype, [parts.length, ...(parts[0]?.shape ?? context.sizes(shape))]);
  parts.forEach((part, step) => {
    result.data.set(part.data, step * part.data.length);
  });
  return result;
}

/** What a loop of so many steps costs. */
export const flopsOfSteps = (length: Dimension, body: Body, size: (dimension: Dimension) => number): number =>
  size(length) *
  reachableNodes(body.results).reduce(
    (sum, node) => sum + (node.operation.flops?.(node as never, size) ?? 0),
    0,
  );
