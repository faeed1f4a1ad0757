import { hashString, UsageError } from "../../core/index.js";
import type { Pair, ParallelData } from "../contract.js";
import { tokenise } from "../text.js";

export interface PairOptions {
  /** The endings of the files of a folder that hold source and target: `de` and `en` for `train.de`, `train.en.gz`. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** Leave out lines that cannot be used, and report them, instead of stopping at the first. */
  readonly skipBad?: boolean;
  /** Hears what was left out. */
  readonly warn?: (message: string) => void;
}

export type RawPair = readonly [source: string, target: string];

/** What goes on when a line cannot be used: stop, or count it and go on. */
export class BadLines {
  #count = 0;
  #first: string | undefined;
  constructor(private readonly options: PairOptions) {}

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
  const raw: RawPair[] = [];
  for (const [index, line] of lines.entries()) {
    if (line === undefined) continue;
    const [source, target] = line.split("\t");
    const where = `${path}, line ${index + 1}`;
    if (target === undefined) bad.found(`${where}: there is no tab between source and target; add one`);
    else if (source!.trim() === "" || target.trim() === "")
      bad.found(`${where}: the ${source!.trim() === "" ? "source" : "target"} is empty; fill it in`);
    else raw.push([source!, target]);
  }
  if (raw.length === 0)
    throw new UsageError(`"${path}" holds no sentence pairs; give one pair a line, source TAB target.`);
  const pairs = raw.map(pairOf);
  const slot = (pair: RawPair) => hashString(`pair ${pair[0].trim().toLowerCase()}`) % SHARE;
  const part = (wanted: (slot: number) => boolean) => pairs.filter((_, index) => wanted(slot(raw[index]!)));
  return {
    train: part((number) => number > 1),
    validation: part((number) => number === 1),
    tests: { test: part((number) => number === 0) },
  };
}

/** The lines of a text file's bytes; undefined for lines that are left out. @throws UsageError */
export function linesOf(bytes: Uint8Array, path: string, bad: BadLines): (string | undefined)[] {
  if (bytes.length === 0) throw new UsageError(`"${path}" is empty; give one sentence or pair a line.`);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const lines: (string | undefined)[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0x0a, start);
    const stop = end < 0 ? bytes.length : end;
    try {
      lines.push(decoder.decode(bytes.subarray(start, stop)).replace(/\r$/, ""));
    } catch {
      bad.found(`${path}, line ${lines.length + 1}: the bytes are not UTF-8; save the file as UTF-8`);
      lines.push(undefined);
    }
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
