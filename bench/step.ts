import { models } from "regard/models";
import { Scope } from "regard/nn";
import type { Program } from "regard/onnx";
import { input } from "regard/ops";
import type { Backend, Session, Value, Values } from "regard/session";
import { makeOptimizer, optimizerSchema, TrainingState, trainingStep } from "regard/train";

/** A training step of RNNsearch on one batch that stays the same, ready to be timed. */
export interface TimedStep {
  readonly program: Program;
  /** First weights and the batch, for peers to begin with. */
  readonly tensors: Values;
  readonly loadMs: number;
  /** Takes so many steps; milliseconds of each, and their losses. */
  run(steps: number): Promise<{ ms: number[]; losses: number[] }>;
  release(): Promise<void>;
}

/** Sizes of a workload from "batch,length,hidden,vocabulary". */
export const sizesOf = (text: string): [batch: number, length: number, hidden: number, vocabulary: number] =>
  text.split(",").map(Number) as [number, number, number, number];

export async function timedStep(text: string, backend: Backend, threads: number): Promise<TimedStep> {
  const [batch, length, hidden, vocabulary] = sizesOf(text);
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
  const optimizer = makeOptimizer(optimizerSchema.parse({ name: "adam" }));
  const program = trainingStep({ loss, parameters: scope.parameters, optimizer });
  const started = performance.now();
  const session: Session = await backend.load(program, { threads });
  const loadMs = performance.now() - started;
  const state = TrainingState.initial(scope.parameters, optimizer, 1);
  const words = (rows: number, seed: number): Value => ({
    dtype: "int32",
    shape: [rows, batch],
    data: Int32Array.from({ length: rows * batch }, (_, i) => 4 + ((i * 7919 + seed) % (vocabulary - 4))),
  });
  const data = { source: words(length, 1), target: words(length + 1, 2) };
  const scalar = (value: number): Value => ({ dtype: "float32", shape: [], data: Float32Array.of(value) });
  const copied = Object.entries({ ...state.parameters, ...data }).map(
    ([name, value]) => [name, { ...value, data: value.data.slice() }] as const,
  );
  let count = 0;
  return {
    program,
    tensors: Object.fromEntries(copied),
    loadMs,
    async run(steps) {
      const [ms, losses]: [number[], number[]] = [[], []];
      for (let step = 0; step < steps; step++) {
        const begun = performance.now();
        const results = await session.run(
          { ...data, ...state.feeds, learningRate: scalar(1e-3), step: scalar(++count) },
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
