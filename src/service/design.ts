import { type Node, type Operation, reachableNodes, resolveDimension, type Tensor } from "../core/index.js";
import { type ModelPart, modelById } from "../models/index.js";
import { Mode, Scope } from "../nn/index.js";
import { decodeModel, lower, type NodeProto, simplify } from "../onnx/index.js";
import { inputAttributes } from "../ops/index.js";
import { taskOf, trainingDefaults } from "../task/index.js";
import { checked, layoutOf, makeOptimizer, optimizerSchema, trainingStep } from "../train/index.js";
import type { DesignedPart, DesignRequest, ModelDesign } from "./protocol.js";

const BYTES = 4;

/** A model with given options, part by part: parameters, operations and memory, before anything is trained. */
export function designOf(request: DesignRequest): ModelDesign {
  const card = modelById(request.model);
  const configuration = checked(`model ${card.id}, option`, card.configuration, request.configuration);
  const scope = Scope.root();
  const task = taskOf(card);
  const { options, lengths, ...sizing } = task.sizing;
  const sizes = sizing.sizes(checked("size", options, request.sizes));
  const trained = card
    .build(scope, configuration, sizes)
    .objective({ ...task.inputs(sizes), ...task.targets(sizes, "batch") }, Mode.plain());
  const bindings = new Map(Object.entries({ ...lengths, batch: request.batch }));
  const size = (dimension: string | number) => resolveDimension(dimension, bindings);

  const owner = ownerOf(card.parts);
  const parts = card.parts.map((part) => ({ part, flops: 0, operations: new Map<string, number>() }));
  const [loss] = simplify([trained.losses]);
  const assigned = new Map<Node, number>();
  attribute(
    [loss!],
    new Map(),
    owner,
    (node, index, times) => {
      assigned.set(node, index);
      parts[index]!.flops += times * flopsOf(node, size);
    },
    size,
    1,
  );
  lower(
    { loss: loss! },
    {
      onLowered: (node, emitted) => {
        const index = assigned.get(node);
        if (index === undefined) return;
        for (const { opType } of emitted) {
          const { operations } = parts[index]!;
          operations.set(opType, (operations.get(opType) ?? 0) + 1);
        }
      },
    },
  );

  const { parameters } = scope;
  const program = trainingStep({ loss: trained.loss, parameters });
  const { slots } = makeOptimizer(optimizerSchema.parse(trainingDefaults(card).optimizer));
  const nodes = reachableNodes(simplify(Object.values(program)));
  const stepFlops = nodes.reduce((sum, node) => sum + flopsOf(node, size), 0);
  const layout = layoutOf(parameters);
  // What a loop keeps from forward to backward, the largest part of what a step holds besides parameters and state.
  const kept = nodes
    .filter((node) => node.operation.name === "scan")
    .flatMap((node) => node.outputs)
    .reduce((sum, { shape }) => sum + shape.reduce<number>((product, one) => product * size(one), 1), 0);
  const count = (inside: readonly string[]) =>
    parameters.filter(({ name }) => inside.some((one) => within(name, one)));
  return {
    model: card.id,
    title: card.title,
    paper: card.paper,
    attention: card.attention,
    parameters: layout.count,
    stepFlops,
    // Parameters, their gradient, what the optimizer remembers, and what is kept for the backward pass.
    memory: BYTES * ((2 + slots.length) * layout.padded + kept),
    onnxNodes: countNodes(decodeModel(lower(program).bytes).graph.node),
    batch: request.batch,
    lengths,
    parts: parts.map(
      ({ part, flops, operations }): DesignedPart => ({
        ...part,
        flops,
        parameters: count(part.scopes).map(({ name, shape }) => ({ name, shape: [...shape] })),
        parameterCount: count(part.scopes).reduce(
          (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
          0,
        ),
        operations: [...operations].sort(([, a], [, b]) => b - a).map(([name, times]) => ({ name, times })),
      }),
    ),
  };
}

const within = (name: string, scope: string): boolean => name === scope || name.startsWith(`${scope}.`);

const flopsOf = (node: Node, size: (dimension: string | number) => number): number =>
  (node.operation as Operation).flops?.(node as never, size) ?? 0;

const countNodes = (nodes: readonly NodeProto[]): number =>
  nodes.reduce(
    (sum, { attribute }) =>
      sum + 1 + attribute.reduce((inner, { g }) => inner + (g ? countNodes(g.node) : 0), 0),
    0,
  );

/** Which part a parameter belongs to, by position; undefined for tensors that are no parameters. */
const ownerOf =
  (parts: readonly ModelPart[]) =>
  (tensor: Tensor): number | undefined => {
    const name = inputAttributes(tensor)?.name;
    if (name === undefined) return undefined;
    const index = parts.findIndex(({ scopes }) => scopes.some((scope) => within(name, scope)));
    return index < 0 ? undefined : index;
  };

interface ScanLike {
  readonly body: { readonly parameters: readonly Tensor[]; readonly results: readonly Tensor[] };
  readonly length: string | number;
}

/**
 * Gives every node to a part: to the one whose parameters it uses, otherwise to the last one that it reads from. Bodies
 * of loops are entered; `known` says which part, or whose parameter, a body's parameter stands for.
 */
function attribute(
  outputs: readonly Tensor[],
  known: ReadonlyMap<Tensor, { part: number; owned: boolean }>,
  owner: (tensor: Tensor) => number | undefined,
  assign: (node: Node, part: number, times: number) => void,
  size: (dimension: string | number) => number,
  times: number,
): ReadonlyMap<Tensor, { part: number; owned: boolean }> {
  const found = new Map(known);
  for (const node of reachableNodes(outputs)) {
    if (node.outputs.every((output) => found.has(output))) continue;
    const own = owner(node.outputs[0]!);
    if (own !== undefined) {
      found.set(node.outputs[0]!, { part: own, owned: true });
      continue;
    }
    const inputs = node.inputs.map((tensor) => found.get(tensor));
    if (node.operation.name === "scan") {
      const { body, length } = node.attributes as unknown as ScanLike;
      const inside = new Map<Tensor, { part: number; owned: boolean }>();
      body.parameters.forEach((parameter, index) => {
        if (inputs[index]) inside.set(parameter, inputs[index]);
        else inside.set(parameter, { part: 0, owned: false });
      });
      const results = attribute(body.results, inside, owner, assign, size, times * size(length));
      body.results.forEach((result, index) => {
        found.set(node.outputs[index]!, { part: results.get(result)?.part ?? 0, owned: false });
      });
      continue;
    }
    const owned = inputs.find((entry) => entry?.owned);
    const part = owned?.part ?? Math.max(0, ...inputs.map((entry) => entry?.part ?? 0));
    assign(node, part, times);
    for (const output of node.outputs) found.set(output, { part, owned: false });
  }
  return found;
}
