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
import {
  constant,
  inputAttributes,
  type RepeatAttributes,
  repeat,
  scan,
  scanAttributes,
  scanJoiner,
} from "../ops/index.js";

/**
 * The same values from fewer nodes: nodes whose inputs are constants become constants, equal nodes become one, as do scans that
 * differ only in what they put out, and scans lose outputs and states that nothing uses. What no output needs falls away by not
 * being reached.
 */
export const simplify = (outputs: readonly Tensor[]): Tensor[] => pruneScans(share(outputs));

function share(outputs: readonly Tensor[]): Tensor[] {
  const joined = scanJoiner(reachableNodes(outputs));
  const known = new Map<string, readonly Tensor[]>();
  return rewrite(outputs, new Map(), (node, inputs) => {
    if (scanAttributes(node)) return joined(node, inputs);
    if (node.inputs.length === 0 && inputAttributes(node.outputs[0]!)) return node.outputs;
    if (node.operation === repeat.operation) return simplifiedRepeat(node, inputs);
    const key = `${node.operation.name} ${keyOf(node.attributes)} ${inputs.map((t) => `${t.node.id}.${t.index}`).join(" ")}`;
    let found = known.get(key);
    if (!found) {
      found = fold(node, inputs) ?? reapply(node, inputs);
      known.set(key, found);
    }
    return found;
  });
}

function simplifiedRepeat(node: Node, inputs: readonly Tensor[]): readonly Tensor[] {
  const { body, ...rest } = node.attributes as unknown as RepeatAttributes;
  return apply(node.operation, inputs, { ...rest, body: { ...body, results: simplify(body.results) } })
    .outputs;
}

/** Attributes as a text that is alike only where they are, to the bit: JSON knows no infinity, no NaN and no −0. */
const keyOf = (attributes: unknown): string =>
  JSON.stringify(attributes, (_, value: unknown) =>
    typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
      ? { number: Object.is(value, -0) ? "-0" : String(value) }
      : value,
  );

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
    const plan = scanAttributes(node) && neededParts(node, used);
    if (plan) plans.set(node, plan);
    node.inputs.forEach((input, index) => {
      if (!plan || plan.parameters.includes(index)) used.add(input);
    });
  }
  return rewrite(outputs, new Map(), (node, inputs) => {
    if (!scanAttributes(node)) return reapply(node, inputs);
    const plan = plans.get(node);
    // A scan without a plan has no used output; nothing reads what it returns.
    return plan ? prune(node, inputs, plan) : node.outputs;
  });
}

function neededParts(node: Node, used: ReadonlySet<Tensor>): Needed {
  const { states, sequences, body } = scanAttributes(node)!;
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
  const attributes = scanAttributes(node)!;
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
        results: simplify(results.map((index) => body.results[index]!)),
      },
    },
  );
  const outputs = [...node.outputs];
  results.forEach((index, position) => {
    outputs[index] = made.outputs[position]!;
  });
  return outputs;
}
