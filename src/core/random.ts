/**
 * Counter-based random numbers: Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy
 * as 1, 2, 3"). A value is a pure function of (seed, stream, step, index), so nothing needs to be carried along
 * for a run to be repeated or resumed exactly.
 */
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/** One Threefry-2x32-20 block: two 32-bit words out for a two-word key and a two-word counter. */
export function threefry(key0: number, key1: number, counter0: number, counter1: number): [number, number] {
  const keys = [key0, key1, key0 ^ key1 ^ 0x1bd11bda];
  let a = (counter0 + key0) | 0;
  let b = (counter1 + key1) | 0;
  for (let group = 0; group < 5; group++) {
    const offset = (group & 1) * 4;
    for (let round = 0; round < 4; round++) {
      const rotation = ROTATIONS[offset + round]!;
      a = (a + b) | 0;
      b = ((b << rotation) | (b >>> (32 - rotation))) ^ a;
    }
    a = (a + keys[(group + 1) % 3]!) | 0;
    b = (b + keys[(group + 2) % 3]! + group + 1) | 0;
  }
  return [a >>> 0, b >>> 0];
}

/**
 * The words of `blocks` blocks in order, as numbers in [0, 1), into `into` from `at` on. Every round is written out with its
 * rotation, which is several times as fast as `threefry`: noise takes millions of words a step.
 */
function fillBlocks(
  [key0, key1]: readonly [number, number],
  [counter, step]: readonly [number, number],
  into: Float32Array | Float64Array,
  at: number,
  blocks: number,
): void {
  const key2 = key0 ^ key1 ^ 0x1bd11bda;
  for (let block = 0; block < blocks; block++) {
    let a = (counter + block + key0) | 0;
    let b = (step + key1) | 0;
    a = (a + b) | 0;
    b = ((b << 13) | (b >>> 19)) ^ a;
    a = (a + b) | 0;
    b = ((b << 15) | (b >>> 17)) ^ a;
    a = (a + b) | 0;
    b = ((b << 26) | (b >>> 6)) ^ a;
    a = (a + b) | 0;
    b = ((b << 6) | (b >>> 26)) ^ a;
    a = (a + key1) | 0;
    b = (b + key2 + 1) | 0;
    a = (a + b) | 0;
    b = ((b << 17) | (b >>> 15)) ^ a;
    a = (a + b) | 0;
    b = ((b << 29) | (b >>> 3)) ^ a;
    a = (a + b) | 0;
    b = ((b << 16) | (b >>> 16)) ^ a;
    a = (a + b) | 0;
    b = ((b << 24) | (b >>> 8)) ^ a;
    a = (a + key2) | 0;
    b = (b + key0 + 2) | 0;
    a = (a + b) | 0;
    b = ((b << 13) | (b >>> 19)) ^ a;
    a = (a + b) | 0;
    b = ((b << 15) | (b >>> 17)) ^ a;
    a = (a + b) | 0;
    b = ((b << 26) | (b >>> 6)) ^ a;
    a = (a + b) | 0;
    b = ((b << 6) | (b >>> 26)) ^ a;
    a = (a + key0) | 0;
    b = (b + key1 + 3) | 0;
    a = (a + b) | 0;
    b = ((b << 17) | (b >>> 15)) ^ a;
    a = (a + b) | 0;
    b = ((b << 29) | (b >>> 3)) ^ a;
    a = (a + b) | 0;
    b = ((b << 16) | (b >>> 16)) ^ a;
    a = (a + b) | 0;
    b = ((b << 24) | (b >>> 8)) ^ a;
    a = (a + key1) | 0;
    b = (b + key2 + 4) | 0;
    a = (a + b) | 0;
    b = ((b << 13) | (b >>> 19)) ^ a;
    a = (a + b) | 0;
    b = ((b << 15) | (b >>> 17)) ^ a;
    a = (a + b) | 0;
    b = ((b << 26) | (b >>> 6)) ^ a;
    a = (a + b) | 0;
    b = ((b << 6) | (b >>> 26)) ^ a;
    a = (a + key2) | 0;
    b = (b + key0 + 5) | 0;
    into[at++] = (a >>> 0) / 2 ** 32;
    into[at++] = (b >>> 0) / 2 ** 32;
  }
}

