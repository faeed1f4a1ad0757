import type { z } from "zod";
import type { Look } from "../attention/index.js";
import {
  type BlockStore,
  type Dimension,
  type Tensor,
  UsageError,
  type WebAssemblyMemory,
} from "../core/index.js";
import type { Mode, Scope } from "../nn/index.js";

/** Tensors by name. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** What a run of a model gives: outputs that its task reads, and where it looked, by name. */
export interface Result {
  readonly outputs: Tensors;
  readonly looks?: Readonly<Record<string, Look>>;
}

/** What training minimises, and what scoring and explaining read beside it. */
export interface Objective {
  /** The mean over the batch of what is minimised; a scalar. */
  readonly loss: Tensor;
  /** Gradients by the names of parameters, of a model that is not trained by backpropagation through `loss`. */
  readonly gradients?: Tensors;
  /** Scalars that are told of beside the loss; `loss` takes its place where a model adds to what people read as the loss. */
  readonly report?: Tensors;
  /**
   * How badly each decision of each example went, [..., B] in nats, 0 on padding: [T, B] of words, [B] of one class. Never
   * smoothed, and without what a model adds to its loss.
   */
  readonly losses: Tensor;
  /** Where it looked while the batch's own targets were its outputs. */
  readonly looks?: Readonly<Record<string, Look>>;
}

/** A model that goes step by step: what it keeps of its inputs, what it carries, and one step. */
export interface Steps {
  /**
   * Reads the inputs: a memory that stays and a state that steps change. Axis 0 of each is the batch. The state may grow:
   * a size of it that `step` changes has a name of its own.
   */
  begin(
    inputs: Tensors,
    mode: Mode,
  ): {
    readonly memory: Tensors;
    readonly state: Tensors;
    /** Where it looked while it read, such as what gates let through; not computed unless used. */
    readonly looks?: Readonly<Record<string, Look>>;
  };
  /**
   * One step.
   * @param fed what its task's drive feeds: `previous` int32 [B] where it writes tokens, a row of an input where it is fed rows,
   *   nothing where it runs freely
   * @returns outputs [B, …] (`logits` [B, V] where it writes tokens), looks without an axis of steps, and the next state
   */
  step(memory: Tensors, state: Tensors, fed: Tensors, mode: Mode): Result & { readonly state: Tensors };
  /** How many steps it takes where it runs freely, fed nothing; a size that may name sizes of its inputs. */
  readonly count?: Dimension;
}

/** Where a learner works. */
export interface LearnerPlace {
  readonly memory: WebAssemblyMemory;
  /** Parameters by name, in the memory. */
  readonly parameters: Readonly<Record<string, Float32Array>>;
  /** How far behind each number of a parameter lies what its optimizer remembers of it, in bytes, for each thing that it remembers. */
  readonly remembered: readonly number[];
  /** The address of as many bytes as it asked for, a multiple of 16. */
  readonly workspace: number;
}

/** Arrays by name, as the task of the model collates examples for training. */
export type LearnerBatch = Readonly<Record<string, ArrayLike<number>>>;

/** What a learner is given to begin with. */
export interface LearnerGiven {
  /** Every example of training, in parts. */
  readonly all: () => AsyncIterable<LearnerBatch>;
  /** Hears a sentence on what is done, where that takes long. */
  readonly tell: (sentence: string) => void;
  /** Where it keeps what may be more than memory holds, in blocks of so many bytes; closed when the training is released. */
  readonly blocks: (bytes: number) => BlockStore;
}

/** When a step is taken. */
export interface LearnerStep {
  readonly batch: LearnerBatch;
  /** Steps done before, and those of a pass over the data. */
  readonly step: number;
  readonly stepsPerEpoch: number;
  readonly learningRate: number;
}

/**
 * Training by loops of a model's own, which change parameters in place: for models of which an example touches few rows of large
 * tables, where the gradient of a graph would be as large as the tables at every step.
 */
export interface Learner {
  /** The name of the update rule that its loops follow. */
  readonly optimizer: string;
  /** Bytes that it works in beside the parameters. */
  readonly workspace: number;
  /** @returns what takes a step; it gives the sum of the losses, and of how many decisions */
  begin(
    place: LearnerPlace,
    seed: number,
    given: LearnerGiven,
  ): Promise<(step: LearnerStep) => { readonly loss: number; readonly decisions: number }>;
}

/** A model with its parameters in place: tensors alone, no task. It has `once`, `steps` or both. */
export interface Model {
  /** The loss of a batch of inputs with their targets, by the names of its task's signature. */
  objective(batch: Tensors, mode: Mode): Objective;
  /** All outputs in one run. */
  once?(inputs: Tensors, mode: Mode): Result;
  readonly steps?: Steps;
  /** Vectors of the words of its vocabulary, [V, D], for models that are made to give them. */
  readonly vectors?: Tensor;
  /** How it is trained where that is not by the gradient of its objective, which then scores it. */
  readonly learner?: Learner;
  /** Rows and columns of what looks go over, row by row, by the name of the places; for places that form a grid. */
  readonly grids?: Readonly<Record<string, readonly [rows: number, columns: number]>>;
}

