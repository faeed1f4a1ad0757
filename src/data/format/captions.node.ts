import { existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CsvError, parse } from "csv-parse/sync";
import { UsageError } from "../../core/index.js";
import type { CaptionData, CaptionedImage } from "../contract.js";
import { ImageCache } from "../image.js";
import {
  type CaptionsByName,
  captionsByName,
  captionsOfCoco,
  type RawCaption,
  splitOfName,
} from "./captions.js";
import { assertImage, augmentImage, readImage } from "./image.node.js";
import { BadLines, linesOf, type PairOptions } from "./pairs.js";
import { VALIDATION } from "./pairs.node.js";

export interface CaptionOptions extends Pick<PairOptions, "skipBad" | "warn"> {
  /** Height and width in pixels that every image is brought to. */
  readonly size: readonly [height: number, width: number];
}

/** Where captions and images lie. */
interface Layout {
  /** The files of captions, with the split each is of where its name says so. */
  readonly captions: readonly { readonly file: string; readonly split?: string }[];
  /** Folders in which an image may lie. */
  readonly images: readonly string[];
  /** Lists of the images of each split, one name a line. */
  readonly lists: Readonly<Record<string, string>>;
}

const IMAGE_FOLDERS = [
  "images",
  "Images",
  "Flicker8k_Dataset",
  "train2017",
  "val2017",
  "train2014",
  "val2014",
];
/** Lists of the images of a split: `train.txt`, `val.txt`, `test.txt`, `test-more.txt`. */
const LIST = /^((?:train|val|valid|validation|dev|test)(?:-[\w-]+)?)\.txt$/;

/**
 * Reads captioned images: a CSV of `image,caption`, a COCO captions JSON, or a folder that holds either. Images lie beside
 * the captions or in a folder `images`; lists `train.txt`, `val.txt` and `test.txt`, one name a line, say what is trained on,
 * and without them one image in twenty is validated on and one tested on. Images are read when they are needed; what was
 * read last is kept, up to 512 MiB.
 * @throws UsageError naming the file and line, or the image, that cannot be used
 */
export async function readCaptions(path: string, options: CaptionOptions): Promise<CaptionData> {
  const bad = new BadLines(options);
  const layout = await layoutOf(path);
  const cache = new ImageCache<{ width: number; height: number; data: Uint8Array }>();
  const splits = new Map<string, CaptionedImage[]>();
  const lists = await readLists(layout, bad);
  let uncaptioned = 0;
  for (const { file, split } of layout.captions) {
    const captions = captionsByName(await readRaw(file, bad), bad);
    const places = await placesOf(layout.images);
    for (const name of captions.keys())
      if (!places.has(basename(name)))
        bad.found(`${file}: there is no image "${name}" in ${layout.images.join(" or ")}; put it there`);
    uncaptioned += [...places.keys()].filter((name) => !captions.has(name)).length;
    const usable = await checked(captions, places, bad);
    for (const name of usable) {
      const pixels = () => cache.get(name, () => readImage(places.get(basename(name))!, options.size));
      const image: CaptionedImage = {
        name,
        captions: captions.get(name)!,
        pixels,
        augmented: async (changes, random) => augmentImage(await pixels(), changes, random),
      };
      const where = lists ? lists.get(name) : (split ?? splitOfName(name));
      if (where) splits.set(where, [...(splits.get(where) ?? []), image]);
    }
  }
  bad.report();
  if (uncaptioned > 0 && layout.captions.length === 1)
    options.warn?.(
      `${uncaptioned} ${uncaptioned === 1 ? "image has" : "images have"} no caption and ${uncaptioned === 1 ? "is" : "are"} left out.`,
    );
  return arranged(splits, path, options.size);
}

/** Splits by name as data. @throws UsageError where there is nothing to train or to validate on */
function arranged(
  splits: ReadonlyMap<string, CaptionedImage[]>,
  path: string,
  size: CaptionOptions["size"],
): CaptionData {
  const validation = [...splits.keys()].find((name) => VALIDATION.test(name));
  for (const [role, images] of [
    ["training", splits.get("train")],
    ["validation", validation && splits.get(validation)],
  ] as const)
    if (!images || images.length === 0)
      throw new UsageError(`"${path}" leaves no images for ${role}; give more, at least a few dozen.`);
  return {
    train: splits.get("train")!,
    validation: splits.get(validation!)!,
    tests: Object.fromEntries([...splits].filter(([name]) => name !== "train" && name !== validation)),
    size,
  };
}

/** Splits that can be scored of what lies at a path, without reading it; undefined where that is not captioned images. */
export async function splitsOfCaptions(path: string): Promise<string[] | undefined> {
  const layout = await layoutOf(path).catch(() => undefined);
  if (!layout || !(await stat(path)).isDirectory()) return undefined;
  const names = Object.keys(layout.lists).filter((name) => name !== "train" && !VALIDATION.test(name));
  return [...(Object.keys(layout.lists).length > 0 ? names : ["test"]), "validation"];
}

