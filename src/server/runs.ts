import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { RegardError, UsageError } from "../core/index.js";
import { imageSizeOf, splitNames } from "../data/open.node.js";
import {
  askable,
  eventsOf,
  type RunDetail,
  type RunEvent,
  type RunState,
  type RunSummary,
  type StartRequest,
  settingsOf,
  summaryOf,
} from "../service/index.js";
import { taskOfModel } from "../task/index.js";
import { NOTES_FILE } from "../train/index.js";
import { RunFolder } from "../train/run-folder.node.js";
import type { DataFolder } from "./data.js";
import { inside } from "./files.js";

/** Trainings that may run at once. */
const MOST_TRAININGS = 2;
/** Milliseconds a training is given to say what is wrong with it before its run is there. */
const STARTING = 120_000;

/** The runs in one folder: what there is, and the processes that train. */
export class Runs {
  readonly #children = new Map<string, ChildProcess>();
  /** Names of runs whose training has been asked for and has not begun. */
  readonly #starting = new Set<string>();
  /** What went wrong with trainings that could not say so themselves, as when the disk was full. */
  readonly #problems = new Map<string, string>();
  readonly #summaries = new Map<string, { key: string; summary: RunSummary }>();

  constructor(
    readonly folder: string,
    private readonly data: DataFolder,
    /** The command line's own program, which trains. */
    private readonly program: string,
  ) {}

  path(run: string): string {
    return inside(this.folder, run);
  }

  /** @throws UsageError where there is no such run, or it has gone */
  async open(run: string): Promise<RunFolder> {
    const path = this.path(run);
    if (!existsSync(path))
      throw new UsageError(
        `there is no run "${run}" any more; it was removed or renamed outside the studio.`,
      );
    return RunFolder.open(path);
  }

  async list(): Promise<RunSummary[]> {
    const entries = await readdir(this.folder, { withFileTypes: true }).catch(() => []);
    const found: RunSummary[] = [];
    for (const entry of entries) {
      if (!entry.isDirectory() || entry.name.startsWith(".")) continue;
      // A folder that is no run, or was just removed, is not shown; it stays as it is.
      const summary = await this.summary(entry.name).catch(() => undefined);
      if (summary) found.push(summary);
    }
    return found.sort((a, b) => (a.created < b.created ? 1 : -1));
  }

  async summary(run: string): Promise<RunSummary> {
    const folder = await this.open(run);
    const state = await this.state(run, folder);
    const key = `${stampOf(folder.path, "run.json", "metrics.jsonl", NOTES_FILE)} ${state.state}`;
    const known = this.#summaries.get(run);
    if (known?.key === key) return known.summary;
    const events = await this.events(folder);
    const summary = summaryOf(
      {
        ...{ id: run, settings: folder.settings, created: folder.created, ...state },
        notes: await folder.notes(),
      },
      events,
    );
    this.#summaries.set(run, { key, summary });
    return summary;
  }

  /** Where a run stands, with what is known of what went wrong. */
  async state(run: string, folder: RunFolder): Promise<{ state: RunState; problem?: string }> {
    const { state, problem = this.#problems.get(run) } = await folder.readState();
    if (state === "training" || state === "done" || problem === undefined) return { state };
    return { state: "failed", problem };
  }

  async detail(run: string): Promise<RunDetail> {
    const folder = await this.open(run);
    const { settings, prepared } = folder;
    const splits = await splitNames({ data: settings.data, ...settings.dataOptions }).catch(() => []);
    return {
      ...(await this.summary(run)),
      settings,
      ...askable(settings, prepared),
      splits,
    };
  }

  /** Everything a run has recorded, in the order of its steps. */
  async events(folder: RunFolder): Promise<RunEvent[]> {
    const [metrics, traces] = await Promise.all([folder.records("metrics"), folder.records("traces")]);
    return eventsOf([...metrics, ...traces]);
  }

  /** What changes whenever a run has recorded more. */
  recordStamp(folder: RunFolder): string {
    return stampOf(folder.path, "metrics.jsonl", "traces.jsonl");
  }

  /** Starts a training in a process of its own. @throws UsageError where it cannot begin */
  async start(request: StartRequest): Promise<string> {
    const path = this.path(request.name);
    await RunFolder.assertFree(path);
    const place = this.data.locate(request);
    const size = imageSizeOf(place.data);
    const settings = settingsOf(
      request,
      place,
      taskOfModel(request.model).images ? { size: [...size] as [number, number] } : undefined,
    );
    await this.#train(
      request.name,
      ["--settings", "-", "--out", path, "--device", request.device],
      () => existsSync(join(path, "state.json")),
      JSON.stringify(settings),
    );
    return request.name;
  }