/** A part of a model as people draw it. */
export interface ModelPart {
  readonly id: string;
  readonly title: string;
  /** Scopes whose parameters are this part's: a name and everything below it. */
  readonly scopes: readonly string[];
  /** Its equations, in the paper's letters. */
  readonly equations: readonly string[];
  /** Parts, or the task's inputs and what its drive feeds, that it reads. */
  readonly from: readonly string[];
  /** What it hands on, with its axes. */
  readonly gives: string;
}

/** Tokens a vocabulary has on each side. */
export interface TranslationSizes {
  readonly source: number;
  readonly target: number;
}

/** What a captioner is made for. */
export interface CaptioningSizes {
  /** Tokens of the vocabulary of captions. */
  readonly target: number;
  /** Height, width and channels of the images, or of what an encoder that is not trained makes of them. */
  readonly image: readonly [height: number, width: number, channels: number];
  /** Whether the images have been through such an encoder. */
  readonly encoded: boolean;
}

/** What a captioner of clips is made for. */
export interface ClipSizes {
  /** Tokens of the vocabulary of captions. */
  readonly target: number;
  /** What a frame is: colours, or features that a network made of it. */
  readonly frame: readonly [height: number, width: number, channels: 3] | readonly [features: number];
}

/** Channels of the rows of bits that are read and put out at each step. */
export interface BitsSizes {
  readonly source: number;
  readonly target: number;
}

/** What a classifier of images is made for. */
export interface ClassificationSizes {
  readonly classes: number;
  /** Things of an image that are named one after another, [B, N]; one, [B], where absent. */
  readonly things?: number;
  /** Height, width and channels of the images. */
  readonly image: readonly [height: number, width: number, channels: number];
}

/** What a model that follows things in films is made for. */
export interface TrackingSizes {
  /** Height and width of the frames. */
  readonly frame: readonly [height: number, width: number];
}

/** What a model that draws images is made for. */
export interface GenerationSizes {
  /** Height, width and channels of the images. */
  readonly image: readonly [height: number, width: number, channels: number];
}

/** What a model that answers questions about images is made for. */
export interface QuestionSizes {
  /** Tokens of the vocabulary of questions. */
  readonly source: number;
  /** Answers that are told apart; the first stands for all that training has none of. */
  readonly answers: number;
  /** Tokens that a question may have. */
  readonly longest: number;
  /** Height, width and channels of the images, or of what an encoder that is not trained makes of them. */
  readonly image: readonly [height: number, width: number, channels: number];
  /** Whether the images have been through such an encoder. */
  readonly encoded: boolean;
}

/** For models that give one class. @throws UsageError where several are asked for in order */
export function assertOneClass({ things }: ClassificationSizes, model: string): void {
  if (things !== undefined)
    throw new UsageError(
      `the data asks for ${things} classes of each image, in order, but ${model} gives one; ask for their set or their sum, or take a model that names several.`,
    );
}

/** What a model that makes words vectors is made for. */
export interface WordSizes {
  /** How often each token of the vocabulary occurs in training; 0 for those that are no words. */
  readonly counts: readonly number[];
}

/** What a model that makes sentences vectors is made for. */
export interface SentenceSizes {
  /** Tokens of the vocabulary that is read. */
  readonly words: number;
  /** How many of them, the first, can be written. */
  readonly written: number;
}

/** What a model that compares sentences is made for. */
export interface SentencePairSizes {
  /** Tokens of the vocabulary. */
  readonly words: number;
}

/** What a model that guesses masked words is made for. */
export interface MaskedWordSizes {
  /** Tokens of the vocabulary. */
  readonly words: number;
  /** Tokens that two texts may have, with the marks around them. */
  readonly longest: number;
}

/** What a model that hears words is made for. */
export interface SpeechSizes {
  /** Tokens of the vocabulary of what is said. */
  readonly target: number;
  /** Bands of a frame. */
  readonly bands: number;
}

/** What a model that steers is made for. */
export interface SteeringSizes {
  /** Height and width of the frames, in colour. */
  readonly frame: readonly [height: number, width: number];
}

/** An update rule and its options, as a run's settings take them. */
export type OptimizerChoice = Readonly<{ name: string; decay?: number; momentum?: number }>;

/** What a run begins with where nothing else is asked for. */
export interface TrainingDefaults {
  /** The id of an embedded dataset. */
  readonly data: string;
  readonly batch: number;
  readonly learningRate: number;
  readonly optimizer: OptimizerChoice;
  /** The largest global norm of the gradient. */
  readonly clip: number;
  readonly labelSmoothing: number;
}

/** A paper's model as an entry of the registry. */
export interface ModelCard<Configuration = unknown, Sizes = unknown> {
  readonly id: string;
  readonly title: string;
  readonly paper: string;
  readonly year: number;
  /** The id of the task it is for. */
  readonly task: string;
  /** Its kinds of attention, in the words of `kindOf` a look; `none` where it has none. */
  readonly attention: readonly string[];
  /** Sizes and options, with their defaults and limits. */
  readonly configuration: z.ZodType<Configuration>;
  /** What it trains best with, where that is not what its task begins with. */
  readonly training?: Partial<TrainingDefaults>;
  /** Its parts, each after those it reads. */
  readonly parts: readonly ModelPart[];
  build(scope: Scope, configuration: Configuration, sizes: Sizes): Model;
}

/** The card of any model, whatever its configuration and sizes. */
// biome-ignore lint/suspicious/noExplicitAny: each model has a configuration of its own, and each task sizes of its own.
export type AnyModelCard = ModelCard<any, any>;
