import {
  apply,
  type EvaluationContext,
  type Node,
  reachableNodes,
  reapply,
  rewrite,
  type Shape,
  type Tensor,
} from "../core/index.js";
import { constant, inputAttributes, type ScanAttributes, scan } from "../ops/index.js";

/**
 * The same values from fewer nodes: scans that take the same steps become one, scans lose outputs and states that nothing uses, nodes whose inputs are constants
 * become constants, and equal nodes become one. What no output needs falls away by not being reached.
 */
export function simplify(outputs: readonly Tensor[]): Tensor[] {
  const pruned = pruneScans(mergeScans(outputs));
  const known = new Map<string, readonly Tensor[]>();
  return rewrite(pruned, new Map(), (node, inputs) => {
    if (node.operation === scan.operation) return simplifyBody(node, inputs);
    if (node.inputs.length === 0 && inputAttributes(node.outputs[0]!)) return node.outputs;
    const key = `${node.operation.name} ${keyOf(node.attributes)} ${inputs.map((t) => `${t.node.id}.${t.index}`).join(" ")}`;
    let found = known.get(key);
    if (!found) {
      found = fold(node, inputs) ?? reapply(node, inputs);
      known.set(key, found);
    }
    return found;
  });
}

/**
 * Scans of one step over the same inputs as one scan that puts out what any of them does. A gradient reads values of the forward
 * step from such a scan beside the first.
 */
function mergeScans(outputs: readonly Tensor[]): Tensor[] {
  const nodes = reachableNodes(outputs).filter(({ operation }) => operation === scan.operation);
  const alike = new Map<readonly Tensor[], Node[]>();
  for (const node of nodes) {
    // Scans of one step share its parameters: each step that is traced has its own.
    const { parameters } = (node.attributes as unknown as ScanAttributes).body;
    alike.set(parameters, [...(alike.get(parameters) ?? []), node]);
  }
  if ([...alike.values()].every(({ length }) => length === 1)) return [...outputs];
  const merged: { readonly inputs: readonly Tensor[]; readonly results: Tensor[]; readonly node: Node }[] =
    [];
  return rewrite(outputs, new Map(), (node, inputs) => {
    const attributes = node.attributes as unknown as ScanAttributes;
    const group = node.operation === scan.operation ? alike.get(attributes.body.parameters)! : [];
    if (group.length < 2) return reapply(node, inputs);
    const { states, body } = attributes;
    let found = merged.find(
      (one) =>
        (one.node.attributes as unknown as ScanAttributes).body.parameters === body.parameters &&
        one.inputs.every((input, index) => input === inputs[index]) &&
        body.results.slice(0, states).every((result, index) => result === one.results[index]),
    );
    if (!found) {
      const all = group.map((one) => (one.attributes as unknown as ScanAttributes).body);
      const same = all.filter(({ results }) =>
        body.results.slice(0, states).every((result, index) => result === results[index]),
      );
      const results = [
        ...body.results.slice(0, states),
        ...new Set(same.flatMap((one) => one.results.slice(states))),
      ];
      const made = apply(scan.operation, inputs, {
        ...attributes,
        body: { parameters: body.parameters, results },
      });
      found = { inputs, results, node: made };
      merged.push(found);
    }
    const { results, node: one } = found;
    return body.results.map(
      (result, index) => one.outputs[index < states ? index : results.indexOf(result, states)]!,
    );
  });
}

/** Attributes as a text that is alike only where they are, to the bit: JSON knows no infinity, no NaN and no −0. */
const keyOf = (attributes: unknown): string =>
  JSON.stringify(attributes, (_, value: unknown) =>
    typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
      ? { number: Object.is(value, -0) ? "-0" : String(value) }
      : value,
  );

function simplifyBody(node: Node, inputs: readonly Tensor[]): readonly Tensor[] {
  const attributes = node.attributes as unknown as ScanAttributes;
  const body = { parameters: attributes.body.parameters, results: simplify(attributes.body.results) };
  return apply(scan.operation, inputs, { ...attributes, body }).outputs;
}

