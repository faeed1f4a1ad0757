import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { createGunzip } from "node:zlib";
import { hashString, UsageError } from "../../core/index.js";
import type { Analogy, Splits } from "../contract.js";
import { type Passage, Passages } from "../passages.js";
import { wordsAlone } from "../text.js";
import { counted } from "./pairs.js";

/** Files of running text. */
const TEXT = /\.(txt|md)(\.gz)?$/i;
/** One passage in so many is for scoring, and one for validation. */
const HELD_OUT = 50;
/** Passages that a split for scoring has at most: what they tell no longer changes. */
const MOST_HELD_OUT = 2000;
/** Words of a passage; what is longer goes on as another. */
const LONGEST = 1000;
/** Words that a passage must have to be more than a heading's. */
const SHORTEST = 2;
/** Characters that a line may have before it is parted: a file may be one line. */
const LONGEST_LINE = 100_000;
/** Bytes and lines that are looked at to know what a file holds. */
const [LOOKED_INTO, LOOKED_AT] = [1 << 16, 50] as const;
/** A line between articles, as Wikipedia's extractor writes it. */
const MARKUP = /^<\/?doc\b[^>]*>$/;

/** The files of text at a path, in order; none where it is a file of something else. */
async function filesAt(path: string): Promise<string[]> {
  const about = await stat(path).catch(() => undefined);
  if (about?.isFile()) return TEXT.test(path) ? [path] : [];
  if (!about?.isDirectory()) return [];
  const files = (await readdir(path, { recursive: true, withFileTypes: true })).filter(
    (one) => !one.isDirectory(),
  );
  const found = files.filter(({ name }) => TEXT.test(name));
  // A folder of something else may have a note beside it.
  return 2 * found.length > files.length ? found.map((one) => join(one.parentPath, one.name)).sort() : [];
}

/** Splits that can be scored of files of running text: no tabs, and no numbers of columns; undefined where it is something else. */
export async function splitsOfText(path: string): Promise<string[] | undefined> {
  const [first] = await filesAt(path);
  if (first === undefined) return undefined;
  let [text, lines]: [string, number] = ["", 0];
  try {
    for await (const line of linesOf(first)) {
      text += line.slice(0, LOOKED_INTO);
      if (++lines === LOOKED_AT || text.length > LOOKED_INTO) break;
    }
  } catch {
    return undefined;
  }
  return text.includes("\t") || text === "" ? undefined : ["test", "validation"];
}

/** The lines of a file, plain or gzip, one after another. @throws UsageError for a file that cannot be read, or is no UTF-8 text */
async function* linesOf(path: string): AsyncGenerator<string> {
  const bytes = createReadStream(path);
  const decoder = new StringDecoder("utf8");
  let left = "";
  try {
    for await (const piece of /\.gz$/i.test(path) ? pipeline(bytes, createGunzip(), () => {}) : bytes) {
      left += decoder.write(piece as Buffer);
      const lines = left.split(/\r?\n/);
      left = lines.pop()!;
      yield* lines;
      while (left.length > LONGEST_LINE) {
        const end = left.lastIndexOf(" ", LONGEST_LINE) + 1 || LONGEST_LINE;
        yield left.slice(0, end);
        left = left.slice(end);
      }
    }
  } catch (error) {
    throw new UsageError(`cannot read "${path}": ${(error as Error).message}.`);
  } finally {
    bytes.destroy();
  }
  yield left + decoder.end();
}

/** What stands for bytes that are no UTF-8. */
const DAMAGED = "\ufffd";

