import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { encodeIdx } from "../data/format/idx.js";
import { encodePng } from "../data/format/image.node.js";
import { encodeWav } from "../data/format/wav.js";
import {
  type CaptionedClip,
  type CaptionedImage,
  type DataKind,
  type Dataset,
  type Drive,
  detokenise,
  type Film,
  type LabelledImage,
  type Pair,
  type Passage,
  type Pixels,
  type SentencePair,
  TURN,
  type Utterance,
  type VisualQuestion,
} from "../data/index.js";
import { writeAtomically } from "../train/run-folder.node.js";
import { status } from "./terminal.js";

/** What writes an embedded dataset as files that `--data` reads. */
interface Writer {
  /** What the split that is validated on is called. */
  readonly validation: "val" | "validation";
  write(
    dataset: Dataset,
    // biome-ignore lint/suspicious/noExplicitAny: examples are those of the dataset's kind.
    splits: Readonly<Record<string, readonly any[]>>,
    out: string,
  ): Promise<{
    /** What else is to be told of the files. */
    readonly about?: Readonly<Record<string, string>>;
    /** What `regard train` needs to read them, beside `--data`. */
    readonly options?: string;
  }>;
}

const numbered = (index: number, digits: number): string => String(index + 1).padStart(digits, "0");

/** Calls for each example of each split, and says how far it is. */
async function forEach<Example>(
  splits: Readonly<Record<string, readonly Example[]>>,
  write: (split: string, example: Example, index: number) => Promise<void>,
): Promise<void> {
  for (const [split, examples] of Object.entries(splits))
    for (const [index, example] of examples.entries()) {
      if (index % 100 === 0) status(`${split}: ${index} of ${examples.length}`);
      await write(split, example, index);
    }
}

/** The same, and a list for each split of what was written: `write` says what it is called. */
async function writeListed<Example>(
  out: string,
  splits: Readonly<Record<string, readonly Example[]>>,
  write: (split: string, example: Example, index: number) => Promise<string>,
): Promise<void> {
  const lists = Object.fromEntries(Object.keys(splits).map((split) => [split, [] as string[]]));
  await forEach(splits, async (split, example, index) => {
    lists[split]!.push(await write(split, example, index));
  });
  for (const [split, names] of Object.entries(lists))
    await writeAtomically(join(out, `${split}.txt`), names.map((name) => `${name}\n`).join(""));
}

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/** Parallel files, with word alignments as other tools write them. */
const pairs: Writer = {
  validation: "val",
  async write(dataset, splits: Readonly<Record<string, readonly Pair[]>>, out) {
    const [from, to] = (dataset as Extract<Dataset, { kind: "pairs" }>).codes;
    for (const [split, all] of Object.entries(splits)) {
      const write = (ending: string, line: (pair: Pair) => string) =>
        writeAtomically(join(out, `${split}.${ending}`), all.map((pair) => `${line(pair)}\n`).join(""));
      await write(from, ({ source }) => detokenise(source));
      await write(to, ({ target }) => detokenise(target));
      // source-target, with "?" in place of "-" where a link is only possible.
      await write("align", ({ links = [] }) =>
        links.map(({ source, target, sure }) => `${source}${sure ? "-" : "?"}${target}`).join(" "),
      );
    }
    return { about: { from, to }, options: ` --from ${from} --to ${to}` };
  },
};

/** Images as PNG, their captions as a CSV and their splits as lists. */
const captions: Writer = {
  validation: "val",
  async write(_, splits: Readonly<Record<string, readonly CaptionedImage[]>>, out) {
    await mkdir(join(out, "images"));
    const lines = ["image,caption"];
    await writeListed(out, splits, async (split, image, index) => {
      const name = `${split}-${String(index).padStart(5, "0")}.png`;
      await writeAtomically(join(out, "images", name), await encodePng(await image.pixels()));
      lines.push(...image.captions.map((caption) => `${name},${quoted(caption.join(" "))}`));
      return name;
    });
    await writeAtomically(join(out, "captions.csv"), `${lines.join("\n")}\n`);
    return { options: " --image-size 64" };
  },
};

