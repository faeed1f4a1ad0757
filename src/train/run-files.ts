import { z } from "zod";
import { Vocabulary } from "../data/index.js";
import type { Vocabularies } from "../task/index.js";
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
export const vocabularySchema = z.object({
  source: storedVocabularySchema.optional(),
  target: storedVocabularySchema,
});

/** The vocabularies that a file holds. @throws RegardError for one that is none */
export const vocabulariesFrom = ({ source, target }: z.output<typeof vocabularySchema>): Vocabularies => ({
  ...(source && { source: Vocabulary.from(source) }),
  target: Vocabulary.from(target),
});

/** `state.json` */
export const stateSchema = z.object({
  state: z.enum(["training", "done", "stopped", "failed"]),
  /** The process that trains, or did. */
  pid: z.int(),
  problem: z.string().optional(),
});

/** Where a run stands. One that says `training` while its process is gone was killed, and counts as stopped. */
export type RunStateRecord = z.output<typeof stateSchema>;

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
