import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import {
  appendFile,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  rmdir,
  stat,
} from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { encodeSafetensors, RegardError, UsageError } from "../core/index.js";
import type { RecordLine, RecordName, RunStore, Snapshot } from "./run.js";
import {
  type Checkpoint,
  checkpointName,
  checkpointStep,
  decodeCheckpoint,
  NOTES_FILE,
  PREPARED_FILE,
  type RunStateRecord,
  readableCheckpoint,
  readRecord,
  readRun,
  readStateFile,
} from "./run-files.js";
import { holderOf, holdRun, LOCK_FILE, releasing, writeLock } from "./run-lock.node.js";
import type { RunSettings } from "./settings.js";

/** Where a run stands, and who trains it: the number of a process of this machine that is surely the one. */
export type RunStanding = Omit<RunStateRecord, "pid"> & { readonly host?: string; readonly pid?: number };

/** Newest checkpoints kept beside the best: one to resume from, and one in case that is damaged. */
const KEPT = 2;

/** A run on disk: `run.json`, `vocabulary.json`, `state.json`, `metrics.jsonl`, `traces.jsonl` and checkpoints. Every file is whole or not there. */
export class RunFolder implements RunStore {
  private constructor(
    readonly path: string,
    readonly settings: RunSettings,
    /** What the run's task prepared of its training data. */
    readonly prepared: unknown,
    /** When it was begun, as ISO 8601. */
    readonly created: string,
    /** What the data was when the run began, where that is known. */
    readonly fingerprint: string | undefined,
  ) {}

  /** Starts a run in a new or empty folder. @throws UsageError where the folder holds something */
  static async create(
    path: string,
    settings: RunSettings,
    prepared: unknown,
    version: string,
    {
      files = {},
      fingerprint,
    }: {
      /** What else belongs to the run, by the names of files. */
      readonly files?: Readonly<Record<string, Uint8Array>> | undefined;
      /** What the data is. */
      readonly fingerprint?: string;
    } = {},
  ): Promise<RunFolder> {
    let release: (() => void) | undefined;
    await RunFolder.assertFree(path);
    // A link to an empty folder stays a link.
    const place = resolve(await followed(path));
    const run = {
      regard: version,
      node: process.version,
      created: new Date().toISOString(),
      fingerprint,
      settings,
    };
    // Filled under another name first, so that a folder of this name is a whole run from its first moment.
    const partial = join(dirname(place), `.${basename(place)}.${randomUUID()}.partial`);
    try {
      await mkdir(partial, { recursive: true });
      for (const [name, bytes] of Object.entries(files)) await writeAtomically(join(partial, name), bytes);
      await writeAtomically(join(partial, PREPARED_FILE), JSON.stringify(prepared));
      await writeAtomically(join(partial, "run.json"), `${JSON.stringify(run, undefined, 2)}\n`);
      // Held by this process from its first moment.
      const token = await writeLock(join(partial, LOCK_FILE), place);
      await rmdir(place).catch(() => {});
      await rename(partial, place);
      release = releasing(join(place, LOCK_FILE), token);
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      throw new RegardError(
        `cannot make the run "${path}": ${(error as Error).message.replace(/\.$/, "")}; choose another folder with --out.`,
      );
    }
    const folder = new RunFolder(path, settings, prepared, run.created, fingerprint);
    folder.#release = release;
    return folder;
  }

  #release: (() => void) | undefined;