/** Labelled images as IDX files, packed. */
const labelledImages: Writer = {
  validation: "validation",
  async write(dataset, splits: Readonly<Record<string, readonly LabelledImage[]>>, out) {
    const [height, width] = (dataset as Extract<Dataset, { kind: "labelled images" }>).size ?? [0, 0];
    const size = height * width;
    const images = Object.fromEntries(
      Object.entries(splits).map(([split, { length }]) => [split, new Uint8Array(length * size)]),
    );
    await forEach(splits, async (split, image, index) => {
      images[split]!.set((await image.pixels()).data, index * size);
    });
    for (const [split, examples] of Object.entries(splits)) {
      const write = (what: string, shape: readonly number[], data: Uint8Array) =>
        writeAtomically(join(out, `${split}-${what}-ubyte.gz`), gzipSync(encodeIdx({ shape, data })));
      await write("images-idx3", [examples.length, height, width], images[split]!);
      await write(
        "labels-idx1",
        [examples.length],
        Uint8Array.from(examples, ({ label }) => label!),
      );
    }
    return {};
  },
};

/** A folder for each film of each split: its frames as PNG, and its boxes, a line each. */
const films: Writer = {
  validation: "validation",
  async write(_, splits: Readonly<Record<string, readonly Film[]>>, out) {
    await forEach(splits, async (split, film, index) => {
      const folder = join(out, split, numbered(index, 4));
      await mkdir(folder, { recursive: true });
      for (let frame = 0; frame < film.frames; frame++)
        await writeAtomically(
          join(folder, `${numbered(frame, 4)}.png`),
          await encodePng(await film.frame(frame)),
        );
      const boxes = film.boxes?.() ?? [film.first];
      await writeAtomically(
        join(folder, "boxes.txt"),
        boxes.map(({ x, y, width, height }) => `${x},${y},${width},${height}\n`).join(""),
      );
    });
    return {};
  },
};

/** A folder for each split, with a log of driving and its frames as PNG, one drive after another. */
const drives: Writer = {
  validation: "validation",
  async write(_, splits: Readonly<Record<string, readonly Drive[]>>, out) {
    const logs = Object.fromEntries(Object.keys(splits).map((split) => [split, ["image,steering"]]));
    for (const split of Object.keys(splits)) await mkdir(join(out, split, "images"), { recursive: true });
    await forEach(splits, async (split, drive) => {
      for (let frame = 0; frame < drive.frames; frame++) {
        const image = `images/${numbered(logs[split]!.length - 1, 6)}.png`;
        await writeAtomically(join(out, split, image), await encodePng(await drive.frame(frame)));
        logs[split]!.push(`${image},${drive.steering![frame]}`);
      }
    });
    for (const [split, lines] of Object.entries(logs))
      await writeAtomically(join(out, split, "driving_log.csv"), `${lines.join("\n")}\n`);
    return {};
  },
};

/** A folder of frames as PNG for each clip, the captions as a CSV and the splits as lists. */
const clips: Writer = {
  validation: "val",
  async write(_, splits: Readonly<Record<string, readonly CaptionedClip[]>>, out) {
    const lines = ["video,caption"];
    let side = 0;
    await writeListed(out, splits, async (split, clip, index) => {
      const name = `${split}-${String(index).padStart(5, "0")}`;
      const folder = join(out, "frames", name);
      await mkdir(folder, { recursive: true });
      const data = await clip.frames();
      const [height, width] = clip.frame as readonly [number, number, 3];
      const size = data.length / clip.count;
      side = height;
      for (let frame = 0; frame < clip.count; frame++) {
        const pixels = data.subarray(frame * size, (frame + 1) * size) as Pixels["data"];
        await writeAtomically(
          join(folder, `${numbered(frame, 4)}.png`),
          await encodePng({ width, height, data: pixels }),
        );
      }
      lines.push(...clip.captions.map((caption) => `${name},${quoted(caption.join(" "))}`));
      return name;
    });
    await writeAtomically(join(out, "captions.csv"), `${lines.join("\n")}\n`);
    return { options: ` --frame-size ${side}` };
  },
};

