import type { z } from "zod";
import type { Tensor } from "../core/index.js";
import type { Scope } from "../nn/index.js";

/** Tensors whose axis 0 is the batch. */
export type BatchTensors = Readonly<Record<string, Tensor>>;

/** What changes training alone. */
export interface TrainingOptions {
  /** The share of each target that is spread over all words alike, from 0 up to 1. */
  readonly labelSmoothing?: number;
  /** Whether noise is drawn and buffers move, as in a training step; otherwise the model does what it does in use. */
  readonly stochastic?: boolean;
  /** Targets of every source, 1 where absent: a target of each source, then another of each, along the batch axis. */
  readonly targets?: number;
}

/** What a model makes of sources and their targets. Axes: T target steps, B batch, P places of the source. */
export interface Trained {
  /** What to minimise: the mean cross-entropy in nats over the target tokens that are not padding, and what a model adds. */
  readonly loss: Tensor;
  /** The cross-entropy alone, in nats a token, where a model adds to it. */
  readonly crossEntropy?: Tensor;
  /** Cross-entropy of each target sequence, [B], for scoring. */
  readonly sequenceLoss: Tensor;
  /** Cross-entropy of each target token, [T − 1, B]; 0 on padding. */
  readonly tokenLosses: Tensor;
  /** Attention weights [T − 1, B, P], where the model has attention. */
  readonly weights?: Tensor;
}

/** One step of decoding. */
export interface DecodingStep {
  readonly logits: Tensor;
  readonly state: BatchTensors;
  /** Attention weights [B, P], where the model has attention. */
  readonly weights?: Tensor;
  /** What the values were weighed by in the end, [B, P], where that is not the weights: the one place of hard attention. */
  readonly used?: Tensor;
}

/**
 * A model that reads a source and writes a token sequence. A source is a token sequence, int32 [S, B] padded with PAD, or
 * images, float [B, height, width, channels] from 0 to 1. Axes: T target steps, B batch, P places of the source.
 */
export interface EncoderDecoder {
  /** Rows and columns of the places of an image that attention weighs, row by row. */
  readonly grid?: readonly [rows: number, columns: number];
  /**
   * Teacher-forced training.
   * @param target int32 [T, B], from START to END, padded with PAD
   */
  train(source: Tensor, target: Tensor, options?: TrainingOptions): Trained;
  /**
   * What decoding needs of a source: a memory that stays and a state that steps change. `gates` [S, B, H] are those of
   * the recurrent layers that read it, by name; not computed unless used.
   */
  encode(source: Tensor): {
    readonly memory: BatchTensors;
    readonly state: BatchTensors;
    readonly gates?: Readonly<Record<string, Tensor>>;
  };
  /**
   * One step of decoding from the token before it, int32 [B].
   * @param chance uniform in [0, 1), [B], for models that draw where to look; without it they look where it is likeliest
   */
  step(memory: BatchTensors, state: BatchTensors, previous: Tensor, chance?: Tensor): DecodingStep;
}

/** Tokens a vocabulary has on each side. */
export interface TranslationSizes {
  readonly source: number;
  readonly target: number;
}

export interface CaptioningSizes {
  /** Tokens of the vocabulary of captions. */
  readonly target: number;
  /** Height, width and channels of the images, or of what an encoder that is not trained makes of them. */
  readonly image: readonly [height: number, width: number, channels: number];
  /** Whether the images have been through such an encoder. */
  readonly encoded: boolean;
}

/** What a model is built for, by its task. */
export interface SizesOf {
  readonly translation: TranslationSizes;
  readonly captioning: CaptioningSizes;
}

export type TaskId = keyof SizesOf;

/** A part of a model as people draw it. */
export interface ModelPart {
  readonly id: string;
  readonly title: string;
  /** Scopes whose parameters are this part's: a name and everything below it. */
  readonly scopes: readonly string[];
  /** Its equations, in the paper's letters. */
  readonly equations: readonly string[];
  /** Parts, or the inputs `source`, `image` and `previous word`, that it reads. */
  readonly from: readonly string[];
  /** What it hands on, with its axes. */
  readonly gives: string;
}

/** An update rule and its options, as a run's settings take them. */
export type OptimizerChoice = Readonly<{ name: string; decay?: number }>;

/** A paper's model as an entry of the registry. */
export interface ModelCard<Configuration = unknown, Task extends TaskId = TaskId> {
  readonly id: string;
  readonly title: string;
  readonly paper: string;
  readonly year: number;
  readonly task: Task;
  /** Kinds of attention trace it yields. */
  readonly attention: readonly ("alignment" | "spatial" | "none")[];
  readonly data: readonly string[];
  /** Sizes and options, with their defaults and limits. */
  readonly configuration: z.ZodType<Configuration>;
  /** What it trains best with, where that is not what its task begins with. */
  readonly training?: { readonly learningRate?: number; readonly optimizer?: OptimizerChoice };
  /** Its parts, each after those it reads. */
  readonly parts: readonly ModelPart[];
  build(scope: Scope, configuration: Configuration, sizes: SizesOf[Task]): EncoderDecoder;
}

/** The card of any model, whatever its configuration and task. */
// biome-ignore lint/suspicious/noExplicitAny: each model has a configuration of its own, and each task sizes of its own.
export type AnyModelCard = Omit<ModelCard<any, any>, "task"> & { readonly task: TaskId };
