import { existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { UsageError } from "../../core/index.js";
import type { Box, Pixels, Splits, VisualQuestion } from "../contract.js";
import { ImageCache, requireInside } from "../image.js";
import { wordsAlone } from "../text.js";
import { addTo, splitOfName } from "./captions.js";
import {
  arranged,
  checked,
  IMAGE_FOLDERS,
  listsAmong,
  located,
  placesOf,
  readLists,
  rowsOf,
  testsAmong,
} from "./captions.node.js";
import { augmentImage, imageSize, readImage } from "./image.node.js";
import { BadLines, linesOf, type PairOptions, problemOfText } from "./pairs.js";

export interface QuestionOptions extends Pick<PairOptions, "skipBad" | "maxLength"> {
  /** Height and width in pixels that every image is brought to. */
  readonly size: readonly [height: number, width: number];
  /** Whether every image is read at once, so that none stops what comes later. */
  readonly check?: boolean;
}

/** The table of questions in a folder, and the file of each split's questions in a folder of its own. */
const [TABLE, QUESTIONS] = ["questions.csv", "questions.json"] as const;
const COLUMNS = ["image", "question", "answer"] as const;
/** What an image's file may end in, where a question gives its number alone. */
const ENDING = ".png";

/** A question as a file has it, with where it stands there. */
interface RawQuestion {
  readonly image: string;
  readonly question: string;
  readonly answer: string;
  readonly kind?: string;
  readonly evidence?: string;
  readonly where: string;
}

/** A file of questions, the split it is of where its folder says so, and folders in which images may lie. */
interface Source {
  readonly file: string;
  readonly split?: string;
  readonly images: readonly string[];
}

/** Folders in which the images beside a file may lie. */
function imagesBeside(folder: string): string[] {
  const found = IMAGE_FOLDERS.map((name) => join(folder, name)).filter((place) => existsSync(place));
  return found.length > 0 ? found : [folder];
}

/** Files of questions at a path: a table, or a folder for each split; none where there are no such. */
async function sourcesAt(path: string): Promise<{ sources: Source[]; folder: string }> {
  const about = await stat(path).catch(() => undefined);
  if (!about) return { sources: [], folder: path };
  const folder = about.isDirectory() ? path : dirname(path);
  const table = about.isDirectory() ? join(path, TABLE) : path;
  if (existsSync(table)) return { folder, sources: [{ file: table, images: imagesBeside(folder) }] };
  const inside = (await readdir(folder)).sort();
  return {
    folder,
    sources: inside.flatMap((split) => {
      const file = join(folder, split, QUESTIONS);
      return existsSync(file) ? [{ file, split, images: imagesBeside(join(folder, split)) }] : [];
    }),
  };
}

/** Splits that can be scored of what lies at a path, without reading it; undefined where there are no questions about images. */
export async function splitsOfQuestions(path: string): Promise<string[] | undefined> {
  if (!(await stat(path)).isDirectory()) return undefined;
  const { sources, folder } = await sourcesAt(path);
  if (sources.length === 0) return undefined;
  const split = sources.flatMap((one) => one.split ?? []);
  const listed = Object.keys(listsAmong(folder, await readdir(folder)));
  return testsAmong(split.length > 0 ? split : listed.length > 0 ? listed : ["test"]);
}

/** Questions of a table: columns image, question and answer, and kind and evidence where it has them. @throws UsageError naming the line */
async function questionsOfTable(file: string, bad: BadLines): Promise<RawQuestion[]> {
  const [head, ...rows] = rowsOf(linesOf(await readFile(file), file, bad), file, bad);
  const names = (head?.record ?? []).map((name) => name.trim().toLowerCase());
  const at = (name: string) => names.indexOf(name);
  if (COLUMNS.some((name) => at(name) < 0))
    throw new UsageError(
      `"${file}" has the columns ${names.map((name) => `"${name}"`).join(", ") || "none"}; its first line must name the columns ${COLUMNS.map((name) => `"${name}"`).join(", ")}.`,
    );
  return rows.flatMap(({ record, line }): RawQuestion[] => {
    const where = `${file}, line ${line}`;
    if (record.length !== names.length) {
      bad.found(
        `${where}: there are ${record.length} columns where the first line has ${names.length}; ${record.length > names.length ? "put what has commas in quotes" : "add the rest"}`,
      );
      return [];
    }
    const [image, question, answer] = COLUMNS.map((name) => record[at(name)]!.trim()) as [
      string,
      string,
      string,
    ];
    const [kind, evidence] = ["kind", "evidence"].map((name) => record[at(name)]?.trim() ?? "");
    return [{ image, question, answer, where, ...(kind && { kind }), ...(evidence && { evidence }) }];
  });
}

/** Questions of a list of `[question, answer, image]`. @throws UsageError naming the entry */
async function questionsOfList(file: string, bad: BadLines): Promise<RawQuestion[]> {
  let all: unknown;
  try {
    all = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(await readFile(file)));
  } catch (error) {
    throw new UsageError(
      `"${file}" is no JSON in UTF-8 (${(error as Error).message}); give a list of [question, answer, image].`,
    );
  }
  if (!Array.isArray(all))
    throw new UsageError(`"${file}" holds no list; give a list of [question, answer, image].`);
  return all.flatMap((entry: unknown, index): RawQuestion[] => {
    const where = `${file}, entry ${index + 1}`;
    const [question, answer, image] = Array.isArray(entry) ? entry : [];
    if (
      typeof question !== "string" ||
      typeof answer !== "string" ||
      !(typeof image === "string" || Number.isSafeInteger(image))
    ) {
      bad.found(
        `${where}: ${JSON.stringify(entry).slice(0, 80)} is no [question, answer, image]; give a question, its answer and the name or the number of its image`,
      );
      return [];
    }
    return [{ question, answer, image: typeof image === "string" ? image : `${image}${ENDING}`, where }];
  });
}

