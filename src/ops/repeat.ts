import {
  apply,
  type Dimension,
  formatShape,
  type NDArray,
  type Operation,
  ShapeError,
  type Tensor,
} from "../core/index.js";
import { add, mul } from "./binary.js";
import { less } from "./compare.js";
import { constant, input } from "./constant.js";
import { floats } from "./define.js";
import { reduceMax, reduceSum } from "./reduce.js";
import { assertStates, type Body, close, flopsOfSteps, stacked } from "./scan-body.js";

type Tensors = Readonly<Record<string, Tensor>>;

/** What a node of `repeat` holds. */
export interface RepeatAttributes {
  readonly states: number;
  readonly most: Dimension;
  readonly taken: Dimension;
  /** States, then loop invariants; next states, then outputs, then whether to go on. */
  readonly body: Body;
}

/** Where a loop begins, and where it ends at the latest. */
export interface RepeatOptions<States extends Tensors> {
  /** The states before the first step. */
  readonly initial: States;
  /** The most steps that are taken. */
  readonly most: Dimension;
  /** What the number of steps that were taken is called. Nothing can be computed from its size. */
  readonly taken: string;
}

/**
 * Runs `step` again and again, carrying states from one step to the next, until it says not to go on or has run `most` times. What can
 * be computed from tensors of outside alone is computed once, before the loop. It has no gradient: a loop whose steps are
 * known is a `scan`.
 *
 * @returns the states after the last step, and the outputs of all steps with the steps on axis 0
 * @throws ShapeError where a state changes its type, or `goOn` is not one bool
 */
export function repeat<States extends Tensors, Outputs extends Tensors>(
  { initial, most, taken }: RepeatOptions<States>,
  step: (states: { [K in keyof States]: Tensor }) => {
    states: { [K in keyof States]: Tensor };
    outputs: Outputs;
    goOn: Tensor;
  },
): { states: { [K in keyof States]: Tensor }; outputs: { [K in keyof Outputs]: Tensor } } {
  const states = Object.fromEntries(
    Object.entries(initial).map(([name, { dtype, shape }]) => [
      name,
      input(name, dtype, shape, { kind: "body" }),
    ]),
  );
  const result = step(states as never);
  assertStates("repeat", initial, result.states);
  const { goOn } = result;
  if (goOn.dtype !== "bool" || goOn.shape.length !== 0)
    throw new ShapeError(
      `repeat: whether to go on is ${goOn.dtype} ${formatShape(goOn.shape)} but must be one bool, []; reduce it over all its axes.`,
    );
  const names = Object.keys(initial);
  const outputNames = Object.keys(result.outputs);
  const { inputs, attributes } = close({
    initial: Object.values(initial),
    sequences: [],
    length: most,
    reverse: false,
    parameters: Object.values(states),
    results: [
      ...names.map((name) => (result.states as Tensors)[name]!),
      ...outputNames.map((name) => result.outputs[name]!),
      goOn,
    ],
  });
  const node = apply(repeatOperation, inputs, {
    states: names.length,
    most,
    taken,
    body: attributes.body,
  } satisfies RepeatAttributes);
  const named = (keys: string[], offset: number) =>
    Object.fromEntries(keys.map((key, index) => [key, node.outputs[offset + index]!]));
  return { states: named(names, 0), outputs: named(outputNames, names.length) } as never;
}

const repeatOperation: Operation<RepeatAttributes> = {
  name: "repeat",
  infer: (inputs, { states, taken, body }) =>
    body.results.slice(0, -1).map(({ dtype, shape }, index) => ({
      dtype,
      shape: index < states ? inputs[index]!.shape : [taken, ...shape],
    })),
  lower: (context, inputs, { attributes: { states, most, body } }) => {
    const captured = new Map(
      body.parameters.slice(states).map((parameter, index) => [parameter, inputs[states + index]!]),
    );
    const results = [body.results.at(-1)!, ...body.results.slice(0, -1)];
    const graph = context.subgraph(body.parameters.slice(0, states), captured, results, { counted: true });
    const [count] = context.emit("Squeeze", [context.shape([most])]);
    return context.emit(
      "Loop",
      [count!, "", ...inputs.slice(0, states)],
      { body: { graph } },
      results.length - 1,
    );
  },
  evaluate: (context, inputs, { states, most, body }) => {
    let carried = inputs.slice(0, states);
    const stacks: NDArray[][] = body.results.slice(states, -1).map(() => []);
    for (let count = 0, goOn = true; goOn && count < context.size(most); count++) {
      const results = context.evaluate(body.parameters, [...carried, ...inputs.slice(states)], body.results);
      carried = results.slice(0, states);
      results.slice(states, -1).forEach((output, index) => {
        stacks[index]!.push(output);
      });
      goOn = results.at(-1)!.data[0] !== 0;
    }
    return [
      ...carried,
      ...stacks.map((parts, index) => stacked(parts, body.results[states + index]!, context)),
    ];
  },
  flops: ({ attributes: { most, body } }, size) => flopsOfSteps(most, body, size),
  samples: () =>
    [0.2, 100].map((enough) => ({
      // Stops after a few steps, or after as many as there are names of.
      inputs: [floats("two", "three"), floats("three"), floats("five")],
      build: (start, change, counted) => {
        const { states, outputs } = repeat(
          {
            initial: { x: mul(start!, 0.1), steps: constant(0, { dtype: start!.dtype }) },
            most: counted!.shape[0]!,
            taken: "taken",
          },
          ({ x, steps }) => {
            const next = add(x, mul(change!, change!));
            return {
              states: { x: next, steps: add(steps, 1) },
              outputs: { row: reduceSum(next, { axes: 0 }) },
              goOn: less(reduceMax(next), enough),
            };
          },
        );
        return [states.x, states.steps, outputs.row, reduceSum(counted!)];
      },
      differentiable: false,
    })),
};
repeat.operation = repeatOperation;
