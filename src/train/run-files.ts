import { z } from "zod";
import { settingsSchema } from "./settings.js";

// What the files of a run hold, wherever they are: in a folder, or in an archive that a browser made.

/** `run.json` */
export const runSchema = z.object({
  regard: z.string(),
  node: z.string(),
  created: z.string(),
  settings: settingsSchema,
});
const storedVocabularySchema = z.union([
  z.array(z.string()),
  z.object({ pieces: z.array(z.string()), merges: z.array(z.tuple([z.string(), z.string()])) }),
]);
/** `vocabulary.json` */
export const vocabularySchema = z.object({ source: storedVocabularySchema, target: storedVocabularySchema });

/** `state.json` */
export const stateSchema = z.object({
  state: z.enum(["training", "done", "stopped", "failed"]),
  /** The process that trains, or did. */
  pid: z.int(),
  problem: z.string().optional(),
});

/** Where a run stands. One that says `training` while its process is gone was killed, and counts as stopped. */
export type RunStateRecord = z.output<typeof stateSchema>;

/** The file of the checkpoint of a step. */
export const checkpointName = (step: number): string =>
  `checkpoint-${String(step).padStart(8, "0")}.safetensors`;

/** The step of a checkpoint's file; undefined for other files. */
export function checkpointStep(name: string): number | undefined {
  const digits = /^checkpoint-(\d+)\.safetensors$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
