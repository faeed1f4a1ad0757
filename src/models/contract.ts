import type { z } from "zod";
import type { Tensor } from "../core/index.js";
import type { Scope } from "../nn/index.js";

/** Tensors whose axis 0 is the batch. */
export type BatchTensors = Readonly<Record<string, Tensor>>;

/** What changes training alone. */
export interface TrainingOptions {
  /** The share of each target that is spread over all words alike, from 0 up to 1. */
  readonly labelSmoothing?: number;
}

/**
 * A model that reads one token sequence and writes another. Axes: S source steps, T target steps, B batch,
 * V target vocabulary.
 */
export interface Translator {
  /**
   * Teacher-forced training.
   * @param source int32 [S, B], padded with PAD
   * @param target int32 [T, B], from START to END, padded with PAD
   */
  train(
    source: Tensor,
    target: Tensor,
    options?: TrainingOptions,
  ): {
    /** What to minimise: the mean cross-entropy in nats over the target tokens that are not padding. */
    readonly loss: Tensor;
    /** Cross-entropy of each target sequence, [B], for scoring. */
    readonly sequenceLoss: Tensor;
    /** Cross-entropy of each target token, [T − 1, B]; 0 on padding. */
    readonly tokenLosses: Tensor;
    /** Attention weights [T − 1, B, S], where the model has attention. */
    readonly weights?: Tensor;
  };
  /**
   * What decoding needs of a source: a memory that stays and a state that steps change. `gates` [S, B, H] are those of
   * the recurrent layers that read it, by name; not computed unless used.
   */
  encode(source: Tensor): {
    readonly memory: BatchTensors;
    readonly state: BatchTensors;
    readonly gates?: Readonly<Record<string, Tensor>>;
  };
  /** One step of decoding from the token before it, int32 [B]. */
  step(
    memory: BatchTensors,
    state: BatchTensors,
    previous: Tensor,
  ): { readonly logits: Tensor; readonly state: BatchTensors; readonly weights?: Tensor };
}

export interface Vocabularies {
  readonly source: number;
  readonly target: number;
}

/** A part of a model as people draw it. */
export interface ModelPart {
  readonly id: string;
  readonly title: string;
  /** Scopes whose parameters are this part's: a name and everything below it. */
  readonly scopes: readonly string[];
  /** Its equations, in the paper's letters. */
  readonly equations: readonly string[];
  /** Parts, or the inputs `source` and `previous word`, that it reads. */
  readonly from: readonly string[];
  /** What it hands on, with its axes. */
  readonly gives: string;
}

/** A paper's model as an entry of the registry. */
export interface ModelCard<Configuration = unknown> {
  readonly id: string;
  readonly title: string;
  readonly paper: string;
  readonly year: number;
  readonly task: "translation";
  /** Kinds of attention trace it yields. */
  readonly attention: readonly ("alignment" | "none")[];
  readonly data: readonly string[];
  /** Sizes and options, with their defaults and limits. */
  readonly configuration: z.ZodType<Configuration>;
  /** Its parts, each after those it reads. */
  readonly parts: readonly ModelPart[];
  build(scope: Scope, configuration: Configuration, vocabularies: Vocabularies): Translator;
}