  /**
   * Opens a run that this process alone may change from now on.
   * @throws UsageError where it is no run, or another process holds it
   */
  static async hold(path: string): Promise<RunFolder> {
    if (!existsSync(join(path, "run.json"))) return RunFolder.open(path);
    const release = await holdRun(path);
    try {
      const folder = await RunFolder.open(path);
      folder.#release = release;
      return folder;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Lets others change the run again. */
  release(): void {
    this.#release?.();
    this.#release = undefined;
  }

  /** @throws UsageError where the folder holds something */
  static async assertFree(path: string): Promise<void> {
    const entries: string[] = await readdir(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw new UsageError(
        `cannot use "${path}" for a run: ${error.message}; choose another folder with --out.`,
      );
    });
    if (entries.includes("run.json"))
      throw new UsageError(
        `"${path}" already holds a run; choose another folder with --out, or go on with it: regard train --resume ${path}`,
      );
    if (entries.length > 0)
      throw new UsageError(`"${path}" is not empty; choose a new or empty folder with --out.`);
  }

  /** Opens a run. @throws UsageError where the folder is not a run or its files cannot be read */
  static async open(path: string): Promise<RunFolder> {
    const read = (name: string) =>
      readFile(join(path, name), "utf8").catch((error: NodeJS.ErrnoException) => {
        throw new UsageError(
          ["ENOENT", "ENOTDIR"].includes(error.code ?? "")
            ? `"${path}" is not a run: it has no ${name}; give the folder that regard train wrote.`
            : `cannot read ${join(path, name)}: ${error.message}; give a folder that regard train wrote, and that may be read.`,
        );
      });
    const { settings, created, fingerprint, prepared } = readRun(
      { run: await read("run.json"), prepared: await read(PREPARED_FILE) },
      (name) => join(path, name),
    );
    return new RunFolder(path, settings, prepared, created, fingerprint);
  }

  /** Steps of the checkpoints there are, in order. */
  async checkpoints(): Promise<number[]> {
    const names = await readdir(this.path);
    return names.flatMap((name) => checkpointStep(name) ?? []).sort((a, b) => a - b);
  }

  #file(step: number): string {
    return join(this.path, checkpointName(step));
  }

