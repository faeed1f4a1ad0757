import { drawable, UsageError } from "../core/index.js";

/** Letters of a name, and of a sentence, that one reads. */
const [LONGEST_NAME, LONGEST] = [120, 800];

/**
 * What is wrong with a file that somebody else wrote, or with what it was given. Names in it are the file's own, and may be anything: in
 * the sentence they are one line, of a length that one reads.
 */
export class ForeignError extends UsageError {
  constructor(sentence: string) {
    const named = sentence.replace(/"([^"]*)"/g, (_, name: string) => `"${drawable(name, LONGEST_NAME)}"`);
    super(drawable(named, LONGEST));
  }
}