/** Boxes written as `x y width height; x y width height`, at the size that images are read at. @throws UsageError for what is none */
async function boxesOf(
  { evidence, where }: RawQuestion,
  image: string,
  [height, width]: QuestionOptions["size"],
): Promise<Box[] | undefined> {
  if (evidence === undefined) return undefined;
  const [high, wide] = await imageSize(image);
  return evidence.split(";").map((text) => {
    const [x, y, w, h] = text.trim().split(/\s+/).map(Number) as [number, number, number, number];
    requireInside({ x, y, width: w, height: h }, [high, wide], `${where}: the evidence`);
    const [across, down] = [width / wide, height / high];
    return { x: x * across, y: y * down, width: w * across, height: h * down };
  });
}

/**
 * Reads questions about images: a table `questions.csv` with columns `image`, `question` and `answer`, and, where it has them, `kind` and
 * `evidence`, the boxes where one must look (x y width height in pixels, parted by semicolons); or a folder for each split with a
 * `questions.json`, a list of [question, answer, image], as easy-VQA has it. Images lie beside the file or in a folder `images`. Of a table
 * lists `train.txt`, `val.txt` and `test.txt` of images say what is trained on, and without them one image in twenty is validated on
 * and one tested on; where no folder is for validation it is one in twenty of the images of training. Images are read when they are
 * needed; what was read last is kept, up to 512 MiB.
 * @throws UsageError naming the file and line, or the image, that cannot be used
 */
export async function readQuestions(path: string, options: QuestionOptions): Promise<Splits<VisualQuestion>> {
  const bad = new BadLines(options);
  const { sources, folder } = await sourcesAt(path);
  if (sources.length === 0)
    throw new UsageError(
      `"${path}" has no ${TABLE}, and no folder of a split with a ${QUESTIONS}; put the questions there, or name their file.`,
    );
  const cache = new ImageCache<Pixels>();
  const splits = new Map<string, VisualQuestion[]>();
  const lists =
    sources[0]!.split === undefined
      ? await readLists(listsAmong(folder, await readdir(folder)), bad)
      : undefined;
  const hasValidation = sources.some(({ split }) => split !== undefined && /^(val|dev)/.test(split));
  let unlisted = 0;
  for (const { file, split, images } of sources) {
    const raw = /\.json$/i.test(file) ? await questionsOfList(file, bad) : await questionsOfTable(file, bad);
    const named = new Map(raw.map(({ image }) => [image, undefined]));
    const places = located(named, await placesOf(images), file, images, bad);
    const usable =
      options.check !== false || options.skipBad
        ? await checked(places, cache, options.size, bad)
        : new Map([...places.keys()].map((name) => [name, undefined]));
    for (const one of raw) {
      const { image, where } = one;
      if (!usable.has(image)) continue;
      const problem =
        problemOfText(one.question) ??
        (one.answer.trim() === "" ? `the answer to "${one.question}" is empty; fill it in` : undefined);
      if (problem !== undefined) {
        bad.found(`${where}: ${problem}`);
        continue;
      }
      const [question] = bad.words([one.question], where, wordsAlone) ?? [];
      if (question?.length === 0) bad.found(`${where}: the question has no words; fill it in`);
      if (!question || question.length === 0) continue;
      const place = places.get(image)!;
      const evidence = await boxesOf(one, place, options.size).catch((error: unknown) => {
        if (!(error instanceof UsageError)) throw error;
        bad.found(error.message.replace(/\.$/, ""));
        return null;
      });
      if (evidence === null) continue;
      const pixels = () => cache.get(place, () => readImage(place, options.size));
      const found: VisualQuestion = {
        name: split === undefined ? image : `${split}/${basename(image)}`,
        question,
        answer: one.answer.trim().toLowerCase().replace(/\s+/g, " "),
        ...(one.kind !== undefined && { kind: one.kind }),
        ...(evidence && { evidence }),
        pixels,
        augmented: async (changes, random) => augmentImage(await pixels(), changes, random),
      };
      const byName = splitOfName(image);
      const to = lists
        ? lists.splitOf(image)
        : split === undefined
          ? byName
          : split === "train" && !hasValidation && byName === "validation"
            ? "validation"
            : split;
      if (to === undefined) unlisted++;
      else addTo(splits, to, found);
    }
  }
  if (unlisted > 0) bad.say(`${unlisted} questions are about images of no list and are left out.`);
  sayUnknown(splits, bad);
  return { ...arranged(splits, path, bad, "questions"), size: options.size };
}

/** Says how many questions that are scored have answers that training has none of. */
function sayUnknown(splits: ReadonlyMap<string, readonly VisualQuestion[]>, bad: BadLines): void {
  const known = new Set(splits.get("train")?.map(({ answer }) => answer));
  for (const [split, questions] of splits) {
    const unknown = questions.filter(({ answer }) => !known.has(answer));
    if (split !== "train" && unknown.length > 0)
      bad.say(
        `${unknown.length} of the ${questions.length} questions of ${split} have an answer that none of train has, such as "${unknown[0]!.answer}", so they count as errors.`,
      );
  }
}
