import { CholeskyDecomposition, Matrix } from "ml-matrix";
import { type StoredTensor, UNKNOWN, UsageError } from "../core/index.js";
import type { WordVectors } from "../data/index.js";
import { gatherRows, rowsAlong } from "./rows.js";
import type { RunSettings } from "./settings.js";
import { vocabularyTables } from "./tables.js";
import { buildModel } from "./trainer.js";

/** What is added to the diagonal, times its mean, so that directions in which nothing varies stay 0. */
const RIDGE = 1e-4;
/** Words that the map is learnt from, for each number of a vector, at least. */
const WORDS_EACH = 2;

/**
 * The linear map that brings vectors nearest to others, by squares: W of min ‖X W − Y‖².
 * @param x [N, from]
 * @param y [N, to]
 * @returns [from, to], row by row
 */
export function linearMap(x: Float32Array, from: number, y: Float32Array, to: number): Float64Array {
  const count = x.length / from;
  const [square, product] = [new Float64Array(from * from), new Float64Array(from * to)];
  for (let row = 0; row < count; row++)
    for (let a = 0; a < from; a++) {
      const value = x[row * from + a]!;
      for (let b = 0; b < from; b++) square[a * from + b]! += value * x[row * from + b]!;
      for (let b = 0; b < to; b++) product[a * to + b]! += value * y[row * to + b]!;
    }
  let trace = 0;
  for (let a = 0; a < from; a++) trace += square[a * from + a]!;
  for (let a = 0; a < from; a++) square[a * from + a]! += (RIDGE * trace) / from;
  const solved = new CholeskyDecomposition(Matrix.from1DArray(from, from, square)).solve(
    Matrix.from1DArray(from, to, product),
  );
  return Float64Array.from(solved.to1DArray());
}

/** What came of a model that reads more words than it was trained on. */
export interface Expanded {
  readonly prepared: unknown;
  readonly tensors: Readonly<Record<string, StoredTensor>>;
  /** Words that both had, from which the map was learnt, and words that are read now beside those of before. */
  readonly shared: number;
  readonly added: number;
}

/**
 * A trained model with more words to read: a linear map, learnt from the words that it shares with vectors of others, brings their other
 * words to its table (Kiros et al. 2015, Section 2.2).
 * @param most words that are added, the first of the vectors
 * @throws UsageError where the model reads no words that could be added, or shares too few
 */
export function expanded(
  {
    settings,
    prepared,
    tensors,
  }: {
    readonly settings: RunSettings;
    readonly prepared: unknown;
    readonly tensors: Readonly<Record<string, StoredTensor>>;
  },
  vectors: WordVectors,
  most: number,
): Expanded {
  const before = buildModel(settings, prepared);
  const { task } = before;
  const rows = new Map(vectors.words.map((word, row) => [word, row]));
  const table = vocabularyTables(before.scope.parameters, prepared).find(({ name }) => name === task.reads);
  if (!task.readingMore || !table)
    throw new UsageError(
      `${settings.model} has no table of words that it reads alone; more cannot be added.`,
    );
  const { vocabulary, size } = table;
  if (vocabulary.kind !== "word")
    throw new UsageError("the run reads pieces of words, of which any word is made; nothing need be added.");
  const values = tensors[table.name]!.data as Float32Array;
  const both = vocabulary.words.flatMap((word, token) => {
    const row = token > UNKNOWN ? rows.get(word) : undefined;
    return row === undefined ? [] : [[row, token] as const];
  });
  if (both.length < WORDS_EACH * vectors.size)
    throw new UsageError(
      `the run and the vectors share ${both.length} words, too few to learn a map of vectors of ${vectors.size} from; give vectors of the same language, with ${WORDS_EACH * vectors.size} words of the run or more.`,
    );
  const stack = (from: Float32Array, width: number, which: readonly number[]) => {
    const found = new Float32Array(which.length * width);
    gatherRows(from, Int32Array.from(which), rowsAlong(0, [which.length, width]), found);
    return found;
  };
  const map = linearMap(
    stack(
      vectors.values,
      vectors.size,
      both.map(([row]) => row),
    ),
    vectors.size,
    stack(
      values,
      size,
      both.map(([, token]) => token),
    ),
    size,
  );
  const known = new Set(vocabulary.words);
  const added = vectors.words.filter((word) => !known.has(word)).slice(0, most);
  const grown = new Float32Array(values.length + added.length * size);
  grown.set(values);
  for (const [place, word] of added.entries()) {
    const first = rows.get(word)! * vectors.size;
    const vector = vectors.values.subarray(first, first + vectors.size);
    for (let to = 0; to < size; to++) {
      let sum = 0;
      for (let from = 0; from < vectors.size; from++) sum += vector[from]! * map[from * size + to]!;
      grown[values.length + place * size + to] = sum;
    }
  }
  const now = task.readingMore(prepared, added);
  const { scope } = buildModel(settings, now);
  return {
    prepared: now,
    tensors: Object.fromEntries(
      scope.parameters.map(({ name, shape }) => [
        name,
        name === table.name ? { dtype: "float32" as const, shape, data: grown } : tensors[name]!,
      ]),
    ),
    shared: both.length,
    added: added.length,
  };
}
