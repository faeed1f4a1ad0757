import { distance } from "fastest-levenshtein";

/** Spellings that are suggested for a word that is not known. */
const SUGGESTED = 3;

/** Letters that may be other than in a word, as a share of its letters: two that are exchanged count as two. */
const MOST_APART = 0.4;

/** Words that are spelt nearly alike, the nearest first, those that stand before in a list before others. */
export function nearSpellings(word: string, words: readonly string[]): string[] {
  return words
    .map((other) => ({ other, apart: distance(other, word) }))
    .filter(({ other, apart }) => apart <= Math.max(1, Math.min(other.length, word.length) * MOST_APART))
    .sort((a, b) => a.apart - b.apart)
    .slice(0, SUGGESTED)
    .map(({ other }) => other);
}

/** That a word is none of those that there are, with those that are spelt nearly alike. */
export function unknownWord(word: string, words: readonly string[]): string {
  const near = nearSpellings(word, words).map((one) => `"${one}"`);
  return `"${word}" is none of the ${words.length.toLocaleString("en")} words that the vectors are of; ${near.length > 0 ? `did you mean ${near.join(" or ")}?` : "ask about another word."}`;
}
