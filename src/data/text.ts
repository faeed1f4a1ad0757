/**
 * Texts as words and back. What is changed of a text on the way is `normalised` and nothing else: `detokenise(tokenise(text))`
 * is `normalised(text)` for every text.
 *
 * Words stand apart by one space, but for punctuation (`spacedByDefault`), and the first of a sentence has a capital. Where a
 * text has it otherwise, a word says so with a mark: "10-12" is `10 ‿-‿ 12`, "quoi ?" is `↓quoi ␣?`. A text's own marks are
 * words of marks alone.
 */

/** Marks of a word: no space on this side of it, a space on this side of it, no capital though it is the first. */
const [JOINED, SPACED, SMALL] = ["‿", "␣", "↓"] as const;
const MARKS = `${JOINED}${SPACED}${SMALL}`;
const MARKED = new RegExp(`^([${JOINED}${SPACED}]?)(${SMALL}?)(.+?)([${JOINED}${SPACED}]?)$`, "su");
const HAS_MARK = new RegExp(`[${MARKS}]`, "u");
const MARKS_ALONE = new RegExp(`^[${MARKS}]+$`, "u");
/** A letter of a word with the marks that stand beside it, or marks alone. */
const MARKED_LETTERS = new RegExp(`[${MARKS}]*[^${MARKS}][${MARKS}]*|[${MARKS}]+`, "gu");

/** Letters and digits of scripts that are written without spaces between words. */
const UNSPACED =
  "(?=[\\p{L}\\p{M}\\p{N}])[\\p{scx=Han}\\p{scx=Hiragana}\\p{scx=Katakana}\\p{scx=Bopomofo}\\p{scx=Thai}\\p{scx=Lao}\\p{scx=Khmer}\\p{scx=Myanmar}]";
const LETTERS = `(?:(?!${UNSPACED})[\\p{L}\\p{M}])+`;
const DIGITS = `(?:(?!${UNSPACED})\\p{N}\\p{M}*)+`;

const WORDS = new RegExp(
  [
    // A stretch that is to be parted by a dictionary.
    `(?<unspaced>(?:${UNSPACED})+)`,
    // An address, up to the punctuation behind it.
    `\\p{L}+://[^\\p{White_Space}@${MARKS}]*[\\p{L}\\p{N}/]`,
    // Letters, with apostrophes, hyphens, points and what is not seen (soft hyphens, joiners) between them.
    `${LETTERS}(?:(?:['’‐‑·-]|[\\u00ad\\u200c\\u200d]+)${LETTERS})*`,
    // Numbers with decimals, thousands, or minutes.
    `${DIGITS}(?:[.,:'’]${DIGITS})*`,
    "\\p{RI}\\p{RI}",
    `[${MARKS}]+`,
    // A punctuation mark or symbol, with its variants: skin tones, joined emoji, flags of regions.
    "[^\\p{White_Space}](?:[\\p{M}\\p{EMod}\\u{e0020}-\\u{e007f}]|\\u200d\\p{ExtPict})*",
  ].join("|"),
  "gu",
);

const dictionary = Intl.Segmenter && new Intl.Segmenter("und", { granularity: "word" });

/** The words of a text that has no spaces; its letters where the platform has no dictionary. */
const partedByDictionary = (text: string): string[] =>
  dictionary ? Array.from(dictionary.segment(text), ({ segment }) => segment) : [...text];

/** A text as its words keep it: in Unicode's normal form C, with one space for any white space, and none around it. */
export const normalised = (text: string): string =>
  (text.normalize("NFC").match(/[^\p{White_Space}]+/gu) ?? []).join(" ");

const OPENING = /[¿¡\p{Ps}\p{Pi}]$/u;
const CLOSING = /^[?!.,;:…\p{Pe}\p{Pf}]/u;
/** Punctuation as wide as a Chinese character, which has its space within. */
const WIDE =
  "[\\u3001-\\u3003\\u3008-\\u3011\\u3014-\\u301f\\uff01-\\uff0f\\uff1a-\\uff20\\uff3b-\\uff40\\uff5b-\\uff65]";
const ENDS_WIDE = new RegExp(`${WIDE}$`, "u");
const BEGINS_WIDE = new RegExp(`^${WIDE}`, "u");
const ENDS_UNSPACED = new RegExp(`${UNSPACED}$`, "u");
const BEGINS_UNSPACED = new RegExp(`^${UNSPACED}`, "u");

/** Whether two words, without their marks, stand apart where nothing says otherwise. */
const spacedByDefault = (left: string, right: string): boolean =>
  !(
    OPENING.test(left) ||
    CLOSING.test(right) ||
    ENDS_WIDE.test(left) ||
    BEGINS_WIDE.test(right) ||
    (BEGINS_UNSPACED.test(right) && ENDS_UNSPACED.test(left))
  );

/** Whether a word is letters or a number, and no punctuation. */
const isWord = (surface: string): boolean => /^[\p{L}\p{N}]/u.test(surface);

