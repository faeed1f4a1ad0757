import { UsageError } from "../core/index.js";

/** Words that are added up, or taken away. */
export interface Expression {
  readonly words: readonly string[];
  /** Of each word, whether it is taken away. */
  readonly less: readonly boolean[];
}

/**
 * A text as words that are added and taken away: "king - man + woman".
 * @param apart the words of a piece of text without white space
 * @throws UsageError where there is no word
 */
export function expressionOf(text: string, apart: (piece: string) => readonly string[]): Expression {
  const [words, less]: [string[], boolean[]] = [[], []];
  let taken = false;
  for (const piece of text.split(/\s+/)) {
    if (/^[-−–]$/.test(piece)) taken = true;
    else if (piece === "+") taken = false;
    else {
      for (const word of apart(piece)) {
        words.push(word);
        less.push(taken);
        taken = false;
      }
    }
  }
  if (words.length === 0)
    throw new UsageError(`"${text}" holds no word; give one, or several as in "king - man + woman".`);
  return { words, less };
}
