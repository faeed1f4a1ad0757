import { PAD, Random, RegardError } from "../core/index.js";

/** A pair as token numbers: the source closed by END, the target from START to END. */
export interface EncodedPair {
  readonly source: readonly number[];
  readonly target: readonly number[];
}

/** Token numbers of several sequences, one a column: `data` is [length, count] row by row. */
export interface TokenBatch {
  readonly length: number;
  readonly count: number;
  readonly data: Int32Array;
}

/** Sequences side by side, padded at the end to the longest. */
export function tokenBatch(sequences: readonly (readonly number[])[]): TokenBatch {
  const count = sequences.length;
  const length = Math.max(0, ...sequences.map((sequence) => sequence.length));
  const data = new Int32Array(length * count).fill(PAD);
  sequences.forEach((sequence, column) => {
    sequence.forEach((token, row) => {
      data[row * count + column] = token;
    });
  });
  return { length, count, data };
}

/** Batches that are sorted by length together; more waste less padding but mix less. */
const BATCHES_IN_BUCKET = 32;

/**
 * Batches for training, sequences of like length together. The batch of a step is a function of (seed, step), so
 * training can go on from any step.
 */
export class Batches {
  readonly perEpoch: number;
  readonly #pairs: readonly EncodedPair[];
  readonly #size: number;
  readonly #seed: number;
  #epoch = -1;
  #order: (readonly number[])[] = [];

  /** @throws RegardError where there are fewer pairs than a batch holds */
  constructor(pairs: readonly EncodedPair[], size: number, seed: number) {
    if (pairs.length < size)
      throw new RegardError(
        `a batch holds ${size} pairs but there are only ${pairs.length} for training; give --batch ${Math.max(1, pairs.length)} or less, or more data.`,
      );
    this.#pairs = pairs;
    this.#size = size;
    this.#seed = seed;
    this.perEpoch = Math.floor(pairs.length / size);
  }

  /** The batch of a step, counted from 0. */
  at(step: number): { source: TokenBatch; target: TokenBatch } {
    const epoch = Math.floor(step / this.perEpoch);
    if (epoch !== this.#epoch) {
      this.#order = this.#shuffle(epoch);
      this.#epoch = epoch;
    }
    const pairs = this.#order[step % this.perEpoch]!.map((index) => this.#pairs[index]!);
    return {
      source: tokenBatch(pairs.map(({ source }) => source)),
      target: tokenBatch(pairs.map(({ target }) => target)),
    };
  }

  #shuffle(epoch: number): number[][] {
    const random = new Random(this.#seed, "batches", epoch);
    const indices = random.shuffle(this.#pairs.map((_, index) => index));
    const batches: number[][] = [];
    const bucket = this.#size * BATCHES_IN_BUCKET;
    const length = (index: number) =>
      this.#pairs[index]!.target.length * 1000 + this.#pairs[index]!.source.length;
    for (let start = 0; start < indices.length; start += bucket) {
      const part = indices.slice(start, start + bucket).sort((a, b) => length(a) - length(b));
      for (let first = 0; first + this.#size <= part.length; first += this.#size)
        batches.push(part.slice(first, first + this.#size));
    }
    return random.shuffle(batches);
  }
}
