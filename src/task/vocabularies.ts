import { RegardError, UsageError } from "../core/index.js";
import type { Vocabulary } from "../data/index.js";

/** The vocabularies of a run: of what it writes, and of what it reads where that is text. */
export interface Vocabularies {
  readonly source?: Vocabulary;
  readonly target: Vocabulary;
}

export type TextVocabularies = Required<Vocabularies>;

/** Vocabularies of a model that reads text. @throws RegardError where that of the source is missing */
export function textVocabularies({ source, target }: Vocabularies): TextVocabularies {
  if (!source)
    throw new RegardError("the run has no vocabulary of its source; its vocabulary.json is of another task.");
  return { source, target };
}

/** Tokens of every vocabulary that are no words: padding, start, end, unknown. */
const MARKS = 4;

/** @throws UsageError where a vocabulary kept no word, so that there is nothing to read or to write */
export function assertWords(vocabularies: Vocabularies, atLeast: number): void {
  for (const side of ["source", "target"] as const)
    if (vocabularies[side] && vocabularies[side].size <= MARKS)
      throw new UsageError(
        `no ${side} word occurs ${atLeast} times in the training data, so the vocabulary is empty; lower --min-count.`,
      );
}
