import type { Tensor } from "regard/core";
import { models } from "regard/models";
import { convolutional, Scope } from "regard/nn";
import type { Program } from "regard/onnx";
import { input, maxPool, reduceMean, relu, square, sub } from "regard/ops";
import type { Backend, Value, Values } from "regard/session";
import { makeOptimizer, optimizerSchema, TrainingState, trainingStep } from "regard/train";

/** A training step on one batch that stays the same, ready to be timed. */
export interface TimedStep {
  readonly name: string;
  readonly program: Program;
  /** What the names of dimensions stand for. */
  readonly sizes: ReadonlyMap<string, number>;
  /** First weights and the batch, for peers to begin with. */
  readonly tensors: Values;
  readonly loadMs: number;
  /** Takes so many steps; milliseconds of each, and their losses. */
  run(steps: number): Promise<{ ms: number[]; losses: number[] }>;
  release(): Promise<void>;
}

/** What is trained: a loss, its parameters and a batch. */
interface Workload {
  readonly name: string;
  readonly scope: Scope;
  readonly loss: Tensor;
  readonly batch: Values;
  readonly sizes: ReadonlyMap<string, number>;
}

/** Workloads by the name they are asked for with, each with its sizes: "rnnsearch:32,20,128,1000". */
const workloads: Readonly<Record<string, (sizes: number[]) => Workload>> = {
  rnnsearch: ([batch, length, hidden, vocabulary]) => rnnsearch(batch!, length!, hidden!, vocabulary!),
  convolution: ([batch, side, channels]) => convolutionBlock(batch!, side!, channels!),
};

export const kindOf = (text: string): string => text.split(":")[0]!;

/** @throws where there is no such workload */
export async function timedStep(text: string, backend: Backend, threads: number): Promise<TimedStep> {
  const [kind, numbers = ""] = text.split(":");
  const make = workloads[kind!];
  if (!make)
    throw new Error(`there is no workload "${kind}"; there are ${Object.keys(workloads).join(", ")}`);
  const { name, scope, loss, batch, sizes } = make(numbers.split(",").map(Number));
  const optimizer = makeOptimizer(optimizerSchema.parse({ name: "adam" }));
  const program = trainingStep({ loss, parameters: scope.parameters, optimizer });
  const started = performance.now();
  const session = await backend.load(program, { threads });
  const loadMs = performance.now() - started;
  const state = TrainingState.initial(scope.parameters, optimizer, 1);
  const scalar = (value: number): Value => ({ dtype: "float32", shape: [], data: Float32Array.of(value) });
  const copied = Object.entries({ ...state.parameters, ...batch }).map(
    ([key, value]) => [key, { ...value, data: value.data.slice() }] as const,
  );
  let count = 0;
  return {
    name,
    program,
    sizes,
    tensors: Object.fromEntries(copied),
    loadMs,
    async run(steps) {
      const [ms, losses]: [number[], number[]] = [[], []];
      for (let step = 0; step < steps; step++) {
        const begun = performance.now();
        const results = await session.run(
          { ...batch, ...state.feeds, learningRate: scalar(1e-3), step: scalar(++count) },
          state.into,
        );
        state.advance();
        ms.push(performance.now() - begun);
        losses.push(results.loss!.data[0]!);
      }
      return { ms, losses };
    },
    release: () => session.release(),
  };
}

function rnnsearch(batch: number, length: number, hidden: number, vocabulary: number): Workload {
  const scope = Scope.root();
  const card = models.find(({ id }) => id === "rnnsearch")!;
  const sizes = { embedding: hidden, hidden, alignment: hidden, maxout: hidden };
  const translator = card.build(scope, card.configuration.parse(sizes), {
    source: vocabulary,
    target: vocabulary,
  });
  const { loss } = translator.train(
    input("source", "int32", ["source", "batch"]),
    input("target", "int32", ["target", "batch"]),
  );
  const words = (rows: number, seed: number): Value => ({
    dtype: "int32",
    shape: [rows, batch],
    data: Int32Array.from({ length: rows * batch }, (_, i) => 4 + ((i * 7919 + seed) % (vocabulary - 4))),
  });
  return {
    name: `rnnsearch train step, batch ${batch}, length ${length}, hidden ${hidden}, vocabulary ${vocabulary}`,
    scope,
    loss,
    batch: { source: words(length, 1), target: words(length + 1, 2) },
    sizes: new Map([
      ["source", length],
      ["target", length + 1],
      ["batch", batch],
    ]),
  };
}

/** Three convolutions of 3 × 3 with ReLUs, the first two followed by pools of 2 × 2, as a caption model reads images. */
function convolutionBlock(batch: number, side: number, channels: number): Workload {
  const scope = Scope.root();
  const images = input("images", "float32", ["batch", 3, side, side]);
  const layer = (name: string, from: number, to: number) =>
    convolutional(scope.at(name), { input: from, output: to, kernel: 3, padding: 1 });
  const first = maxPool(relu(layer("first", 3, channels)(images)), 2, { stride: 2 });
  const second = maxPool(relu(layer("second", channels, 2 * channels)(first)), 2, { stride: 2 });
  const third = relu(layer("third", 2 * channels, 4 * channels)(second));
  const pixels = Float32Array.from({ length: batch * 3 * side * side }, (_, i) => ((i * 7919) % 1009) / 1009);
  return {
    name: `convolution block train step, batch ${batch}, ${side} × ${side}, channels ${channels} to ${4 * channels}`,
    scope,
    loss: reduceMean(square(sub(third, 1))),
    batch: { images: { dtype: "float32", shape: [batch, 3, side, side], data: pixels } },
    sizes: new Map([["batch", batch]]),
  };
}
