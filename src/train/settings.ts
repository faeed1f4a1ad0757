import { z } from "zod";
import { readingOptions, vocabularyKinds } from "../data/index.js";
import { imageOptionsSchema } from "../task/index.js";
import { softmaxSchema } from "./candidates.js";
import { optimizerSchema } from "./optimizer.js";
import { scheduleSchema } from "./schedule.js";

/** When a run is over; the first that comes counts. */
export const budgetSchema = z
  .object({
    steps: z.int().min(1).max(1e9).optional(),
    epochs: z.number().positive().max(1e6).optional(),
    minutes: z.number().positive().max(1e6).optional(),
  })
  .refine(
    (budget) => Object.values(budget).some((limit) => limit !== undefined),
    "must have steps, epochs or minutes",
  );

export type Budget = z.output<typeof budgetSchema>;

/** Everything that decides what a run does, as `run.json` keeps it. */
export const settingsSchema = z.object({
  model: z.string(),
  configuration: z.record(z.string(), z.unknown()),
  /** The id of an embedded dataset, or the path of the user's own. */
  data: z.string(),
  dataOptions: z
    .object({
      from: z.string().optional(),
      to: z.string().optional(),
      skipBad: z.boolean().default(false),
      /** Words a sentence or caption may have; longer ones are left out. */
      maxLength: z.int().min(1).max(100_000).optional(),
      ...readingOptions,
    })
    .default({ skipBad: false }),
  /** How images are read, where the model reads images. */
  images: imageOptionsSchema.optional(),
  vocabulary: z
    .object({
      /** Whole words, or the pieces of words that byte-pair encoding finds. */
      kind: z.enum(vocabularyKinds).default("word"),
      /** Words or pieces a side that are kept at most, the most frequent. */
      size: z.int().min(1).max(1_000_000).default(30_000),
      /** How often a word, or a pair to be merged, must occur to be kept. */
      atLeast: z.int().min(1).default(1),
    })
    .default({ kind: "word", size: 30_000, atLeast: 1 }),
  /** The file of vectors, or the run, that tables of words begin with. */
  vectors: z.string().optional(),
  /** The run with whose parameters those of the same names begin. */
  begin: z.string().optional(),
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
  batch: z.int().min(1).max(65_536).default(64),
  /** Targets of each example that a step trains on, such as captions of one image, which is read once for all of them. */
  targets: z.int().min(1).max(64).default(1),
  optimizer: optimizerSchema,
  learningRate: z.number().positive().max(100),
  schedule: scheduleSchema,
  /** The largest global norm of the gradient. */
  clip: z.number().positive().default(1),
  labelSmoothing: z.number().min(0).lt(1).default(0),
  /** Which words a step scores where it does not score all. */
  softmax: softmaxSchema.optional(),
  /** Validations without a better loss after which training stops; never where absent. */
  patience: z.int().min(1).optional(),
  /** Steps between validations, each of which writes a checkpoint. */
  validateEvery: z.int().min(1).default(250),
  budget: budgetSchema,
});

/** Everything a run was asked for: with its data, it gives the run again. */
export type RunSettings = z.output<typeof settingsSchema>;
