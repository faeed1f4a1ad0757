import { END, RegardError, START, UNKNOWN } from "../core/index.js";
import { BytePairs, joinPieces } from "./byte-pairs.js";

const SPECIAL = ["<pad>", "<start>", "<end>", "<unknown>"] as const;

/** How words become tokens: whole, or in pieces that training text repeats. */
export const vocabularyKinds = ["word", "byte-pair"] as const;
export type VocabularyKind = (typeof vocabularyKinds)[number];

/** Words as tokens. `pieces` are what the tokens spell, `wordOf` the word each piece is of. */
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
    const counts = new Map<string, number>();
    for (const sentence of sentences)
      for (const word of sentence) counts.set(word, (counts.get(word) ?? 0) + 1);
    if (kind === "byte-pair") {
      const bytePairs = BytePairs.learn(counts, { size, atLeast });
      return new Vocabulary([...SPECIAL, ...bytePairs.pieces], bytePairs);
    }
    const ranked = [...counts]
      .filter(([, count]) => count >= atLeast)
      .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
      .map(([word]) => word);
    return new Vocabulary([...SPECIAL, ...ranked.slice(0, size)]);
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

  /** The number of a word, tried as written, then in lower case, then capitalised; UNKNOWN where none is known. */
  #numberOf(word: string): number {
    const lower = word.toLowerCase();
    const capitalised = lower.charAt(0).toUpperCase() + lower.slice(1);
    return this.#numbers.get(word) ?? this.#numbers.get(lower) ?? this.#numbers.get(capitalised) ?? UNKNOWN;
  }

  /** Words as tokens, without START and END. */
  segment(words: readonly string[]): Segmented {
    const { bytePairs } = this;
    if (!bytePairs)
      return {
        tokens: words.map((word) => this.#numberOf(word)),
        pieces: words,
        wordOf: words.map((_, index) => index),
      };
    const parts = words.map((word) => bytePairs.split(word));
    const pieces = parts.flat();
    return {
      tokens: pieces.map((piece) => this.#numbers.get(piece) ?? UNKNOWN),
      pieces,
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

/** Words and punctuation marks of a text, in order. */
export const tokenise = (text: string): string[] =>
  text
    .normalize("NFC")
    .match(/[\p{L}\p{M}]+(?:['’-][\p{L}\p{M}]+)*|\p{N}+|[^\p{White_Space}\p{L}\p{M}\p{N}]/gu) ?? [];

/**
 * What a model reads of a text, as a key: texts with one reading are one example, however they are composed, spaced or
 * capitalised, so a text must not be tested on whose reading was trained on.
 */
export const readingOf = (text: string): string => tokenise(text).join(" ").toLowerCase().normalize("NFC");

/** Words as a text: capitalised, with punctuation where it belongs. */
export function detokenise(words: readonly string[]): string {
  const text = words
    .join(" ")
    .replace(/([¿¡(]) /g, "$1")
    .replace(/ ([?!.,;:)])/g, "$1");
  const first = text.search(/\p{L}/u);
  return first < 0 ? text : text.slice(0, first) + text.charAt(first).toUpperCase() + text.slice(first + 1);
}
