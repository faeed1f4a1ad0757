import type { z } from "zod";
import type { Places, TraceJson, TraceLook, TraceStep } from "../attention/index.js";
import type { Dimension, Tensor } from "../core/index.js";
import type { Augmentation, DataKind, Link, Mistake, MistakeKind, Splits } from "../data/index.js";
import type { Decoding, Drive } from "../decode/index.js";
import type { Collapse } from "../explain/index.js";
import type { Model, Tensors, TrainingDefaults } from "../models/index.js";
import type { Values } from "../session/index.js";
import type { Evaluator } from "./evaluator.js";
import type { Block, Field, FieldValue } from "./form.js";
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
  /** Between what 95 % of the bootstrap replicates of the score lie; absent where examples do not stand alone. */
  readonly low?: number;
  readonly high?: number;
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

/** How outputs are decoded to be scored, and who hears how many are. */
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

/** A step of a model as people see it. */
export interface ShownStep extends TraceStep {
  /** What it wrote, as it can be chosen; the label where absent. */
  readonly piece?: string;
  /** Whether its attention was where it should be, and what share of it; where that is known. */
  readonly looked?: { readonly pointed: boolean; readonly mass: number };
}

/** What a model gave for one input, as people see it. */
export interface Shown {
  /** In one line. */
  readonly output: string;
  readonly steps: readonly ShownStep[];
  /** What was decided, where it is neither what the steps say nor the output as one. */
  readonly decisions?: readonly string[];
  readonly blocks: readonly Block[];
  /** Whether it is right, where that is known. */
  readonly right?: boolean;
  /** What it is to be compared with, where the data says. */
  readonly references: readonly string[];
  /** Parts of the input that the model does not know. */
  readonly unknown?: readonly string[];
}

/** What showing is told beside an output. */
export interface ShowContext {
  readonly model: Pick<Model, "grids">;
  /** Leave unknown words as they are. */
  readonly keepUnknown?: boolean | undefined;
}

/** Inputs without each of their places, for the causal effect of every one. */
export interface Variants {
  /** The name of the places. */
  readonly over: string;
  readonly count: number;
  /** The whole input first, then one without each place, along the axis of examples. */
  readonly values: Values;
}

