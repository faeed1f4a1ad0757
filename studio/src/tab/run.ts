import { strFromU8, strToU8, unzipSync, zipSync } from "fflate";
import { UsageError } from "../../../src/core/index.js";
import type { Splits } from "../../../src/data/index.js";
import {
  eventsOf,
  exportModel,
  type RunEvent,
  type RunState,
  type RunSummary,
  Subject,
  summaryOf,
} from "../../../src/service/index.js";
import type { Backend } from "../../../src/session/index.js";
import { taskOfModel } from "../../../src/task/index.js";
import {
  type Checkpoint,
  checkpointName,
  checkpointStep,
  decodeCheckpoint,
  encodeSafetensors,
  NOTES_FILE,
  PREPARED_FILE,
  type RecordLine,
  type RecordName,
  type RunSettings,
  type RunStore,
  readRecord,
  readRun,
  readStateFile,
  type Snapshot,
  Trainer,
  trainRun,
} from "../../../src/train/index.js";

const VERSION = "0.1.0";
export type TabData = Splits<unknown>;

/** A run in this tab: what a run folder holds, in memory. */
export class TabRun implements RunStore {
  events: RunEvent[] = [];
  state: RunState = "stopped";
  problem: string | undefined;
  notes = "";
  /** Why the browser does not keep it. */
  unkept: string | undefined;
  /** Hears when there is something to keep: a checkpoint, or another state. */
  onKept: () => void = () => {};
  readonly listeners = new Set<() => void>();
  #checkpoints: Checkpoint[] = [];
  #abort: AbortController | undefined;
  #starting = false;
  #subject: { step: number; subject: Subject } | undefined;

  constructor(
    public id: string,
    readonly settings: RunSettings,
    /** What the run's task prepared of its training data. */
    readonly prepared: unknown,
    readonly backend: Backend,
    readonly created: string,
  ) {}

  get summary(): RunSummary {
    return summaryOf(
      {
        ...{ id: this.id, created: this.created, state: this.state, settings: this.settings },
        notes: this.notes,
        problem: this.problem ?? this.unkept,
      },
      this.events,
    );
  }

