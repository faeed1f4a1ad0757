import { UNKNOWN } from "../core/index.js";
import type { Vocabulary } from "../data/index.js";
import type { Decoded } from "./decoder.js";

/**
 * The words of a decoded sequence. An unknown word becomes the source word that attention was greatest at when it was
 * written (Jean et al. 2015, section 3.3), where there is attention and it was at a word; names and numbers come through.
 */
export function wordsOf(decoded: Decoded, vocabulary: Vocabulary, source: readonly string[]): string[] {
  return vocabulary.decode(decoded.tokens).map((word, step) => {
    const row = decoded.weights?.[step];
    if (decoded.tokens[step] !== UNKNOWN || !row) return word;
    return source[row.indexOf(Math.max(...row))] ?? word;
  });
}
