import {
  apply,
  type GradientContext,
  isFloat,
  type Node,
  reachableNodes,
  rewrite,
  sameShape,
  type Tensor,
} from "../core/index.js";
import { add } from "./binary.js";
import { input, inputAttributes } from "./constant.js";
import { fill, reshape, transpose } from "./layout.js";
import { close, counter, dependents, type ScanAttributes } from "./scan-body.js";
import { neg } from "./unary.js";

type Context = GradientContext<ScanAttributes>;

/**
 * The gradient of a scan: another scan in the other direction, over values kept from the first. From top to bottom: the gradient of
 * one step; which sums over steps are taken after the loop and which are carried; the loop; what it gives each input.
 *
 * The values that are kept are outputs of a further scan, which differs from the first in nothing else; `simplify` makes the two
 * one. No node changes.
 */
export function gradientOfScan(context: Context): (Tensor | undefined)[] {
  const step = gradientOfStep(context);
  const sums = sumsOverSteps(context, step);
  const loop = backwardLoop(context, step, sums);
  return gradientsOfInputs(context, step, sums, loop);
}

/** The step's own gradient, with inputs standing for what arrives. */
interface StepGradient {
  /** What arrives at each result; undefined where nothing does. */
  readonly seeds: readonly (Tensor | undefined)[];
  /** Positions of the parameters that take part. */
  readonly active: readonly number[];
  /** The gradient of each parameter that has one, by position. */
  readonly gradients: ReadonlyMap<number, Tensor>;
  /** Whether a tensor is a value of the forward step. */
  isForward(tensor: Tensor): boolean;
  isInvariant(tensor: Tensor): boolean;
  /** The position of a parameter of the body. */
  readonly positions: ReadonlyMap<Tensor, number>;
}

function gradientOfStep({ attributes, upstream, wanted, differentiate }: Context): StepGradient {
  const { states, sequences, body } = attributes;
  const nodes = reachableNodes(body.results);
  const positions = new Map(body.parameters.map((parameter, index) => [parameter, index]));

  // A parameter takes part where it is wanted; a state also where an earlier step's wanted value can reach it.
  const takesPart = body.parameters.map((parameter, index) => wanted[index]! && isFloat(parameter.dtype));
  let touched: Set<Node>;
  const isTouched = (tensor: Tensor) => {
    const index = positions.get(tensor);
    return index !== undefined ? takesPart[index]! : touched.has(tensor.node);
  };
  for (let changed = true; changed; ) {
    changed = false;
    touched = dependents(
      nodes,
      body.parameters.filter((_, index) => takesPart[index]),
    );
    for (let state = 0; state < states; state++)
      if (!takesPart[state] && isFloat(body.results[state]!.dtype) && isTouched(body.results[state]!))
        changed = takesPart[state] = true;
  }

  const seeds = body.results.map((result, index) => {
    const arrives =
      index < states ? takesPart[index] : upstream[index] && isFloat(result.dtype) && isTouched(result);
    return arrives ? input(`gradient${index}`, result.dtype, result.shape, { kind: "body" }) : undefined;
  });
  const active = body.parameters.flatMap((_, index) => (takesPart[index] ? [index] : []));
  const found = differentiate(
    body.results,
    seeds,
    active.map((index) => body.parameters[index]!),
  );
  const forward = new Set(nodes);
  return {
    seeds,
    active,
    gradients: new Map(
      active.flatMap((index, position) => (found[position] ? [[index, found[position]] as const] : [])),
    ),
    isForward: (tensor) => forward.has(tensor.node) || positions.has(tensor),
    isInvariant: (tensor) => (positions.get(tensor) ?? -1) >= states + sequences,
    positions,
  };
}

/** The gradients of invariants, which are sums over steps. */
interface Sums {
  /** What is taken after the loop, by the position of the invariant, made from stand-ins for stacks over all steps. */
  readonly later: ReadonlyMap<number, Tensor>;
  /** The factors of the step that are needed stacked, with their stand-ins. */
  readonly standIns: ReadonlyMap<Tensor, Tensor>;
  /** What each step adds to a sum that the loop carries. */
  readonly carried: readonly {
    readonly index: number;
    readonly contribution: Tensor;
    readonly running: Tensor;
  }[];
}