  /** The checkpoint that validated best. @throws UsageError where there is none yet */
  #best(): Checkpoint {
    const newest = this.#checkpoints.at(-1);
    if (!newest) throw new UsageError(`"${this.id}" has no checkpoint yet; wait for its first validation.`);
    return this.#checkpoints.find(({ step }) => step === Number(newest.metadata.bestStep)) ?? newest;
  }

  /** The best model, as one can ask it. @throws UsageError where there is none yet */
  async subject(): Promise<Subject> {
    const { step, tensors } = this.#best();
    if (this.#subject?.step === step) return this.#subject.subject;
    // Let go before it is released: what follows may fail, and it must not be asked again.
    const before = this.#subject;
    this.#subject = undefined;
    await before?.subject.release();
    const { settings, prepared, backend } = this;
    const subject = new Subject({ settings, prepared, backend, step, tensors });
    this.#subject = { step, subject };
    return subject;
  }

  /** Whether it is trained, or about to be. */
  get isBusy(): boolean {
    return this.state === "training" || this.#starting;
  }

  stop(): void {
    if (this.state !== "training") throw new UsageError(`"${this.id}" is not being trained now.`);
    this.#abort?.abort();
  }

  /** Trains, or goes on, until the budget is used up. Resolves once training has begun. */
  async train(data: TabData, budget: RunSettings["budget"]): Promise<void> {
    if (this.isBusy) throw new UsageError(`"${this.id}" is being trained already.`);
    // Pressed twice, the second must not begin while the first is being made ready.
    this.#starting = true;
    try {
      await this.#start(data, budget);
    } finally {
      this.#starting = false;
    }
  }

  async #start(data: TabData, budget: RunSettings["budget"]): Promise<void> {
    const trainer: Trainer = await Trainer.create<unknown, unknown>(
      { ...this.settings, budget },
      data,
      this.prepared,
      this.backend,
    );
    const newest = this.#checkpoints.at(-1);
    if (newest) trainer.restore(newest.tensors, newest.metadata);
    this.events = this.events.filter((event) => "step" in event && event.step <= trainer.step);
    const last = this.events.at(-1);
    const secondsBefore = last && "seconds" in last ? last.seconds : 0;
    this.#abort = new AbortController();
    // The checkpoint that it goes on from.
    const metadata = newest?.metadata;
    void trainRun(trainer, this, {
      secondsBefore,
      signal: this.#abort.signal,
      metadata,
      // Questions that arrived while the step ran are answered before the next.
      onStep: () => new Promise((resolve) => setTimeout(resolve)),
    })
      // What went wrong is kept with the run.
      .catch(() => {})
      .finally(() => trainer.release());
  }

  writeState(state: RunState, problem?: string): void {
    this.problem = problem;
    this.#change(state);
  }

  /** Takes a line of the run's records. */
  record(_: RecordName, line: RecordLine): void {
    this.events.push(...eventsOf([line]));
    for (const listener of this.listeners) listener();
  }

  /** Keeps the newest checkpoint, and the best before it. Training goes on in its arrays, so that it has its own. */
  writeCheckpoint(step: number, { tensors, metadata }: Snapshot): void {
    const copies = Object.fromEntries(
      Object.entries(tensors).map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]),
    );
    const best = Number(metadata.bestStep);
    this.#checkpoints = [
      ...this.#checkpoints.filter((one) => one.step === best && one.step !== step),
      { step, tensors: copies, metadata: { ...metadata } },
    ];
    this.onKept();
  }

  #change(state: RunState): void {
    this.state = state;
    for (const listener of this.listeners) listener();
    this.onKept();
  }

  /** The model as an `.onnx` file. */
  exported(): Uint8Array {
    const { tensors } = this.#best();
    return exportModel({ settings: this.settings, prepared: this.prepared, tensors });
  }

  /** Everything as an archive of the files that a run folder has. */
  archive(): Uint8Array {
    const lines = (...kinds: string[]) =>
      strToU8(
        this.events
          .flatMap(({ kind, ...line }) => (kinds.includes(kind) ? [`${JSON.stringify(line)}\n`] : []))
          .join(""),
      );
    const run = { regard: VERSION, node: "browser", created: this.created, settings: this.settings };
    const state = {
      state: this.state === "training" ? "stopped" : this.state,
      pid: 0,
      problem: this.problem,
    };
    return zipSync(
      {
        "run.json": strToU8(JSON.stringify(run, undefined, 2)),
        [PREPARED_FILE]: strToU8(JSON.stringify(this.prepared)),
        "state.json": strToU8(JSON.stringify(state)),
        ...(this.notes && { [NOTES_FILE]: strToU8(this.notes) }),
        "metrics.jsonl": lines("metric", "validation"),
        "traces.jsonl": lines("traces"),
        ...Object.fromEntries(
          this.#checkpoints.map(({ step, tensors, metadata }) => [
            checkpointName(step),
            encodeSafetensors(tensors, metadata),
          ]),
        ),
      },
      { level: 1 },
    );
  }

  /** A run from such an archive. @throws UsageError where it is none */
  static opened(id: string, bytes: Uint8Array, backend: Backend): TabRun {
    let content: Record<string, Uint8Array>;
    try {
      content = unzipSync(bytes);
    } catch (error) {
      throw new UsageError(
        `"${id}" is no zip archive (${(error as Error).message}); give a run that was downloaded.`,
      );
    }
    // A folder that was zipped as a whole has its name before each file's. Files of two runs must not be mixed.
    const folders = Object.keys(content).flatMap(
      (name) => /^(?!__MACOSX\/)(.*\/)?run\.json$/.exec(name)?.[0] ?? [],
    );
    if (folders.length > 1)
      throw new UsageError(
        `"${id}" holds ${folders.length} runs, such as ${folders.slice(0, 2).join(" and ")}; give an archive of one.`,
      );
    const folder = (folders[0] ?? "").replace(/run\.json$/, "");
    const files = new Map(
      Object.entries(content).flatMap(([name, bytes]) =>
        name.startsWith(folder) ? [[name.slice(folder.length), bytes] as const] : [],
      ),
    );
    const text = (name: string): string => {
      const found = files.get(name);
      if (!found) throw new UsageError(`"${id}" is not a run: it has no ${name}.`);
      return strFromU8(found);
    };
    const { settings, created, prepared } = readRun(
      { run: text("run.json"), prepared: text(PREPARED_FILE) },
      (name) => `${name} of "${id}"`,
    );
    const run = new TabRun(id, settings, prepared, backend, created);
    const optional = (name: string) => strFromU8(files.get(name) ?? new Uint8Array());
    run.events = eventsOf(["metrics.jsonl", "traces.jsonl"].flatMap((name) => readRecord(optional(name))));
    const { state, problem } = readStateFile(optional("state.json")) ?? { state: "stopped" };
    run.state = state === "training" ? "stopped" : state;
    run.problem = problem;
    run.notes = optional(NOTES_FILE);
    // A damaged checkpoint is left out, unless there is no other.
    let damage: unknown;
    run.#checkpoints = [...files]
      .flatMap(([name, content]) => {
        const step = checkpointStep(name);
        if (step === undefined) return [];
        try {
          return [decodeCheckpoint(content, name, step)];
        } catch (error) {
          damage = error;
          return [];
        }
      })
      .sort((a, b) => a.step - b.step);
    if (damage && run.#checkpoints.length === 0) throw damage;
    return run;
  }
}

/** A new run. @throws UsageError for settings that do not fit the data */
export async function beginRun(
  id: string,
  settings: RunSettings,
  data: TabData,
  backend: Backend,
): Promise<TabRun> {
  const prepared = taskOfModel(settings.model).prepare(data, settings);
  const run = new TabRun(id, settings, prepared, backend, new Date().toISOString());
  await run.train(data, settings.budget);
  return run;
}
