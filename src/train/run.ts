import type { StoredTensor } from "../core/index.js";
import type { Validation } from "../task/index.js";
import { Best } from "./best.js";
import { type Progress, train } from "./loop.js";
import type { RunStateRecord } from "./run-files.js";
import type { Trainer } from "./trainer.js";

/** What grows line by line: numbers of training, and where the model looks in a few fixed examples: before training, soon after, and at every validation. */
export type RecordName = "metrics" | "traces";
/** A line of a record: the step, the seconds of training up to it, and what was found. */
export type RecordLine = { readonly step: number; readonly seconds: number; readonly [key: string]: unknown };

/** Everything a checkpoint holds. */
export interface Snapshot {
  readonly tensors: Readonly<Record<string, StoredTensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Where a run is kept while it trains: in a folder, or in the memory of a browser's tab. */
export interface RunStore {
  writeState(state: RunStateRecord["state"], problem?: string): void | Promise<void>;
  record(name: RecordName, line: RecordLine): void | Promise<void>;
  /** Keeps a checkpoint; training goes on in its arrays. */
  writeCheckpoint(step: number, snapshot: Snapshot): void | Promise<void>;
}

/** What is told of a run while it trains. */
export interface RunListeners {
  onStep?(progress: Progress): void | Promise<void>;
  onValidation?(validation: Validation, step: number, seconds: number): void;
  /** No validation was better for as long as the settings' patience. */
  onPatience?(best: Best): void;
}

/** Steps between two lines of the metrics. */
const RECORD_EVERY = 10;
/** Steps after which attention is kept before the first validation, where most of it forms: 1, 2, 5, 10, 20, 50, …; and 0, before any. */
const EARLY = /^[125]0*$/;

/**
 * Trains a run and keeps it: its state, its records, and a checkpoint at every validation and where it is interrupted. An
 * error is kept with the run, and raised.
 * @param options.metadata of the checkpoint that it goes on from
 */
export async function trainRun(
  trainer: Trainer,
  store: RunStore,
  {
    secondsBefore = 0,
    signal,
    metadata,
    ...listeners
  }: RunListeners & {
    readonly secondsBefore?: number;
    readonly signal?: AbortSignal;
    readonly metadata?: Readonly<Record<string, string>> | undefined;
  },
): Promise<{ interrupted: boolean; seconds: number; validation?: Validation }> {
  const best = new Best(trainer.task.scores, metadata);
  const { patience, validateEvery, budget } = trainer.settings;
  const save = (step: number) => {
    const snapshot = trainer.snapshot();
    return store.writeCheckpoint(step, {
      tensors: snapshot.tensors,
      metadata: { ...snapshot.metadata, ...best.metadata },
    });
  };
  const keepTraces = async (step: number, seconds: number) => {
    const traces = await trainer.trace();
    if (traces.length > 0) await store.record("traces", { step, seconds, traces });
  };
  try {
    await store.writeState("training");
    if (trainer.step === 0 && trainer.group.rank === 0) await keepTraces(0, secondsBefore);
    const result = await train(trainer, {
      budget,
      secondsBefore,
      ...(signal && { signal }),
      async onStep(progress) {
        const { step, seconds } = progress;
        if (step % RECORD_EVERY === 0) await store.record("metrics", metricsOf(progress));
        if (step < validateEvery && EARLY.test(String(step))) await keepTraces(step, seconds);
        await listeners.onStep?.(progress);
      },
      async onValidation(validation, step, seconds) {
        best.hear(validation, step);
        await store.record("metrics", { step, seconds, validation: { ...validation } });
        await keepTraces(step, seconds);
        await save(step);
        listeners.onValidation?.(validation, step, seconds);
        if (patience === undefined || step - best.step < patience * validateEvery) return undefined;
        listeners.onPatience?.(best);
        return "stop";
      },
      onInterrupt: (step) => save(step),
    });
    await store.writeState(result.interrupted ? "stopped" : "done");
    return result;
  } catch (error) {
    // What went wrong is worth more than that it could not be kept.
    await Promise.resolve(store.writeState("failed", (error as Error).message)).catch(() => {});
    throw error;
  }
}

function metricsOf({ report, ...progress }: Progress): RecordLine {
  const { step, seconds, loss, gradientNorm, learningRate, tokensPerSecond, secondsLeft } = progress;
  return {
    step,
    seconds,
    loss,
    gradientNorm,
    learningRate,
    tokensPerSecond,
    secondsLeft,
    ...(Object.keys(report).length > 0 && { report }),
  };
}
