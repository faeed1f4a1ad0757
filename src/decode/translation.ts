import { END, UNKNOWN } from "../core/index.js";
import { detokenise, joinPieces, type Vocabulary } from "../data/index.js";
import type { Decoded } from "./decoder.js";

/** How the end of a sentence, which attention may look at, is written. */
export const END_MARK = "(end)";

/** How the start of what is written, which what is written may look at, is written. */
export const START_MARK = "(start)";

/** What a token is shown as. */
export const spellOf = ({ words }: Vocabulary, token: number): string =>
  token === END ? END_MARK : (words[token] ?? words[UNKNOWN]!);

/** A decoded sequence as people read it. */
export interface Translation {
  readonly output: string;
  readonly words: readonly string[];
  /** What each step wrote, with the marks of words, the end included where it was reached. */
  readonly pieces: readonly string[];
}

/**
 * A decoded sequence as text. An unknown word becomes the source word that attention was greatest at when it
 * was written (Jean et al. 2015, section 3.3), where there is attention and it was at a word, so that names and numbers
 * come through; `keepUnknown` leaves it.
 */
export function translationOf(
  { tokens, weights, finished }: Decoded,
  vocabularies: { readonly source: Vocabulary; readonly target: Vocabulary },
  source: readonly string[],
  options: { keepUnknown?: boolean | undefined } = {},
): Translation {
  const read = vocabularies.source.segment(source);
  const pieces = vocabularies.target.spell(tokens).map((piece, step) => {
    const row = weights?.[step];
    if (tokens[step] !== UNKNOWN || !row || options.keepUnknown) return piece;
    return source[read.wordOf[row.indexOf(Math.max(...row))] ?? -1] ?? piece;
  });
  const words = joinPieces(pieces);
  return { output: detokenise(words), words, pieces: finished ? [...pieces, END_MARK] : pieces };
}
