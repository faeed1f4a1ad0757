/** Letters a label has at most; more of them would make a picture as wide as a street. */
const LONGEST_LABEL = 32;

/** Where the pictures of the control characters begin in Unicode: ␀ for U+0000. */
const PICTURES = 0x2400;

/** What no XML document may hold, and what a terminal would obey: control characters, halves of letters, and no letters at all. */
const UNDRAWABLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  /[\0-\x1f\x7f-\x9f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const shown = (letter: string): string => {
  const code = letter.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(PICTURES + code);
  return code === 0x7f ? "␡" : "�";
};

/** A text of any length without what no terminal and no document should be given; lines stay lines. */
export const legible = (text: string): string =>
  text.replace(UNDRAWABLE, (letter) => (letter === "\n" ? letter : shown(letter)));

/** A text as it can be drawn anywhere: control characters as their pictures, and a long one with its middle left out. */
export function drawable(text: string, longest = LONGEST_LABEL): string {
  const clean = text.replace(UNDRAWABLE, shown);
  const letters = [...clean.slice(0, 4 * longest)];
  if (letters.length <= longest && clean.length <= 4 * longest) return clean;
  const end = [...clean.slice(-2 * longest)].slice(-Math.floor(longest / 3));
  return `${letters.slice(0, longest - end.length - 1).join("")}…${end.join("")}`;
}
