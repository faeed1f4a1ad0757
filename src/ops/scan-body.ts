import { type Dimension, type Node, reachableNodes, rewrite, type Tensor } from "../core/index.js";
import { input, inputAttributes } from "./constant.js";
import { fill } from "./layout.js";

/** The step of a scan as a closed graph. */
export interface Body {
  /** States, then slices of the sequences, then loop invariants. */
  readonly parameters: readonly Tensor[];
  /** Next states, then per-step outputs. */
  readonly results: readonly Tensor[];
}

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
