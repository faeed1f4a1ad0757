import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { hashString, UsageError } from "../../core/index.js";
import type { Pair, ParallelData } from "../contract.js";
import { readingOf } from "../text.js";
import { TURN } from "../turns.js";
import { BadLines, type PairOptions, pairOf, usable } from "./pairs.js";
import { readLines } from "./pairs.node.js";

/** Turns before an answer that a model reads. */
const CONTEXT = 3;
/** Texts that the first column may have for it to be what a talk is about: fewer than one line in so many has one of its own. */
const LINES_OF_TOPIC = 20;
/** One talk in so many is for scoring, and one for validation. */
const HELD_OUT = 20;
/** Columns that tell a table of talks from one of pairs, and lines that are looked at. */
const [COLUMNS, LOOKED_AT] = [4, 50] as const;
/** Bytes that they are looked for in. */
const LOOKED_INTO = 1 << 16;

/** Splits that can be scored of a table of talks: lines of many turns, not as many in each; undefined where it is no such thing. */
export async function splitsOfTalks(path: string): Promise<string[] | undefined> {
  const about = await stat(path).catch(() => undefined);
  if (!about?.isFile() || !/\.(tsv|txt)(\.gz)?$/i.test(path)) return undefined;
  const lines = await firstLines(path);
  const columns = lines.slice(0, LOOKED_AT).map((line) => line.split("\t").length);
  return columns.length > 1 && Math.min(...columns) >= COLUMNS && new Set(columns).size > 1
    ? ["test", "validation"]
    : undefined;
}

/** The first whole lines of a text file, plain or gzip. */
async function firstLines(path: string): Promise<string[]> {
  const bytes = createReadStream(path);
  let text = "";
  try {
    for await (const piece of /\.gz$/i.test(path) ? pipeline(bytes, createGunzip(), () => {}) : bytes) {
      text += (piece as Buffer).toString("latin1");
      if (text.length >= LOOKED_INTO) break;
    }
  } catch {
    return [];
  } finally {
    bytes.destroy();
  }
  return text.split("\n").slice(0, -1);
}

/**
 * Reads a table of talks: one a line, its turns with tabs between. Where the first column has few different texts, it says what talks
 * are about and is no turn. Each turn but the first is an answer to the three before it. One talk in twenty is for scoring and one for
 * validation, all of its turns together.
 * @throws UsageError naming the line that cannot be used
 */
export async function readTalks(path: string, options: PairOptions): Promise<ParallelData> {
  const bad = new BadLines(options);
  const lines = await readLines(path, bad);
  const whole = lines.flatMap((line, index) =>
    line === undefined ? [] : [{ turns: line.split("\t"), where: `${path}, line ${index + 1}` }],
  );
  const topics = new Set(whole.map(({ turns }) => turns[0]));
  const hasTopic = whole.length >= LINES_OF_TOPIC && topics.size * LINES_OF_TOPIC <= whole.length;
  if (hasTopic)
    bad.say(
      `the first column has ${topics.size} different texts in ${whole.length} talks, so it is taken for what they are about.`,
    );
  const splits: Record<"train" | "validation" | "test", Pair[]> = { train: [], validation: [], test: [] };
  const seen = new Map<string, keyof typeof splits>();
  for (const { turns: columns, where } of whole) {
    const turns = (hasTopic ? columns.slice(1) : columns).filter((turn) => turn.trim() !== "");
    if (turns.length < 2) {
      bad.found(
        `${where}: the talk has ${turns.length === 1 ? "one turn" : "no turns"}, but nobody answers; give two or more`,
      );
      continue;
    }
    // Talks that are read alike stay together.
    const reading = readingOf(turns.flatMap((turn) => [turn, TURN]));
    const slot = hashString(`talk ${reading}`) % HELD_OUT;
    const split = seen.get(reading) ?? (slot === 0 ? "test" : slot === 1 ? "validation" : "train");
    seen.set(reading, split);
    for (let index = 1; index < turns.length; index++) {
      const before = turns.slice(Math.max(0, index - CONTEXT), index).join(` ${TURN} `);
      splits[split].push(...pairOf([before, turns[index]!], [where, where], bad));
    }
  }
  if (seen.size === 0)
    throw new UsageError(`"${path}" holds no talks${bad.because}; give one a line, turns with tabs between.`);
  const { train, validation, test } = splits;
  return usable({ train, validation, tests: { test } }, path, bad);
}
