import { z } from "zod";
import { decodeSafetensors, RegardError, type StoredTensor, UsageError } from "../core/index.js";
import { type AnyTask, taskOfModel } from "../task/index.js";
import { checked } from "./checked.js";
import type { RecordLine } from "./run.js";
import { settingsSchema } from "./settings.js";

// What the files of a run hold, wherever they are: in a folder, or in an archive that a browser made.

/** `run.json` */
export const runSchema = z.object({
  regard: z.string(),
  node: z.string(),
  created: z.string(),
  /** What the data was when the run began. */
  fingerprint: z.string().optional(),
  /** How far it was to go, from which step on, where that was changed. */
  budgets: z.array(z.object({ step: z.int().min(0), budget: settingsSchema.shape.budget })).optional(),
  settings: settingsSchema,
});
/** The file of what a run's task prepared of its training data: vocabularies, the names of classes. */
export const PREPARED_FILE = "vocabulary.json";

/** The file of what people note of a run, where they note something. */
export const NOTES_FILE = "notes.txt";

/** `state.json` */
export const stateSchema = z.object({
  state: z.enum(["training", "done", "stopped", "failed"]),
  /** The process that trains, or did. */
  pid: z.int(),
  problem: z.string().optional(),
});

/** Where a run stands. One that says `training` while its process is gone was killed, and counts as stopped. */
export type RunStateRecord = z.output<typeof stateSchema>;

/** What can be done about a file of a run that is damaged. */
const REMEDY = "put it back from a copy of the run, or train again in a new folder";

/** The JSON of a file of a run, as a schema has it. @throws UsageError naming the file and what is wrong with it */
function readJson<Schema extends z.ZodType>(file: string, text: string, schema: Schema): z.output<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${file} is no whole JSON (${(error as Error).message}); ${REMEDY}.`);
  }
  try {
    return checked(file, schema, json);
  } catch (error) {
    throw new UsageError(`${(error as Error).message.replace(/\.$/, "")}; ${REMEDY}.`);
  }
}

/**
 * What a run is, from the texts of two of its files.
 * @param files `run.json` and what its task prepared
 * @param nameOf what a file is called in sentences
 * @throws UsageError in one sentence that names the file and what is wrong with it
 */
export function readRun(
  files: { readonly run: string; readonly prepared: string },
  nameOf: (file: string) => string,
): z.output<typeof runSchema> & { readonly task: AnyTask; readonly prepared: unknown } {
  const run = readJson(nameOf("run.json"), files.run, runSchema);
  let task: AnyTask;
  try {
    task = taskOfModel(run.settings.model);
  } catch (error) {
    throw new UsageError(`${nameOf("run.json")}: ${(error as Error).message}`);
  }
  const json = readJson(nameOf(PREPARED_FILE), files.prepared, z.unknown());
  try {
    return { ...run, task, prepared: task.restored(json) };
  } catch (error) {
    throw new UsageError(
      `${nameOf(PREPARED_FILE)}: ${(error as Error).message.replace(/\.$/, "")}; ${REMEDY}.`,
    );
  }
}

/** What `state.json` says; undefined where it says nothing that is known. */
export function readStateFile(text: string): RunStateRecord | undefined {
  try {
    return stateSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The lines of a record; those that are damaged, as the last may be where a process was killed, are left out. */
export const readRecord = (text: string): RecordLine[] =>
  text.split("\n").flatMap((line) => {
    try {
      const entry = JSON.parse(line);
      return typeof entry?.step === "number" ? [entry] : [];
    } catch {
      return [];
    }
  });

/** The file that holds the network that images go through before the model, where there is one. */
export const ENCODER_FILE = "encoder.onnx";

/** The file of the checkpoint of a step. */
export const checkpointName = (step: number): string =>
  `checkpoint-${String(step).padStart(8, "0")}.safetensors`;

/** The step of a checkpoint's file; undefined for other files. */
export function checkpointStep(name: string): number | undefined {
  const digits = /^checkpoint-(\d+)\.safetensors$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** What was trained by a step, and what going on from there needs. */
export interface Checkpoint {
  readonly step: number;
  readonly tensors: Record<string, StoredTensor>;
  readonly metadata: Record<string, string>;
}

/** What the metadata of a checkpoint holds besides its checksum. */
const METADATA = ["step", "skipped", "best", "bestStep"];

/**
 * Reads a checkpoint: a whole file of the step that its name says, all of whose numbers are finite.
 * @throws RegardError where it is none
 */
export function decodeCheckpoint(bytes: Uint8Array, name: string, step: number): Checkpoint {
  const { tensors, metadata } = decodeSafetensors(bytes, name);
  const problem = (what: string): RegardError =>
    new RegardError(`${name} cannot be used: ${what}; use an earlier checkpoint.`);
  if (metadata.step !== String(step))
    throw problem(`its step is ${metadata.step ?? "missing"}, not the ${step} of its name`);
  // Before there were checksums there was nothing else: a name that is damaged must not hide that there is one.
  const unknown = Object.keys(metadata).find((key) => !METADATA.includes(key));
  if (unknown !== undefined) throw problem(`its metadata has "${unknown}", which is not known`);
  const { skipped = "0", bestStep = "0", best = "-Infinity" } = metadata;
  for (const [key, value] of Object.entries({ skipped, bestStep }))
    if (!/^\d{1,15}$/.test(value)) throw problem(`its ${key} is "${value}"`);
  if (best === "" || Number.isNaN(Number(best))) throw problem(`its best is "${best}"`);
  for (const [key, { data }] of Object.entries(tensors)) {
    const place = data.findIndex((value: number) => !Number.isFinite(value));
    if (place >= 0) throw problem(`number ${place} of "${key}" is ${data[place]}`);
  }
  return { step, tensors, metadata: { ...metadata, skipped, bestStep, best } };
}

/**
 * The first checkpoint of those named that can be read, `wanted` before the newest ones; undefined where none can.
 * @param wanted the step that is asked for, where it is not the newest
 * @param warn hears of those that cannot be read
 */
export async function readableCheckpoint(
  steps: readonly number[],
  read: (step: number) => Promise<Checkpoint> | Checkpoint,
  warn: (message: string) => void,
  wanted?: number,
): Promise<Checkpoint | undefined> {
  const newest = [...steps].sort((a, b) => b - a);
  const order =
    wanted !== undefined && steps.includes(wanted)
      ? [wanted, ...newest.filter((step) => step !== wanted)]
      : newest;
  for (const step of order) {
    try {
      return await read(step);
    } catch (error) {
      if (!(error instanceof RegardError)) throw error;
      warn(`${error.message.replace(/; use an earlier checkpoint\.$/, "")}; using another checkpoint.`);
    }
  }
  return undefined;
}