async function layoutOf(path: string): Promise<Layout> {
  const about = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      error.code === "ENOENT"
        ? `there is no file or folder "${path}"; check the path.`
        : `cannot read "${path}": ${error.message}.`,
    );
  });
  const folder = about.isDirectory() ? path : dirname(path);
  const names = await readdir(folder);
  const inside = await readdir(join(folder, "annotations")).catch(() => []);
  const coco = [
    ...names.map((name) => join(folder, name)),
    ...inside.map((name) => join(folder, "annotations", name)),
  ].filter((file) => /^captions_.*\.json$/.test(basename(file)));
  const tables = ["captions.txt", "captions.csv"].filter((name) => names.includes(name));
  const captions = !about.isDirectory()
    ? [{ file: path }]
    : tables.length > 0
      ? [{ file: join(folder, tables[0]!) }]
      : coco.map((file) => ({ file, split: /val/.test(basename(file)) ? "validation" : "train" }));
  if (captions.length === 0)
    throw new UsageError(
      `"${path}" has no captions.txt, captions.csv or captions_….json; put the captions there, or name their file.`,
    );
  const roots = [folder, dirname(folder)].filter(
    (root) => root === folder || basename(folder) === "annotations",
  );
  const images = roots.flatMap((root) =>
    IMAGE_FOLDERS.map((name) => join(root, name)).filter((place) => existsSync(place)),
  );
  const lists = Object.fromEntries(
    names.flatMap((name) => {
      const split = LIST.exec(name)?.[1];
      return split === undefined ? [] : [[split, join(folder, name)]];
    }),
  );
  return { captions, images: images.length > 0 ? images : [folder], lists };
}

/** The split of each image that a list names; undefined where there are no lists. */
async function readLists({ lists }: Layout, bad: BadLines): Promise<Map<string, string> | undefined> {
  if (Object.keys(lists).length === 0) return undefined;
  const found = new Map<string, string>();
  for (const [split, file] of Object.entries(lists))
    for (const line of linesOf(await readFile(file), file, bad))
      if (line !== undefined && line.trim() !== "") found.set(line.trim(), split);
  return found;
}

/** Where each image lies, by its name. */
async function placesOf(folders: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const folder of folders)
    for (const name of await readdir(folder))
      if (/\.(jpe?g|png|webp|gif|tiff?|avif|bmp)$/i.test(name)) found.set(name, join(folder, name));
  return found;
}

/** Images whose beginnings are read at once. */
const AT_ONCE = 32;

/** The names of the images that can be read, by their beginnings. */
async function checked(
  captions: CaptionsByName,
  places: ReadonlyMap<string, string>,
  bad: BadLines,
): Promise<string[]> {
  const names = [...captions.keys()].filter((name) => places.has(basename(name)));
  const usable: string[] = [];
  for (let start = 0; start < names.length; start += AT_ONCE) {
    const part = names.slice(start, start + AT_ONCE);
    const problems = await Promise.all(
      part.map((name) => assertImage(places.get(basename(name))!).catch((error) => error)),
    );
    part.forEach((name, index) => {
      const problem: unknown = problems[index];
      if (problem instanceof UsageError) bad.found(problem.message.replace(/\.$/, ""));
      else usable.push(name);
    });
  }
  return usable;
}

async function readRaw(file: string, bad: BadLines): Promise<RawCaption[]> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`cannot read "${file}": ${error.message}.`);
  });
  if (/\.json$/i.test(file)) return captionsOfCoco(bytes.toString("utf8"), file, bad);
  const text = linesOf(bytes, file, bad)
    .map((line) => line ?? "")
    .join("\n");
  let rows: { record: string[]; info: { lines: number } }[];
  try {
    rows = parse(text, {
      bom: true,
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      delimiter: [",", "\t"],
      info: true,
    }) as unknown as typeof rows;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new UsageError(`"${file}" cannot be read as CSV (${error.message}).`);
  }
  const header = rows[0]?.record.map((name) => name.trim().toLowerCase()) ?? [];
  const column = (names: readonly string[]) => header.findIndex((name) => names.includes(name));
  const [image, caption] = [
    column(["image", "image_name", "file_name", "filename", "file"]),
    column(["caption", "caption_text", "comment", "text"]),
  ];
  if (image < 0 || caption < 0)
    throw new UsageError(
      `"${file}" has the columns ${header.length > 0 ? header.map((name) => `"${name}"`).join(", ") : "none"}; its first line must name the columns "image" and "caption".`,
    );
  return rows.slice(1).flatMap(({ record, info }): RawCaption[] => {
    const where = `${file}, line ${info.lines}`;
    if (record.length <= Math.max(image, caption)) {
      bad.found(
        `${where}: there are ${record.length} columns where the first line has ${header.length}; add the rest`,
      );
      return [];
    }
    // A caption that holds commas and is not quoted goes on to the end of its line.
    const last = caption === header.length - 1 ? record.slice(caption).join(",") : record[caption]!;
    return [{ name: record[image]!.trim(), caption: last, where }];
  });
}