interface Marked {
  readonly before: string;
  readonly small: string;
  /** The word as a text has it. */
  readonly surface: string;
  readonly after: string;
}

function parsed(word: string): Marked {
  // Few words have marks, and this is asked of every word of a text.
  const marked = HAS_MARK.test(word) && !MARKS_ALONE.test(word) ? MARKED.exec(word) : undefined;
  const [, before, small, surface, after] = marked ?? [];
  return surface === undefined
    ? { before: "", small: "", surface: word, after: "" }
    : { before: before!, small: small!, surface, after: after! };
}

const written = ({ before, small, surface, after }: Marked): string => before + small + surface + after;

/** A word without its marks. */
export const surfaceOf = (word: string): string => parsed(word).surface;

/** A word as one that begins a sentence without a capital is marked. */
export const begunSmall = (surface: string): string => SMALL + surface;

/** The letters of a word, marks with the letters that they stand beside. */
export const lettersOf = (word: string): string[] => word.match(MARKED_LETTERS) ?? [];

/** A word with a capital, where it has one: Georgian, for one, begins no sentence with another letter. */
export function capitalised(word: string): string {
  const [first = ""] = word;
  const capital = first.toUpperCase();
  return [...capital].length === 1 && capital.toLowerCase() === first && !/\p{sc=Georgian}/u.test(first)
    ? capital + word.slice(first.length)
    : word;
}

/** The place of the word that begins a sentence, behind punctuation marks; −1 where there is none. */
export const firstWord = (words: readonly string[]): number =>
  words.findIndex((word) => isWord(surfaceOf(word)));

/** The first word of a sentence without the capital that this gives it; undefined where it has none but its own. */
export function uncapitalised(word: string): string | undefined {
  const { surface, ...marks } = parsed(word);
  const [first = ""] = surface;
  if (first === first.toLowerCase()) return undefined;
  const rest = surface.slice(first.length);
  const small = first.toLowerCase() + rest;
  return small !== surface && rest === rest.toLowerCase() && capitalised(small) === surface
    ? written({ ...marks, surface: small })
    : undefined;
}

/** The words of a text and whether white space is before each. */
function* surfacesOf(text: string): Generator<{ readonly surface: string; readonly spaced: boolean }> {
  let end = 0;
  for (const { 0: found, index, groups } of normalised(text).matchAll(WORDS)) {
    const parts = groups?.unspaced === undefined ? [found] : partedByDictionary(found);
    for (const [which, surface] of parts.entries()) yield { surface, spaced: which === 0 && index > end };
    end = index + found.length;
  }
}

/** Words and punctuation marks of a text, in order, without marks. */
export const plainWords = (text: string): string[] => Array.from(surfacesOf(text), ({ surface }) => surface);

/** The words of a text in lower case, without punctuation. */
export const wordsAlone = (text: string): string[] =>
  plainWords(text.toLowerCase()).filter((word) => /[\p{L}\p{N}]/u.test(word));

/** Words and punctuation marks of a text, in order. `detokenise` gives the text again. */
export function tokenise(text: string): string[] {
  const words: { before: string; small: string; surface: string; after: string }[] = [];
  for (const { surface, spaced } of surfacesOf(text)) {
    const last = words.at(-1);
    const word = { before: "", small: "", surface, after: "" };
    if (last && spaced !== spacedByDefault(last.surface, surface)) {
      const mark = spaced ? SPACED : JOINED;
      // Punctuation carries the mark, so that words stay what they are.
      const byLast = MARKS_ALONE.test(surface) || (isWord(surface) && !isWord(last.surface));
      if (byLast && !MARKS_ALONE.test(last.surface)) last.after = mark;
      else word.before = mark;
    }
    words.push(word);
  }
  const first = words.find(({ surface }) => isWord(surface));
  if (first && capitalised(first.surface) !== first.surface) first.small = SMALL;
  return words.map(written);
}

/** Words as the text they are of: the first with a capital, spaces where they belong, but as marks have it. */
export function detokenise(words: readonly string[]): string {
  let text = "";
  let last: Marked | undefined;
  const first = firstWord(words);
  for (const [index, marked] of words.map(parsed).entries()) {
    const { before, small, surface } = marked;
    if (last) {
      const marks = last.after + before;
      const spaced = marks === "" ? spacedByDefault(last.surface, surface) : !marks.includes(JOINED);
      if (spaced) text += " ";
    }
    text += index === first && small === "" ? capitalised(surface) : surface;
    last = marked;
  }
  return text;
}

/**
 * What a model reads of a text, as a key: texts with one reading are one example, however they are composed, spaced or
 * capitalised, so a text must not be tested on whose reading was trained on.
 * @param text or its words
 */
export const readingOf = (text: string | readonly string[]): string =>
  (typeof text === "string" ? plainWords(text) : text.map(surfaceOf))
    .join(" ")
    .toLowerCase()
    .normalize("NFC");
