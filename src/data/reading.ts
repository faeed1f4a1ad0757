import type { z } from "zod";
import { clipOptions } from "./clips.js";
import { idxOptions } from "./format/idx.js";
import { speechOptions } from "./speech.js";

/**
 * What may be said of how files are read that not every format takes, by name: each is an option of `regard train` (its description is the
 * help), a setting that a run keeps, and a field of what the format is given.
 */
export const readingOptions = { ...idxOptions, ...clipOptions, ...speechOptions } as const;

/** An option of how files are read. */
export type ReadingOption = keyof typeof readingOptions;

/** What was said of how files are read. */
export type Reading = z.output<z.ZodObject<typeof readingOptions>>;

/** What an option is called on the command line: "--min-count" for "minCount". */
export const flagOf = (name: string): string =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
