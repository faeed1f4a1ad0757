import {
  apply,
  type Dimension,
  formatShape,
  type NDArray,
  ndarray,
  type Operation,
  ShapeError,
  type Tensor,
} from "../core/index.js";
import { add } from "./binary.js";
import { input } from "./constant.js";
import { floats } from "./define.js";
import { reshape, squeeze } from "./layout.js";
import { matmul } from "./matmul.js";
import { assertStates, close, counter, flopsOfSteps, type ScanAttributes, stacked } from "./scan-body.js";
import { gradientOfScan } from "./scan-gradient.js";
import { sigmoid, tanh } from "./unary.js";

type Tensors = Readonly<Record<string, Tensor>>;

/** Where a loop begins, and what it goes over. */
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
  assertStates("scan", initial, result.states);
  const names = Object.keys(initial);
  const outputNames = Object.keys(result.outputs);
  const closed = close({
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
  const node = apply(scanOperation, closed.inputs, closed.attributes);
  const named = (keys: string[], offset: number) =>
    Object.fromEntries(keys.map((key, index) => [key, node.outputs[offset + index]!]));
  return { states: named(names, 0), outputs: named(outputNames, names.length) } as never;
}

function mapValues(record: Tensors, change: (value: Tensor, name: string) => Tensor): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value, name)]));
}

const scanOperation: Operation<ScanAttributes> = {
  name: "scan",
  infer: (inputs, { states, length, body }) =>
    body.results.map((result, index) => ({
      dtype: result.dtype,
      shape: index < states ? inputs[index]!.shape : [length, ...result.shape],
    })),
  gradient: gradientOfScan,
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
      ...stacks.map((parts, index) => stacked(parts, body.results[states + index]!, context)),
    ];
  },
  flops: ({ attributes: { length, body } }, size) => flopsOfSteps(length, body, size),
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
