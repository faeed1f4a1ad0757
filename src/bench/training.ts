import { reachableNodes, resolveDimension, type Tensor } from "../core/index.js";
import type { Buffer, Scope } from "../nn/index.js";
import { type Program, simplify } from "../onnx/index.js";
import { neededBy, type Value, type Values } from "../session/index.js";
import { layoutOf, makeOptimizer, optimizerSchema, TrainingState, trainingStep } from "../train/index.js";
import type { Sizes, Work } from "./contract.js";

/** Floating-point operations of a program, as its operations count them. */
export const flopsOf = (program: Program, sizes: Sizes): number =>
  reachableNodes(simplify(Object.values(program))).reduce(
    (sum, node) =>
      sum + (node.operation.flops?.(node as never, (dimension) => resolveDimension(dimension, sizes)) ?? 0),
    0,
  );

/**
 * The most bytes a program must hold at once, its inputs among them, where every value is let go after its last use: what the
 * gradient needs of the forward pass, and what is being computed. A reshape is a view.
 */
export function heldBytesOf(program: Program, sizes: Sizes): number {
  const outputs = simplify(Object.values(program));
  const nodes = reachableNodes(outputs);
  const bytes = ({ dtype, shape }: Tensor) =>
    (dtype === "bool" ? 1 : 4) *
    shape.reduce<number>((product, dimension) => product * resolveDimension(dimension, sizes), 1);
  const isView = ({ operation }: Tensor["node"]) => operation.name === "reshape";
  const source = (tensor: Tensor): Tensor => (isView(tensor.node) ? source(tensor.node.inputs[0]!) : tensor);
  const lastUse = new Map<Tensor, number>();
  nodes.forEach((node, index) => {
    for (const input of node.inputs) lastUse.set(source(input), index);
  });
  const ends = new Map<number, Tensor[]>();
  for (const [tensor, index] of lastUse) ends.set(index, [...(ends.get(index) ?? []), tensor]);
  const isInput = ({ operation }: Tensor["node"]) => operation.name === "input";
  let held = nodes.filter(isInput).reduce((sum, node) => sum + bytes(node.outputs[0]!), 0);
  let most = held;
  nodes.forEach((node, index) => {
    if (!isView(node) && !isInput(node))
      for (const output of node.outputs)
        if (lastUse.has(output) || outputs.includes(output)) held += bytes(output);
    most = Math.max(most, held);
    for (const tensor of ends.get(index) ?? [])
      if (!isInput(tensor.node) && !outputs.includes(tensor)) held -= bytes(tensor);
  });
  return most;
}

/** Token numbers that differ from place to place, int32 of a shape; none of them is padding or a mark. */
export function someTokens(shape: readonly number[], vocabulary: number, seed: number): Value {
  const count = shape.reduce((a, b) => a * b, 1);
  return {
    dtype: "int32",
    shape,
    data: Int32Array.from({ length: count }, (_, i) => 4 + ((i * 7919 + seed) % (vocabulary - 4))),
  };
}

/** Numbers in [0, 1) that differ from place to place. */
export function someNumbers(shape: readonly number[], step = 7919): Value {
  const count = shape.reduce((a, b) => a * b, 1);
  return {
    dtype: "float32",
    shape,
    data: Float32Array.from({ length: count }, (_, i) => ((i * step) % 1009) / 1009),
  };
}

/** Training steps with Adam on one batch that stays the same. */
export function trainingWork(options: {
  readonly title: string;
  readonly scope: Scope;
  readonly loss: Tensor;
  /** What is compared with peers, where that is not the loss that is minimised. */
  readonly crossEntropy?: Tensor | undefined;
  /** What the model carries from step to step beside its parameters. */
  readonly buffers?: readonly Buffer[];
  readonly batch: Values;
  readonly sizes: Sizes;
}): Work {
  const { title, scope, loss, crossEntropy, buffers = [], batch, sizes } = options;
  const optimizer = makeOptimizer(optimizerSchema.parse({ name: "adam" }));
  const { parameters } = scope;
  let made: Program | undefined;
  const program = () => {
    made ??= trainingStep({
      loss,
      parameters,
      buffers,
      ...(crossEntropy && { extra: { loss: crossEntropy } }),
    });
    return made;
  };
  const first = () => TrainingState.initial(parameters, optimizer, 1, buffers);
  return {
    title,
    unit: "step",
    // A contestant needs none of these, and first weights take their time.
    get tensors() {
      return { ...first().parameters, ...batch };
    },
    get flops() {
      return flopsOf(program(), sizes);
    },
    get heldBytes() {
      return (
        heldBytesOf(program(), sizes) +
        optimizer.slots.length * layoutOf(parameters).padded * Float32Array.BYTES_PER_ELEMENT
      );
    },
    async start(backend, threads) {
      const begun = performance.now();
      const session = await backend.load(program(), { threads });
      const loadMs = performance.now() - begun;
      const trained = first();
      let count = 0;
      return {
        loadMs,
        async run(steps) {
          const [ms, losses]: [number[], number[]] = [[], []];
          for (let step = 0; step < steps; step++) {
            const started = performance.now();
            const results = await session.run(
              neededBy(session, { ...batch, ...trained.feeds }),
              trained.into,
            );
            const loss = results.loss!.data[0]!;
            trained.update({ loss, learningRate: 1e-3, step: ++count });
            ms.push(performance.now() - started);
            losses.push(loss);
          }
          return { ms, losses };
        },
        release: () => session.release(),
      };
    },
  };
}
