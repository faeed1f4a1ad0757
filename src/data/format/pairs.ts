import { hashString, UsageError } from "../../core/index.js";
import type { Pair, ParallelData } from "../contract.js";
import { readingOf, tokenise } from "../text.js";

export interface PairOptions {
  /** The endings of the files of a folder that hold source and target: `de` and `en` for `train.de`, `train.en.gz`. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** Leave out lines that cannot be used, and report them, instead of stopping at the first. */
  readonly skipBad?: boolean;
  /** Words a sentence may have at most; pairs with a longer one are left out, and counted. */
  readonly maxLength?: number | undefined;
  /** Hears what was left out, and what else is to be known of the data. */
  readonly warn?: (message: string) => void;
}

/** Words a sentence of training may have, where nothing else is asked for: memory grows with the longest. */
export const MAX_LENGTH = 250;
/** Letters that count as a word where there are no spaces. */
const LETTERS_OF_WORD = 20;

export type RawPair = readonly [source: string, target: string];

/** What goes on when a line cannot be used: stop, or count it and go on. */
export class BadLines {
  #count = 0;
  #first: string | undefined;
  #tooLong = 0;
  #longest: { readonly length: number; readonly where: string } | undefined;
  constructor(private readonly options: PairOptions) {}

  /** Hears what is to be known of the data beside the lines that were left out. */
  say(message: string): void {
    this.options.warn?.(message);
  }

  /** Whether texts are short enough to be trained on; those that are not are counted. */
  fits(texts: readonly string[], where: string): boolean {
    const limit = this.options.maxLength ?? MAX_LENGTH;
    const length = Math.max(...texts.map((text) => lengthOf(text, limit)));
    if (length <= limit) return true;
    this.#tooLong++;
    if (length > (this.#longest?.length ?? 0)) this.#longest = { length, where };
    return false;
  }

  /** @throws UsageError unless bad lines are to be skipped */
  found(problem: string): void {
    if (!this.options.skipBad) throw new UsageError(`${problem}, or leave such lines out with --skip-bad.`);
    this.#count++;
    this.#first ??= problem;
  }

  report(): void {
    if (this.#count > 0)
      this.options.warn?.(
        `${this.#count} ${this.#count === 1 ? "line was" : "lines were"} left out; the first: ${this.#first}.`,
      );
    if (this.#longest)
      this.options.warn?.(
        `${this.#tooLong} ${this.#tooLong === 1 ? "line is" : "lines are"} longer than ${this.options.maxLength ?? MAX_LENGTH} words and left out; the longest, of about ${this.#longest.length}, is ${this.#longest.where}; --max-length keeps longer ones.`,
      );
  }
}

/** Words of a text; by its letters alone where these are too many already, since a line can be a whole file. */
function lengthOf(text: string, limit: number): number {
  const byLetters = Math.ceil(text.length / LETTERS_OF_WORD);
  return byLetters > limit ? byLetters : Math.max(byLetters, text.trim().split(/\s+/u).length);
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
  const raw: RawPair[] = [];
  assertTexts(lines, path);
  for (const [index, line] of lines.entries()) {
    if (line === undefined) continue;
    const [source, target] = line.split("\t");
    const where = `${path}, line ${index + 1}`;
    if (target === undefined) bad.found(`${where}: there is no tab between source and target; add one`);
    else if (source!.trim() === "" || target.trim() === "")
      bad.found(`${where}: the ${source!.trim() === "" ? "source" : "target"} is empty; fill it in`);
    else if (bad.fits([source!, target], where)) raw.push([source!, target]);
  }
  if (raw.length === 0)
    throw new UsageError(`"${path}" holds no sentence pairs; give one pair a line, source TAB target.`);
  const pairs = raw.map(pairOf);
  // By what the model reads, so that no test source was trained on in another spelling of the same words.
  const slot = (pair: RawPair) => hashString(`pair ${readingOf(pair[0])}`) % SHARE;
  const part = (wanted: (slot: number) => boolean) => pairs.filter((_, index) => wanted(slot(raw[index]!)));
  return {
    train: part((number) => number > 1),
    validation: part((number) => number === 1),
    tests: { test: part((number) => number === 0) },
  };
}

/** Lines of a table that are looked at to see what its columns hold, and the share of them that must hold it. */
const [LOOKED_AT, MOST] = [1000, 0.9];

/** @throws UsageError where the first of three columns or more holds numbers, as in tables of `id, text, id, text` */
function assertTexts(lines: readonly (string | undefined)[], path: string): void {
  const rows = lines.slice(0, LOOKED_AT).flatMap((line) => (line === undefined ? [] : [line.split("\t")]));
  const numbered = rows.filter((row) => row.length > 2 && /^\s*\d+\s*$/.test(row[0]!));
  if (rows.length === 0 || numbered.length < MOST * rows.length) return;
  const columns = numbered[0]!.map((_, column) => column + 1);
  const texts = columns.filter(
    (column) =>
      numbered.filter((row) => /\p{L}/u.test(row[column - 1] ?? "")).length >= MOST * numbered.length,
  );
  throw new UsageError(
    `${path}: column 1 holds numbers, such as ${numbered[0]![0]!.trim()}, but must hold the source sentences; keep two columns, source and target${texts.length > 1 ? `, as with: cut -f ${texts.slice(0, 2).join(",")}` : ""}.`,
  );
}

/** Control characters that no text holds; a tab is none of them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\0-\x08\x0e-\x1b\x7f]/;

/** What is wrong with a line of text; undefined where nothing is. */
function problemOf(line: string): string | undefined {
  if (line.includes("\r"))
    return "a carriage return stands inside the line, so two lines may have become one; end every line alike";
  const control = CONTROL.exec(line)?.[0];
  if (control !== undefined)
    return `there is a control character, U+${control.charCodeAt(0).toString(16).padStart(4, "0").toUpperCase()}; save the file as plain text`;
  return undefined;
}

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
    const problem = line === undefined ? "the bytes are not UTF-8; save the file as UTF-8" : problemOf(line);
    if (problem !== undefined) bad.found(`${path}, line ${lines.length + 1}: ${problem}`);
    lines.push(problem === undefined ? line : undefined);
    start = stop + 1;
  }
  return lines;
}

/** A pair of texts in words. */
export const pairOf = ([source, target]: RawPair): Pair => ({
  source: tokenise(source),
  target: tokenise(target),
  reference: target,
});

/** The data as it is. @throws UsageError where there is nothing to train or to validate on */
export function usable(data: ParallelData, path: string): ParallelData {
  for (const [name, pairs] of [
    ["training", data.train],
    ["validation", data.validation],
  ] as const)
    if (pairs.length === 0)
      throw new UsageError(`"${path}" leaves no pairs for ${name}; give more pairs, at least a few dozen.`);
  return data;
}
