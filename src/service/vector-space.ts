import { UsageError } from "../core/index.js";
import { type Analogy, type Expression, unknownWord, type WordVectors } from "../data/index.js";
import {
  type AnalogyScore,
  nearest,
  type RatedPair,
  scoreAnalogies,
  scoreSimilarity,
  type Terms,
} from "../explain/index.js";
import { cosinesOfSums } from "../nn/index.js";
import { input } from "../ops/index.js";
import { type Backend, constants, type Session } from "../session/index.js";

/** A word that is near, and the cosine of the angle between the vectors. */
export interface NearWord {
  readonly word: string;
  readonly cosine: number;
}

/** Two words, and how similar people find them. */
export interface RatedWords {
  readonly words: readonly [string, string];
  readonly rating: number;
}

const TABLE = "table";

/** Vectors of words that can be asked: for neighbours, analogies and similarity. */
export class VectorSpace {
  readonly #rows: ReadonlyMap<string, number>;

  private constructor(
    readonly vectors: WordVectors,
    private readonly session: Session,
  ) {
    this.#rows = new Map(vectors.words.map((word, row) => [word, row]));
  }

  static async load(vectors: WordVectors, backend: Backend): Promise<VectorSpace> {
    const shape = [vectors.words.length, vectors.size];
    const table = input(TABLE, "float32", shape, { kind: "parameter" });
    const similarities = cosinesOfSums(
      table,
      input("rows", "int32", ["expression", "batch"]),
      input("signs", "float32", ["expression", "batch"]),
    );
    const values = constants({ [TABLE]: { dtype: "float32", shape, data: vectors.values } });
    return new VectorSpace(vectors, await backend.load({ similarities }, { values }));
  }

  /** The row of a word as it is written, or else in lower case. */
  #rowOf(word: string): number | undefined {
    return this.#rows.get(word) ?? this.#rows.get(word.toLowerCase());
  }

  /** Cosines of sums of vectors with every vector. */
  async #similar(sums: readonly Terms[]): Promise<ArrayLike<number>[]> {
    const longest = Math.max(1, ...sums.map(({ rows }) => rows.length));
    const shape = [longest, sums.length];
    const rows = new Int32Array(longest * sums.length);
    const signs = new Float32Array(longest * sums.length);
    sums.forEach((sum, column) => {
      sum.rows.forEach((row, index) => {
        rows[index * sums.length + column] = row;
        signs[index * sums.length + column] = sum.signs[index]!;
      });
    });
    const { similarities } = await this.session.run({
      rows: { dtype: "int32", shape, data: rows },
      signs: { dtype: "float32", shape, data: signs },
    });
    const count = this.vectors.words.length;
    return sums.map((_, index) => similarities!.data.subarray(index * count, (index + 1) * count));
  }

  /**
   * The words nearest to a sum of words, none of them its own.
   * @throws UsageError for a word that there is no vector of, with those that are spelt nearly alike
   */
  async neighbours({ words, less }: Expression, count: number): Promise<NearWord[]> {
    const rows = words.map((word) => {
      const row = this.#rowOf(word);
      if (row === undefined) throw new UsageError(unknownWord(word, this.vectors.words));
      return row;
    });
    const [similarities] = await this.#similar([{ rows, signs: less.map((taken) => (taken ? -1 : 1)) }]);
    return nearest(similarities!, count, rows).map((row) => ({
      word: this.vectors.words[row]!,
      cosine: similarities![row]!,
    }));
  }

  /**
   * @param among how many words may be answers, and be asked about: the first, which are the most frequent where vectors are so ordered
   * @throws UsageError where no analogy has vectors of all its words
   */
  async analogies(
    analogies: readonly Analogy[],
    among: number,
    onProgress?: (done: number, of: number) => void,
  ): Promise<AnalogyScore[]> {
    const scores = await scoreAnalogies(
      analogies.map(({ words, relation }) => ({ rows: words.map((word) => this.#rowOf(word)), relation })),
      (sums) => this.#similar(sums),
      { last: among },
      onProgress,
    );
    if (scores.every(({ asked }) => asked === 0))
      throw new UsageError(
        `none of the ${analogies.length} analogies has four words among the ${Math.min(among, this.vectors.words.length)} that may be asked about; ask about more with --among, or give others.`,
      );
    return scores;
  }

  /** How similarity agrees with what people say. */
  similarity(pairs: readonly RatedWords[]): ReturnType<typeof scoreSimilarity> {
    return scoreSimilarity(
      pairs.map(
        ({ words: [a, b], rating }): RatedPair => ({ rows: [this.#rowOf(a), this.#rowOf(b)], rating }),
      ),
      (sums) => this.#similar(sums),
    );
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}
