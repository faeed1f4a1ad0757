import { reachableNodes, resolveDimension, type Tensor } from "../core/index.js";
import type { Scope } from "../nn/index.js";
import { type Program, simplify } from "../onnx/index.js";
import type { Value, Values } from "../session/index.js";
import { makeOptimizer, optimizerSchema, TrainingState, trainingStep } from "../train/index.js";
import type { Sizes, Work } from "./contract.js";

/** Floating-point operations of a program, as its operations count them. */
export const flopsOf = (program: Program, sizes: Sizes): number =>
  reachableNodes(simplify(Object.values(program))).reduce(
    (sum, node) =>
      sum + (node.operation.flops?.(node as never, (dimension) => resolveDimension(dimension, sizes)) ?? 0),
    0,
  );

export const scalar = (value: number): Value => ({
  dtype: "float32",
  shape: [],
  data: Float32Array.of(value),
});

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
  readonly batch: Values;
  readonly sizes: Sizes;
}): Work {
  const { title, scope, loss, crossEntropy, batch, sizes } = options;
  const optimizer = makeOptimizer(optimizerSchema.parse({ name: "adam" }));
  const { parameters, buffers } = scope;
  const make = () =>
    trainingStep({
      loss,
      parameters,
      buffers,
      optimizer,
      ...(crossEntropy && { extra: { loss: crossEntropy } }),
    });
  const first = () => TrainingState.initial(parameters, optimizer, 1, buffers);
  const state = first();
  return {
    title,
    unit: "step",
    tensors: { ...state.parameters, ...batch },
    flops: flopsOf(make(), sizes),
    stateBytes: Object.values(state.arrays).reduce((sum, { byteLength }) => sum + byteLength, 0),
    async start(backend, threads) {
      const begun = performance.now();
      const session = await backend.load(make(), { threads });
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
              { ...batch, ...trained.feeds, learningRate: scalar(1e-3), step: scalar(++count) },
              trained.into,
            );
            trained.advance();
            ms.push(performance.now() - started);
            losses.push(results.loss!.data[0]!);
          }
          return { ms, losses };
        },
        release: () => session.release(),
      };
    },
  };
}
