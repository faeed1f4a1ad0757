import { RegardError } from "../core/index.js";
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
