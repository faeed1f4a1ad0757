import { type BlockStore, Random } from "../../core/index.js";

/** Cells of a block. */
export const CELLS_OF_BLOCK = 1 << 12;
/** Bytes of a block. */
export const BLOCK_BYTES = 12 * CELLS_OF_BLOCK;
/** Parts that cells are dealt to by chance. Each is shuffled by itself, so a part is what must fit in memory. */
const PARTS = 64;

/** Cells of the table of co-occurrences that are not 0, one after another. */
export interface Cells {
  readonly words: Int32Array;
  readonly contexts: Int32Array;
  readonly counts: Float32Array;
}

/** The columns of as many cells, in one stretch of bytes. */
function cellsIn(many: number): Cells & { readonly bytes: Uint8Array } {
  const buffer = new ArrayBuffer(12 * many);
  return {
    bytes: new Uint8Array(buffer),
    words: new Int32Array(buffer, 0, many),
    contexts: new Int32Array(buffer, 4 * many, many),
    counts: new Float32Array(buffer, 8 * many, many),
  };
}

/** Copies cells. */
function copy(from: Cells, start: number, count: number, to: Cells, at: number): void {
  to.words.set(from.words.subarray(start, start + count), at);
  to.contexts.set(from.contexts.subarray(start, start + count), at);
  to.counts.set(from.counts.subarray(start, start + count), at);
}

/** A number from [0, 1) after another, drawn in bulk. */
function draws(random: Random): () => number {
  const drawn = new Float64Array(4096);
  let at = drawn.length;
  return () => {
    if (at === drawn.length) {
      random.fill("uniform", drawn);
      at = 0;
    }
    return drawn[at++]!;
  };
}

/** Puts cells in an order that is drawn, in place (Fisher & Yates). */
function shuffle({ words, contexts, counts }: Cells, random: Random): void {
  const draw = draws(random);
  for (let last = words.length - 1; last > 0; last--) {
    const other = Math.floor(draw() * (last + 1));
    for (const array of [words, contexts, counts]) {
      const value = array[last]!;
      array[last] = array[other]!;
      array[other] = value;
    }
  }
}

/** Places of words that are remembered at a time, where no word alone has more. */
const PLACES = 1 << 24;

/**
 * How often words stand together, those that are d words apart as 1/d of a time (section 4.2), on both sides. The places of some words
 * are found first, so that their rows are counted one at a time: beside the text it takes memory of these places and of one row.
 * @param text words, −1 between passages
 * @param vocabulary how many words there are
 * @param onCell is given each cell that is not 0, row by row
 * @param onProgress hears which share of the text is counted, every hundredth
 * @param most places that are remembered at a time, where no word alone has more
 */
export function countCells(
  text: Int32Array,
  vocabulary: number,
  window: number,
  onCell: (word: number, context: number, count: number) => void,
  { onProgress = () => {}, most = PLACES }: { onProgress?: (share: number) => void; most?: number } = {},
): void {
  // Where the places of each word begin among those of all.
  const starts = new Float64Array(vocabulary + 1);
  for (const word of text) if (word >= 0) starts[word + 1]!++;
  for (let word = 0; word < vocabulary; word++) starts[word + 1]! += starts[word]!;
  const total = starts[vocabulary]!;
  const row = new Float32Array(vocabulary);
  const touched = new Int32Array(vocabulary);
  let told = 0;
  for (let first = 0, end = 1; first < vocabulary; first = end, end = first + 1) {
    while (end < vocabulary && starts[end + 1]! - starts[first]! <= most) end++;
    const places = placesOf(text, starts, first, end);
    for (let word = first; word < end; word++) {
      if (starts[word]! >= told * total) {
        onProgress(starts[word]! / total);
        told = starts[word]! / total + 0.01;
      }
      let many = 0;
      for (const place of places.subarray(starts[word]! - starts[first]!, starts[word + 1]! - starts[first]!))
        for (const direction of [-1, 1])
          for (let apart = 1; apart <= window; apart++) {
            const other = text[place + direction * apart];
            if (other === undefined || other < 0) break;
            if (row[other] === 0) touched[many++] = other;
            row[other]! += 1 / apart;
          }
      for (const other of touched.subarray(0, many)) {
        onCell(word, other, row[other]!);
        row[other] = 0;
      }
    }
  }
}