function sumsOverSteps({ attributes }: Context, step: StepGradient): Sums {
  const { states, sequences, length, body } = attributes;
  const standIns = new Map<Tensor, Tensor>();
  const stacked = (factor: Tensor): Tensor => {
    if (factor.node.operation === reshape.operation)
      return reshape(stacked(factor.node.inputs[0]!), [length, ...factor.shape]);
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
      : !step.isInvariant(tensor) &&
        (step.positions.has(tensor) || tensor.node.inputs.length > 0 || step.seeds.includes(tensor));
  // Where the last operation knows how to sum over steps it does so on stacks; what is left is summed inside the loop.
  let inLoop: Tensor[] = [];
  const sumLater = (tensor: Tensor): Tensor | undefined => {
    const { operation, inputs: factors } = tensor.node;
    if (!step.isForward(tensor)) {
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
        return operation.sumOverSteps(tensor.node as never, stacked);
    }
    inLoop.push(tensor);
    return undefined;
  };
  const later = new Map<number, Tensor>();
  const carried: Sums["carried"][number][] = [];
  for (const [index, gradient] of step.gradients) {
    if (index < states + sequences) continue;
    inLoop = [];
    const total = sumLater(gradient);
    if (total) later.set(index, total);
    if (inLoop.length === 0) continue;
    const { dtype, shape } = body.parameters[index]!;
    carried.push({
      index,
      contribution: inLoop.reduce((a, b) => add(a, b)),
      running: input(`sum${index}`, dtype, shape, { kind: "body" }),
    });
  }
  return { later, standIns, carried };
}

/** What the loop gives. */
interface Loop {
  /** Positions of the states whose gradients it carries, and those gradients before the first step. */
  readonly states: ReadonlyMap<number, Tensor>;
  /** Gradients of sequences, by position. */
  readonly slices: ReadonlyMap<number, Tensor>;
  /** Totals of the sums that it carries, by position. */
  readonly totals: ReadonlyMap<number, Tensor>;
  /** The stack over all steps of a factor. */
  stackOf(factor: Tensor): Tensor;
}

function backwardLoop(context: Context, step: StepGradient, sums: Sums): Loop {
  const { node, inputs, upstream, attributes } = context;
  const { states, sequences, reverse, length, body } = attributes;
  const { seeds, gradients, isForward } = step;
  const stateIndices = step.active.filter((index) => index < states);
  const sliceIndices = step.active.filter(
    (index) => index >= states && index < states + sequences && gradients.has(index),
  );
  const factors = [...sums.standIns.keys()];
  const stackedHere = factors.filter((factor) => !isForward(factor));
  const results = [
    ...stateIndices.map((index) => gradients.get(index) ?? fill(0, body.parameters[index]!)),
    ...sums.carried.map(({ running, contribution }) => add(running, contribution)),
    ...sliceIndices.map((index) => gradients.get(index)!),
    ...stackedHere,
  ];
  const residuals = [...forwardValues(results, step)];
  const kept = keptOver(context, step, [...residuals, ...factors.filter(isForward)]);

  const replacements = new Map<Tensor, Tensor>();
  body.parameters.forEach((parameter, index) => {
    if (index >= states + sequences) replacements.set(parameter, inputs[index]!);
  });
  const looped = seeds.flatMap((seed, index) =>
    seed && index >= states ? [{ slice: seed, sequence: upstream[index]! }] : [],
  );
  for (const value of residuals) {
    const slice = input("residual", value.dtype, value.shape, { kind: "body" });
    replacements.set(value, slice);
    looped.push({ slice, sequence: kept.get(value)! });
  }
  if (looped.length === 0) looped.push(counter(length));
  const closed = close({
    initial: [
      ...stateIndices.map((index) => upstream[index] ?? fill(0, inputs[index]!)),
      ...sums.carried.map(({ index }) => fill(0, inputs[index]!)),
    ],
    sequences: looped.map(({ sequence }) => sequence),
    length,
    reverse: !reverse,
    parameters: [
      ...stateIndices.map((index) => seeds[index]!),
      ...sums.carried.map(({ running }) => running),
      ...looped.map(({ slice }) => slice),
    ],
    results: rewrite(results, replacements),
  });
  const found = apply(node.operation, closed.inputs, closed.attributes).outputs.values();
  const next = () => found.next().value!;
  const named = (indices: readonly number[]) => new Map(indices.map((index) => [index, next()]));
  const loop = {
    states: named(stateIndices),
    totals: named(sums.carried.map(({ index }) => index)),
    slices: named(sliceIndices),
  };
  const stacks = new Map(stackedHere.map((factor) => [factor, next()]));
  return { ...loop, stackOf: (factor) => stacks.get(factor) ?? kept.get(factor)! };
}

/** Values of the forward step as stacks over all steps: its sequences and outputs, and outputs of a scan that puts out more. */
function keptOver(
  { node, inputs, outputs, attributes }: Context,
  { positions }: StepGradient,
  values: readonly Tensor[],
): ReadonlyMap<Tensor, Tensor> {
  const { states, body } = attributes;
  const known = (value: Tensor): Tensor | undefined => {
    const index = positions.get(value);
    if (index !== undefined && index >= states) return inputs[index]!;
    const position = body.results.indexOf(value, states);
    return position < 0 ? undefined : outputs[position]!;
  };
  const missing = [...new Set(values)].filter((value) => !known(value));
  const more =
    missing.length > 0
      ? apply(node.operation, inputs, {
          ...attributes,
          body: { parameters: body.parameters, results: [...body.results, ...missing] },
        }).outputs
      : [];
  return new Map(
    values.map((value) => [value, known(value) ?? more[body.results.length + missing.indexOf(value)]!]),
  );
}

function gradientsOfInputs(
  { inputs }: Context,
  step: StepGradient,
  sums: Sums,
  loop: Loop,
): (Tensor | undefined)[] {
  const stacks = new Map(
    [...sums.standIns].map(([factor, standIn]) => [standIn, loop.stackOf(factor)] as const),
  );
  return inputs.map((_, index) => {
    const direct = loop.states.get(index) ?? loop.slices.get(index);
    if (direct || !step.gradients.has(index)) return direct;
    const later = sums.later.get(index);
    const total = loop.totals.get(index);
    const taken = later && rewrite([later], stacks)[0]!;
    return taken && total ? add(taken, total) : (taken ?? total);
  });
}

/** Forward values that `results` use directly, looking through operations that are cheaper to repeat than to keep. */
function forwardValues(results: readonly Tensor[], { isForward, isInvariant }: StepGradient): Set<Tensor> {
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
