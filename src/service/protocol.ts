import { z } from "zod";
import type { AlignmentTrace, GatesTrace, SpatialTrace } from "../attention/index.js";
import type { DataKind, Link, Mistake, MistakeKind } from "../data/index.js";
import { DEFAULT_BEAM, type Decoding, WIDEST_BEAM } from "../decode/decoding.js";
import type { Agreement, Interval, Verdict } from "../explain/index.js";
import type { ModelPart } from "../models/index.js";
import type { AnyTask, Report, Score, Validation, WatchedTrace } from "../task/index.js";
import { budgetSchema, type RunSettings } from "../train/index.js";

/** What a client may ask, and what it is told: shared by the server, the browser's own engine and the studio. */

/** A run that is there, whatever its folder is called; the server sees to it that it is inside the folder of runs. */
const runId = z
  .string()
  .max(255)
  .regex(/^(?!\.{1,2}$)[^/\\]+$/, "a run is one folder, not a way to one");
/** What a run may be called from the studio. */
const runName = runId
  .max(120)
  .regex(
    /^[\p{L}\p{N}][\p{L}\p{N} ._()-]*$/u,
    "a run's name has letters, digits, spaces, brackets, dots, dashes and underscores",
  );
const text = z.string().max(20_000);
const modelRequest = {
  model: z.string().max(100),
  configuration: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
};

export const designRequestSchema = z.object({
  ...modelRequest,
  batch: z.int().min(1).max(65_536),
  sourceVocabulary: z.int().min(4).max(1_000_000),
  targetVocabulary: z.int().min(4).max(1_000_000),
  /** Height and width of the images, for models that read images. */
  image: z.tuple([z.int().min(8).max(1024), z.int().min(8).max(1024)]).default([64, 64]),
});

export const startRequestSchema = z.object({
  ...modelRequest,
  name: runName,
  data: z.string().max(1000),
  from: z.string().max(20).optional(),
  to: z.string().max(20).optional(),
  skipBad: z.boolean().default(false),
  vocabulary: z
    .object({
      kind: z.enum(["word", "byte-pair"]),
      size: z.int().min(1).max(1_000_000),
      atLeast: z.int().min(1),
    })
    .optional(),
  seed: z.int().min(0).default(1),
  batch: z.int().min(1).max(65_536).optional(),
  learningRate: z.number().positive().max(100).optional(),
  labelSmoothing: z.number().min(0).lt(1).optional(),
  validateEvery: z.int().min(1).default(250),
  budget: budgetSchema,
  device: z.enum(["cpu", "webgpu"]).default("cpu"),
});

/** An image that is asked about: pixels, red, green and blue row by row in base64, or an example of the run's data. */
const image = z.union([
  z.object({ width: z.int().min(1).max(4096), height: z.int().min(1).max(4096), data: z.string() }),
  z.object({ split: z.string().max(100), index: z.int().min(0) }),
]);
export type ImageInput = z.output<typeof image>;

/** What is to be written and looked at instead of what the model would, by step. */
const changes = {
  words: z.record(z.string(), z.string().max(200)).default({}),
  attention: z.record(z.string(), z.array(z.number().min(0).max(1)).max(20_000)).default({}),
};
const beam = z.int().min(1).max(WIDEST_BEAM);
/** What is written of one input: everything that shows or explains it takes these, and so tells of the same output. */
const writing = { beam: beam.default(DEFAULT_BEAM), ...changes };
/** The same of an image. */
const imageWriting = {
  ...writing,
  /** Draws places of hard attention by this seed, in place of the likeliest. */
  sample: z.int().min(0).optional(),
};
const writingSchema = z.object(imageWriting);
/** How an output is to be written, and what a reader changed in it. */
export type Writing = z.output<typeof writingSchema>;

