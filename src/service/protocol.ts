import { z } from "zod";
import type { TraceJson } from "../attention/index.js";
import type { DataKind } from "../data/index.js";
import { DEFAULT_BEAM, type Decoding, TEMPERATURES, WIDEST_BEAM } from "../decode/decoding.js";
import type { Agreement, Interval, Verdict } from "../explain/index.js";
import type { ModelPart } from "../models/index.js";
import type {
  AnyTask,
  Block,
  Diagnosis,
  ExampleCard,
  Field,
  FieldValue,
  Report,
  Score,
  Truth,
  Validation,
  WatchedTrace,
} from "../task/index.js";
import { budgetSchema, type RunSettings } from "../train/index.js";
import { LONGEST_NOTES } from "./limits.js";

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
  configuration: z.record(
    z.string(),
    z.union([z.string(), z.number(), z.boolean(), z.array(z.number()).max(100)]),
  ),
};

export const designRequestSchema = z.object({
  ...modelRequest,
  batch: z.int().min(1).max(65_536),
  /** What the model is built for, as its task asks for it (`ModelInfo.sizes`); what is usual where absent. */
  sizes: z.record(z.string(), z.unknown()).default({}),
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

const imageValue = z.object({
  width: z.int().min(1).max(4096),
  height: z.int().min(1).max(4096),
  data: z.string(),
});
const fieldValue = z.union([
  text,
  imageValue,
  z.object({ frames: z.array(imageValue).min(1).max(10_000), box: z.array(z.number()).length(4) }),
  z.object({ count: z.int().min(1).max(1000), frames: z.string() }),
  z.object({ rate: z.int().min(1000).max(768_000), samples: z.string() }),
  z.array(z.number()).max(100_000),
  z.array(z.array(z.number()).max(1000)).max(100_000),
]);

/** What is asked about: what a run's form asks for, by the names of its fields, or an example of the run's data. */
const asked: z.ZodType<Asked> = z.union([
  z.object({ fields: z.record(z.string(), fieldValue) }),
  z.object({
    split: z.string().max(100),
    index: z.int().min(0),
    changed: z.record(z.string(), fieldValue).optional(),
  }),
]);
export type Asked =
  | { readonly fields: Readonly<Record<string, FieldValue>> }
  | {
      readonly split: string;
      readonly index: number;
      /** Fields of the form that are to be filled otherwise than the example fills them. */
      readonly changed?: Readonly<Record<string, FieldValue>> | undefined;
    };

const beam = z.int().min(1).max(WIDEST_BEAM);
/** How an output comes about: everything that shows or explains it takes these, and so tells of the same output. */
const writing = {
  beam: beam.default(DEFAULT_BEAM),
  /** What is to be written instead of what the model would, by step. */
  words: z.record(z.string(), z.string().max(200)).default({}),
  /** What is to be looked at instead of what the model would: rows of looks, by the look's name and the step. */
  looks: z.record(z.string(), z.record(z.string(), z.array(z.number()).max(20_000))).default({}),
  /** Draws what the model draws by chance by this seed, in place of the likeliest. */
  sample: z.int().min(0).optional(),
  /** Draws words too, by p^(1 / temperature), of a model that writes. */
  temperature: z.number().min(TEMPERATURES[0]).max(TEMPERATURES[1]).optional(),
};
const writingSchema = z.object(writing);
/** How an output is to come about, and what a reader changed in it. */
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
  note: z.object({ run: runId, notes: z.string().max(LONGEST_NOTES) }),
  remove: z.object({ run: runId }),
  examples: z.object({ run: runId, split: z.string().max(100) }),
  ask: z.object({
    run: runId,
    input: asked,
    ...writing,
    /** Whether to measure the causal effect of every place too. */
    effect: z.boolean().default(false),
    /** Whether to tell of what layers that read the input took in, too; where there is no attention if absent. */
    reading: z.boolean().optional(),
  }),
  explain: z.object({ run: runId, input: asked, ...writing }),
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
  vectors: z.object({
    run: runId,
    /** The name of a table; the model's own vectors, or its first table, where absent. */
    table: z.string().max(500).optional(),
    /** Words, the first of the vocabulary. */
    count: z.int().min(1).max(20_000),
  }),
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
  /** The kind of data it takes, and what its examples are called. */
  readonly takes: DataKind;
  readonly examples: string;
  /** Whether it begins with the data that stands first, so that a page may begin with it. */
  readonly usual: boolean;
  /** What training begins with. */
  readonly defaults: AnyTask["defaults"];
  /** JSON schema of its configuration. */
  readonly schema: {
    readonly properties: Readonly<Record<string, OptionSchema>>;
  };
  /** JSON schema of what a design can be made for. */
  readonly sizes: {
    readonly properties: Readonly<Record<string, OptionSchema>>;
  };
}

export interface OptionSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: string | number | boolean | number[];
  /** Of several numbers, each. */
  readonly prefixItems?: readonly OptionSchema[];
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
  /** What its examples are called. */
  readonly noun: string;
  /** What was learnt of it, in words: how many words it has, how large its images are. */
  readonly about: string;
  /** What a design is to be made for. */
  readonly sizes: Readonly<Record<string, unknown>>;
  /** A few examples, where they are texts. */
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
  /** Sizes of inputs and targets by name, for which operations are counted. */
  readonly lengths: Readonly<Record<string, number>>;
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
  /** What people noted of it. */
  readonly notes?: string;
  readonly step: number;
  readonly seconds: number;
  /** Training losses, thinned out, for a spark line. */
  readonly losses: readonly number[];
  /** Losses of validations, thinned out, to be laid over those of other runs. */
  readonly validations: readonly { readonly step: number; readonly loss: number }[];
  readonly validation?: RunValidation;
  /** What validations of its task tell of beside the loss. */
  readonly scores: readonly Score[];
  /** Whether its mistakes can be put into groups by why they are wrong. */
  readonly groupsMistakes: boolean;
}

