import type { Validation } from "../task/index.js";
import type { Budget } from "./settings.js";
import type { StepReport, Trainer } from "./trainer.js";

/** Where a run stands, for progress bars and records. */
export interface Progress extends StepReport {
  /** Seconds of training in all, those before a resume included. */
  readonly seconds: number;
  /** How much of the run is over, 0 to 1. */
  readonly progress: number;
  /** Target tokens a second, over the last steps. */
  readonly tokensPerSecond: number;
  /** Seconds left at the present pace. */
  readonly secondsLeft: number;
}

/** How long training goes on, and who hears of it. */
export interface LoopOptions {
  readonly budget: Budget;
  /** Seconds trained before, where a run is resumed. */
  readonly secondsBefore?: number;
  /** Stops after the present step. */
  readonly signal?: AbortSignal;
  onStep?(progress: Progress): void | Promise<void>;
  /** After every validation; the place to write a checkpoint. `"stop"` ends the run there. */
  onValidation?(
    validation: Validation,
    step: number,
    seconds: number,
  ): undefined | "stop" | Promise<undefined | "stop">;
  /** In place of a validation where training was interrupted. */
  onInterrupt?(step: number, seconds: number): void | Promise<void>;
}

/** Steps over which the pace is averaged. */
const PACE = 50;

/** The step and the second after which a run is over. */
function limitsOf({ stepsPerEpoch }: Pick<Trainer, "stepsPerEpoch">, { steps, epochs, minutes }: Budget) {
  const never = Number.POSITIVE_INFINITY;
  return {
    lastStep: Math.min(
      steps ?? never,
      epochs === undefined ? never : Math.max(1, Math.round(epochs * stepsPerEpoch)),
    ),
    lastSecond: (minutes ?? never) * 60,
  };
}

/** Whether there is nothing left to train within the budget. */
export function isOver(
  trainer: Pick<Trainer, "step" | "stepsPerEpoch" | "settings">,
  seconds: number,
): boolean {
  const { lastStep, lastSecond } = limitsOf(trainer, trainer.settings.budget);
  return trainer.step >= lastStep || seconds >= lastSecond;
}

/**
 * Trains until the budget is used up or the signal says stop. Validates at every multiple of the interval and at the end.
 * Of processes that train together, the first decides when to stop, validates, and calls what is to be called.
 */
export async function train<Example>(
  trainer: Trainer<Example>,
  options: LoopOptions,
): Promise<{ interrupted: boolean; seconds: number; validation?: Validation }> {
  const { budget, signal } = options;
  const { validateEvery } = trainer.settings;
  const { group } = trainer;
  const leads = group.rank === 0;
  await trainer.align();
  const started = performance.now();
  const seconds = () => (options.secondsBefore ?? 0) + (performance.now() - started) / 1000;
  const { lastStep, lastSecond } = limitsOf(trainer, budget);
  const progressNow = () => Math.min(1, Math.max(trainer.step / lastStep, seconds() / lastSecond));
  const recent: { tokens: number; seconds: number }[] = [];
  let validation: Validation | undefined;
  let validatedAt = -1;
  let stopped = false;
  while (true) {
    const before = seconds();
    const progress = Float64Array.of(stopped || signal?.aborted ? 1 : progressNow());
    await group.spread(progress);
    if (progress[0] === 1) break;
    const report = await trainer.train(progress[0]!);
    if (!leads) continue;
    const now = seconds();
    recent.push({ tokens: report.tokens, seconds: now - before });
    if (recent.length > PACE) recent.shift();
    const sum = (value: (part: { tokens: number; seconds: number }) => number) =>
      recent.reduce((total, part) => total + value(part), 0);
    const stepSeconds = sum((part) => part.seconds) / recent.length;
    await options.onStep?.({
      ...report,
      seconds: now,
      progress: progressNow(),
      tokensPerSecond: sum((part) => part.tokens) / sum((part) => part.seconds),
      secondsLeft: Math.max(0, Math.min(lastSecond - now, (lastStep - report.step) * stepSeconds)),
    });
    if (trainer.step % validateEvery === 0 && !signal?.aborted) {
      validation = await trainer.validate();
      validatedAt = trainer.step;
      stopped = (await options.onValidation?.(validation, trainer.step, seconds())) === "stop";
    }
  }
  const interrupted = signal?.aborted === true && progressNow() < 1;
  if (leads && validatedAt !== trainer.step) {
    if (interrupted) await options.onInterrupt?.(trainer.step, seconds());
    else {
      validation = await trainer.validate();
      await options.onValidation?.(validation, trainer.step, seconds());
    }
  }
  return { interrupted, seconds: seconds(), ...(validation && { validation }) };
}