/** Places of the words from one to another, word by word. @param starts where those of each word begin among those of all */
function placesOf(text: Int32Array, starts: Float64Array, first: number, end: number): Int32Array {
  const places = new Int32Array(starts[end]! - starts[first]!);
  const next = Float64Array.from(starts.subarray(first, end), (start) => start - starts[first]!);
  text.forEach((word, place) => {
    if (word >= first && word < end) places[next[word - first]!++] = place;
  });
  return places;
}

/**
 * A table of cells in an order that the seed gives, every order as likely as any other: each cell is dealt to a part by chance, and
 * each part is shuffled. Cells lie in blocks, in memory or not, and the order does not tell where.
 */
export class ShuffledCells {
  readonly #parts = Array.from({ length: PARTS }, () => ({ blocks: [] as number[], cells: 0 }));
  /** Where cells of each part begin in the order of all. */
  readonly #starts: number[] = [];
  readonly #block = cellsIn(CELLS_OF_BLOCK);
  #read: number | undefined;
  #blocks = 0;

  /** @param give gives the cells, one after another */
  constructor(
    private readonly store: BlockStore,
    seed: number,
    give: (onCell: (word: number, context: number, count: number) => void) => void,
  ) {
    this.#deal(seed, give);
    this.#shuffleParts(seed);
    let start = 0;
    for (const { cells } of this.#parts) {
      this.#starts.push(start);
      start += cells;
    }
    this.length = start;
  }

  /** How many cells there are. */
  readonly length: number;

  /** Gives the cells from one place in the order to another, in stretches of a block that is good for the call alone. */
  visit(from: number, to: number, onCells: (cells: Cells, start: number, count: number) => void): void {
    for (let at = from; at < to; ) {
      const index = this.#starts.findLastIndex((start) => start <= at);
      const part = this.#parts[index]!;
      const inside = at - this.#starts[index]!;
      const block = part.blocks[Math.floor(inside / CELLS_OF_BLOCK)]!;
      if (block !== this.#read) {
        this.store.read(block, this.#block.bytes);
        this.#read = block;
      }
      const start = inside % CELLS_OF_BLOCK;
      const count = Math.min(to - at, CELLS_OF_BLOCK - start, part.cells - inside);
      onCells(this.#block, start, count);
      at += count;
    }
  }

  #deal(seed: number, give: (onCell: (word: number, context: number, count: number) => void) => void): void {
    const draw = draws(new Random(seed, "cells"));
    const filling = this.#parts.map(() => cellsIn(CELLS_OF_BLOCK));
    const keep = (index: number) => {
      this.#parts[index]!.blocks.push(this.#blocks);
      this.store.write(this.#blocks++, filling[index]!.bytes);
    };
    give((word, context, count) => {
      const index = Math.floor(draw() * PARTS);
      const [part, cells] = [this.#parts[index]!, filling[index]!];
      const at = part.cells++ % CELLS_OF_BLOCK;
      cells.words[at] = word;
      cells.contexts[at] = context;
      cells.counts[at] = count;
      if (at === CELLS_OF_BLOCK - 1) keep(index);
    });
    this.#parts.forEach(({ cells }, index) => {
      if (cells % CELLS_OF_BLOCK > 0) keep(index);
    });
  }

  #shuffleParts(seed: number): void {
    const block = this.#block;
    this.#parts.forEach(({ blocks, cells }, index) => {
      const whole = cellsIn(cells);
      blocks.forEach((number, turn) => {
        const at = turn * CELLS_OF_BLOCK;
        this.store.read(number, block.bytes);
        copy(block, 0, Math.min(CELLS_OF_BLOCK, cells - at), whole, at);
      });
      shuffle(whole, new Random(seed, "order", index));
      blocks.forEach((number, turn) => {
        const at = turn * CELLS_OF_BLOCK;
        copy(whole, at, Math.min(CELLS_OF_BLOCK, cells - at), block, 0);
        this.store.write(number, block.bytes);
      });
    });
  }
}