/** Vectors of words that a run has. */
export interface VectorsOfRun {
  /** The table they are of, and all that there are. */
  readonly table: string;
  readonly tables: readonly string[];
  readonly words: readonly string[];
  /** Numbers of a vector. */
  readonly size: number;
  /** [words, size] as float32 in base64, lowest byte first. */
  readonly values: string;
}

export type RunValidation = Validation;

/** An example of a run's data, as people choose it from a list. */
export interface Example extends ExampleCard {
  readonly index: number;
}

export interface RunDetail extends RunSummary {
  /** What people give to ask about. */
  readonly form: readonly Field[];
  /** What can be asked beside what every run can: a beam of hypotheses, places drawn by chance. */
  readonly can: { readonly beam: boolean; readonly sample: boolean };
  /** What things are called. */
  readonly words: AnyTask["words"];
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
      /** Absent where a model learns by loops of its own. */
      readonly gradientNorm?: number;
      readonly learningRate: number;
      readonly tokensPerSecond: number;
      readonly secondsLeft?: number;
      /** What the model reports beside the loss, by name. */
      readonly report?: Readonly<Record<string, number>>;
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

/** A step of a model: what it wrote, how sure it was, and what else it might have written. */
export interface StepAnswer {
  /** What it wrote, as it can be chosen; what it is called where it wrote nothing. */
  readonly piece: string;
  readonly probability?: number;
  readonly alternatives?: readonly Choice[];
  /** Whether its attention was where it should be, and what share of it; where that is known. */
  readonly looked?: { readonly pointed: boolean; readonly mass: number };
}

/** What a beam held at its end. */
export interface Hypothesis {
  readonly output: string;
  /** Its mean log-probability of a token, the end included, in nats: hypotheses stand in the order of it. */
  readonly score: number;
}

/** What a model gave for one input, and where it looked. */
export interface Answer {
  readonly output: string;
  /** How it was written, where it was written step by step. */
  readonly decoding?: Decoding;
  readonly steps: readonly StepAnswer[];
  readonly blocks: readonly Block[];
  /**
   * Where it looked. The first look that weighs is what was attended to; scores of it follow, with a unit: `SALIENCE_LOOK`, and
   * `EFFECT_LOOK` where it was asked for.
   */
  readonly trace: TraceJson;
  /** Looks that may be changed, by name. */
  readonly changeable: readonly string[];
  /** Hypotheses of the beam, best first; the first is what the steps show unless something was changed. */
  readonly hypotheses: readonly Hypothesis[];
  /** Whether it is right, where that is known. */
  readonly right?: boolean;
  /** What it is to be compared with, where the data says. */
  readonly references: readonly string[];
  /** Parts of the input that the model does not know, each once. */
  readonly unknown: readonly string[];
  readonly milliseconds: number;
}

/** What made a model give what it gave. */
export interface Explanation {
  readonly output: string;
  readonly decoding?: Decoding;
  /** What was decided, in order. */
  readonly pieces: readonly string[];
  /** Attention, salience and causal effect of each decision as looks; those of attention are absent where there is none. */
  readonly trace: TraceJson;
  /** What further looks of the trace say, in words, by their names. */
  readonly further: Readonly<Record<string, string>>;
  /** What is right, where the data knows it. */
  readonly truth?: Truth;
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
  readonly note: { readonly run: string };
  readonly remove: { readonly run: string };
  readonly examples: readonly Example[];
  readonly ask: Answer;
  readonly explain: Explanation;
  readonly explainSplit: SplitExplanation;
  readonly evaluate: Evaluation;
  readonly vectors: VectorsOfRun;
  readonly diagnose: Diagnosis;
}
