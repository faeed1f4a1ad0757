import { encodeTrace, lookOfRows, type Trace, type TraceJson } from "../attention/index.js";
import type { Decoded } from "../decode/index.js";
import type { Model } from "../models/index.js";
import type { AnyTask, Scoring } from "./contract.js";
import { countOfPlaces, tracedLook, withSlots } from "./traced.js";

/** Where a model looked for an example that is watched while it trains. */
export type WatchedTrace = TraceJson & {
  /** What the example is called. */
  readonly title: string;
};

/**
 * Where a model looks for each example: while its own first target is written, or while it runs; none where it has no looks
 * of its steps.
 */
export async function watched<Example>(
  task: AnyTask,
  model: Model,
  { evaluator, parameters, prepared }: Scoring<Example, unknown>,
  examples: readonly Example[],
): Promise<WatchedTrace[]> {
  const found: WatchedTrace[] = [];
  const add = async (example: Example, output: unknown, looksOf: (steps: number) => Trace["looks"]) => {
    const { steps } = await task.show(example, output, prepared, { model });
    const looks = looksOf(steps.length);
    if (looks.length === 0) return;
    const places = withSlots(await task.places(example, prepared, model), looks);
    // Pictures of what each step saw would be kept at every validation, and are there to be asked for.
    const trace: Trace = { places, steps: steps.map(({ label }) => ({ label })), looks };
    found.push({ title: task.title(example), ...encodeTrace(trace) });
  };
  if (task.drive.kind === "tokens") {
    for await (const { example, weights, tokens = [] } of evaluator.force(parameters, examples)) {
      if (!weights) return [];
      const { source } = await task.places(example, prepared, model);
      const rows = weights.map((row) => Array.from(row).slice(0, countOfPlaces(source)));
      const output: Decoded = { tokens, weights: rows, logProbability: 0, finished: true };
      await add(example, output, () => [
        lookOfRows(rows, { name: "attention", over: "source", kind: "weights" }),
      ]);
    }
    return found;
  }
  for (const { example, outputs, looks } of await evaluator.predict(parameters, examples))
    await add(example, task.read!(outputs, example, prepared), (steps) =>
      Object.entries(evaluator.looks).map(([name, look]) =>
        tracedLook(name, look, looks[name]!, task.drive.kind === "once" ? undefined : steps),
      ),
    );
  return found;
}