/** Every request by its name, with what it takes. */
export const requests = {
  models: z.object({}),
  datasets: z.object({}),
  addData: z.object({ name: runName, content: z.string().max(50_000_000) }),
  design: designRequestSchema,
  dataSizes: z.object({ data: z.string().max(1000), from: z.string().optional(), to: z.string().optional() }),
  runs: z.object({}),
  run: z.object({ run: runId }),
  start: startRequestSchema,
  stop: z.object({ run: runId }),
  resume: z.object({ run: runId, budget: budgetSchema.optional() }),
  rename: z.object({ run: runId, name: runName }),
  remove: z.object({ run: runId }),
  examples: z.object({ run: runId, split: z.string().max(100) }),
  see: z.object({
    run: runId,
    text,
    ...writing,
    /** Whether to measure the causal effect of every source word too. */
    effect: z.boolean().default(false),
  }),
  explain: z.object({ run: runId, text, ...writing }),
  explainSplit: z.object({
    run: runId,
    split: z.string().max(100),
    examples: z.int().min(1).max(500),
    beam: beam.default(DEFAULT_BEAM),
  }),
  evaluate: z.object({
    run: runId,
    split: z.string().max(100),
    sentences: z.int().min(1).max(100_000),
    beam: beam.default(1),
  }),
  /** A few images of a split. */
  imageExamples: z.object({ run: runId, split: z.string().max(100) }),
  caption: z.object({
    run: runId,
    image,
    ...imageWriting,
    /** Whether to measure the causal effect of every place too. */
    effect: z.boolean().default(false),
  }),
  explainImage: z.object({ run: runId, image, ...imageWriting }),
  diagnose: z.object({
    run: runId,
    split: z.string().max(100),
    examples: z.int().min(1).max(5000),
    beam: beam.default(DEFAULT_BEAM),
  }),
} as const;

export type Requests = { [Name in keyof typeof requests]: z.output<(typeof requests)[Name]> };
/** As a client writes them: defaults may be left out. */
export type RequestInputs = { [Name in keyof typeof requests]: z.input<(typeof requests)[Name]> };
export type DesignRequest = Requests["design"];
export type StartRequest = Requests["start"];

export interface ModelInfo {
  readonly id: string;
  readonly title: string;
  readonly paper: string;
  readonly task: string;
  readonly attention: readonly string[];
  /** What training begins with. */
  /** The kind of data it takes. */
  readonly takes: DataKind;
  readonly defaults: AnyTask["defaults"];
  /** JSON schema of its configuration. */
  readonly schema: {
    readonly properties: Readonly<Record<string, OptionSchema>>;
  };
}

export interface OptionSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: string | number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly string[];
}

export interface DatasetInfo {
  /** What `start` takes as `data`. */
  readonly id: string;
  readonly title: string;
  readonly kind: DataKind;
  readonly from?: string;
  readonly to?: string;
}

/** Sizes of a dataset, from which a model's cost is counted. */
export interface DataSizes {
  readonly kind: DataKind;
  readonly train: number;
  readonly validation: number;
  readonly splits: readonly string[];
  /** Words of the source; 0 where it is no text. */
  readonly sourceWords: number;
  readonly targetWords: number;
  /** Height and width of the images, where the source is images. */
  readonly image?: readonly [number, number];
  /** A few source sentences. */
  readonly examples: readonly string[];
  /** What is to be known of the data, a sentence each: what was left out, and where splits overlap. */
  readonly notes: readonly string[];
}

export interface DesignedPart extends ModelPart {
  readonly parameterCount: number;
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** Floating-point operations of one forward pass of a batch. */
  readonly flops: number;
  /** ONNX nodes of the forward graph by their type. */
  readonly operations: readonly { readonly name: string; readonly times: number }[];
}

export interface ModelDesign {
  readonly model: string;
  readonly title: string;
  readonly paper: string;
  readonly attention: readonly string[];
  readonly parameters: number;
  /** Floating-point operations of one training step at the lengths below. */
  readonly stepFlops: number;
  /** Bytes that training holds, about. */
  readonly memory: number;
  readonly onnxNodes: number;
  readonly batch: number;
  readonly source: number;
  readonly target: number;
  readonly parts: readonly DesignedPart[];
}

