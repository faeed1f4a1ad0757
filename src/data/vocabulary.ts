import { END, RegardError, START, UNKNOWN } from "../core/index.js";
import { BytePairs, joinPieces } from "./byte-pairs.js";
import { begunSmall, capitalised, firstWord, surfaceOf, uncapitalised } from "./text.js";

const SPECIAL = ["<pad>", "<start>", "<end>", "<unknown>"] as const;

/** How words become tokens: whole, or in pieces that training text repeats. */
export const vocabularyKinds = ["word", "byte-pair"] as const;
/** Whether tokens are words, or pieces of words. */
export type VocabularyKind = (typeof vocabularyKinds)[number];

/** Words as tokens. `pieces` are what the text has at each, without marks of words, `wordOf` the word each piece is of. */
export interface Segmented {
  readonly tokens: readonly number[];
  readonly pieces: readonly string[];
  readonly wordOf: readonly number[];
}

/** A vocabulary as files keep it: its tokens, with the merges that make them where they are pieces of words. */
export type StoredVocabulary =
  | readonly string[]
  | { readonly pieces: readonly string[]; readonly merges: readonly (readonly [string, string])[] };

/** Tokens and their numbers; the first four are the special tokens. */
export class Vocabulary {
  readonly #numbers: ReadonlyMap<string, number>;

  private constructor(
    /** What each token spells. A piece that its word goes on after ends in `@@`. */
    readonly words: readonly string[],
    private readonly bytePairs?: BytePairs,
  ) {
    this.#numbers = new Map(words.map((word, index) => [word, index]));
  }

  /**
   * The vocabulary of sentences. Words: the most frequent, equally frequent ones in order of their letters. Byte pairs:
   * letters and as many merges as `size` has room for. `atLeast` is how often a word, or a pair, must occur.
   */
  static of(
    sentences: Iterable<readonly string[]>,
    options: { kind?: VocabularyKind; size?: number; atLeast?: number } = {},
  ): Vocabulary {
    const { kind = "word", size = Number.POSITIVE_INFINITY, atLeast = 1 } = options;
    const counts = countWords(sentences);
    if (kind === "word") return Vocabulary.ofCounts(counts, options);
    const bytePairs = BytePairs.learn(counts, { size, atLeast });
    return new Vocabulary([...SPECIAL, ...bytePairs.pieces], bytePairs);
  }

  /** The vocabulary of the most frequent words, equally frequent ones in order of their letters. */
  static ofCounts(
    counts: Iterable<readonly [word: string, count: number]>,
    { size = Number.POSITIVE_INFINITY, atLeast = 1 }: { size?: number; atLeast?: number } = {},
  ): Vocabulary {
    const ranked = [...counts]
      .filter(([, count]) => count >= atLeast)
      .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
      .map(([word]) => word);
    return new Vocabulary([...SPECIAL, ...ranked.slice(0, size)]);
  }

  /** With more words behind its own. */
  with(words: readonly string[]): Vocabulary {
    return new Vocabulary([...this.words, ...words], this.bytePairs);
  }

  /** A vocabulary from what a run folder or a file keeps. @throws RegardError for anything else */
  static from(stored: StoredVocabulary): Vocabulary {
    const words = "pieces" in stored ? stored.pieces : stored;
    if (SPECIAL.some((word, index) => words[index] !== word))
      throw new RegardError(
        `a vocabulary must begin with ${SPECIAL.join(", ")}, not ${words.slice(0, 4).join(", ")}.`,
      );
    return "pieces" in stored
      ? new Vocabulary(words, new BytePairs(words.slice(SPECIAL.length), stored.merges))
      : new Vocabulary(words);
  }

  /** What `from` takes. */
  toJSON(): StoredVocabulary {
    return this.bytePairs ? { pieces: this.words, merges: this.bytePairs.merges } : this.words;
  }

  get size(): number {
    return this.words.length;
  }

  get kind(): VocabularyKind {
    return this.bytePairs ? "byte-pair" : "word";
  }

  /** The number of a word, tried as written, then in lower case, without its marks, capitalised, and as it begins a sentence in small letters; UNKNOWN where none is known. */
  #numberOf(word: string): number {
    const written = this.#numbers.get(word);
    if (written !== undefined) return written;
    const surface = surfaceOf(word);
    const lower = surface.toLowerCase();
    for (const form of [word.toLowerCase(), surface, lower, capitalised(lower), begunSmall(lower)]) {
      const number = this.#numbers.get(form);
      if (number !== undefined) return number;
    }
    return UNKNOWN;
  }

  /** The word that begins a sentence, with the capital that it has inside of sentences more often, or without. */
  #beginning(word: string): string {
    const small = uncapitalised(word);
    if (small === undefined) return word;
    // A frequent word has a small number, or few pieces.
    const rank = (form: string): number => {
      const pieces = this.bytePairs?.split(form) ?? [form];
      if (pieces.some((piece) => !this.#numbers.has(piece))) return Number.POSITIVE_INFINITY;
      return this.bytePairs ? pieces.length : this.#numbers.get(form)!;
    };
    const [own, other] = [rank(word), rank(small)];
    return other <= own && other < Number.POSITIVE_INFINITY ? small : word;
  }

  /** Words as tokens, without START and END. */
  segment(words: readonly string[]): Segmented {
    const { bytePairs } = this;
    const first = firstWord(words);
    const read = words.map((word, index) => (index === first ? this.#beginning(word) : word));
    if (!bytePairs)
      return {
        tokens: read.map((word) => this.#numberOf(word)),
        pieces: words.map(surfaceOf),
        wordOf: words.map((_, index) => index),
      };
    const parts = read.map((word) => bytePairs.split(word));
    const pieces = parts.flat();
    return {
      tokens: pieces.map((piece) => this.#numbers.get(piece) ?? UNKNOWN),
      pieces: pieces.map(surfaceOf),
      wordOf: parts.flatMap((part, index) => part.map(() => index)),
    };
  }

  /** Token numbers of words, closed by END, and opened by START where asked for. */
  encode(words: readonly string[], options: { start?: boolean } = {}): number[] {
    return [...(options.start ? [START] : []), ...this.segment(words).tokens, END];
  }

  /** What each token spells. */
  spell(tokens: readonly number[]): string[] {
    return tokens.map((token) => this.words[token] ?? SPECIAL[UNKNOWN]!);
  }

  /** Words of token numbers. */
  decode(tokens: readonly number[]): string[] {
    return joinPieces(this.spell(tokens));
  }
}

/**
 * How often words occur. The first of a sentence is counted without its capital where it is written so inside of sentences,
 * and no less often, so that "The" and "the" are one word but names stay as they are.
 */
function countWords(sentences: Iterable<readonly string[]>): Map<string, number> {
  const counts = new Map<string, number>();
  const beginnings = new Map<string, number>();
  for (const sentence of sentences) {
    const first = firstWord(sentence);
    for (const [index, word] of sentence.entries()) {
      const where = index === first && uncapitalised(word) !== undefined ? beginnings : counts;
      where.set(word, (where.get(word) ?? 0) + 1);
    }
  }
  const inside = new Map(counts);
  for (const [word, count] of beginnings) {
    const small = uncapitalised(word)!;
    const often = inside.get(small) ?? 0;
    const counted = often > 0 && often >= (inside.get(word) ?? 0) ? small : word;
    counts.set(counted, (counts.get(counted) ?? 0) + count);
  }
  return counts;
}