  async resume(run: string, budget: StartRequest["budget"] | undefined): Promise<void> {
    const folder = await this.open(run);
    const before = await folder.readState();
    const stamp = stampOf(folder.path, "state.json");
    if (before.state === "training")
      throw new UsageError(
        `"${run}" is being trained already${before.pid ? `, by process ${before.pid}` : ` on ${before.host}`}.`,
      );
    await this.#train(run, ["--resume", folder.path, ...budgetOptions(budget ?? {})], async () => {
      const now = await folder.readState();
      return now.state === "training" || stampOf(folder.path, "state.json") !== stamp;
    });
  }

  /** Asks a training to save and stop, whoever started it. */
  async stop(run: string): Promise<void> {
    const folder = await this.open(run);
    const { state, pid, host } = await folder.readState();
    if (state !== "training") throw new UsageError(`"${run}" is not being trained now.`);
    if (pid === undefined) throw new UsageError(`"${run}" is being trained on ${host}; stop it there.`);
    process.kill(pid, "SIGINT");
  }

  async rename(run: string, name: string): Promise<void> {
    await this.#assertIdle(run, "renamed");
    const target = this.path(name);
    if (existsSync(target)) throw new UsageError(`there is already a run "${name}"; choose another name.`);
    await rename(this.path(run), target);
  }

  async note(run: string, notes: string): Promise<void> {
    await (await this.open(run)).writeNotes(notes);
  }

  async remove(run: string): Promise<void> {
    await this.#assertIdle(run, "removed");
    await rm(this.path(run), { recursive: true });
  }

  /** Stops what this studio started; what was trained is saved. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#children.values()].map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const closed = new Promise((resolve) => child.once("close", resolve));
        child.kill("SIGINT");
        await Promise.race([closed, wait(SAVING)]);
        child.kill("SIGKILL");
      }),
    );
  }

  async #assertIdle(run: string, what: string): Promise<void> {
    // One that is being started holds nothing yet.
    if (this.#starting.has(run) || (await (await this.open(run)).isHeld()))
      throw new UsageError(`"${run}" is being trained; stop it before it is ${what}.`);
  }

  async #train(
    run: string,
    args: readonly string[],
    begun: () => boolean | Promise<boolean>,
    /** What it reads on standard input. */
    input = "",
  ): Promise<void> {
    if (this.#starting.has(run)) throw new UsageError(`"${run}" is being started already; wait for it.`);
    this.#starting.add(run);
    try {
      await this.#begin(run, args, begun, input);
    } finally {
      this.#starting.delete(run);
    }
  }

  async #begin(
    run: string,
    args: readonly string[],
    begun: () => boolean | Promise<boolean>,
    input: string,
  ): Promise<void> {
    if (this.#children.size >= MOST_TRAININGS)
      throw new UsageError(
        `${this.#children.size} trainings are running, and this studio runs ${MOST_TRAININGS} at once; stop one, or wait.`,
      );
    const child = spawn(process.execPath, [this.program, "train", ...args], {
      stdio: ["pipe", "ignore", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
    });
    this.#children.set(run, child);
    this.#problems.delete(run);
    // One that ended before it read all says why by itself.
    child.stdin!.on("error", () => {});
    child.stdin!.end(input);
    let said = "";
    child.stderr!.on("data", (chunk) => {
      said = (said + chunk).slice(-4000);
    });
    const ended = new Promise<void>((resolve) => {
      child.once("error", ({ message }) => {
        said = `regard: the training's process has failed: ${message}.`;
      });
      child.once("close", (code, signal) => {
        // A training that was resumed meanwhile has the name now.
        if (this.#children.get(run) === child) this.#children.delete(run);
        if (code !== 0 && code !== INTERRUPTED)
          this.#problems.set(
            run,
            problemOf(said) ?? `the training's process was ended by ${signal ?? code}.`,
          );
        resolve();
      });
    });
    let over = false;
    void ended.then(() => {
      over = true;
    });
    for (const started = Date.now(); Date.now() - started < STARTING; ) {
      if (await begun()) return;
      if (over) {
        throw new RegardError(problemOf(said) ?? "the training ended before it began.");
      }
      await Promise.race([wait(50), ended]);
    }
    throw new RegardError("the training has not begun within two minutes; look at its process.");
  }
}

/** What changes whenever one of a folder's files does. */
const stampOf = (folder: string, ...names: readonly string[]): string =>
  names
    .map((name) => {
      const stats = statSync(join(folder, name), { throwIfNoEntry: false });
      return stats ? `${stats.mtimeMs} ${stats.size}` : "";
    })
    .join(" ");

/** Milliseconds a training is given to save when the studio closes. */
const SAVING = 10_000;

/** The exit code of a training that was asked to stop. */
const INTERRUPTED = 130;

/** The sentence in which the command line says what went wrong. */
const problemOf = (said: string): string | undefined => /^regard: (.*)$/m.exec(said)?.[1];

const budgetOptions = (budget: Partial<StartRequest["budget"]>): string[] =>
  Object.entries(budget).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