/** Elements above which a folded constant would cost more to keep than to compute. */
const LARGEST_FOLDED = 4096;

const isKnown = (shape: Shape): shape is readonly number[] => shape.every((size) => typeof size === "number");

function fold(node: Node, inputs: readonly Tensor[]): Tensor[] | undefined {
  if (inputs.length === 0 || inputs.some((tensor) => tensor.node.operation !== constant.operation))
    return undefined;
  const small = node.outputs.every(
    ({ shape }) => isKnown(shape) && shape.reduce((a, b) => a * b, 1) <= LARGEST_FOLDED,
  );
  if (!small) return undefined;
  const context: EvaluationContext = {
    size: (dimension) => dimension as number,
    sizes: (shape) => [...shape] as number[],
    evaluate: () => {
      throw new Error("a scan is not folded");
    },
  };
  const values = inputs.map(
    (tensor) => constant.operation.evaluate(context, [], tensor.node.attributes as never)[0]!,
  );
  return node.operation
    .evaluate(context, values, node.attributes)
    .map(({ dtype, shape, data }) => constant([...data], { dtype, shape }));
}

/** What is left of a scan: positions of the results and parameters that are needed. */
interface Needed {
  readonly results: readonly number[];
  readonly parameters: readonly number[];
}

function pruneScans(outputs: readonly Tensor[]): Tensor[] {
  const used = new Set<Tensor>(outputs);
  const plans = new Map<Node, Needed>();
  for (const node of reachableNodes(outputs).reverse()) {
    if (!node.outputs.some((output) => used.has(output))) continue;
    const plan = node.operation === scan.operation ? neededParts(node, used) : undefined;
    if (plan) plans.set(node, plan);
    node.inputs.forEach((input, index) => {
      if (!plan || plan.parameters.includes(index)) used.add(input);
    });
  }
  return rewrite(outputs, new Map(), (node, inputs) => {
    const plan = plans.get(node);
    if (node.operation === scan.operation && plan) return prune(node, inputs, plan);
    // A scan without a plan has no used output; nothing reads what it returns.
    return node.operation === scan.operation ? node.outputs : reapply(node, inputs);
  });
}

function neededParts(node: Node, used: ReadonlySet<Tensor>): Needed {
  const { states, sequences, body } = node.attributes as unknown as ScanAttributes;
  const results = new Set(node.outputs.flatMap((output, index) => (used.has(output) ? [index] : [])));
  const parameters = new Set<number>();
  for (let before = -1; before < results.size; ) {
    before = results.size;
    parameters.clear();
    const kept = [...results].map((index) => body.results[index]!);
    const nodes = new Set(reachableNodes(kept));
    body.parameters.forEach((parameter, index) => {
      if (!nodes.has(parameter.node)) return;
      parameters.add(index);
      if (index < states) results.add(index);
    });
  }
  // A state is a result and a parameter together, and a loop counts its steps by a sequence.
  for (const index of results) if (index < states) parameters.add(index);
  const looped = body.parameters.slice(states, states + sequences);
  if (!looped.some((_, index) => parameters.has(states + index))) parameters.add(states);
  const ordered = (set: Set<number>) => [...set].sort((a, b) => a - b);
  return { results: ordered(results), parameters: ordered(parameters) };
}

function prune(node: Node, inputs: readonly Tensor[], { results, parameters }: Needed): Tensor[] {
  const attributes = node.attributes as unknown as ScanAttributes;
  const { states, sequences, body } = attributes;
  const made = apply(
    scan.operation,
    parameters.map((index) => inputs[index]!),
    {
      ...attributes,
      states: results.filter((index) => index < states).length,
      sequences: parameters.filter((index) => index >= states && index < states + sequences).length,
      body: {
        parameters: parameters.map((index) => body.parameters[index]!),
        results: results.map((index) => body.results[index]!),
      },
    },
  );
  const outputs = [...node.outputs];
  results.forEach((index, position) => {
    outputs[index] = made.outputs[position]!;
  });
  return outputs;
}