/** Between sentences: what ends one, quotes and brackets closed, and what begins the next with a capital or a digit. */
const BETWEEN_SENTENCES = /(?<=[.!?…]["'”’»)\]]*)\s+(?=["'“‘«([¿¡]*[\p{Lu}\p{N}])|(?<=[。！？][”’」』）]*)/u;
/** Words with a point behind them that end no sentence. */
const ABBREVIATION =
  /(?:^|\s)(?:Mr|Mrs|Ms|Dr|St|Prof|Gen|Col|Capt|Rev|Hon|Lt|Sgt|Jr|Sr|No|vs|cf|e\.g|i\.e|\p{Lu})\.$/u;

/** The words of a line, and the places behind the last word of each of its sentences. */
function sentencesOf(line: string): { words: string[]; ends: number[] } {
  const words: string[] = [];
  const ends: number[] = [];
  const parts = line.split(BETWEEN_SENTENCES);
  let begun = "";
  for (const [index, part] of parts.entries()) {
    begun = begun === "" ? part : `${begun} ${part}`;
    if (index < parts.length - 1 && ABBREVIATION.test(begun)) continue;
    words.push(...wordsAlone(begun));
    begun = "";
    if (words.length > (ends.at(-1) ?? 0)) ends.push(words.length);
  }
  return { words, ends };
}

/** A line of a list of analogies, as word2vec's: four words. */
const fourWords = (line: string): string[] | undefined => {
  const words = line.trim().split(/\s+/);
  return words.length === 4 ? words : undefined;
};

/**
 * Reads a list of analogies: four words a line, lines that begin with a colon name the relation of those below.
 * @throws UsageError naming the line that has other than four words
 */
export async function readAnalogies(path: string): Promise<Analogy[]> {
  const found: Analogy[] = [];
  let relation = "all";
  let number = 0;
  for await (const line of linesOf(path)) {
    number++;
    if (line.startsWith(":")) relation = line.slice(1).trim();
    else if (line.trim() !== "") {
      const words = fourWords(line);
      if (!words)
        throw new UsageError(
          `"${path}", line ${number}: there are ${line.trim().split(/\s+/).length} words in place of 4; give an analogy a line, such as "man king woman queen".`,
        );
      found.push({ words: words.map((word) => word.toLowerCase()) as unknown as Analogy["words"], relation });
    }
  }
  if (found.length === 0) throw new UsageError(`"${path}" holds no analogies; give four words a line.`);
  return found;
}

/** Whether a file is a list of analogies: its first line names a relation. */
async function holdsAnalogies(path: string): Promise<boolean> {
  for await (const line of linesOf(path)) return /^: ?\S/.test(line);
  return false;
}

/**
 * Reads running text: a file or a folder of files, a passage a line, in lower case and without punctuation; where its sentences end is kept. One passage in fifty is
 * for scoring and one for validation. A list of analogies in the folder is taken for what it is.
 * @throws UsageError naming what cannot be read
 */
export async function readText(path: string): Promise<Splits<Passage>> {
  const files = await filesAt(path);
  if (files.length === 0)
    throw new UsageError(
      `"${path}" holds no text; give a .txt or .md file, plain or .gz, or a folder of them.`,
    );
  const passages = new Passages();
  const splits: Record<"train" | "validation" | "test", Passage[]> = { train: [], validation: [], test: [] };
  const analogies: Analogy[] = [];
  const notes: string[] = [];
  let [words, damaged, lists] = [0, 0, 0];
  for (const file of files) {
    if (files.length > 1 && (await holdsAnalogies(file))) {
      analogies.push(...(await readAnalogies(file)));
      lists++;
      continue;
    }
    for await (const line of linesOf(file)) {
      if (MARKUP.test(line)) continue;
      if (line.includes(DAMAGED)) damaged++;
      const { words: all, ends } = sentencesOf(line);
      for (let from = 0; from < all.length; from += LONGEST) {
        const part = all.slice(from, from + LONGEST);
        if (part.length < SHORTEST) continue;
        const inner = ends.filter((end) => end > from && end < from + part.length).map((end) => end - from);
        words += part.length;
        const slot = hashString(`passage ${part.join(" ")}`) % HELD_OUT;
        const split = slot === 0 ? "test" : slot === 1 ? "validation" : "train";
        splits[split === "train" || splits[split].length >= MOST_HELD_OUT ? "train" : split].push(
          passages.add(part, inner.length > 0 ? { ends: [...inner, part.length] } : {}),
        );
      }
    }
  }
  const { train, validation, test } = splits;
  // A short text has too few passages for chance to give each split some.
  for (const split of [validation, test])
    if (split.length === 0 && train.length > 2) split.push(train.pop()!);
  if (validation.length === 0)
    throw new UsageError(
      `"${path}" has ${counted(train.length + test.length, "passage", "passages")} of ${counted(words, "word", "words")}, too little to learn from and to validate on; give many lines of text.`,
    );
  if (damaged > 0)
    notes.push(
      `${counted(damaged, "line holds", "lines hold")} bytes that are no UTF-8; save the text as UTF-8 to read what they say.`,
    );
  if (lists > 0)
    notes.push(
      `${counted(analogies.length, "analogy", "analogies")} of ${counted(lists, "list", "lists")} in ${basename(path)} are scored in validation.`,
    );
  return { train, validation, tests: { test }, ...(analogies.length > 0 && { analogies }), notes };
}