export type RunState = "training" | "done" | "stopped" | "failed";

export interface RunSummary {
  readonly id: string;
  readonly model: string;
  readonly task: string;
  readonly data: string;
  readonly state: RunState;
  /** Why it failed. */
  readonly problem?: string;
  readonly created: string;
  readonly step: number;
  readonly seconds: number;
  /** Training losses, thinned out, for a spark line. */
  readonly losses: readonly number[];
  readonly validation?: RunValidation;
  /** What validations of its task tell of beside the loss. */
  readonly scores: readonly Score[];
}

export type RunValidation = Validation;

export interface RunDetail extends RunSummary {
  readonly settings: RunSettings;
  /** What its task prepared of its data, in words. */
  readonly prepared: string;
  readonly splits: readonly string[];
}

/** What grows while a run trains; lines of its records, in order. */
export type RunEvent =
  | {
      readonly kind: "metric";
      readonly step: number;
      readonly seconds: number;
      readonly loss: number;
      readonly gradientNorm: number;
      readonly learningRate: number;
      readonly tokensPerSecond: number;
      readonly secondsLeft?: number;
    }
  | {
      readonly kind: "validation";
      readonly step: number;
      readonly seconds: number;
      readonly validation: RunValidation;
    }
  | {
      readonly kind: "traces";
      readonly step: number;
      readonly seconds: number;
      readonly traces: readonly WatchedTrace[];
    }
  /** What was told before no longer holds, as when a run goes on from an earlier step. */
  | { readonly kind: "reset" }
  | { readonly kind: "state"; readonly state: RunState; readonly problem?: string };

export interface Choice {
  readonly piece: string;
  readonly probability: number;
}

export interface SeenStep {
  readonly piece: string;
  readonly probability: number;
  readonly alternatives: readonly Choice[];
  /** Gradient of the word's log-probability that reaches each weight. */
  readonly salience?: readonly number[];
  /** How much less likely the word is without each source word, in nats; where it was asked for. */
  readonly effect?: readonly number[];
}

/** What a beam held at its end. */
export interface Hypothesis {
  readonly output: string;
  /** Its mean log-probability of a token, the end included, in nats: hypotheses stand in the order of it. */
  readonly score: number;
}

export interface Seen {
  readonly output: string;
  readonly decoding: Decoding;
  readonly source: readonly string[];
  readonly steps: readonly SeenStep[];
  readonly trace?: AlignmentTrace;
  readonly gates?: GatesTrace;
  /** Hypotheses of the beam, best first; the first is what the steps show unless something was changed. */
  readonly hypotheses: readonly Hypothesis[];
  readonly unknown: readonly string[];
  readonly milliseconds: number;
}

/** An image of the data. */
export interface ImageExample {
  readonly index: number;
  readonly name: string;
  /** The address of a PNG. */
  readonly url: string;
  readonly captions: readonly string[];
}

/** What one word tells of, and whether attention was there; for images that know what is in them. */
export interface WordGold {
  /** The greatest cell of attention holds a pixel of it. */
  readonly pointed: boolean;
  /** Share of attention that is on it. */
  readonly mass: number;
}

export interface SeenImage {
  readonly output: string;
  readonly decoding: Decoding;
  readonly steps: readonly SeenStep[];
  readonly trace?: SpatialTrace;
  /** The image as the model reads it. */
  readonly image: SpatialTrace["image"];
  readonly grid: SpatialTrace["grid"];
  readonly hypotheses: readonly Hypothesis[];
  /** Captions of the data, where the image is of it. */
  readonly references: readonly string[];
  /** Where the image knows what is in it: whether the caption is right, and what each word looked at. */
  readonly gold?: { readonly correct: boolean; readonly words: readonly (WordGold | null)[] };
  readonly milliseconds: number;
}

