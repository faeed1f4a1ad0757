import { randomUUID } from "node:crypto";
import { appendFile, mkdir, open, readdir, readFile, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { z } from "zod";
import { RegardError, UsageError } from "../core/index.js";
import type { Vocabularies } from "../task/index.js";
import {
  type Checkpoint,
  checkpointName,
  checkpointStep,
  decodeCheckpoint,
  type RunStateRecord,
  readableCheckpoint,
  runSchema,
  stateSchema,
  vocabulariesFrom,
  vocabularySchema,
} from "./run-files.js";
import { encodeSafetensors, type StoredTensor } from "./safetensors.js";
import type { RunSettings } from "./settings.js";

/** Whether a process is there. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** What grows line by line: numbers of training, and the attention over a few fixed sentences at every validation. */
export type RecordName = "metrics" | "traces";
export type RecordLine = { readonly step: number; readonly seconds: number; readonly [key: string]: unknown };

/** Newest checkpoints kept beside the best: one to resume from, and one in case that is damaged. */
const KEPT = 2;

/** A run on disk: `run.json`, `vocabulary.json`, `state.json`, `metrics.jsonl`, `traces.jsonl` and checkpoints. Every file is whole or not there. */
export class RunFolder {
  private constructor(
    readonly path: string,
    readonly settings: RunSettings,
    readonly vocabularies: Vocabularies,
    /** When it was begun, as ISO 8601. */
    readonly created: string,
  ) {}

  /** Starts a run in a new or empty folder. @throws UsageError where the folder holds something */
  static async create(
    path: string,
    settings: RunSettings,
    vocabularies: Vocabularies,
    version: string,
    /** What else belongs to the run, by the names of files. */
    files: Readonly<Record<string, Uint8Array>> = {},
  ): Promise<RunFolder> {
    await RunFolder.assertFree(path);
    const run = { regard: version, node: process.version, created: new Date().toISOString(), settings };
    // Filled under another name first, so that a folder of this name is a whole run from its first moment.
    const partial = join(dirname(resolve(path)), `.${basename(path)}.${randomUUID()}.partial`);
    try {
      await mkdir(partial, { recursive: true });
      for (const [name, bytes] of Object.entries(files)) await writeAtomically(join(partial, name), bytes);
      await writeAtomically(join(partial, "vocabulary.json"), JSON.stringify(vocabularies));
      await writeAtomically(join(partial, "run.json"), `${JSON.stringify(run, undefined, 2)}\n`);
      await rmdir(path).catch(() => {});
      await rename(partial, path);
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      throw new RegardError(
        `cannot make the run "${path}": ${(error as Error).message.replace(/\.$/, "")}; choose another folder with --out.`,
      );
    }
    return new RunFolder(path, settings, vocabularies, run.created);
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
    const read = async <Schema extends z.ZodType>(
      name: string,
      schema: Schema,
    ): Promise<z.output<Schema>> => {
      const file = join(path, name);
      const text = await readFile(file, "utf8").catch(() => undefined);
      if (text === undefined)
        throw new UsageError(
          `"${path}" is not a run: it has no ${name}; give the folder that regard train wrote.`,
        );
      try {
        return schema.parse(JSON.parse(text));
      } catch (error) {
        throw new UsageError(
          `${file} cannot be read as part of a run (${(error as Error).message.split("\n")[0]}).`,
        );
      }
    };
    const { settings, created } = await read("run.json", runSchema);
    const words = await read("vocabulary.json", vocabularySchema);
    return new RunFolder(path, settings, vocabulariesFrom(words), created);
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
  async writeCheckpoint(
    step: number,
    snapshot: { tensors: Readonly<Record<string, StoredTensor>>; metadata: Readonly<Record<string, string>> },
  ): Promise<void> {
    await writeAtomically(this.#file(step), encodeSafetensors(snapshot.tensors, snapshot.metadata));
    const steps = await this.checkpoints();
    const kept = new Set([...steps.slice(-KEPT), Number(snapshot.metadata.bestStep)]);
    for (const old of steps) if (!kept.has(old)) await rm(this.#file(old), { force: true });
  }

  async readCheckpoint(step: number): Promise<Checkpoint> {
    const file = this.#file(step);
    return decodeCheckpoint(await readFile(file), file, step);
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

  /** Says where the run stands, for other processes that look at it. */
  async writeState(state: RunStateRecord["state"], problem?: string): Promise<void> {
    const record: RunStateRecord = { state, pid: process.pid, ...(problem !== undefined && { problem }) };
    await writeAtomically(join(this.path, "state.json"), `${JSON.stringify(record)}\n`);
  }

  /** Where the run stands. */
  async readState(): Promise<RunStateRecord> {
    const text = await readFile(join(this.path, "state.json"), "utf8").catch(() => "{}");
    let parsed: ReturnType<typeof stateSchema.safeParse> | undefined;
    try {
      parsed = stateSchema.safeParse(JSON.parse(text));
    } catch {
      parsed = undefined;
    }
    const record: RunStateRecord = parsed?.data ?? { state: "stopped", pid: 0 };
    return record.state === "training" && !isAlive(record.pid) ? { ...record, state: "stopped" } : record;
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
    return text.split("\n").flatMap((line) => {
      try {
        const entry = JSON.parse(line);
        return entry.step <= upTo ? [entry] : [];
      } catch {
        return [];
      }
    });
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

/** Writes a file so that it is there whole or not at all, also where the machine stops half-way. */
export async function writeAtomically(path: string, contents: string | Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${randomUUID()}.partial`);
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(contents);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new RegardError(
      `cannot write ${path}: ${(error as Error).message}; free some space or choose another folder.`,
    );
  }
}
