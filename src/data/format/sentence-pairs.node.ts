import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { hashString, UsageError } from "../../core/index.js";
import type { SentencePair, Splits } from "../contract.js";
import { wordsAlone } from "../text.js";
import { BadLines, counted, type PairOptions } from "./pairs.js";
import { readLines, VALIDATION } from "./pairs.node.js";

/** Names of the columns, in SICK's files and in those of others. */
const COLUMNS = {
  first: ["sentence_a", "sentence1", "first"],
  second: ["sentence_b", "sentence2", "second"],
  score: ["relatedness_score", "score", "similarity"],
} as const;
/** Bytes in which the names of columns stand. */
const HEADER = 4096;
/** One pair in so many is for scoring, and one for validation, where files do not say. */
const HELD_OUT = 20;
/** Names that stand for splits in the names of files. */
const [TRIAL, TEST, TRAIN] = [/trial|^val|^dev|valid/i, /test/i, /train/i] as const;

type Places = Readonly<Record<keyof typeof COLUMNS, number>>;

/** Where the columns stand in a header; undefined where one is missing. */
function placesOf(header: string): Places | undefined {
  const names = header
    .trim()
    .split("\t")
    .map((name) => name.trim().toLowerCase());
  const place = (of: readonly string[]) => names.findIndex((name) => of.includes(name));
  const places = { first: place(COLUMNS.first), second: place(COLUMNS.second), score: place(COLUMNS.score) };
  return Object.values(places).every((one) => one >= 0) ? places : undefined;
}

async function headerOf(path: string): Promise<string> {
  const text = await readFile(path).catch(() => Buffer.alloc(0));
  return text.subarray(0, HEADER).toString("utf8").split(/\r?\n/)[0]!;
}

/** Tables of sentence pairs at a path; none where there are no such. */
async function tablesAt(path: string): Promise<string[]> {
  const about = await stat(path).catch(() => undefined);
  const isTable = (name: string) => /\.(txt|tsv|csv)$/i.test(name);
  const files = about?.isDirectory()
    ? (await readdir(path))
        .filter(isTable)
        .sort()
        .map((name) => join(path, name))
    : about?.isFile() && isTable(path)
      ? [path]
      : [];
  const found: string[] = [];
  for (const file of files) if (placesOf(await headerOf(file))) found.push(file);
  return found;
}

type SplitName = "train" | "validation" | "test";
/** What a file's name says of its split. */
function splitOf(file: string): SplitName | undefined {
  const name = basename(file);
  if (TRAIN.test(name)) return "train";
  if (TEST.test(name)) return "test";
  return TRIAL.test(name) || VALIDATION.test(name) ? "validation" : undefined;
}

export async function splitsOfSentencePairs(path: string): Promise<string[] | undefined> {
  return (await tablesAt(path)).length > 0 ? ["test", "validation"] : undefined;
}

/**
 * Reads pairs of sentences with a score, as SICK has them: tables with tabs between, columns named in the first line, a file for each split or
 * one that is split by its first sentences.
 * @throws UsageError naming the line that cannot be used
 */
export async function readSentencePairs(path: string, options: PairOptions): Promise<Splits<SentencePair>> {
  const files = await tablesAt(path);
  if (files.length === 0)
    throw new UsageError(
      `"${path}" has no table of sentence pairs; give one with the columns sentence_A, sentence_B and relatedness_score, tabs between.`,
    );
  const bad = new BadLines(options);
  const splits: Record<SplitName, SentencePair[]> = { train: [], validation: [], test: [] };
  for (const file of files) {
    const [header, ...lines] = await readLines(file, bad);
    const { first, second, score } = placesOf(header ?? "")!;
    const named = files.length > 1 ? splitOf(file) : undefined;
    lines.forEach((line, index) => {
      if (line === undefined || line.trim() === "") return;
      const where = `${file}, line ${index + 2}`;
      const cells = line.split("\t");
      const rating = Number(cells[score]?.trim() || Number.NaN);
      if (!Number.isFinite(rating)) {
        bad.found(`${where}: the score is "${cells[score] ?? ""}", which is no number`);
        return;
      }
      const words = bad.words([cells[first] ?? "", cells[second] ?? ""], where, wordsAlone);
      if (!words) return;
      if (words.some((one) => one.length === 0)) {
        bad.found(`${where}: a sentence has no word`);
        return;
      }
      const slot = hashString(`sentence ${words[0]!.join(" ")}`) % HELD_OUT;
      const drawn = slot === 0 ? "test" : slot === 1 ? "validation" : "train";
      splits[named ?? drawn].push({ first: words[0]!, second: words[1]!, score: rating });
    });
  }
  const { train, validation, test } = splits;
  if (train.length === 0 || validation.length === 0)
    throw new UsageError(
      `"${path}" has ${counted(train.length, "pair", "pairs")} to train on and ${validation.length} to validate on${bad.because}; give files named train, trial and test in ${dirname(join(path, "x"))}, or more pairs.`,
    );
  return { train, validation, tests: { test }, notes: bad.notes };
}
