import type { Backend, Values } from "../session/index.js";

/** What pieces of work took, and what came of them. */
export interface Timed {
  /** Milliseconds of each piece of work. */
  readonly ms: number[];
  /** The loss of each, which is the same in every framework that does the same work. */
  readonly losses: number[];
}

/** Work that is loaded and ready to be timed. */
export interface Running {
  /** Milliseconds to make the graph and to load it into the runtime. */
  readonly loadMs: number;
  run(count: number): Promise<Timed>;
  release(): Promise<void>;
}

/** A piece of work of given sizes that several frameworks can do alike. */
export interface Work {
  /** What it is, with its sizes. */
  readonly title: string;
  /** What one piece of it is called: "step", "1,000 sentences". */
  readonly unit: string;
  /** First weights and the batch, for all to begin with. */
  readonly tensors: Values;
  /** Floating-point operations of one piece, counted from the graph. */
  readonly flops: number;
  /** Bytes that must be held at once: parameters, what the optimizer remembers, and what the gradient needs. */
  readonly heldBytes: number;
  start(backend: Backend, threads: number): Promise<Running>;
}

/** A kind of work. */
export interface WorkloadKind {
  readonly id: string;
  readonly description: string;
  /** What its sizes are, in order, with those it has where none are given. */
  readonly sizes: Readonly<Record<string, number>>;
  /** Sizes that are measured where nothing else is asked for. */
  readonly usual: readonly (readonly number[])[];
  /** The program that peers do this work with, without its ending; its own name where absent. */
  readonly peer?: string;
  make(sizes: readonly number[]): Work;
}

export type Sizes = ReadonlyMap<string, number>;

/** The middle of numbers, and the quarters below and above it. */
export interface Spread {
  readonly median: number;
  readonly lower: number;
  readonly upper: number;
}

/** What one framework took for a piece of work. */
export interface Measured {
  readonly name: string;
  readonly version?: string;
  /** Milliseconds of a piece of work. */
  readonly ms: Spread;
  /** Its time as a multiple of Regard's: above 1 Regard is faster. */
  readonly ratio: number;
  /** From the start of the process to the end of the first piece of work, in milliseconds. */
  readonly firstMs: number;
  readonly peakBytes: number;
}

/** What a comparison found. */
export interface Comparison {
  readonly work: string;
  readonly title: string;
  readonly unit: string;
  /** Regard first. */
  readonly measured: readonly Measured[];
  /** Peers that took no part, and why. */
  readonly missing: Readonly<Record<string, string>>;
  readonly loadMs: number;
  readonly gigaflops: number;
  /** Of Regard, as a share of what the machine's matrix product does. */
  readonly ceilingShare: number;
  readonly ceilingGigaflopsPerSecond: number;
  /** Bytes that the work must hold at once. */
  readonly heldBytes: number;
  readonly largestLossDifference: number;
}
