import type { AlignmentTrace, SpatialTrace } from "../attention/index.js";
import type { Dimension } from "../core/index.js";
import type { Augmentation, DataKind, Splits } from "../data/index.js";
import type { Drive } from "../decode/index.js";
import type { Collapse } from "../explain/index.js";
import type { Tensors, TrainingDefaults } from "../models/index.js";
import type { Values } from "../session/index.js";
import type { Evaluator } from "./evaluator.js";
import type { ImageOptions } from "./images.js";
import type { TextOptions } from "./vocabularies.js";

/** Something that examples are scored by. */
export interface Score {
  /** Its name in files and in `--json`. */
  readonly id: string;
  /** Its name as people read it. */
  readonly title: string;
  /** `share`: from 0 to 1, shown in per cent; `points`: from 0 to 100, as BLEU has. */
  readonly unit: "share" | "points" | "nats" | "bits";
  readonly better: "higher" | "lower";
  /** Whether the best checkpoint is the one that is best by this. */
  readonly primary?: true;
}

/** What every task is scored by. */
export const LOSS: Score = { id: "loss", title: "validation loss", unit: "nats", better: "lower" };

/** Traces that are kept at every validation. */
export type WatchedTrace = AlignmentTrace | SpatialTrace;

/** What a validation finds: the loss in nats a decision, and those of a task's scores that apply. */
export interface Validation {
  readonly loss: number;
  /** In which way the attention has collapsed; undefined where it has not. */
  readonly collapse?: Collapse | undefined;
  readonly [score: string]: number | Collapse | undefined;
}

/** The score of the examples of one range, of lengths or of numbers of objects. */
export interface RangeScore {
  readonly from: number;
  readonly to: number;
  readonly examples: number;
  readonly score: number;
}

/** How well a model does on examples. */
export interface Report {
  /** Fractions from 0 to 1 but BLEU, chrF and CIDEr, from 0 to 100 and 0 to 10; those that apply. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly breakdown?: {
    /** What the score is, and by what the examples are put together: "BLEU" by "words in the source". */
    readonly measure: string;
    readonly by: string;
    readonly ranges: readonly RangeScore[];
  };
  /** What was written for each example, in their order. */
  readonly outputs: readonly Written[];
}

/** What was written for an example. */
export interface Written {
  /** The sentence, or the name of what was read. */
  readonly source: string;
  readonly output: string;
  /** What it is scored against. */
  readonly references: readonly string[];
}

export interface ReportOptions {
  /** Hypotheses kept while decoding. */
  readonly beam: number;
  /** Translation: leave unknown words as they are. */
  readonly keepUnknown?: boolean | undefined;
  readonly onProgress?: (done: number) => void;
}

/** What examples are made ready for: how those of a training step are changed is a function of (seed, example, step). */
export type Use =
  | {
      readonly kind: "train";
      readonly seed: number;
      readonly step: number;
      /** Targets of each example, side by side: the first of every example, then the second of every one. */
      readonly targets: number;
      readonly augment: readonly Augmentation[];
    }
  /** With the first target of each. */
  | { readonly kind: "score" }
  /** Inputs alone. */
  | { readonly kind: "ask" };

/** Examples as a model reads them. */
export interface Collated {
  /** Inputs, and targets unless they are only asked about, by name. */
  readonly values: Values;
  /** How many decisions each target asks for, such as its words; none where examples are only asked about. */
  readonly decisions: readonly number[];
}

/** What a model of this task is trained and scored with: its parameters are given anew each time. */
export interface Scoring<Example, Prepared> {
  readonly evaluator: Evaluator<Example, Prepared>;
  readonly parameters: Values;
  readonly prepared: Prepared;
}

/** What preparing is told of a run's settings. */
export interface PrepareOptions {
  readonly vocabulary: TextOptions;
}

/**
 * What is particular to a kind of model: what its examples are, how they become tensors, how a model is run on them, and how what
 * it gives is scored and shown.
 */
export interface Task<Example = unknown, Prepared = unknown, Sizes = unknown> {
  readonly id: string;
  /** What its examples are called. */
  readonly examples: string;
  /** What one example, and one of the places that are looked at, are called in files. */
  readonly words: { readonly example: string; readonly place: string };
  /** The kind of data it takes. */
  readonly takes: DataKind;
  /** What training begins with where nothing else is asked for. */
  readonly defaults: TrainingDefaults & {
    readonly data: string;
    /** Targets of an example that a step trains on. */
    readonly targets: number;
  };
  /** What validations tell of beside the loss, in the order people read them. */
  readonly scores: readonly Score[];
  /** Whether it reads images that can be brought to any size, go through an encoder, and be changed by chance. */
  readonly images?: boolean;
  /** What is learnt of the training data before training, kept with a run as JSON. @throws UsageError where it is not enough */
  prepare(data: Splits<Example>, options: PrepareOptions): Prepared;
  /** What `prepare` gave, from its JSON. @throws RegardError where it is of another task */
  restored(stored: unknown): Prepared;
  /** What is prepared, in words: "17 source and 19 target words". */
  describe(prepared: Prepared): string;
  /** What models are built for. */
  sizes(prepared: Prepared, images: ImageOptions | undefined): Sizes;
  /** What a model reads: inputs by name, whose axis of examples is "batch". */
  inputs(sizes: Sizes): Tensors;
  /** What training and scoring need beside them. @param batch the size of their axis of examples: "batch", or several times that */
  targets(sizes: Sizes, batch: Dimension): Tensors;
  /** How long what is read of an example is; examples of like length are read together. */
  length?(example: Example, prepared: Prepared): number;
  /** By what examples of training are put together; batches take any where absent. */
  order?(example: Example, prepared: Prepared): number;
  /** Tokens of the longest text of an example, which `--max-length` limits. */
  longest?(example: Example, prepared: Prepared): number;
  collate(examples: readonly Example[], prepared: Prepared, use: Use): Promise<Collated>;
  readonly drive: Drive;
  validate(scoring: Scoring<Example, Prepared>, examples: readonly Example[]): Promise<Validation>;
  report(
    scoring: Scoring<Example, Prepared>,
    examples: readonly Example[],
    options: ReportOptions,
  ): Promise<Report>;
  /** The attention over each example while its own first target is written; none where the model has none. */
  traces(scoring: Scoring<Example, Prepared>, examples: readonly Example[]): Promise<WatchedTrace[]>;
  /** A text that is the same for examples that models read alike; absent where what is read is no text. */
  identity?(example: Example): string;
}

/** Any task, whatever its examples. */
// biome-ignore lint/suspicious/noExplicitAny: each task has examples and sizes of its own.
export type AnyTask = Task<any, any, any>;
