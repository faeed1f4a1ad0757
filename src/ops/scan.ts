import {
  apply,
  type Dimension,
  formatShape,
  isFloat,
  type NDArray,
  type Node,
  ndarray,
  type Operation,
  reachableNodes,
  reapply,
  rewrite,
  ShapeError,
  sameShape,
  Tensor,
} from "../core/index.js";
import { add } from "./binary.js";
import { input, inputAttributes } from "./constant.js";
import { floats } from "./define.js";
import { fill, reshape, slice, squeeze, stack, transpose } from "./layout.js";
import { matmul } from "./matmul.js";
import { neg, sigmoid, tanh } from "./unary.js";

/** The step of a scan as a closed graph. */
export interface Body {
  /** States, then slices of the sequences, then loop invariants. */
  readonly parameters: readonly Tensor[];
  /** Next states, then per-step outputs. Gains outputs where a gradient needs a value of the step again. */
  readonly results: Tensor[];
}

export interface ScanAttributes {
  readonly states: number;
  readonly sequences: number;
  readonly reverse: boolean;
  readonly length: Dimension;
  readonly body: Body;
}

type Tensors = Readonly<Record<string, Tensor>>;

export interface ScanOptions<States extends Tensors, Sequences extends Tensors> {
  /** The states before the first step. */
  readonly initial: States;
  /** Tensors whose axis 0 runs over steps. */
  readonly sequences?: Sequences;
  /** The number of steps, needed only without sequences. */
  readonly length?: Dimension;
  /** Run from the last step to the first; outputs stay at the position of their step. */
  readonly reverse?: boolean;
}

/**
 * Runs `step` over the slices of sequences, carrying states from one step to the next.
 *
 * Tensors from outside that the step uses are loop invariants: what can be computed from them alone is computed once,
 * before the loop. The gradient is a scan in the other direction over values kept from this one; gradients of
 * invariants that are sums of products over steps are taken after that loop, as one product.
 *
 * @returns the states after the last step, and the outputs of all steps with the steps on axis 0
 * @throws ShapeError where a state changes its type, or sequences differ in length
 */
export function scan<States extends Tensors, Sequences extends Tensors, Outputs extends Tensors>(
  options: ScanOptions<States, Sequences>,
  step: (
    states: { [K in keyof States]: Tensor },
    slices: { [K in keyof Sequences]: Tensor },
  ) => { states: { [K in keyof States]: Tensor }; outputs: Outputs },
): { states: { [K in keyof States]: Tensor }; outputs: { [K in keyof Outputs]: Tensor } } {
  const { initial, reverse = false } = options;
  let sequences: Tensors = options.sequences ?? {};
  if (Object.keys(sequences).length === 0) {
    if (options.length === undefined)
      throw new ShapeError("scan: there are no sequences to take the number of steps from; give `length`.");
    sequences = { step: counter(options.length).sequence };
  }
  const [first, ...others] = Object.entries(sequences);
  for (const [name, sequence] of others)
    if (sequence.shape[0] !== first![1].shape[0])
      throw new ShapeError(
        `scan: axis 0 of sequence "${name}" is ${sequence.shape[0]} but of "${first![0]}" it is ${first![1].shape[0]} (${formatShape(sequence.shape)} and ${formatShape(first![1].shape)}). All sequences must have one step for each step of the others.`,
      );
  const placeholder = (name: string, type: Tensor, shape = type.shape) =>
    input(name, type.dtype, shape, { kind: "body" });
  const states = mapValues(initial, (state, name) => placeholder(name, state));
  const slices = mapValues(sequences, (sequence, name) =>
    placeholder(name, sequence, sequence.shape.slice(1)),
  );
  const result = step(states as never, slices as never);
  for (const [name, state] of Object.entries(initial)) {
    const next = (result.states as Tensors)[name];
    if (!next)
      throw new ShapeError(`scan: the step returns no state "${name}", which it was given; return it.`);
    if (next.dtype !== state.dtype || !sameShape(next.shape, state.shape))
      throw new ShapeError(
        `scan: state "${name}" is ${state.dtype} ${formatShape(state.shape)} before a step but ${next.dtype} ${formatShape(next.shape)} after it; a state must keep its type and shape.`,
      );
  }
  const names = Object.keys(initial);
  const outputNames = Object.keys(result.outputs);
  const node = close({
    initial: Object.values(initial),
    sequences: Object.values(sequences),
    length: first![1].shape[0]!,
    reverse,
    parameters: [...Object.values(states), ...Object.values(slices)],
    results: [
      ...names.map((name) => (result.states as Tensors)[name]!),
      ...outputNames.map((name) => result.outputs[name]!),
    ],
  });
  const named = (keys: string[], offset: number) =>
    Object.fromEntries(keys.map((key, index) => [key, node.outputs[offset + index]!]));
  return { states: named(names, 0), outputs: named(outputNames, names.length) } as never;
}

