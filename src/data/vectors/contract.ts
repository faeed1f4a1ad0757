/** Vectors of words, a row each. */
export interface WordVectors {
  /** Each once. */
  readonly words: readonly string[];
  /** Numbers of a vector. */
  readonly size: number;
  /** [words, size]. */
  readonly values: Float32Array;
}
