/** A link between a source and a target word. Sure links are part of every right alignment, possible ones may be. */
export interface Link {
  readonly source: number;
  readonly target: number;
  readonly sure: boolean;
}

/** A sentence and its translation, in words. */
export interface Pair {
  readonly source: readonly string[];
  readonly target: readonly string[];
  /** The gold alignment, where it is known. */
  readonly links?: readonly Link[];
}

/** Pairs by split. `train` and `validation` are always there. */
export interface ParallelData {
  readonly train: readonly Pair[];
  readonly validation: readonly Pair[];
  /** Splits for scoring, such as `test`. */
  readonly tests: Readonly<Record<string, readonly Pair[]>>;
}

export interface Dataset {
  readonly id: string;
  readonly title: string;
  readonly languages: readonly [source: string, target: string];
  /** ISO 639-1 codes of the languages. */
  readonly codes: readonly [source: string, target: string];
  /** Where it comes from and on what terms it may be used. */
  readonly origin: string;
  readonly splits: Readonly<Record<string, string>>;
  load(seed: number): Promise<ParallelData>;
}
