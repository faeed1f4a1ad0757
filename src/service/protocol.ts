import { z } from "zod";
import type { AlignmentTrace, GatesTrace } from "../attention/index.js";
import type { Link } from "../data/index.js";
import type { Agreement, Interval, Verdict } from "../explain/index.js";
import type { ModelPart } from "../models/index.js";
import { budgetSchema, type LengthScore, type RunSettings } from "../train/index.js";

/** What a client may ask, and what it is told: shared by the server, the browser's own engine and the studio. */

const runId = z
  .string()
  .min(1)
  .max(120)
  .regex(
    /^[\p{L}\p{N}][\p{L}\p{N} ._-]*$/u,
    "a run's name has letters, digits, spaces, dots, dashes and underscores",
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
});

export const startRequestSchema = z.object({
  ...modelRequest,
  name: runId,
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
  batch: z.int().min(1).max(65_536).default(64),
  learningRate: z.number().positive().max(100).default(0.005),
  labelSmoothing: z.number().min(0).lt(1).default(0.1),
  validateEvery: z.int().min(1).default(250),
  budget: budgetSchema,
  device: z.enum(["cpu", "webgpu"]).default("cpu"),
});

/** Every request by its name, with what it takes. */
export const requests = {
  models: z.object({}),
  datasets: z.object({}),
  addData: z.object({ name: runId, content: z.string().max(50_000_000) }),
  design: designRequestSchema,
  dataSizes: z.object({ data: z.string().max(1000), from: z.string().optional(), to: z.string().optional() }),
  runs: z.object({}),
  run: z.object({ run: runId }),
  start: startRequestSchema,
  stop: z.object({ run: runId }),
  resume: z.object({ run: runId, budget: budgetSchema.optional() }),
  rename: z.object({ run: runId, name: runId }),
  remove: z.object({ run: runId }),
  examples: z.object({ run: runId, split: z.string().max(100) }),
  see: z.object({
    run: runId,
    text,
    beam: z.int().min(1).max(16).default(4),
    /** Words to write instead, by step. */
    words: z.record(z.string(), z.string().max(200)).default({}),
    /** Attention to use instead, by step. */
    attention: z.record(z.string(), z.array(z.number().min(0).max(1)).max(2000)).default({}),
    /** Whether to measure the causal effect of every source word too. */
    effect: z.boolean().default(false),
  }),
  explain: z.object({ run: runId, text }),
  explainSplit: z.object({ run: runId, split: z.string().max(100), examples: z.int().min(1).max(500) }),
  evaluate: z.object({
    run: runId,
    split: z.string().max(100),
    sentences: z.int().min(1).max(100_000),
    beam: z.int().min(1).max(16).default(1),
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
  readonly attention: readonly string[];
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
  readonly from?: string;
  readonly to?: string;
}

/** Sizes of a dataset, from which a model's cost is counted. */
export interface DataSizes {
  readonly train: number;
  readonly validation: number;
  readonly splits: readonly string[];
  readonly sourceWords: number;
  readonly targetWords: number;
  /** A few source sentences. */
  readonly examples: readonly string[];
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
}

export interface RunValidation {
  readonly loss: number;
  readonly exact: number;
  readonly aer?: number;
  readonly collapse?: string;
}

export interface RunDetail extends RunSummary {
  readonly settings: RunSettings;
  readonly sourceWords: number;
  readonly targetWords: number;
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
      readonly traces: readonly AlignmentTrace[];
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

export interface Seen {
  readonly output: string;
  readonly source: readonly string[];
  readonly steps: readonly SeenStep[];
  readonly trace?: AlignmentTrace;
  readonly gates?: GatesTrace;
  /** Hypotheses of the beam, best first; the first is what the steps show unless something was changed. */
  readonly hypotheses: readonly { readonly output: string; readonly logProbability: number }[];
  readonly unknown: readonly string[];
  readonly milliseconds: number;
}

export interface Explanation {
  readonly output: string;
  readonly source: readonly string[];
  readonly target: readonly string[];
  /** [target, source] each; those of attention are absent where the model has none. */
  readonly attention?: readonly (readonly number[])[];
  readonly salience?: readonly (readonly number[])[];
  /** In nats. */
  readonly effect: readonly (readonly number[])[];
  readonly gold?: readonly Link[];
  readonly agreements: readonly NamedAgreement[];
  readonly verdict?: { readonly verdict: Verdict; readonly sentence: string };
}

export interface NamedAgreement extends Agreement {
  readonly of: string;
  readonly with: string;
}

export interface SplitExplanation {
  readonly examples: number;
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
  readonly metrics: Readonly<Record<string, number>>;
  readonly byLength: readonly LengthScore[];
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
}