/** Images as PNG, the questions about them as a CSV, with where one must look, and their splits as lists. */
const visualQuestions: Writer = {
  validation: "val",
  async write(dataset, splits: Readonly<Record<string, readonly VisualQuestion[]>>, out) {
    const [side] = (dataset as Extract<Dataset, { kind: "visual questions" }>).size ?? [0];
    await mkdir(join(out, "images"));
    const lines = ["image,question,answer,kind,evidence"];
    await writeListed(out, splits, async (split, one, index) => {
      const name = `${split}-${String(index).padStart(6, "0")}.png`;
      await writeAtomically(join(out, "images", name), await encodePng(await one.pixels()));
      const boxes = (one.evidence ?? []).map(({ x, y, width, height }) => `${x} ${y} ${width} ${height}`);
      const told = [`${one.question.join(" ")}?`, one.answer ?? "", one.kind ?? "", boxes.join("; ")];
      lines.push([name, ...told.map(quoted)].join(","));
      return name;
    });
    await writeAtomically(join(out, "questions.csv"), `${lines.join("\n")}\n`);
    return { options: ` --image-size ${side}` };
  },
};

/** A table of talks for each split, one a line, its turns with tabs between. */
const talks: Writer = {
  validation: "validation",
  async write(_, splits: Readonly<Record<string, readonly Pair[]>>, out) {
    for (const [split, all] of Object.entries(splits)) {
      const lines = all.map(({ source, target }) => {
        const turns: string[][] = [[]];
        for (const word of source)
          if (word === TURN) turns.push([]);
          else turns.at(-1)!.push(word);
        return `${[...turns, target].map((turn) => detokenise(turn)).join("\t")}\n`;
      });
      await writeAtomically(join(out, `${split}.tsv`), lines.join(""));
    }
    return { options: "/train.tsv" };
  },
};

/** A file of text for each split, a passage a line, with the analogies that it makes true. */
const text: Writer = {
  validation: "validation",
  async write(_, splits: Readonly<Record<string, readonly Passage[]>>, out) {
    for (const [split, passages] of Object.entries(splits))
      await writeAtomically(
        join(out, `${split}.txt`),
        passages
          .map(({ ends, sentences, words }) =>
            ends
              ? `${sentences.map((one) => detokenise([...one.words, "."])).join(" ")}\n`
              : `${words.join(" ")}\n`,
          )
          .join(""),
      );
    return { options: "/train.txt" };
  },
};

/** Recordings as WAV files, with what is said in a table. */
const speech: Writer = {
  validation: "validation",
  async write(_, splits: Readonly<Record<string, readonly Utterance[]>>, out) {
    const lines = ["audio,transcript"];
    await writeListed(out, splits, async (split, utterance, index) => {
      const name = `${split}-${numbered(index, 5)}.wav`;
      await writeAtomically(join(out, name), encodeWav(await utterance.sound()));
      lines.push(`${name},${utterance.words.join(" ")}`);
      return name;
    });
    await writeAtomically(join(out, "transcripts.csv"), `${lines.join("\n")}\n`);
    return {};
  },
};

/** A table of sentence pairs for each split, as SICK has them. */
const sentencePairs: Writer = {
  validation: "validation",
  async write(_, splits: Readonly<Record<string, readonly SentencePair[]>>, out) {
    for (const [split, all] of Object.entries(splits)) {
      const lines = all.map(
        ({ first, second, score }) => `${first.join(" ")}\t${second.join(" ")}\t${score}\n`,
      );
      await writeAtomically(
        join(out, `${split}.tsv`),
        `sentence_A\tsentence_B\trelatedness_score\n${lines.join("")}`,
      );
    }
    return {};
  },
};

/** What writes each kind of data; kinds that are drawn whenever they are read have no files. */
export const writers: Partial<Readonly<Record<DataKind, Writer>>> = {
  pairs,
  talks,
  captions,
  "labelled images": labelledImages,
  films,
  drives,
  clips,
  "visual questions": visualQuestions,
  text,
  speech,
  "sentence pairs": sentencePairs,
};
