import { apply, type Node, type Tensor } from "../core/index.js";
import { scan } from "./scan.js";
import type { ScanAttributes } from "./scan-body.js";

// A gradient that needs more of a loop than it puts out reads it from a second scan, which takes the same steps from the same
// inputs and puts out more. Here such scans become one.

/** A scan's attributes; undefined for other nodes. */
export const scanAttributes = (node: Node): ScanAttributes | undefined =>
  node.operation === scan.operation ? (node.attributes as unknown as ScanAttributes) : undefined;

/** Whether two scans take the same step, whatever they put out of it. Each step that is traced has its own parameters. */
const sameStep = (a: ScanAttributes, b: ScanAttributes): boolean =>
  a.body.parameters === b.body.parameters &&
  b.body.results.slice(0, b.states).every((next, index) => next === a.body.results[index]);

const sameInputs = (a: readonly Tensor[], b: readonly Tensor[]): boolean =>
  a.every((input, index) => input === b[index]);

/** One scan over `inputs` that puts out what any of `parts`, which take the same step, does. */
function join(inputs: readonly Tensor[], parts: readonly ScanAttributes[]): Node {
  const { states, body, ...rest } = parts[0]!;
  const outputs = new Set(parts.flatMap((part) => part.body.results.slice(states)));
  const results = [...body.results.slice(0, states), ...outputs];
  return apply(scan.operation, inputs, { ...rest, states, body: { ...body, results } });
}

/** Where the outputs of a scan lie among those of one that puts out as much or more. */
function positionsIn(whole: Node, { states, body }: ScanAttributes): number[] {
  const { results } = scanAttributes(whole)!.body;
  return body.results.map((result, index) => (index < states ? index : results.indexOf(result, states)));
}

/** Scans among `nodes` that differ in nothing but what they put out, in the order of `nodes`; those that stand alone are left out. */
export function alikeScans(nodes: readonly Node[]): Node[][] {
  const groups: Node[][] = [];
  for (const node of nodes) {
    const attributes = scanAttributes(node);
    if (!attributes) continue;
    const group = groups.find(
      ([first]) => sameStep(scanAttributes(first!)!, attributes) && sameInputs(first!.inputs, node.inputs),
    );
    if (group) group.push(node);
    else groups.push([node]);
  }
  return groups.filter(({ length }) => length > 1);
}

/** One scan for all that are alike, and where each output of each of them lies among its own. */
export function joinScans(group: readonly Node[]): { node: Node; positions: ReadonlyMap<Tensor, number> } {
  const parts = group.map((one) => scanAttributes(one)!);
  const node = join(group[0]!.inputs, parts);
  const positions = group.flatMap(({ outputs }, index) =>
    positionsIn(node, parts[index]!).map((position, output) => [outputs[output]!, position] as const),
  );
  return { node, positions: new Map(positions) };
}

/**
 * Rebuilds the scans among `nodes` so that those become one which, once their inputs are rewritten, differ in nothing but what they
 * put out.
 */
export function scanJoiner(
  nodes: readonly Node[],
): (node: Node, inputs: readonly Tensor[]) => readonly Tensor[] {
  const all = nodes.flatMap((node) => scanAttributes(node) ?? []);
  const made: Node[] = [];
  return (node, inputs) => {
    const attributes = scanAttributes(node)!;
    let whole = made.find(
      (one) => sameStep(scanAttributes(one)!, attributes) && sameInputs(one.inputs, inputs),
    );
    if (!whole) {
      // Outputs of those whose inputs turn out to be others are put out too, and read by nothing.
      whole = join(
        inputs,
        all.filter((other) => sameStep(other, attributes)),
      );
      made.push(whole);
    }
    return positionsIn(whole, attributes).map((position) => whole.outputs[position]!);
  };
}
