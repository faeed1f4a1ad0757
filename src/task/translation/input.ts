import { UsageError } from "../../core/index.js";
import { tokenise } from "../../data/index.js";
import type { FieldValue } from "../form.js";

/** Words that are taken at once; memory grows with their number. */
export const LONGEST_INPUT = 500;

/** The words of a text. @throws UsageError where there are none, or too many, or it is no text */
export function inputWords(text: FieldValue | undefined): string[] {
  if (typeof text !== "string") throw new UsageError("this run reads sentences; give it a sentence.");
  const words = tokenise(text);
  if (words.length === 0) throw new UsageError("the input is empty; give a sentence.");
  if (/^\S+\.(?:jpe?g|png|webp|gif|tiff?|avif|bmp|svg)$/i.test(text.trim()))
    throw new UsageError(
      `this model reads sentences, but "${text.trim()}" is the name of an image; give a sentence, or a model that reads images.`,
    );
  if (words.length > LONGEST_INPUT)
    throw new UsageError(
      `the input has ${words.length} words but a model takes at most ${LONGEST_INPUT}; give it in parts.`,
    );
  return words;
}
