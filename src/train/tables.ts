import { type StoredTensor, UNKNOWN, UsageError } from "../core/index.js";
import { Vocabulary, type WordVectors } from "../data/index.js";
import type { Parameter } from "../nn/index.js";

/** The first token of every vocabulary that is a word's. */
const FIRST = UNKNOWN + 1;

/** A table of vectors of words: a parameter with a row for each token of a vocabulary. */
export interface VocabularyTable {
  /** The name of the parameter. */
  readonly name: string;
  /** Numbers of a vector. */
  readonly size: number;
  readonly vocabulary: Vocabulary;
}

/** The tables of words among parameters. @param prepared what the model's task prepared */
export function vocabularyTables(
  parameters: readonly Pick<Parameter, "name" | "kind" | "shape">[],
  prepared: unknown,
): VocabularyTable[] {
  const vocabularies = Object.entries(prepared as object).flatMap(([name, one]) =>
    one instanceof Vocabulary ? [{ name, vocabulary: one }] : [],
  );
  return parameters.flatMap(({ name, kind, shape }) => {
    if (kind !== "table") return [];
    const fitting = vocabularies.filter(({ vocabulary }) => vocabulary.size === shape[0]);
    // Vocabularies of one size are told apart by the side that a table's name begins with.
    const found = fitting.find((one) => name.startsWith(one.name)) ?? fitting[0];
    return found ? [{ name, size: shape[1]!, vocabulary: found.vocabulary }] : [];
  });
}

/** Vectors of a vocabulary, [V, D], without those of tokens that are no words. */
export const vectorsOf = (vocabulary: Vocabulary, values: Float32Array): WordVectors => {
  const size = values.length / vocabulary.size;
  return { words: vocabulary.words.slice(FIRST), size, values: values.subarray(FIRST * size) };
};

/** A table that began with vectors of others. */
export interface BegunTable {
  readonly name: string;
  /** Words that have a vector now, of how many. */
  readonly known: number;
  readonly words: number;
}

/**
 * Puts vectors into every table of words of their size; words that there is no vector of keep what they have. A word is looked for as
 * it is written, then in lower case.
 * @param valuesOf the values of a parameter
 * @throws UsageError where no table has their size, or no word is among them
 */
export function beginTables(
  tables: readonly VocabularyTable[],
  vectors: WordVectors,
  valuesOf: (name: string) => Float32Array,
): BegunTable[] {
  if (tables.length === 0) throw new UsageError("the model has no table of words to begin with vectors.");
  const fitting = tables.filter(({ size }) => size === vectors.size);
  if (fitting.length === 0)
    throw new UsageError(
      `the vectors have ${vectors.size} numbers, but the model's are of ${tables.map(({ name, size }) => `${size} (${name})`).join(", ")}; make them alike with --set, as in --set embedding=${vectors.size}.`,
    );
  const rows = new Map(vectors.words.map((word, row) => [word, row]));
  const begun = fitting.map(({ name, size, vocabulary }) => {
    const values = valuesOf(name);
    let known = 0;
    vocabulary.words.forEach((word, token) => {
      const row = token < FIRST ? undefined : (rows.get(word) ?? rows.get(word.toLowerCase()));
      if (row === undefined) return;
      values.set(vectors.values.subarray(row * size, (row + 1) * size), token * size);
      known++;
    });
    return { name, known, words: vocabulary.size - FIRST };
  });
  if (begun.every(({ known }) => known === 0))
    throw new UsageError(
      `none of the ${begun[0]!.words} words of the training text is among the ${vectors.words.length} that there are vectors of; take vectors of the same language.`,
    );
  return begun;
}

/** What a model learnt, and what its task prepared, with which another begins. */
export interface Learnt {
  readonly model: string;
  readonly prepared: unknown;
  /** Parameters by name, beside whatever else a checkpoint holds. */
  readonly tensors: Readonly<Record<string, StoredTensor>>;
}

/** What a model took over of another. */
export interface TakenOver {
  /** Parameters that have values of the other's now, and those that begin as they would. */
  readonly taken: readonly string[];
  readonly own: readonly string[];
  /** Tables of words that begin with the other's, by word. */
  readonly tables: readonly BegunTable[];
}

/**
 * Gives a model what another learnt, as where it is trained further on another task: parameters of the same name have the other's values, tables
 * of words the rows of the words that both know, and positions the rows that both have. All else begins as it would.
 * @param valuesOf the values of a parameter
 * @throws UsageError where a parameter has the other's name but not its shape, or none has its name; nothing is changed then
 */
export function beginWithLearnt(
  parameters: readonly Pick<Parameter, "name" | "kind" | "shape">[],
  prepared: unknown,
  { model, ...other }: Learnt,
  valuesOf: (name: string) => Float32Array,
): TakenOver {
  const shared = parameters.flatMap((parameter) => {
    const stored = other.tensors[parameter.name];
    return stored ? [{ ...parameter, stored }] : [];
  });
  if (shared.length === 0)
    throw new UsageError(
      `no parameter has the name of one of the run's, which is of ${model}; begin with a run of a model that shares parts with this one.`,
    );
  const before = vocabularyTables(
    shared.map(({ name, kind, stored }) => ({ name, kind, shape: stored.shape as number[] })),
    other.prepared,
  );
  const now = vocabularyTables(parameters, prepared);
  const steps = shared.map(({ name, kind, shape, stored }) => {
    const from = stored.data as Float32Array;
    const [tableNow, tableBefore] = [now, before].map((tables) => tables.find((one) => one.name === name));
    const byWord = tableNow && tableBefore;
    // Rows of words and positions may differ in number; all else may not.
    const fixed = byWord || kind === "position" ? 1 : 0;
    if (
      stored.shape.slice(fixed).join() !== shape.slice(fixed).join() ||
      stored.shape.length !== shape.length
    )
      throw new UsageError(
        `${name} is ${shape.join(" × ")} here but ${stored.shape.join(" × ")} in the run of ${model} to begin with; make their options alike with --set.`,
      );
    const known = new Set(tableBefore?.vocabulary.words);
    if (
      byWord &&
      !tableNow.vocabulary.words.slice(FIRST).some((word) => known.has(word) || known.has(word.toLowerCase()))
    )
      throw new UsageError(
        `${name} has no word of the run of ${model} to begin with; begin with one that learnt from texts of the same language.`,
      );
    return () => {
      const values = valuesOf(name);
      if (!byWord) {
        values.set(from.subarray(0, Math.min(from.length, values.length)));
        return [];
      }
      // Marks, such as where a text begins, come first in every vocabulary.
      values.set(from.subarray(0, FIRST * tableNow.size));
      return beginTables([tableNow], vectorsOf(tableBefore.vocabulary, from), valuesOf);
    };
  });
  const tables = steps.flatMap((take) => take());
  const taken = shared.map(({ name }) => name);
  return {
    taken,
    own: parameters.flatMap(({ name }) => (taken.includes(name) ? [] : [name])),
    tables,
  };
}