/** An example as people choose it from a list. */
export interface ExampleCard {
  readonly title: string;
  /** The address of a picture of it. */
  readonly url?: string;
  /** What is right for it. */
  readonly expected: readonly string[];
  /** What it fills fields of the form with that can be filled otherwise (`changed`); absent where there are none. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** What is known to be right of an input that is in the data. */
export interface Truth {
  /** The steps of the data's own output, to be written instead. */
  readonly reference?: readonly string[];
  /** The right alignment, where the output is the data's own. */
  readonly gold?: readonly Link[];
}

/** What a diagnosis is told and may ask. */
export interface DiagnosisOptions<Example, Prepared> extends Scoring<Example, Prepared> {
  readonly model: Model;
  readonly examples: readonly Example[];
  /** The split they are of. */
  readonly split: string;
  /** Hypotheses kept while writing. */
  readonly beam: number;
  /** The inputs of one example. */
  read(example: Example): Promise<Values>;
  /** What looks go over in one example. */
  places(example: Example): Promise<Readonly<Record<string, Places>>>;
  /** How much less likely each token is in each variant but the first, [token, variant], in nats. */
  effects(variants: Values, tokens: readonly number[]): Promise<number[][]>;
  readonly onProgress?: ((done: number) => void) | undefined;
}

/** An image whose caption is wrong, and why. */
export interface DiagnosedImage {
  readonly index: number;
  readonly name: string;
  readonly output: string;
  readonly references: readonly string[];
  readonly mistakes: readonly Mistake[];
  /** What it looked at, or, for a model without attention, what its words depend on. */
  readonly trace: TraceJson;
}

/** Mistakes of a model, grouped by why they are wrong. */
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

/** What a design is made for, before there is data. */
export interface Sizing<Example, Prepared, Sizes> {
  /** What can be chosen, and what is usual. */
  // biome-ignore lint/suspicious/noExplicitAny: each task has options of its own.
  readonly options: z.ZodType<any>;
  /** Those of some data. */
  of(data: Splits<Example>, prepared: Prepared): Readonly<Record<string, unknown>>;
  // biome-ignore lint/suspicious/noExplicitAny: as `options`.
  sizes(options: any): Sizes;
  /** Sizes of inputs and targets by name, the batch apart, for which costs are given. */
  readonly lengths: Readonly<Record<string, number>>;
}

/**
 * What is particular to a kind of model: what its examples are, how they become tensors, how a model is run on them, and how what
 * it gives is scored and shown. `Output` is `Decoded` where tokens are written.
 */
export interface Task<Example = unknown, Prepared = unknown, Sizes = unknown, Output = unknown> {
  readonly id: string;
  /** What its examples are called. */
  readonly examples: string;
  /** What things are called. */
  readonly words: {
    /** One example, and one of the places that are looked at, in files. */
    readonly example: string;
    readonly place: string;
    /** One thing that is decided, and what it is decided by, in sentences. */
    readonly decision: string;
    readonly cause: string;
  };
  /** The kind of data it takes. */
  readonly takes: DataKind;
  /** What training begins with where nothing else is asked for. */
  readonly defaults: TrainingDefaults & {
    /** Targets of an example that a step trains on. */
    readonly targets: number;
  };
  /** What validations tell of beside the loss, in the order people read them. */
  readonly scores: readonly Score[];
  /** Whether it reads images that can be brought to any size, go through an encoder, and be changed by chance. */
  readonly images?: boolean;
  /** Whether it reads or writes texts, which go through a vocabulary and may be too long. */
  readonly texts?: boolean;
  /** What is learnt of the training data before training, kept with a run as JSON. @throws UsageError where it is not enough */
  prepare(data: Splits<Example>, options: PrepareOptions): Prepared;
  /** What `prepare` gave, from its JSON. @throws RegardError where it is of another task */
  restored(stored: unknown): Prepared;
  /** The name of the table of the words that are read, where more can be added to it without training, and `prepared` with more. */
  readonly reads?: string;
  readingMore?(prepared: Prepared, words: readonly string[]): Prepared;
  /** What is prepared, in words: "17 source and 19 target words". */
  describe(prepared: Prepared): string;
  /** What models are built for. */
  sizes(prepared: Prepared, images: ImageOptions | undefined): Sizes;
  /** What a model reads: inputs by name, whose axis of examples is "batch". */
  inputs(sizes: Sizes): Tensors;
  /** What training and scoring need beside them. @param batch the size of their axis of examples: "batch", or several times that */
  targets(sizes: Sizes, batch: Dimension): Tensors;
  readonly sizing: Sizing<Example, Prepared, Sizes>;
  /** How long what is read of an example is; examples of like length are read together. */
  length?(example: Example, prepared: Prepared): number;
  /** By what examples of training are put together; batches take any where absent. */
  order?(example: Example, prepared: Prepared): number;
  /** Tokens of the longest text of an example, which `--max-length` limits. */
  longest?(example: Example, prepared: Prepared): number;
  /** What an example may be trained to write: its targets, each from START to END; absent where no words are written. */
  writes?(example: Example, prepared: Prepared): readonly (readonly number[])[];
  collate(examples: readonly Example[], prepared: Prepared, use: Use): Promise<Collated>;
  readonly drive: Drive;
  validate(scoring: Scoring<Example, Prepared>, examples: readonly Example[]): Promise<Validation>;
  report(
    scoring: Scoring<Example, Prepared>,
    examples: readonly Example[],
    options: ReportOptions,
  ): Promise<Report>;
  /** A text that is the same for examples that models read alike; absent where what is read is no text. */
  identity?(example: Example): string;
  /** What people give to ask about. */
  form(prepared: Prepared, images: ImageOptions | undefined): readonly Field[];
  /** What people gave, as an example. @throws UsageError naming what is wrong with it */
  example(
    values: Readonly<Record<string, FieldValue>>,
    prepared: Prepared,
    images: ImageOptions | undefined,
  ): Example;
  /** An example of the data with some of what people give replaced, such as another question about its image; absent where it cannot be. */
  changed?(
    example: Example,
    values: Readonly<Record<string, FieldValue>>,
    prepared: Prepared,
    images: ImageOptions | undefined,
  ): Example;
  card(example: Example): Promise<ExampleCard>;
  /** What an example is called in titles: its text, or its name. */
  title(example: Example): string;
  /** What looks go over, by name; units of layers and slots of memories need not be named. */
  places(
    example: Example,
    prepared: Prepared,
    model: Pick<Model, "grids">,
  ): Promise<Readonly<Record<string, Places>>>;
  /** What the outputs of one example say, [steps, …] or […] by name; for what writes no tokens. */
  read?(outputs: Values, example: Example, prepared: Prepared): Output;
  show(example: Example, output: Output, prepared: Prepared, context: ShowContext): Promise<Shown>;
  /** The targets of one example as if what was read of it were right; for what writes no tokens. */
  taken?(output: Output, example: Example, prepared: Prepared): Values;
  /**
   * The log-probability in nats of targets in the outputs of a run, [steps, B] or [B], 0 where nothing is asked for; for what
   * writes no tokens.
   */
  likelihood?(outputs: Tensors, targets: Tensors): Tensor;
  /** @param values the inputs of one example, as `collate` gives them */
  variants(values: Values, model: Pick<Model, "grids">): Variants;
  /** How an effect is measured, in words: "once a source word and its annotation are masked". */
  readonly without: string;
  /** What explains an example further, such as its attention without what is no cause; for what writes no tokens. */
  further?(scoring: Scoring<Example, Prepared>, example: Example): Promise<readonly FurtherLook[]>;
  /** Groups mistakes by why they are wrong; absent where there are no such groups. */
  diagnose?(options: DiagnosisOptions<Example, Prepared>): Promise<Diagnosis>;
  /** What is right of an input that is in the data. @param output tokens, the end included, where tokens are written */
  truth?(known: Example, example: Example, output: Output, prepared: Prepared): Truth | undefined;
}

/** A look that explains beside attention, salience and causal effect. */
export interface FurtherLook {
  readonly look: TraceLook;
  /** What it says, in words. */
  readonly about: string;
}

/** Any task, whatever its examples. */
// biome-ignore lint/suspicious/noExplicitAny: each task has examples, sizes and outputs of its own.
export type AnyTask = Task<any, any, any, any>;
