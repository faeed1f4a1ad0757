import { END, RegardError, START, UNKNOWN } from "../core/index.js";

const SPECIAL = ["<pad>", "<start>", "<end>", "<unknown>"] as const;

/** Words and their token numbers; the first four are the special tokens. */
export class Vocabulary {
  readonly #numbers: ReadonlyMap<string, number>;

  private constructor(readonly words: readonly string[]) {
    this.#numbers = new Map(words.map((word, index) => [word, index]));
  }

  /** The words of sentences, most frequent first, equally frequent ones in order of their letters. */
  static of(
    sentences: Iterable<readonly string[]>,
    options: { size?: number; atLeast?: number } = {},
  ): Vocabulary {
    const counts = new Map<string, number>();
    for (const sentence of sentences)
      for (const word of sentence) counts.set(word, (counts.get(word) ?? 0) + 1);
    const ranked = [...counts]
      .filter(([, count]) => count >= (options.atLeast ?? 1))
      .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
      .map(([word]) => word);
    return new Vocabulary([...SPECIAL, ...ranked.slice(0, options.size ?? Number.POSITIVE_INFINITY)]);
  }

  /** A vocabulary from the list of its words, as a run folder keeps it. @throws RegardError for another list */
  static from(words: readonly string[]): Vocabulary {
    if (SPECIAL.some((word, index) => words[index] !== word))
      throw new RegardError(
        `a vocabulary must begin with ${SPECIAL.join(", ")}, not ${words.slice(0, 4).join(", ")}.`,
      );
    return new Vocabulary(words);
  }

  get size(): number {
    return this.words.length;
  }

  /** The number of a word, tried as written, then in lower case, then capitalised; UNKNOWN where none is known. */
  numberOf(word: string): number {
    const lower = word.toLowerCase();
    const capitalised = lower.charAt(0).toUpperCase() + lower.slice(1);
    return this.#numbers.get(word) ?? this.#numbers.get(lower) ?? this.#numbers.get(capitalised) ?? UNKNOWN;
  }

  /** Token numbers of words, closed by END, and opened by START where asked for. */
  encode(words: readonly string[], options: { start?: boolean } = {}): number[] {
    return [...(options.start ? [START] : []), ...words.map((word) => this.numberOf(word)), END];
  }

  /** Words of token numbers. */
  decode(tokens: readonly number[]): string[] {
    return tokens.map((token) => this.words[token] ?? SPECIAL[UNKNOWN]!);
  }
}

/** Words and punctuation marks of a text, in order. */
export const tokenise = (text: string): string[] =>
  text.normalize("NFC").match(/[\p{L}\p{M}]+(?:['’-][\p{L}\p{M}]+)*|\p{N}+|[^\s\p{L}\p{M}\p{N}]/gu) ?? [];

/** Words as a text: capitalised, with punctuation where it belongs. */
export function detokenise(words: readonly string[]): string {
  const text = words
    .join(" ")
    .replace(/([¿¡(]) /g, "$1")
    .replace(/ ([?!.,;:)])/g, "$1");
  const first = text.search(/\p{L}/u);
  return first < 0 ? text : text.slice(0, first) + text.charAt(first).toUpperCase() + text.slice(first + 1);
}