/** Numbers that are taken at once on the way to normal deviates. */
const BUFFERED = 1024;

/** FNV-1a, to turn a stream's name into a key word. */
export function hashString(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

/** A standard normal deviate of two uniform ones (Box & Muller 1958). */
const normalOf = (first: number, second: number): number =>
  Math.sqrt(-2 * Math.log(1 - first)) * Math.cos(2 * Math.PI * second);

/** A stream of random numbers for one (seed, stream, step). Reading it advances only its own counter. */
export class Random {
  readonly #key0: number;
  readonly #key1: number;
  readonly #step: number;
  #counter = 0;
  #spare: number | undefined;

  constructor(seed: number, stream: string, step = 0) {
    this.#key0 = seed >>> 0;
    this.#key1 = hashString(stream) ^ Math.floor(seed / 2 ** 32);
    this.#step = step;
  }

  /** 32 uniform random bits. */
  bits(): number {
    if (this.#spare !== undefined) {
      const bits = this.#spare;
      this.#spare = undefined;
      return bits;
    }
    const [first, second] = threefry(this.#key0, this.#key1, this.#counter++, this.#step);
    this.#spare = second;
    return first;
  }

  /** Leaves out words of 32 bits, as if they had been read: `uniform` takes one, `normal` two. */
  skip(words: number): void {
    if (words > 0 && this.#spare !== undefined) {
      this.#spare = undefined;
      words--;
    }
    this.#counter += Math.floor(words / 2);
    if (words % 2 === 1) this.bits();
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return this.bits() / 2 ** 32;
  }

  #uniforms(into: Float32Array | Float64Array, from: number, to: number): void {
    if (from < to && this.#spare !== undefined) into[from++] = this.uniform();
    const blocks = Math.max(0, Math.floor((to - from) / 2));
    fillBlocks([this.#key0, this.#key1], [this.#counter, this.#step], into, from, blocks);
    this.#counter += blocks;
    if (from + 2 * blocks < to) into[to - 1] = this.uniform();
  }

  #normals(into: Float32Array | Float64Array, from: number, to: number): void {
    const words = new Float64Array(Math.min(BUFFERED, Math.max(0, 2 * (to - from))));
    while (from < to) {
      const count = Math.min(words.length, 2 * (to - from));
      this.#uniforms(words, 0, count);
      for (let word = 0; word < count; word += 2) into[from++] = normalOf(words[word]!, words[word + 1]!);
    }
  }

  /** Sets elements from `from` up to `to` to what would be drawn of a distribution one after another. */
  fill(
    distribution: "uniform" | "normal",
    into: Float32Array | Float64Array,
    from = 0,
    to = into.length,
  ): void {
    if (distribution === "normal") this.#normals(into, from, to);
    else this.#uniforms(into, from, to);
  }

  /** A whole number from 0 up to, but without, `limit` (at most 2^53). */
  integer(limit: number): number {
    if (limit <= 2 ** 32) return Math.floor((this.bits() / 2 ** 32) * limit);
    const high = this.bits() >>> 11;
    return Math.floor(((high * 2 ** 32 + this.bits()) / 2 ** 53) * limit);
  }

  /** A standard normal deviate. */
  normal(): number {
    return normalOf(this.uniform(), this.uniform());
  }

  /** Shuffles `items` in place (Fisher & Yates) and returns them. */
  shuffle<Items extends unknown[] | Int32Array>(items: Items): Items {
    for (let last = items.length - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      const item = items[last];
      items[last] = items[other];
      items[other] = item;
    }
    return items;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.integer(items.length)]!;
  }
}