export interface ImageExplanation {
  readonly output: string;
  readonly decoding: Decoding;
  readonly words: readonly string[];
  /**
   * One map for each word, [word, row, column]: shares of attention, or scores in the unit that the trace names; those of
   * attention are absent where the model has none.
   */
  readonly maps: readonly {
    readonly method: "attention" | "salience" | "effect";
    readonly trace: SpatialTrace;
  }[];
  readonly agreements: readonly NamedAgreement[];
  readonly verdict?: { readonly verdict: Verdict; readonly sentence: string };
}

export interface DiagnosedImage {
  readonly index: number;
  readonly name: string;
  readonly output: string;
  readonly references: readonly string[];
  readonly mistakes: readonly Mistake[];
  /** What it looked at, or, for a model without attention, what its words depend on. */
  readonly trace: SpatialTrace;
}

export interface Diagnosis {
  readonly split: string;
  readonly decoding: Decoding;
  readonly examples: number;
  /** Captions with a mistake. */
  readonly wrong: number;
  /** How the mistakes were found: from what the images know of themselves, or from the captions that people gave. */
  readonly by: "gold" | "references";
  /** What the maps show. */
  readonly maps: "attention" | "effect";
  readonly kinds: readonly { readonly kind: MistakeKind; readonly title: string; readonly images: number }[];
  /** The worst first. */
  readonly images: readonly DiagnosedImage[];
}

export interface Explanation {
  readonly output: string;
  readonly decoding: Decoding;
  readonly source: readonly string[];
  readonly target: readonly string[];
  /** [target, source] each; those of attention are absent where the model has none. */
  readonly attention?: readonly (readonly number[])[];
  /** In nats per unit of attention. */
  readonly salience?: readonly (readonly number[])[];
  /** In nats. */
  readonly effect: readonly (readonly number[])[];
  /** The right alignment, where the output is the data's own translation and the data knows it. */
  readonly gold?: readonly Link[];
  /** The pieces of the data's own translation, the end included, where its alignment is known: to be written instead. */
  readonly reference?: readonly string[];
  readonly agreements: readonly NamedAgreement[];
  readonly verdict?: { readonly verdict: Verdict; readonly sentence: string };
}

export interface NamedAgreement extends Agreement {
  readonly of: string;
  readonly with: string;
}

export interface SplitExplanation {
  readonly examples: number;
  readonly decoding: Decoding;
  readonly agreements: readonly {
    readonly of: string;
    readonly with: string;
    readonly correlation?: Interval;
    readonly sameGreatest: Interval;
  }[];
  /** In nats, the mean over words. */
  readonly entropy?: Interval;
  /** Examples in which attention and cause disagree most, worst first. */
  readonly worst: readonly {
    readonly text: string;
    readonly output: string;
    readonly sameGreatest: number;
  }[];
}

export interface Evaluation {
  readonly model: string;
  readonly step: number;
  readonly split: string;
  readonly sentences: number;
  readonly decoding: Decoding;
  /** What was left out. */
  readonly notes: readonly string[];
  readonly metrics: Readonly<Record<string, number>>;
  readonly breakdown?: Report["breakdown"];
}

export interface Responses {
  readonly models: readonly ModelInfo[];
  readonly datasets: readonly DatasetInfo[];
  readonly addData: { readonly data: string; readonly sizes: DataSizes };
  readonly design: ModelDesign;
  readonly dataSizes: DataSizes;
  readonly runs: readonly RunSummary[];
  readonly run: RunDetail;
  readonly start: { readonly run: string };
  readonly stop: { readonly run: string };
  readonly resume: { readonly run: string };
  readonly rename: { readonly run: string };
  readonly remove: { readonly run: string };
  readonly examples: readonly string[];
  readonly see: Seen;
  readonly explain: Explanation;
  readonly explainSplit: SplitExplanation;
  readonly evaluate: Evaluation;
  readonly imageExamples: readonly ImageExample[];
  readonly caption: SeenImage;
  readonly explainImage: ImageExplanation;
  readonly diagnose: Diagnosis;
}
