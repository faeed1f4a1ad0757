import { hashString, UsageError } from "../../core/index.js";
import { MAX_LENGTH, type Pair, type ParallelData } from "../contract.js";
import { readingOf, tokenise } from "../text.js";

export interface PairOptions {
  /** The endings of the files of a folder that hold source and target: `de` and `en` for `train.de`, `train.en.gz`. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** Leave out lines that cannot be used, and report them, instead of stopping at the first. */
  readonly skipBad?: boolean;
  /** Words a sentence may have at most; pairs with a longer one are left out, and counted. */
  readonly maxLength?: number | undefined;
}

/** Letters that count as a word at least, so that a line that is a whole file is not taken apart to know that it is too long. */
const LETTERS_OF_WORD = 20;

/** A number with its noun and verb. */
export const counted = (count: number, one: string, more: string): string =>
  `${count} ${count === 1 ? one : more}`;

/** What goes on when a line cannot be used: stop, or count it and go on. */
export class BadLines {
  #count = 0;
  #first: string | undefined;
  #tooLong = 0;
  #longest: { readonly length: number; readonly where: string } | undefined;
  readonly #said: string[] = [];
  constructor(private readonly options: PairOptions) {}

  /** Keeps what is to be known of the data beside the lines that were left out. */
  say(note: string): void {
    this.#said.push(note);
  }