  /** Writes a checkpoint, then removes those that are neither among the newest nor the best. */
  async writeCheckpoint(step: number, snapshot: Snapshot): Promise<void> {
    await writeAtomically(this.#file(step), encodeSafetensors(snapshot.tensors, snapshot.metadata));
    const steps = await this.checkpoints();
    const kept = new Set([...steps.slice(-KEPT), Number(snapshot.metadata.bestStep)]);
    for (const old of steps) if (!kept.has(old)) await rm(this.#file(old), { force: true });
  }

  async readCheckpoint(step: number): Promise<Checkpoint> {
    const file = this.#file(step);
    const bytes = await readFile(file).catch((error: Error) => {
      throw new RegardError(`${file} cannot be read: ${error.message}; use an earlier checkpoint.`);
    });
    return decodeCheckpoint(bytes, file, step);
  }

  /**
   * The newest checkpoint that can be read. `warn` hears of those that cannot.
   * @throws RegardError where there is none
   */
  async newestCheckpoint(warn: (message: string) => void): Promise<Checkpoint> {
    return this.#readable(warn);
  }

  /** The checkpoint with the best validation score, or the newest where that is not scored or cannot be read. */
  async bestCheckpoint(warn: (message: string) => void): Promise<Checkpoint> {
    const newest = await this.#readable(warn);
    const best = Number(newest.metadata.bestStep);
    return best === newest.step ? newest : this.#readable(warn, best);
  }

  async #readable(warn: (message: string) => void, wanted?: number): Promise<Checkpoint> {
    const found = await readableCheckpoint(
      await this.checkpoints(),
      (step) => this.readCheckpoint(step),
      warn,
      wanted,
    );
    if (found) return found;
    throw new UsageError(
      `"${this.path}" holds no checkpoint that can be read; train it again in a new folder.`,
    );
  }

  /** Whether a process holds the run, and so may change it at any moment. */
  async isHeld(): Promise<boolean> {
    return (await holderOf(this.path)) !== undefined;
  }

  /** Records how far the run is to go from a step on, where that is not as before: what goes on after a kill goes as far. */
  async writeBudget(step: number, budget: RunSettings["budget"]): Promise<void> {
    const before = this.settings.budget;
    if (isDeepStrictEqual(before, budget)) return;
    const file = join(this.path, "run.json");
    const run = JSON.parse(await readFile(file, "utf8"));
    const budgets = [...(run.budgets ?? [{ step: 0, budget: before }]), { step, budget }];
    const now = { ...run, budgets, settings: { ...run.settings, budget } };
    await writeAtomically(file, `${JSON.stringify(now, undefined, 2)}\n`);
  }

  /** Says where the run stands, for other processes that look at it. */
  async writeState(state: RunStateRecord["state"], problem?: string): Promise<void> {
    const record: RunStateRecord = { state, pid: process.pid, ...(problem !== undefined && { problem }) };
    await writeAtomically(join(this.path, "state.json"), `${JSON.stringify(record)}\n`);
  }

  /** Where the run stands. */
  async readState(): Promise<RunStanding> {
    const text = await readFile(join(this.path, "state.json"), "utf8").catch(() => "");
    const { pid: _, ...record } = readStateFile(text) ?? { state: "stopped" as const, pid: 0 };
    // Who trains it is who holds it: the number in the file may be of another machine, or of another process by now.
    const holder = await holderOf(this.path);
    if (record.state !== "training") return record;
    return holder ? { ...record, ...holder } : { ...record, state: "stopped" };
  }

  /** What people noted of it; empty where that is nothing. */
  async notes(): Promise<string> {
    return readFile(join(this.path, NOTES_FILE), "utf8").catch(() => "");
  }

  /** Notes something in place of what was noted before. */
  async writeNotes(notes: string): Promise<void> {
    await writeAtomically(join(this.path, NOTES_FILE), notes);
  }

  /** Adds a line to one of the records. */
  async record(name: RecordName, line: RecordLine): Promise<void> {
    const file = join(this.path, `${name}.jsonl`);
    await appendFile(file, `${JSON.stringify(line)}\n`).catch((error: Error) => {
      throw new RegardError(`cannot write ${file}: ${error.message}; free some space and resume the run.`);
    });
  }

  /** The lines of a record up to a step; a last line that was cut short is left out. */
  async records(name: RecordName, upTo = Number.POSITIVE_INFINITY): Promise<RecordLine[]> {
    const text = await readFile(join(this.path, `${name}.jsonl`), "utf8").catch(() => "");
    return readRecord(text).filter(({ step }) => step <= upTo);
  }

  /** Takes back what was recorded after a step, before training goes on from it. Returns the seconds trained by then. */
  async rewind(step: number): Promise<number> {
    for (const name of ["metrics", "traces"] as const) {
      const lines = await this.records(name, step);
      const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
      await writeAtomically(join(this.path, `${name}.jsonl`), text);
    }
    return (await this.records("metrics")).at(-1)?.seconds ?? 0;
  }
}

/**
 * Writes a file so that it is there whole or not at all, also where the machine stops half-way. A link is followed; what is no
 * file, such as a pipe or a device, is written to as it is.
 */
export async function writeAtomically(path: string, contents: string | Uint8Array): Promise<void> {
  let temporary: string | undefined;
  try {
    const there = await stat(path).catch(() => undefined);
    if (there && !there.isFile()) {
      const file = await open(path, "w");
      try {
        await file.writeFile(contents);
      } finally {
        await file.close();
      }
      return;
    }
    const target = await followed(path);
    temporary = join(dirname(target), `.${randomUUID()}.partial`);
    const file = await open(temporary, "wx", there?.mode);
    try {
      await file.writeFile(contents);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    if (temporary !== undefined) await rm(temporary, { force: true });
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new RegardError(
        `cannot write ${path}: there is no folder "${dirname(path)}"; make it, or choose another.`,
      );
    if (code === "EISDIR") throw new RegardError(`cannot write ${path}: it is a folder; give a file's name.`);
    throw new RegardError(`cannot write ${path}: ${message}; free some space or choose another folder.`);
  }
}

/** Links that are followed, one after the other. */
const MOST_LINKS = 40;

/** Where a path leads, over links that may lead to what is not there yet. */
async function followed(path: string): Promise<string> {
  let target = path;
  for (let links = 0; links < MOST_LINKS; links++) {
    if (!(await lstat(target).catch(() => undefined))?.isSymbolicLink()) return target;
    target = resolve(dirname(target), await readlink(target));
  }
  throw new Error("too many links");
}
