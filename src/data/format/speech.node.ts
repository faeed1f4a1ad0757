import { readdir, readFile, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { parse } from "csv-parse/sync";
import { Random, UsageError } from "../../core/index.js";
import type { Interval, Splits, Utterance } from "../contract.js";
import type { Sound } from "../sound.js";
import { wordsAlone } from "../text.js";
import { splitOfName } from "./captions.js";
import { listsAmong, readLists, testsAmong } from "./captions.node.js";
import { BadLines, counted, type PairOptions } from "./pairs.js";
import { VALIDATION } from "./pairs.node.js";
import { readWav } from "./wav.js";

/** Tables of what is said, and their columns. */
const TABLES = ["transcripts.csv", "transcripts.tsv", "metadata.csv"] as const;
const COLUMNS = {
  audio: ["audio", "file_name", "file", "path"],
  text: ["transcript", "transcription", "text", "sentence"],
} as const;
/** A recording of a single word, as the Free Spoken Digit Dataset names them: WORD_SPEAKER_NUMBER.wav. */
const SINGLE = /^([^_]+)_([^_]+)_(\d+)\.wav$/i;
/** Numbers below these are for scoring, and for validation. */
const [TEST_BELOW, VALIDATION_BELOW] = [5, 7] as const;
/** Utterances that are joined of single words, by split, and how many words they have. */
const JOINED = { train: 12_000, validation: 200, test: 500, "test-long": 40 } as const;
type JoinedSplit = keyof typeof JOINED;
const LENGTHS: Readonly<Record<JoinedSplit, readonly [number, number]>> = {
  train: [3, 7],
  validation: [3, 7],
  test: [3, 7],
  "test-long": [30, 70],
};
/** Seconds between joined words, at least and at most. */
const PAUSE = [0.05, 0.2] as const;
const DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"] as const;

export interface SpeechOptions extends Pick<PairOptions, "skipBad"> {
  readonly seed: number;
  /** A speaker whose recordings are only for scoring. */
  readonly holdOut?: string | undefined;
}

/** Reads a sound. @throws UsageError naming the file that cannot be used */
export async function readSound(path: string): Promise<Sound> {
  const bytes = await readFile(path).catch((error: Error) => {
    throw new UsageError(`cannot read "${path}": ${error.message}.`);
  });
  return readWav(bytes, path);
}

/** The table of a folder, or none. */
async function tableIn(path: string): Promise<string | undefined> {
  const names = (await readdir(path).catch(() => [])) as string[];
  const found = TABLES.find((name) => names.includes(name));
  if (!found) return undefined;
  const [header = ""] = (await readFile(join(path, found), "utf8").catch(() => "")).split(/\r?\n/);
  const columns = header
    .toLowerCase()
    .split(/[,\t]/)
    .map((name) => name.trim().replaceAll('"', ""));
  const has = (names: readonly string[]) => columns.some((column) => names.includes(column));
  return has(COLUMNS.audio) && has(COLUMNS.text) ? join(path, found) : undefined;
}

/** Recordings of single words in a folder, by name; none where there are other files of sound. */
async function singlesIn(path: string): Promise<string[]> {
  const names = ((await readdir(path).catch(() => [])) as string[]).filter(
    (name) => extname(name).toLowerCase() === ".wav",
  );
  return names.length > 0 && names.every((name) => SINGLE.test(name)) ? names.sort() : [];
}

/** Splits that can be scored of a folder of recordings; undefined where it is none. */
export async function splitsOfSpeech(path: string): Promise<string[] | undefined> {
  if (!(await stat(path).catch(() => undefined))?.isDirectory()) return undefined;
  if (await tableIn(path)) {
    const listed = Object.keys(listsAmong(path, await readdir(path)));
    return testsAmong(listed.length > 0 ? listed : ["test"]);
  }
  return (await singlesIn(path)).length > 0 ? ["test", "test-long", "validation"] : undefined;
}

/**
 * Reads recordings with what is said in them: WAV files and a table of transcripts (columns audio, transcript), or recordings of single words,
 * which are joined to strings.
 * @throws UsageError naming the file that cannot be used, one without a transcript, or a transcript without a file
 */
export async function readSpeech(path: string, options: SpeechOptions): Promise<Splits<Utterance>> {
  const table = await tableIn(path);
  if (table) return readTranscripts(path, table, options);
  const names = await singlesIn(path);
  if (names.length === 0)
    throw new UsageError(
      `"${path}" has no recordings with transcripts; give WAV files and a transcripts.csv with the columns audio and transcript.`,
    );
  return joinedWords(path, names, options);
}

async function readTranscripts(
  path: string,
  table: string,
  options: SpeechOptions,
): Promise<Splits<Utterance>> {
  const bad = new BadLines(options);
  const separator = table.endsWith(".tsv") ? "\t" : ",";
  let rows: Record<string, string>[];
  try {
    rows = parse(await readFile(table, "utf8"), {
      bom: true,
      delimiter: separator,
      columns: (names: string[]) => names.map((name) => name.trim().toLowerCase()),
      skip_empty_lines: true,
      ...(separator === "\t" && { quote: null }),
    });
  } catch (error) {
    throw new UsageError(`"${table}" cannot be read: ${(error as Error).message}.`);
  }
  const [audio, text] = [COLUMNS.audio, COLUMNS.text].map((names) =>
    names.find((name) => name in (rows[0] ?? {})),
  );
  const files = new Set(
    (await readdir(path, { recursive: true })).filter((name) => extname(name).toLowerCase() === ".wav"),
  );
  const lists = await readLists(listsAmong(path, await readdir(path)), bad);
  const splits: Record<string, Utterance[]> & Record<"train" | "validation", Utterance[]> = {
    train: [],
    validation: [],
  };
  const named = new Set<string>();
  for (const [index, row] of rows.entries()) {
    const where = `${table}, line ${index + 2}`;
    const [name, said] = [row[audio!]?.trim() ?? "", wordsAlone(row[text!] ?? "")];
    named.add(name);
    if (!files.has(name))
      bad.found(`${where}: there is no file "${name}" for the transcript "${said.join(" ")}"`);
    else if (said.length === 0) bad.found(`${where}: the recording "${name}" has no transcript`);
    else {
      const utterance: Utterance = { name, words: said, sound: () => readSound(join(path, name)) };
      try {
        await utterance.sound();
      } catch (error) {
        bad.found((error as Error).message.replace(/\.$/, ""));
        continue;
      }
      const split = lists ? lists.splitOf(name) : splitOfName(name);
      if (split === undefined) continue;
      const kept = VALIDATION.test(split) ? "validation" : split;
      splits[kept] = [...(splits[kept] ?? []), utterance];
    }
  }
  const without = [...files].filter((name) => !named.has(name));
  if (without.length > 0)
    bad.say(
      `${counted(without.length, "recording has", "recordings have")} no transcript and ${without.length === 1 ? "is" : "are"} left out, such as "${without[0]}".`,
    );
  const { train, validation, ...tests } = splits;
  if (!lists) {
    // Few recordings may leave a split without any.
    tests.test ??= [];
    for (const split of [validation, tests.test])
      if (split.length === 0 && train.length > 2) split.push(train.pop()!);
  }
  if (validation.length === 0)
    throw new UsageError(
      `"${path}" has ${counted(train.length, "recording", "recordings")} with a transcript${bad.because}, too few to train and validate on; give more.`,
    );
  return { train, validation, tests, notes: bad.notes };
}

interface Single {
  readonly word: string;
  readonly speaker: string;
  readonly number: number;
  readonly sound: Sound;
}

/** Strings of words that are recorded one by one, each string of one speaker. */
async function joinedWords(
  path: string,
  names: readonly string[],
  { seed, holdOut }: SpeechOptions,
): Promise<Splits<Utterance>> {
  const singles: Single[] = [];
  for (const name of names) {
    const [, word, speaker, number] = SINGLE.exec(basename(name))!;
    const spelt = DIGITS[Number(word)] ?? word!.toLowerCase();
    singles.push({
      word: spelt,
      speaker: speaker!,
      number: Number(number),
      sound: await readSound(join(path, name)),
    });
  }
  const [{ sound: first }] = singles as [Single];
  const odd = singles.find(({ sound }) => sound.rate !== first.rate);
  if (odd)
    throw new UsageError(
      `"${path}" has recordings of ${first.rate} and of ${odd.sound.rate} samples a second, which cannot be joined; bring them to one rate.`,
    );
  const speakers = [...new Set(singles.map(({ speaker }) => speaker))].sort();
  if (holdOut !== undefined && !speakers.includes(holdOut))
    throw new UsageError(`there is no speaker "${holdOut}" in "${path}"; there are ${speakers.join(", ")}.`);
  const spoken = (split: JoinedSplit | "test-speaker", { speaker, number }: Single): boolean => {
    if (split === "test-speaker") return speaker === holdOut;
    if (speaker === holdOut) return false;
    if (split.startsWith("test")) return number < TEST_BELOW;
    return split === "validation"
      ? number >= TEST_BELOW && number < VALIDATION_BELOW
      : number >= VALIDATION_BELOW;
  };
  const utterances = (split: JoinedSplit | "test-speaker", as: JoinedSplit): Utterance[] => {
    const groups = speakers
      .map((speaker) => singles.filter((single) => single.speaker === speaker && spoken(split, single)))
      .filter(({ length }) => length > 0);
    if (groups.length === 0)
      throw new UsageError(
        `"${path}" has no recordings for ${split}: those numbered below ${TEST_BELOW} are for scoring, below ${VALIDATION_BELOW} for validation, and the others for training; number more of each word.`,
      );
    return Array.from({ length: JOINED[as] }, (_, index) => {
      const random = new Random(seed, `joined ${split}`, index);
      const own = groups[random.integer(groups.length)]!;
      const [least, most] = LENGTHS[as];
      const chosen = Array.from(
        { length: least + random.integer(most - least + 1) },
        () => own[random.integer(own.length)]!,
      );
      const pauses = Array.from(
        { length: chosen.length + 1 },
        () => PAUSE[0] + random.uniform() * (PAUSE[1] - PAUSE[0]),
      );
      return {
        name: `${split} ${index}`,
        words: chosen.map(({ word }) => word),
        sound: async () => joined(chosen, pauses).sound,
        intervals: () => joined(chosen, pauses).intervals,
      };
    });
  };
  return {
    train: utterances("train", "train"),
    validation: utterances("validation", "validation"),
    tests: {
      test: utterances("test", "test"),
      "test-long": utterances("test-long", "test-long"),
      ...(holdOut !== undefined && { "test-speaker": utterances("test-speaker", "test") }),
    },
    notes: [
      `${singles.length} recordings of single words by ${counted(speakers.length, "speaker", "speakers")} are joined to strings of ${LENGTHS.train.join(" to ")} words${holdOut === undefined ? "" : `; those of ${holdOut} are only for scoring`}.`,
    ],
  };
}

/** Words one after another with pauses before, between and after. */
function joined(
  singles: readonly Single[],
  pauses: readonly number[],
): { sound: Sound; intervals: Interval[] } {
  const { rate } = singles[0]!.sound;
  const gaps = pauses.map((seconds) => Math.round(seconds * rate));
  const total = singles.reduce(
    (sum, { sound }) => sum + sound.samples.length,
    gaps.reduce((a, b) => a + b, 0),
  );
  const samples = new Float32Array(total);
  const intervals: Interval[] = [];
  let at = gaps[0]!;
  singles.forEach(({ sound }, index) => {
    samples.set(sound.samples, at);
    const end = at + sound.samples.length;
    intervals.push({ from: at / rate, to: end / rate });
    at = end + gaps[index + 1]!;
  });
  return { sound: { rate, samples }, intervals };
}
