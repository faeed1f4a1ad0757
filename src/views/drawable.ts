import { drawable } from "../core/index.js";

export { drawable, legible } from "../core/index.js";

/** Letters a line of a heading has at most. */
const LONGEST_LINE = 110;

/** The lines of a heading. */
export const headingLines = (title: string | undefined): string[] =>
  title === undefined ? [] : title.split("\n").map((line) => drawable(line, LONGEST_LINE));

export const drawableAll = (texts: readonly string[]): string[] => texts.map((text) => drawable(text));
