import type { AlignmentTrace, SpatialTrace } from "../attention/index.js";
import type { Dimension, Tensor } from "../core/index.js";
import type { Augmentation, Splits, Vocabulary } from "../data/index.js";
import type { Collapse } from "../explain/index.js";
import type { OptimizerChoice, SizesOf, TaskId } from "../models/index.js";
import type { Value, Values } from "../session/index.js";
import type { Evaluator } from "./evaluator.js";
import type { ImageOptions } from "./images.js";
import type { Vocabularies } from "./vocabularies.js";

/** Traces that are kept at every validation. */
export type WatchedTrace = AlignmentTrace | SpatialTrace;

/** What a validation finds; scores are fractions from 0 to 1, those that apply. */
export interface Validation {
  /** Cross-entropy in nats a token. */
  readonly loss: number;
  /** Share of sentences that are translated exactly as in the data. */
  readonly exact?: number;
  /** Share of captions that say what is there, all of it and nothing else. */
  readonly correct?: number;
  /** BLEU-4 of captions, from 0 to 100, where what is there is not known. */
  readonly bleu?: number;
  /** Alignment error rate of the attention, where there is attention and a gold alignment. */
  readonly aer?: number;
  /** Share of content words that look at what they tell of, where there is attention and masks. */
  readonly pointing?: number;
  /** In which way the attention has collapsed; undefined where it has not. */
  readonly collapse?: Collapse | undefined;
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
  /** The sentence, or the name of the image. */
  readonly source: string;
  readonly output: string;
  /** What it is scored against. */
  readonly references: readonly string[];
}

/** How examples of a training step are changed: a function of (seed, example, step). */
export interface ReadingChance {
  readonly seed: number;
  readonly step: number;
  readonly augment: readonly Augmentation[];
}

export interface ReportOptions {
  /** Hypotheses kept while decoding. */
  readonly beam: number;
  /** Translation: leave unknown words as they are. */
  readonly keepUnknown?: boolean | undefined;
  readonly onProgress?: (done: number) => void;
}

/** What a model of this task is trained and scored with: its parameters are given anew each time. */
export interface Scoring<Example> {
  readonly evaluator: Evaluator<Example>;
  readonly parameters: Values;
  readonly vocabularies: Vocabularies;
}

/**
 * What is particular to a kind of model: what its examples are, how they become sources to read and words to write, and
 * how what it writes and looks at is scored.
 */
export interface Task<Example = unknown, Id extends TaskId = TaskId> {
  readonly id: Id;
  /** What its examples are called. */
  readonly examples: string;
  /** What training begins with where nothing else is asked for. */
  readonly defaults: {
    readonly data: string;
    readonly batch: number;
    /** Targets of an example that a step trains on. */
    readonly targets: number;
    readonly learningRate: number;
    readonly optimizer: OptimizerChoice;
    readonly labelSmoothing: number;
  };
  vocabulariesOf(data: Splits<Example>, options: Parameters<typeof Vocabulary.of>[1]): Vocabularies;
  /** What models are built for. */
  sizes(vocabularies: Vocabularies, images: ImageOptions | undefined): SizesOf[Id];
  /** The input that a model reads, named `source`. */
  source(sizes: SizesOf[Id]): Tensor;
  /** What may be written for an example, each in words: several captions of one image, one translation of a sentence. */
  targets(example: Example): readonly (readonly string[])[];
  /** How many tokens the source of an example has, 0 where it is no text; sources of like length are read together. */
  sourceLength(example: Example, vocabularies: Vocabularies): number;
  /**
   * Whether a batch of training takes examples of any length: where lengths say what is in an example, as those of captions
   * say how many objects there are, batches of like length see too little of the world at a time.
   */
  readonly mixesLengths?: boolean;
  /** Examples as a value for the input; for training they may be changed by chance. */
  read(examples: readonly Example[], vocabularies: Vocabularies, chance?: ReadingChance): Promise<Value>;
  /** How many tokens may be written, as a size that may name "source", the first size of the input. */
  readonly longest: Dimension;
  validate(scoring: Scoring<Example>, examples: readonly Example[]): Promise<Validation>;
  /** The attention over each example while its own first target is written; none where the model has none. */
  traces(scoring: Scoring<Example>, examples: readonly Example[]): Promise<WatchedTrace[]>;
  report(scoring: Scoring<Example>, examples: readonly Example[], options: ReportOptions): Promise<Report>;
}
