import type { Image } from "./trace.js";

/** Traces by kind, as they were before `Trace`: goes when nothing answers with them. Numbers are nested by the axes in brackets. */
export type AttentionTrace =
  | AlignmentTrace
  | GatesTrace
  | SpatialTrace
  | TemporalTrace
  | GlimpsesTrace
  | WindowsTrace
  | MemoryTrace
  | HeadsTrace;

/** What the numbers of a trace are where they are no attention: scores, which may be below 0. */
export interface ScoreKind {
  /** What is scored, as in "causal effect". */
  readonly title: string;
  /** The unit of the numbers, as in "nats"; absent where they have none. */
  readonly unit?: string;
}

export interface AlignmentTrace {
  readonly kind: "alignment";
  readonly source: readonly string[];
  readonly target: readonly string[];
  /** [target, source]; a row adds up to 1, unless they are scores. */
  readonly weights: readonly (readonly number[])[];
  /** Where they are scores in place of attention. */
  readonly scores?: ScoreKind;
}

/** Gates of recurrent layers, which open and close over time: what a layer takes in, keeps and shows of each token. */
export interface GatesTrace {
  readonly kind: "gates";
  readonly tokens: readonly string[];
  /** [token, unit] of each gate by name, such as "forward update"; 0 is closed, 1 open. */
  readonly gates: Readonly<Record<string, readonly (readonly number[])[]>>;
}

export interface SpatialTrace {
  readonly kind: "spatial";
  readonly image: Image;
  readonly grid: { readonly rows: number; readonly columns: number };
  /** What was written at each step. */
  readonly words: readonly string[];
  /** [step, row, column]; a step adds up to 1, unless they are scores. */
  readonly weights: readonly (readonly (readonly number[])[])[];
  /** Where they are scores in place of attention. */
  readonly scores?: ScoreKind;
}

export interface TemporalTrace {
  readonly kind: "temporal";
  readonly frames: readonly Image[];
  /** [step, frame]; a step adds up to 1. */
  readonly weights: readonly (readonly number[])[];
}

export interface GlimpsesTrace {
  readonly kind: "glimpses";
  readonly image: Image;
  /** Centres in pixels, and the side in pixels of each retina scale, one entry a step. */
  readonly steps: readonly { readonly x: number; readonly y: number; readonly scales: readonly number[] }[];
}

export interface WindowsTrace {
  readonly kind: "windows";
  readonly image: Image;
  /** Gaussian filterbanks in pixels, one entry a step. */
  readonly steps: readonly { readonly read: Window; readonly write: Window }[];
}

export interface Window {
  readonly x: number;
  readonly y: number;
  readonly stride: number;
  readonly width: number;
}

export interface MemoryTrace {
  readonly kind: "memory";
  /** [step, slot] of each head, by name. */
  readonly heads: Readonly<Record<string, readonly (readonly number[])[]>>;
}

export interface HeadsTrace {
  readonly kind: "heads";
  readonly queries: readonly string[];
  readonly keys: readonly string[];
  /** [layer, head, query, key] */
  readonly weights: readonly (readonly (readonly (readonly (readonly number[])[])[])[])[];
}