/** A sequence that says nothing, for loops that would have none to count their steps by. */
const counter = (length: Dimension) => ({
  sequence: fill(0, { dtype: "float32", shape: [length] }),
  slice: input("step", "float32", [], { kind: "body" }),
});

function mapValues(record: Tensors, change: (value: Tensor, name: string) => Tensor): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value, name)]));
}

/** Nodes among `nodes` that depend on any of `sources`; `nodes` are in order. */
function dependents(nodes: readonly Node[], sources: Iterable<Tensor>): Set<Node> {
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

/** Makes the node: turns what the step uses from outside into loop invariants. */
function close({ initial, sequences, length, reverse, parameters, results }: OpenScan): Node {
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
  return apply(scanOperation, [...initial, ...sequences, ...invariants.keys()], {
    states: initial.length,
    sequences: sequences.length,
    reverse,
    length,
    body,
  });
}

const scanOperation: Operation<ScanAttributes> = {
  name: "scan",
  infer: (inputs, { states, length, body }) =>
    body.results.map((result, index) => ({
      dtype: result.dtype,
      shape: index < states ? inputs[index]!.shape : [length, ...result.shape],
    })),
  gradient: ({ node, inputs, upstream, wanted, differentiate }) => {
    const { states, sequences, reverse, length, body } = node.attributes;
    const forwardNodes = reachableNodes(body.results);
    const forward = new Set(forwardNodes);
    const parameterIndex = new Map(body.parameters.map((parameter, index) => [parameter, index]));

    // Which parameters and results take part: a state does where an earlier step's wanted value can reach it.
    const active = body.parameters.map((parameter, index) => wanted[index]! && isFloat(parameter.dtype));
    let touched: Set<Node>;
    const isTouched = (tensor: Tensor) => {
      const index = parameterIndex.get(tensor);
      return index !== undefined ? active[index]! : touched.has(tensor.node);
    };
    for (let changed = true; changed; ) {
      changed = false;
      touched = dependents(
        forwardNodes,
        body.parameters.filter((_, index) => active[index]),
      );
      for (let state = 0; state < states; state++)
        if (!active[state] && isFloat(body.results[state]!.dtype) && isTouched(body.results[state]!))
          changed = active[state] = true;
    }

    // The gradient of one step.
    const seeds = body.results.map((result, index) => {
      const arrives =
        index < states ? active[index] : upstream[index] && isFloat(result.dtype) && isTouched(result);
      return arrives ? input(`gradient${index}`, result.dtype, result.shape, { kind: "body" }) : undefined;
    });
    const activeIndices = body.parameters.flatMap((_, index) => (active[index] ? [index] : []));
    const stepGradients = differentiate(
      body.results,
      seeds,
      activeIndices.map((index) => body.parameters[index]!),
    );
    const gradientOf = new Map(activeIndices.map((index, position) => [index, stepGradients[position]]));

    // Values of the forward step, as stacks over all steps.
    const stacks = new Map<Tensor, Tensor>();
    const saved = (tensor: Tensor): Tensor => {
      let found = stacks.get(tensor);
      if (found) return found;
      const index = parameterIndex.get(tensor);
      if (index !== undefined && index >= states) found = inputs[index]!;
      else {
        let position = body.results.indexOf(tensor, states);
        if (position < 0) {
          position = body.results.push(tensor) - 1;
          node.outputs.push(new Tensor(node, position, tensor.dtype, [length, ...tensor.shape]));
        }
        found = node.outputs[position]!;
      }
      stacks.set(tensor, found);
      return found;
    };
    const isForward = (tensor: Tensor) => forward.has(tensor.node) || parameterIndex.has(tensor);
    const isInvariant = (tensor: Tensor) => (parameterIndex.get(tensor) ?? -1) >= states + sequences;

    // Sums over steps that can be taken after the loop, on stand-ins for the stacks they need.
    const standIns = new Map<Tensor, Tensor>();
    const stackLater = (factor: Tensor): Tensor => {
      if (factor.node.operation === reshape.operation) {
        const inner = stackLater(factor.node.inputs[0]!);
        return reshape(inner, [length, ...factor.shape]);
      }
      let standIn = standIns.get(factor);
      if (!standIn) {
        standIn = input("stack", factor.dtype, [length, ...factor.shape], { kind: "body" });
        standIns.set(factor, standIn);
      }
      return standIn;
    };
    const varies = (tensor: Tensor): boolean =>
      tensor.node.operation === reshape.operation
        ? varies(tensor.node.inputs[0]!)
        : !isInvariant(tensor) &&
          (parameterIndex.has(tensor) || tensor.node.inputs.length > 0 || seeds.includes(tensor));
    const inLoop: Tensor[] = [];
    const sumLater = (tensor: Tensor): Tensor | undefined => {
      const { operation, inputs: factors } = tensor.node;
      if (!isForward(tensor)) {
        if (operation === add.operation && factors.every((factor) => sameShape(factor.shape, tensor.shape))) {
          const [a, b] = factors.map(sumLater);
          return a && b ? add(a, b) : (a ?? b);
        }
        if (
          operation === reshape.operation ||
          operation === transpose.operation ||
          operation === neg.operation
        ) {
          const before = inLoop.length;
          const inner = sumLater(factors[0]!);
          if (inner && inLoop.length === before)
            return apply(operation, [inner], tensor.node.attributes).outputs[0]!;
          inLoop.length = before;
        } else if (operation.sumOverSteps && factors.every(varies))
          return operation.sumOverSteps(tensor.node as never, stackLater);
      }
      inLoop.push(tensor);
      return undefined;
    };
    const later = new Map<number, Tensor | undefined>();
    const accumulated = new Map<number, Tensor>();
    for (const index of activeIndices) {
      const gradient = gradientOf.get(index);
      if (index < states + sequences || !gradient) continue;
      inLoop.length = 0;
      later.set(index, sumLater(gradient));
      if (inLoop.length > 0)
        accumulated.set(
          index,
          inLoop.reduce((a, b) => add(a, b)),
        );
    }

    // The loop: gradients of states and sums carried, gradients of slices and missing stacks put out.
    const stateIndices = activeIndices.filter((index) => index < states);
    const sliceIndices = activeIndices.filter(
      (index) => index >= states && index < states + sequences && gradientOf.get(index),
    );
    const sums = [...accumulated].map(([index, contribution]) => {
      const parameter = body.parameters[index]!;
      return {
        index,
        contribution,
        running: input(`sum${index}`, parameter.dtype, parameter.shape, { kind: "body" }),
      };
    });
    const stackedHere = [...standIns.keys()].filter((factor) => !isForward(factor));
    const results = [
      ...stateIndices.map((index) => gradientOf.get(index) ?? fill(0, body.parameters[index]!)),
      ...sums.map(({ running, contribution }) => add(running, contribution)),
      ...sliceIndices.map((index) => gradientOf.get(index)!),
      ...stackedHere,
    ];
    const seedSlices = seeds.flatMap((seed, index) =>
      seed && index >= states ? [{ seed, stack: upstream[index]! }] : [],
    );
    const residuals = [...forwardValues(results, isForward, isInvariant)].map((value) => ({
      value,
      slice: input("residual", value.dtype, value.shape, { kind: "body" }),
    }));
    const replacements = new Map<Tensor, Tensor>(residuals.map(({ value, slice }) => [value, slice]));
    body.parameters.forEach((parameter, index) => {
      if (index >= states + sequences) replacements.set(parameter, inputs[index]!);
    });
    const looped = [
      ...seedSlices.map(({ seed, stack }) => ({ sequence: stack, slice: seed })),
      ...residuals.map(({ value, slice }) => ({ sequence: saved(value), slice })),
    ];
    if (looped.length === 0) looped.push(counter(length));
    const backward = close({
      initial: [
        ...stateIndices.map((index) => upstream[index] ?? fill(0, inputs[index]!)),
        ...sums.map(({ index }) => fill(0, inputs[index]!)),
      ],
      sequences: looped.map(({ sequence }) => sequence),
      length,
      reverse: !reverse,
      parameters: [
        ...stateIndices.map((index) => seeds[index]!),
        ...sums.map(({ running }) => running),
        ...looped.map(({ slice }) => slice),
      ],
      results: rewrite(results, replacements),
    }).outputs;

    const gradients: (Tensor | undefined)[] = inputs.map(() => undefined);
    stateIndices.forEach((index, position) => {
      gradients[index] = backward[position];
    });
    sliceIndices.forEach((index, position) => {
      gradients[index] = backward[stateIndices.length + sums.length + position];
    });
    const actual = new Map<Tensor, Tensor>();
    const firstStack = stateIndices.length + sums.length + sliceIndices.length;
    for (const [factor, standIn] of standIns)
      actual.set(
        standIn,
        isForward(factor) ? saved(factor) : backward[firstStack + stackedHere.indexOf(factor)]!,
      );
    for (const [index, total] of later) if (total) gradients[index] = rewrite([total], actual)[0]!;
    sums.forEach(({ index }, position) => {
      const total = backward[stateIndices.length + position]!;
      gradients[index] = gradients[index] ? add(gradients[index], total) : total;
    });
    return gradients;
  },
  lower: (context, inputs, { attributes: { states, sequences, reverse, body } }) => {
    const looped = states + sequences;
    const captured = new Map(
      body.parameters.slice(looped).map((parameter, index) => [parameter, inputs[looped + index]!]),
    );
    const graph = context.subgraph(body.parameters.slice(0, looped), captured, body.results);
    const directions = (count: number) => ({ ints: new Array<number>(count).fill(reverse ? 1 : 0) });
    return context.emit(
      "Scan",
      inputs.slice(0, looped),
      {
        body: { graph },
        num_scan_inputs: { int: sequences },
        scan_input_directions: directions(sequences),
        scan_output_directions: directions(body.results.length - states),
      },
      body.results.length,
    );
  },
  evaluate: (context, inputs, { states, sequences, reverse, length, body }) => {
    const steps = context.size(length);
    let carried = inputs.slice(0, states);
    const stacks: NDArray[][] = body.results.slice(states).map(() => []);
    for (let count = 0; count < steps; count++) {
      const step = reverse ? steps - 1 - count : count;
      const slices = inputs.slice(states, states + sequences).map((sequence) => {
        const size = sequence.data.length / steps;
        return ndarray(
          sequence.dtype,
          sequence.shape.slice(1),
          sequence.data.subarray(step * size, (step + 1) * size),
        );
      });
      const results = context.evaluate(
        body.parameters,
        [...carried, ...slices, ...inputs.slice(states + sequences)],
        body.results,
      );
      carried = results.slice(0, states);
      results.slice(states).forEach((output, index) => {
        stacks[index]![step] = output;
      });
    }
    return [
      ...carried,
      ...stacks.map((parts, index) => {
        const result = body.results[states + index]!;
        const stacked = ndarray(result.dtype, [steps, ...(parts[0]?.shape ?? context.sizes(result.shape))]);
        parts.forEach((part, step) => {
          stacked.data.set(part.data, step * part.data.length);
        });
        return stacked;
      }),
    ];
  },
  flops: ({ attributes: { length, body } }, size) =>
    size(length) *
    reachableNodes(body.results).reduce(
      (sum, node) => sum + (node.operation.flops?.(node as never, size) ?? 0),
      0,
    ),
  samples: () =>
    [false, true].flatMap((reverse) => [
      {
        // States, sequences, invariants of every kind: a matrix, a bias, a batch of matrices.
        inputs: [
          floats("two", "three"),
          floats("five", "two", "three"),
          floats("three", "three"),
          floats("three"),
          floats("two", "seven", "three"),
        ],
        build: (initial, sequence, matrix, bias, memory) => {
          const { states, outputs } = scan(
            { initial: { hidden: initial! }, sequences: { x: sequence! }, reverse },
            ({ hidden }, { x }) => {
              const looked = reshape(
                matmul(reshape(hidden, [...hidden.shape.slice(0, 1), 1, hidden.shape[1]!]), memory!, {
                  transposeRight: true,
                }),
                [memory!.shape[0]!, memory!.shape[1]!],
              );
              const next = tanh(add(add(matmul(hidden, matrix!), x), bias!));
              return { states: { hidden: next }, outputs: { looked: tanh(looked), gate: sigmoid(next) } };
            },
          );
          return [states.hidden, outputs.looked, outputs.gate];
        },
      },
      {
        // A scan inside a scan, with an invariant used in both.
        inputs: [floats("three"), floats("two", "five", "three"), floats("three", "three")],
        build: (initial, sequence, matrix) => {
          const outer = scan(
            { initial: { a: initial! }, sequences: { rows: sequence! }, reverse },
            ({ a }, { rows }) => {
              const inner = scan({ initial: { b: a }, sequences: { row: rows } }, ({ b }, { row }) => {
                const next = tanh(squeeze(matmul(reshape(add(b, row), [1, b.shape[0]!]), matrix!), 0));
                return { states: { b: next }, outputs: { next } };
              });
              return { states: { a: inner.states.b }, outputs: { all: inner.outputs.next } };
            },
          );
          return [outer.states.a, outer.outputs.all];
        },
      },
    ]),
};
scan.operation = scanOperation;

/** Forward values that `results` use directly, looking through operations that are cheaper to repeat than to keep. */
function forwardValues(
  results: readonly Tensor[],
  isForward: (tensor: Tensor) => boolean,
  isInvariant: (tensor: Tensor) => boolean,
): Set<Tensor> {
  const values = new Set<Tensor>();
  const seen = new Set<Tensor>();
  const visit = (tensor: Tensor): void => {
    if (seen.has(tensor) || isInvariant(tensor)) return;
    seen.add(tensor);
    const { node } = tensor;
    const keep =
      isForward(tensor) && !node.operation.recompute && (node.inputs.length > 0 || inputAttributes(tensor));
    if (keep) values.add(tensor);
    else node.inputs.forEach(visit);
  };
  results.forEach(visit);
  return values;
}

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
    return node.operation === scanOperation ? unroll(outputs[0]!.node) : outputs;
  });
