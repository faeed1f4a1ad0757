import type { AlignmentTrace } from "../attention/index.js";
import { UNKNOWN } from "../core/index.js";
import { detokenise, joinPieces, surfaceOf, type Vocabulary } from "../data/index.js";
import type { Decoded } from "./decoder.js";

/** How the end of a sentence, which attention may look at, is written. */
export const END_MARK = "■";

/** A decoded sequence as people read it. */
export interface Translation {
  readonly output: string;
  readonly words: readonly string[];
  /** What each step wrote, with the marks of words, the end included. */
  readonly pieces: readonly string[];
  /** What each piece written looked at, the ends of both sentences included; absent where the model has no attention. */
  readonly trace?: AlignmentTrace;
}

/**
 * A decoded sequence as text and trace. An unknown word becomes the source word that attention was greatest at when it
 * was written (Jean et al. 2015, section 3.3), where there is attention and it was at a word, so that names and numbers
 * come through; `keepUnknown` leaves it.
 */
export function translationOf(
  { tokens, weights }: Decoded,
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
  const target = [...pieces, END_MARK].slice(0, weights?.length);
  return {
    output: detokenise(words),
    words,
    pieces: target,
    ...(weights && {
      trace: {
        kind: "alignment",
        source: [...read.pieces, END_MARK],
        target: target.map(surfaceOf),
        weights,
      },
    }),
  };
}
