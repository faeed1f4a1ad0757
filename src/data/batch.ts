import { PAD, Random, RegardError } from "../core/index.js";

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
 * Batches for training, items of like length together. The batch of a step is a function of (seed, step), so training can
 * go on from any step. Where the items do not divide into batches, each pass leaves some out.
 */
export class Batches {
  readonly perEpoch: number;
  readonly #lengths: ArrayLike<number>;
  readonly #size: number;
  readonly #seed: number;
  #epoch = -1;
  #turns: Int32Array | undefined;
  /** Items batch by batch, and the batches in their order. */
  #items = new Int32Array(0);
  #order: readonly number[] = [];

  /**
   * @param lengths of the items, in any unit
   * @throws RegardError where there are fewer items than a batch holds
   */
  constructor(lengths: ArrayLike<number>, size: number, seed: number) {
    if (lengths.length < size)
      throw new RegardError(
        `a batch holds ${size} pairs but there are only ${lengths.length} for training; give --batch ${Math.max(1, lengths.length)} or less, or more data.`,
      );
    this.#lengths = lengths;
    this.#size = size;
    this.#seed = seed;
    this.perEpoch = Math.floor(lengths.length / size);
  }

  /** The numbers of the items of a step's batch; steps count from 0. */
  at(step: number): readonly number[] {
    const epoch = Math.floor(step / this.perEpoch);
    if (epoch !== this.#epoch) {
      this.#shuffle(epoch);
      this.#epoch = epoch;
    }
    const first = this.#order[step % this.perEpoch]! * this.#size;
    return Array.from(this.#items.subarray(first, first + this.#size));
  }

  /** All items, in an order of chance. */
  #shuffled(random: Random): Int32Array {
    return random.shuffle(new Int32Array(this.#lengths.length).map((_, index) => index));
  }

  /**
   * The items that do not fit into the batches of a pass. They take turns in an order of chance, so that over many passes every
   * item is trained on as often as any other, whatever its length.
   */
  #leftOut(epoch: number): ReadonlySet<number> {
    const count = this.#lengths.length;
    const left = count - this.perEpoch * this.#size;
    this.#turns ??= this.#shuffled(new Random(this.#seed, "left out"));
    const first = (epoch * left) % count;
    return new Set(Array.from({ length: left }, (_, place) => this.#turns![(first + place) % count]!));
  }

  #shuffle(epoch: number): void {
    const random = new Random(this.#seed, "batches", epoch);
    const leftOut = this.#leftOut(epoch);
    const items = this.#shuffled(random).filter((index) => !leftOut.has(index));
    const bucket = this.#size * BATCHES_IN_BUCKET;
    for (let start = 0; start < items.length; start += bucket) {
      const part = Array.from(items.subarray(start, start + bucket));
      items.set(
        part.sort((a, b) => this.#lengths[a]! - this.#lengths[b]!),
        start,
      );
    }
    this.#items = items;
    this.#order = random.shuffle(Array.from({ length: this.perEpoch }, (_, batch) => batch));
  }
}
