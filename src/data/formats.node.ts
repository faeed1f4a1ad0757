import { clipOptions } from "./clips.js";
import type { DataKind, ExampleOf, Splits } from "./contract.js";
import { readCaptions, splitsOfCaptions } from "./format/captions.node.js";
import { readClips, splitsOfClips } from "./format/clips.node.js";
import { readDrives, splitsOfDrives } from "./format/drives.node.js";
import { readFilms, splitsOfFilms } from "./format/films.node.js";
import { idxOptions } from "./format/idx.js";
import { readIdx, splitsOfIdx } from "./format/idx.node.js";
import type { PairOptions } from "./format/pairs.js";
import { readPairs, splitsOfFolder, VALIDATION } from "./format/pairs.node.js";
import { readQuestions, splitsOfQuestions } from "./format/questions.node.js";
import { readSentencePairs, splitsOfSentencePairs } from "./format/sentence-pairs.node.js";
import { readSpeech, splitsOfSpeech } from "./format/speech.node.js";
import { readTalks, splitsOfTalks } from "./format/talks.node.js";
import { readText, splitsOfText } from "./format/text.node.js";
import type { Reading, ReadingOption } from "./reading.js";
import { speechOptions } from "./speech.js";

/** How files are read. */
export interface ReadOptions extends Pick<PairOptions, "skipBad" | "maxLength">, Reading {
  readonly seed: number;
  /** Endings of parallel files. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** Height and width that images are brought to. */
  readonly size?: readonly [height: number, width: number] | undefined;
  /** Whether images are all read at once, as before training. */
  readonly check?: boolean;
}

/** A way in which data lies in files. */
export interface Format<Kind extends DataKind = DataKind> {
  readonly kind: Kind;
  /** What there is to read, in words, as people name it. */
  readonly title: string;
  /** What it takes of `readingOptions`. */
  readonly options?: readonly ReadingOption[];
  /** Names of the splits that can be scored, where a path has this format; undefined elsewhere. */
  splits(path: string, options: Pick<ReadOptions, "from" | "to">): Promise<string[] | undefined>;
  /** @throws UsageError naming file and line of what cannot be used */
  read(path: string, options: ReadOptions): Promise<Splits<ExampleOf[Kind]>>;
}

const captions: Format<"captions"> = {
  kind: "captions",
  title: "captioned images",
  splits: splitsOfCaptions,
  read: (path, options) => readCaptions(path, { ...options, size: options.size ?? IMAGE_SIZE }),
};

const clips: Format<"clips"> = {
  kind: "clips",
  title: "captioned clips",
  options: Object.keys(clipOptions) as (keyof typeof clipOptions)[],
  splits: splitsOfClips,
  read: readClips,
};

const idx: Format<"labelled images"> = {
  kind: "labelled images",
  title: "IDX files, as MNIST has them",
  options: Object.keys(idxOptions) as (keyof typeof idxOptions)[],
  splits: splitsOfIdx,
  read: readIdx,
};

const films: Format<"films"> = {
  kind: "films",
  title: "folders of frames with a first box",
  splits: splitsOfFilms,
  read: readFilms,
};

const drives: Format<"drives"> = {
  kind: "drives",
  title: "driving logs",
  splits: splitsOfDrives,
  read: readDrives,
};

const questions: Format<"visual questions"> = {
  kind: "visual questions",
  title: "questions about images",
  splits: splitsOfQuestions,
  read: (path, options) => readQuestions(path, { ...options, size: options.size ?? IMAGE_SIZE }),
};

const talks: Format<"talks"> = {
  kind: "talks",
  title: "tables of talks",
  splits: splitsOfTalks,
  read: readTalks,
};

const sentencePairs: Format<"sentence pairs"> = {
  kind: "sentence pairs",
  title: "tables of sentence pairs with a score",
  splits: splitsOfSentencePairs,
  read: readSentencePairs,
};

const speech: Format<"speech"> = {
  kind: "speech",
  title: "recordings of speech",
  options: Object.keys(speechOptions) as (keyof typeof speechOptions)[],
  splits: splitsOfSpeech,
  read: readSpeech,
};

const text: Format<"text"> = {
  kind: "text",
  title: "running text",
  splits: splitsOfText,
  read: readText,
};

const pairs: Format<"pairs"> = {
  kind: "pairs",
  title: "parallel files",
  async splits(path, { from, to }) {
    if (!from || !to) return ["test", "validation"];
    const { splits } = await splitsOfFolder(path, from, to);
    return [...splits.filter((split) => split !== "train" && !VALIDATION.test(split)), "validation"];
  },
  read: readPairs,
};

/** Every format, in the order in which they are tried: what has none of the others is taken for pairs. */
export const formats: readonly Format[] = [
  speech,
  questions,
  clips,
  captions,
  idx,
  films,
  drives,
  sentencePairs,
  talks,
  text,
  pairs,
];

/** Height and width that images of files are brought to where nothing else is asked for. */
export const IMAGE_SIZE = [128, 128] as const;

/** The format of what lies at a path, and the splits it has. */
export async function formatOf(
  path: string,
  options: Pick<ReadOptions, "from" | "to"> = {},
): Promise<{ format: Format; splits: string[] }> {
  for (const format of formats) {
    const splits = await format.splits(path, options);
    if (splits) return { format, splits };
  }
  throw new Error("the last format takes everything");
}
