import { z } from "zod";
import { RegardError, UsageError } from "../core/index.js";
import { Vocabulary } from "../data/index.js";

/** How words become tokens. */
export type TextOptions = Parameters<typeof Vocabulary.of>[1] & object;

/** The vocabularies of a run: of what it writes, and of what it reads where that is text. */
export interface Vocabularies {
  readonly source?: Vocabulary;
  readonly target: Vocabulary;
}

/** The vocabularies of what is read and of what is written. */
export type TextVocabularies = Required<Vocabularies>;

const storedVocabulary = z.union([
  z.array(z.string()),
  z.object({ pieces: z.array(z.string()), merges: z.array(z.tuple([z.string(), z.string()])) }),
]);
const storedVocabularies = z.object({ source: storedVocabulary.optional(), target: storedVocabulary });

/** Vocabularies from what was kept of them. @throws RegardError where it is of no task that writes */
export function restoredVocabularies(stored: unknown): Vocabularies {
  const { success, data } = storedVocabularies.safeParse(stored);
  if (!success) throw new RegardError("the run has no vocabularies; its vocabulary.json is of another task.");
  return {
    ...(data.source && { source: Vocabulary.from(data.source) }),
    target: Vocabulary.from(data.target),
  };
}

/** Vocabularies of a model that reads text. @throws RegardError where that of the source is missing */
export function textVocabularies({ source, target }: Vocabularies): TextVocabularies {
  if (!source)
    throw new RegardError("the run has no vocabulary of its source; its vocabulary.json is of another task.");
  return { source, target };
}

/** Tokens of every vocabulary that are no words: padding, start, end, unknown. */
const MARKS = 4;

/**
 * Vocabularies that kept a word.
 * @throws UsageError where one kept none, so that there is nothing to read or to write
 */
export function withWords<Kind extends Vocabularies>(vocabularies: Kind, { atLeast = 1 }: TextOptions): Kind {
  for (const side of ["source", "target"] as const)
    if (vocabularies[side] && vocabularies[side].size <= MARKS)
      throw new UsageError(
        `no ${side} word occurs ${atLeast} times in the training data, so the vocabulary is empty; lower --min-count.`,
      );
  return vocabularies;
}

/** How many words or pieces vocabularies have, in words. */
export function describeVocabularies({ source, target }: Vocabularies): string {
  const count = ({ size }: Vocabulary) => size.toLocaleString("en");
  return `${source ? `${count(source)} source and ` : ""}${count(target)}${source ? " target" : ""} ${target.kind === "word" ? "words" : "pieces"}`;
}