  /**
   * Words of texts, where none has too many; texts that have are counted, and undefined.
   * @param apart takes a text apart as models read it
   */
  words(
    texts: readonly string[],
    where: string,
    apart: (text: string) => string[] = tokenise,
  ): string[][] | undefined {
    const limit = this.options.maxLength ?? MAX_LENGTH;
    const byLetters = Math.ceil(Math.max(...texts.map((text) => text.length)) / LETTERS_OF_WORD);
    const words = byLetters > limit ? undefined : texts.map(apart);
    const length = words ? Math.max(...words.map((one) => one.length)) : byLetters;
    if (length <= limit) return words;
    this.#tooLong++;
    if (length > (this.#longest?.length ?? 0)) this.#longest = { length, where };
    return undefined;
  }

  /** @throws UsageError unless bad lines are to be skipped */
  found(problem: string): void {
    if (!this.options.skipBad) throw new UsageError(`${problem}, or leave such lines out with --skip-bad.`);
    this.#count++;
    this.#first ??= problem;
  }

  /** What was left out, and what else is to be known, a sentence each. */
  get notes(): readonly string[] {
    const limit = this.options.maxLength ?? MAX_LENGTH;
    return [
      ...(this.#count > 0
        ? [`${counted(this.#count, "line was", "lines were")} left out; the first: ${this.#first}.`]
        : []),
      ...(this.#longest
        ? [
            `${counted(this.#tooLong, "line is", "lines are")} longer than ${limit} words and left out; the longest, of about ${this.#longest.length}, is ${this.#longest.where}; --max-length keeps longer ones.`,
          ]
        : []),
      ...this.#said,
    ];
  }

  /** Why there is nothing left, as a part of a sentence; empty where nothing was left out. */
  get because(): string {
    return this.notes.length > 0 ? ` (${this.notes.map((note) => note.replace(/\.$/, "")).join("; ")})` : "";
  }
}

/** One source in this many goes to `test`, and one to `validation`. */
const SHARE = 20;

/**
 * The pairs of a table's lines, `source TAB target` each, further columns ignored; split by source sentence, so that no
 * test source was trained on. @throws UsageError naming the line that cannot be used
 */
export function pairsOfTable(
  lines: readonly (string | undefined)[],
  path: string,
  bad: BadLines,
): ParallelData {
  assertTexts(lines, path, bad);
  const pairs: Pair[] = [];
  for (const [index, line] of lines.entries()) {
    if (line === undefined) continue;
    const [source, target] = line.split("\t");
    const where = `${path}, line ${index + 1}`;
    if (target === undefined) bad.found(`${where}: there is no tab between source and target; add one`);
    else pairs.push(...pairOf([source!, target], [where, where], bad));
  }
  if (pairs.length === 0)
    throw new UsageError(
      `"${path}" holds no sentence pairs${bad.because}; give one pair a line, source TAB target.`,
    );
  // By what the model reads, so that no test source was trained on in another spelling of the same words.
  const slots = pairs.map(({ source }) => hashString(`pair ${readingOf(source)}`) % SHARE);
  const part = (wanted: (slot: number) => boolean) => pairs.filter((_, index) => wanted(slots[index]!));
  return {
    train: part((slot) => slot > 1),
    validation: part((slot) => slot === 1),
    tests: { test: part((slot) => slot === 0) },
  };
}

/** Lines of a table that are looked at to see what its columns hold, and the share of them that must hold it. */
const [LOOKED_AT, MOST] = [1000, 0.9];
/** Lines from which on one text in all of them is no text of theirs. */
const MANY = 20;
/** What is no text: numbers, dates, and names with digits in them, such as S-0017. */
const ID = /^(?:[^\p{L}]*\p{N}[^\p{L}]*|[^\p{White_Space}]*\p{N}[^\p{White_Space}]*)$/u;

/**
 * Of two columns the first or second may be numbers, which can be what is translated: that is said.
 * @throws UsageError where one of the first two columns of more holds ids or one text in every line, as in tables of
 * `id, text, id, text` or `language, text, language, text`
 */
function assertTexts(lines: readonly (string | undefined)[], path: string, bad: BadLines): void {
  const looked = lines.slice(0, LOOKED_AT).flatMap((line, index) => {
    const cells = line?.split("\t") ?? [];
    return cells.length > 1 ? [{ cells: cells.map((cell) => cell.trim()), line: index + 1 }] : [];
  });
  const more = looked.filter(({ cells }) => cells.length > 2);
  const several = more.length > 0 && more.length >= MOST * lines.slice(0, LOOKED_AT).length;
  const rows = several ? more : looked;
  if (rows.length === 0) return;
  const [{ cells, line }] = rows as [(typeof rows)[number]];
  const share = (column: number, holds: RegExp) =>
    rows.filter((row) => holds.test(row.cells[column] ?? "")).length / rows.length;
  const problems = cells.map((first, column) => {
    if (share(column, ID) >= MOST) {
      const { cells: found } = rows.find((row) => ID.test(row.cells[column] ?? ""))!;
      return `${/\p{L}/u.test(found[column]!) ? "ids" : "numbers"}, such as ${found[column]}`;
    }
    const constant = rows.length >= MANY && rows.every((row) => row.cells[column] === first);
    return constant && first !== "" ? `"${first}" in every line` : undefined;
  });
  const wrong = problems.findIndex((problem, column) => column < 2 && problem !== undefined);
  if (wrong < 0) return;
  if (!several) {
    if (rows.length >= MANY)
      bad.say(
        `Column ${wrong + 1} of ${path} holds ${problems[wrong]}; that is taken for the ${wrong === 0 ? "source" : "target"}.`,
      );
    return;
  }
  const texts = cells.flatMap((_, column) =>
    problems[column] === undefined && share(column, /\p{L}/u) >= MOST ? [column + 1] : [],
  );
  throw new UsageError(
    `${path}, line ${line}: column ${wrong + 1} holds ${problems[wrong]}, but must hold the ${wrong === 0 ? "source" : "target"} sentences; keep two columns, source and target${texts.length > 1 ? `, as with: cut -f ${texts.slice(0, 2).join(",")}` : ""}.`,
  );
}

/** Control characters that no text holds; tabs and the ends of lines, of which U+0085 is one, are none of them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\0-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]/;

/** What is wrong with a text; undefined where nothing is. */
export function problemOfText(text: string): string | undefined {
  const control = CONTROL.exec(text)?.[0];
  if (control === undefined) return undefined;
  const code = control.charCodeAt(0).toString(16).padStart(4, "0").toUpperCase();
  return `there is a control character, U+${code}; save the file as plain text`;
}

const problemOfLine = (line: string): string | undefined =>
  line.includes("\r")
    ? "a carriage return stands inside the line, so two lines may have become one; end every line alike"
    : problemOfText(line);

/** The lines of a text file's bytes; undefined for lines that are left out. @throws UsageError */
export function linesOf(bytes: Uint8Array, path: string, bad: BadLines): (string | undefined)[] {
  if (bytes.length === 0) throw new UsageError(`"${path}" is empty; give one sentence or pair a line.`);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const lines: (string | undefined)[] = [];
  // Old files end their lines with a carriage return alone.
  const ending = bytes.includes(0x0a) || !bytes.includes(0x0d) ? 0x0a : 0x0d;
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(ending, start);
    const stop = end < 0 ? bytes.length : end;
    let line: string | undefined;
    try {
      line = decoder.decode(bytes.subarray(start, stop)).replace(/\r$/, "");
    } catch {}
    const problem =
      line === undefined ? "the bytes are not UTF-8; save the file as UTF-8" : problemOfLine(line);
    if (problem !== undefined) bad.found(`${path}, line ${lines.length + 1}: ${problem}`);
    lines.push(problem === undefined ? line : undefined);
    start = stop + 1;
  }
  return lines;
}

/** A pair of texts in words; none where a text is empty, which is a bad line, or too long. @param where each stands */
export function pairOf(
  texts: readonly [source: string, target: string],
  where: readonly [source: string, target: string],
  bad: BadLines,
): [] | [Pair] {
  const empty = texts.findIndex((text) => !/\P{White_Space}/u.test(text));
  if (empty >= 0) {
    bad.found(`${where[empty]}: the ${empty === 0 ? "source" : "target"} is empty; fill it in`);
    return [];
  }
  const [source, target] = bad.words(texts, where[0]) ?? [];
  return source && target ? [{ source, target, reference: texts[1] }] : [];
}

/** The data with what is to be known of it. @throws UsageError where there is nothing to train or to validate on */
export function usable(data: ParallelData, path: string, bad: BadLines): ParallelData {
  for (const [name, pairs] of [
    ["training", data.train],
    ["validation", data.validation],
  ] as const)
    if (pairs.length === 0)
      throw new UsageError(
        `"${path}" leaves no pairs for ${name}${bad.because}; give more pairs, at least a few dozen.`,
      );
  return { ...data, notes: bad.notes };
}
