import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { UsageError } from "../../core/index.js";
import type { Pair, ParallelData } from "../contract.js";
import { overlapOf } from "../overlap.js";
import { readingOf } from "../text.js";
import { BadLines, linesOf, type PairOptions, pairOf, pairsOfTable, usable } from "./pairs.js";

/**
 * Reads sentence pairs from a table (`source TAB target` a line, further columns ignored) or from a folder of parallel
 * files (`train.de`, `train.en`, `val.de`, … ), each plain or gzip. A table is split by source sentence, so that no
 * test source was trained on.
 * @throws UsageError naming file and line
 */
export async function readPairs(path: string, options: PairOptions = {}): Promise<ParallelData> {
  const bad = new BadLines(options);
  const data = (await isFolder(path)) ? await readFolder(path, options, bad) : await readTable(path, bad);
  return usable(data, path, bad);
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

async function readTable(path: string, bad: BadLines): Promise<ParallelData> {
  return pairsOfTable(await readLines(path, bad), path, bad);
}

/** Names that a validation split goes by. */
export const VALIDATION = /^(val|valid|validation|dev)$/;

/** The splits of a folder of parallel files: names that both languages have a file for. */
export async function splitsOfFolder(path: string, from: string, to: string) {
  const names = await readdir(path);
  const fileOf = (split: string, language: string) =>
    names.find((name) => name === `${split}.${language}` || name === `${split}.${language}.gz`);
  const splits = names.flatMap((name) => {
    const found = /^(.+?)\.([^.]+)(?:\.gz)?$/.exec(name);
    return found?.[2] === from && fileOf(found[1]!, to) ? [found[1]!] : [];
  });
  return { splits, fileOf };
}

async function readFolder(path: string, { from, to }: PairOptions, bad: BadLines): Promise<ParallelData> {
  if (!from || !to)
    throw new UsageError(
      `"${path}" is a folder of parallel files; name their endings, as in --from de --to en.`,
    );
  const { splits, fileOf } = await splitsOfFolder(path, from, to);
  const validation = splits.find((split) => VALIDATION.test(split));
  if (!splits.includes("train") || !validation)
    throw new UsageError(
      `"${path}" needs train.${from}, train.${to}, val.${from} and val.${to}, plain or .gz; it has ${splits.length > 0 ? splits.join(", ") : "no such pair of files"}.`,
    );
  const read = async (split: string): Promise<Pair[]> => {
    const files = [from, to].map((language) => join(path, fileOf(split, language)!));
    const [source, target] = await Promise.all(files.map((file) => readLines(file, bad)));
    if (source!.length !== target!.length)
      throw new UsageError(
        `${basename(files[0]!)} has ${source!.length} lines but ${basename(files[1]!)} has ${target!.length}; parallel files need one line for each line of the other.`,
      );
    return source!.flatMap((line, index) => {
      const other = target![index];
      const [from, to] = files.map((file) => `${file}, line ${index + 1}`);
      return line === undefined || other === undefined ? [] : pairOf([line, other], [from!, to!], bad);
    });
  };
  const found = new Map<string, readonly Pair[]>();
  for (const split of ["train", validation, ...splits])
    if (!found.has(split)) found.set(split, await read(split));
  const overlap = (split: string, other: string, consequence: string) => {
    const again = overlapOf(found.get(split)!, found.get(other)!, ({ source }) => readingOf(source));
    if (again > 0)
      bad.say(
        `${again} of the ${found.get(split)!.length} sources of ${split}.${from} are in ${other}.${from} too, ${consequence}.`,
      );
  };
  for (const split of found.keys()) {
    if (split !== "train") overlap(split, "train", `so scores on ${split} tell of memory as well`);
    if (split !== "train" && split !== validation)
      overlap(split, validation, `so the best step is chosen by what ${split} scores`);
  }
  const { train, [validation]: validated, ...tests } = Object.fromEntries(found);
  return { train: train!, validation: validated!, tests };
}

/** The lines of a text file, plain or gzip; undefined for lines that are left out. @throws UsageError */
export async function readLines(path: string, bad: BadLines): Promise<(string | undefined)[]> {
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
  return linesOf(bytes, path, bad);
}
