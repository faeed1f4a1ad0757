import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { hashString, UsageError } from "../../core/index.js";
import type { Pair, ParallelData } from "../contract.js";
import { tokenise } from "../vocabulary.js";

export interface PairOptions {
  /** The endings of the files of a folder that hold source and target: `de` and `en` for `train.de`, `train.en.gz`. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** Leave out lines that cannot be used, and report them, instead of stopping at the first. */
  readonly skipBad?: boolean;
  /** Hears what was left out. */
  readonly warn?: (message: string) => void;
}

type RawPair = readonly [source: string, target: string];

/** What goes on when a line cannot be used: stop, or count it and go on. */
class BadLines {
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

/**
 * Reads sentence pairs from a table (`source TAB target` a line, further columns ignored) or from a folder of parallel
 * files (`train.de`, `train.en`, `val.de`, … ), each plain or gzip. A table is split by source sentence, so that no
 * test source was trained on.
 * @throws UsageError naming file and line
 */
export async function readPairs(path: string, options: PairOptions = {}): Promise<ParallelData> {
  const bad = new BadLines(options);
  const data = (await isFolder(path)) ? await readFolder(path, options, bad) : await readTable(path, bad);
  bad.report();
  for (const [name, pairs] of [
    ["training", data.train],
    ["validation", data.validation],
  ] as const)
    if (pairs.length === 0)
      throw new UsageError(`"${path}" leaves no pairs for ${name}; give more pairs, at least a few dozen.`);
  return data;
}

const isFolder = async (path: string): Promise<boolean> =>
  (
    await stat(path).catch((error: NodeJS.ErrnoException) => {
      throw new UsageError(
        error.code === "ENOENT"
          ? `there is no file or folder "${path}"; check the path.`
          : `cannot read "${path}": ${error.message}.`,
      );
    })
  ).isDirectory();

/** One source in this many goes to `test`, and one to `validation`. */
const SHARE = 20;

async function readTable(path: string, bad: BadLines): Promise<ParallelData> {
  const raw: RawPair[] = [];
  for (const [index, line] of (await readLines(path, bad)).entries()) {
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
  const pairs = wordReader(raw)(raw);
  const slot = (pair: RawPair) => hashString(`pair ${pair[0].trim().toLowerCase()}`) % SHARE;
  const part = (wanted: (slot: number) => boolean) => pairs.filter((_, index) => wanted(slot(raw[index]!)));
  return {
    train: part((number) => number > 1),
    validation: part((number) => number === 1),
    tests: { test: part((number) => number === 0) },
  };
}

async function readFolder(path: string, { from, to }: PairOptions, bad: BadLines): Promise<ParallelData> {
  if (!from || !to)
    throw new UsageError(
      `"${path}" is a folder of parallel files; name their endings, as in --from de --to en.`,
    );
  const names = await readdir(path);
  const fileOf = (split: string, language: string) =>
    names.find((name) => name === `${split}.${language}` || name === `${split}.${language}.gz`);
  const splits = names.flatMap((name) => {
    const found = /^(.+?)\.([^.]+)(?:\.gz)?$/.exec(name);
    return found?.[2] === from && fileOf(found[1]!, to) ? [found[1]!] : [];
  });
  const validation = splits.find((split) => /^(val|valid|validation|dev)$/.test(split));
  if (!splits.includes("train") || !validation)
    throw new UsageError(
      `"${path}" needs train.${from}, train.${to}, val.${from} and val.${to}, plain or .gz; it has ${splits.length > 0 ? splits.join(", ") : "no such pair of files"}.`,
    );
  const read = async (split: string): Promise<RawPair[]> => {
    const files = [from, to].map((language) => join(path, fileOf(split, language)!));
    const [source, target] = await Promise.all(files.map((file) => readLines(file, bad)));
    if (source!.length !== target!.length)
      throw new UsageError(
        `${basename(files[0]!)} has ${source!.length} lines but ${basename(files[1]!)} has ${target!.length}; parallel files need one line for each line of the other.`,
      );
    return source!.flatMap((line, index) => {
      const other = target![index];
      if (line === undefined || other === undefined) return [];
      if (line.trim() !== "" && other.trim() !== "") return [[line, other] as const];
      bad.found(`${files[line.trim() === "" ? 0 : 1]}, line ${index + 1}: the line is empty; fill it in`);
      return [];
    });
  };
  const training = await read("train");
  const wordsOf = wordReader(training);
  const tests: Record<string, Pair[]> = {};
  for (const split of splits)
    if (split !== "train" && split !== validation) tests[split] = wordsOf(await read(split));
  return { train: wordsOf(training), validation: wordsOf(await read(validation)), tests };
}

/** The lines of a text file, plain or gzip; undefined for lines that are left out. @throws UsageError */
async function readLines(path: string, bad: BadLines): Promise<(string | undefined)[]> {
  let bytes: Uint8Array = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`cannot read "${path}": ${error.message}.`);
  });
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      bytes = gunzipSync(bytes);
    } catch (error) {
      throw new UsageError(
        `"${path}" is not a whole gzip file (${(error as Error).message}); fetch it again.`,
      );
    }
  }
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

/**
 * Turns texts into words. The first word of a sentence loses its capital unless the training text writes it with one
 * more often than not inside sentences, so that "The" and "the" are one word but names stay as they are.
 */
function wordReader(training: readonly RawPair[]): (raw: readonly RawPair[]) => Pair[] {
  const counts = [0, 1].map((side) => {
    const inside = new Map<string, number>();
    for (const pair of training)
      for (const word of tokenise(pair[side]!).slice(1)) inside.set(word, (inside.get(word) ?? 0) + 1);
    return inside;
  });
  const words = (text: string, side: 0 | 1): string[] => {
    const [first, ...rest] = tokenise(text);
    if (first === undefined) return [];
    const small = first.toLowerCase();
    const count = (word: string) => counts[side]!.get(word) ?? 0;
    return [count(small) >= count(first) ? small : first, ...rest];
  };
  return (raw) => raw.map(([source, target]) => ({ source: words(source, 0), target: words(target, 1) }));
}
