import { RegardError, type Tensor, UsageError } from "../core/index.js";
import type { Mode, Scope } from "../nn/index.js";
import { inputAttributes } from "../ops/index.js";
import { type Backend, neededBy, type Values } from "../session/index.js";
import { checked } from "./checked.js";
import { adam, makeOptimizer, type OptimizerOptions, optimizerSchema } from "./optimizer.js";
import { type ScheduleOptions, scheduleFactor, scheduleSchema } from "./schedule.js";
import { MOST_SKIPPED, TrainingState, trainingStep } from "./step.js";

/** A model of one's own: where its parameters were declared, and what is to become small. */
export interface FitModel {
  readonly scope: Scope;
  /** A scalar of inputs and of the scope's parameters. */
  readonly loss: Tensor;
  /** The mode it was built for, where it has dropout, draws by chance, or carries something from step to step. */
  readonly mode?: Mode;
}

/** How `fit` trains. */
export interface FitOptions {
  readonly backend: Backend;
  readonly steps: number;
  /** `adam()` where absent. */
  readonly optimizer?: OptimizerOptions;
  /** The largest learning rate; 0.001 where absent. */
  readonly learningRate?: number;
  /** How the learning rate changes; constant where absent. */
  readonly schedule?: ScheduleOptions;
  /** The largest global norm of the gradient; any where absent. */
  readonly clip?: number;
  /** Fixes first values and everything that is drawn; 1 where absent. */
  readonly seed?: number;
  /** Stops after the present step. */
  readonly signal?: AbortSignal;
  /** Hears of each step, counted from 1; where it returns a promise the next step waits for it. */
  onStep?(step: { readonly step: number; readonly loss: number; readonly gradientNorm: number }): unknown;
}

/** What was learnt. */
export interface Fitted {
  /** Parameters by name: feed them, with inputs, to a session that has any outputs of the same model. */
  readonly parameters: Values;
  /** What the model carries from step to step, by name. */
  readonly buffers: Values;
  /** The loss of each step, before its update. */
  readonly losses: readonly number[];
}

/**
 * Trains a model of one's own. Forward, backward and the norm of the gradient are one graph; the optimizer updates the parameters in
 * place. A step whose loss or gradient is not finite changes nothing.
 *
 * @param batch the inputs of a step by name, as a function of its number from 0; sizes that are names may differ from step to step
 * @throws UsageError for a loss that is no scalar, for an input that is missing or unknown, and for options that are missing or out of range
 * @throws RegardError where the loss is not finite in ten steps in a row
 */
export async function fit(
  { scope, loss, mode }: FitModel,
  batch: (step: number) => Values | Promise<Values>,
  options: FitOptions,
): Promise<Fitted> {
  if (typeof batch !== "function")
    throw new UsageError(
      "fit: the second argument must be a function that gives the inputs of a step, such as (step) => ({ x, y }).",
    );
  if (typeof options?.backend?.load !== "function")
    throw new UsageError(
      'fit: the options have no backend; give what computes, such as { backend: nodeBackend } of "regard/session/node".',
    );
  const { backend, steps, learningRate = 0.001, clip, seed = 1, signal } = options;
  const schedule = checked(
    "fit: schedule",
    scheduleSchema,
    options.schedule ?? { name: "constant", warmup: 0 },
  );
  if (typeof options.optimizer === "function")
    throw new UsageError("fit: optimizer is a function; call it, as in optimizer: adam().");
  const optimizer = checked("fit: optimizer", optimizerSchema, options.optimizer ?? adam());
  if (loss.shape.length > 0)
    throw new UsageError(
      `fit: the loss has the shape [${loss.shape.join(", ")}] but must be one number; take its mean.`,
    );
  if (!Number.isSafeInteger(steps) || steps < 1)
    throw new UsageError(`fit: steps is ${steps} but must be a whole number from 1.`);
  if (!(learningRate > 0)) throw new UsageError(`fit: learningRate is ${learningRate} but must be above 0.`);
  if (clip !== undefined && !(clip > 0))
    throw new UsageError(`fit: clip is ${clip} but must be above 0; leave it out where any norm will do.`);
  const { parameters } = scope;
  const buffers = mode?.buffers ?? [];
  const state = TrainingState.initial(parameters, makeOptimizer(optimizer), seed, buffers);
  const session = await backend.load(trainingStep({ loss, parameters, buffers }));
  const asked = session.inputs
    .map((tensor) => inputAttributes(tensor)!)
    .filter(({ role }) => role.kind === "data");
  const losses: number[] = [];
  let skippedInARow = 0;
  try {
    for (let step = 0; step < steps && !signal?.aborted; step++) {
      const values = await batch(step);
      requireInputs(
        asked.map(({ name }) => name),
        values,
      );
      const results = await session.run(
        neededBy(session, { ...state.feeds, ...values }, () => ({ seed, step })),
        state.into,
      );
      const value = results.loss!.data[0]!;
      losses.push(value);
      const { gradientNorm, skipped } = state.update({
        loss: value,
        step: step + 1,
        learningRate: learningRate * scheduleFactor(schedule, step, step / steps),
        clip,
      });
      skippedInARow = skipped ? skippedInARow + 1 : 0;
      if (skippedInARow === MOST_SKIPPED)
        throw new RegardError(
          `fit: the loss or gradient was not finite for ${MOST_SKIPPED} steps in a row, up to step ${step + 1}; lower learningRate (it is ${learningRate}).`,
        );
      await options.onStep?.({ step: step + 1, loss: value, gradientNorm });
    }
  } finally {
    await session.release();
  }
  return { parameters: state.parameters, buffers: state.buffers, losses };
}

/** @throws UsageError where something is missing, or was given that the model does not read */
function requireInputs(names: readonly string[], values: Values): void {
  if (typeof values !== "object" || values === null)
    throw new UsageError(
      `fit: the batch is ${values === null ? "null" : typeof values}, not values by name; the model reads ${names.join(", ")}.`,
    );
  const missing = names.find((name) => !(name in values));
  const unknown = Object.keys(values).find((name) => !names.includes(name));
  const reads = names.length > 0 ? names.join(", ") : "no inputs";
  if (missing !== undefined)
    throw new UsageError(`fit: the batch has no "${missing}"; the model reads ${reads}.`);
  if (unknown !== undefined)
    throw new UsageError(
      `fit: the batch has "${unknown}", which the model does not read; it reads ${reads}.`,
    );
}
