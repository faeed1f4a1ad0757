import { type Node, reapply, rewrite, ShapeError, type Tensor } from "../core/index.js";
import { slice, squeeze, stack } from "./layout.js";
import { scan } from "./scan.js";
import type { ScanAttributes } from "./scan-body.js";

/**
 * The same computation as a scan node's, written out step by step, for devices on which loops are slow.
 * @throws ShapeError where the number of steps is a name
 */
export function unroll(node: Node): Tensor[] {
  const { states, sequences, reverse, length, body } = node.attributes as unknown as ScanAttributes;
  if (typeof length !== "number")
    throw new ShapeError(
      `unroll: the scan runs over dimension "${length}", which is not a number; give its sequences a fixed length.`,
    );
  let carried = node.inputs.slice(0, states);
  const stacks: Tensor[][] = body.results.slice(states).map(() => []);
  for (let count = 0; count < length; count++) {
    const step = reverse ? length - 1 - count : count;
    const slices = node.inputs
      .slice(states, states + sequences)
      .map((sequence) => squeeze(slice(sequence, 0, step, 1), 0));
    const values = [...carried, ...slices, ...node.inputs.slice(states + sequences)];
    const results = unrollAll(
      rewrite(body.results, new Map(body.parameters.map((parameter, index) => [parameter, values[index]!]))),
    );
    carried = results.slice(0, states);
    results.slice(states).forEach((output, index) => {
      stacks[index]![step] = output;
    });
  }
  return [...carried, ...stacks.map((parts) => stack(parts))];
}

/** A graph in which every scan is unrolled, also those inside bodies of others. */
export const unrollAll = (outputs: readonly Tensor[]): Tensor[] =>
  rewrite(outputs, new Map(), (node, inputs) => {
    const outputs = reapply(node, inputs);
    return node.operation === scan.operation ? unroll(outputs[0]!.node) : outputs;
  });
