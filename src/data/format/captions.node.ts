import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CsvError, parse } from "csv-parse/sync";
import { RegardError, UsageError } from "../../core/index.js";
import type { CaptionData, CaptionedImage, Pixels, Splits } from "../contract.js";
import { ImageCache } from "../image.js";
import { addTo, captionsByName, captionsOfCoco, type RawCaption, splitOfName } from "./captions.js";
import { assertImage, augmentImage, readImage } from "./image.node.js";
import { BadLines, counted, linesOf, type PairOptions } from "./pairs.js";
import { VALIDATION } from "./pairs.node.js";

export interface CaptionOptions extends Pick<PairOptions, "skipBad" | "maxLength"> {
  /** Height and width in pixels that every image is brought to. */
  readonly size: readonly [height: number, width: number];
  /**
   * Whether every image is read at once, so that none stops what comes later; otherwise they are listed, and read when they are
   * needed. Bad ones can only be left out where all are read.
   */
  readonly check?: boolean;
}

/** Where captions and images lie. */
interface Layout {
  /** The files of captions, with the split each is of where its name says so. */
  readonly captions: readonly { readonly file: string; readonly split?: string }[];
  /** Folders in which an image may lie. */
  readonly images: readonly string[];
  /** Lists of the images of each split, one name a line. */
  readonly lists: Readonly<Record<string, string>>;
  /** Files of captions that are not read, since others are. */
  readonly passedOver: readonly string[];
}

export const IMAGE_FOLDERS = [
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
/** Captions of COCO, with the split they are of: `captions_train2017.json`. */
const COCO = /^captions_(?:(?<train>train)|(?<validation>val|dev)|(?<test>test))?.*\.json$/;

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
  const cache = new ImageCache<Pixels>();
  const splits = new Map<string, CaptionedImage[]>();
  const lists = await readLists(layout.lists, bad);
  const places = await placesOf(layout.images);
  const used = new Map<string, string>();
  const looks = new Map<CaptionedImage, string>();
  let unlisted = 0;
  for (const { file, split } of layout.captions) {
    const captions = captionsByName(await readRaw(file, bad), bad);
    const found = located(captions, places, file, layout.images, bad);
    for (const [name, place] of found) {
      const other = used.get(place);
      if (other !== undefined) {
        bad.found(`${file}: "${name}" is in ${other} too; leave it in one of them`);
        found.delete(name);
      } else used.set(place, file);
    }
    const usable =
      options.check !== false || options.skipBad
        ? await checked(found, cache, options.size, bad)
        : new Map([...found.keys()].map((name) => [name, undefined]));
    for (const [name, look] of usable) {
      const place = found.get(name)!;
      const pixels = () => cache.get(place, () => readImage(place, options.size));
      const image: CaptionedImage = {
        name,
        captions: captions.get(name)!,
        pixels,
        augmented: async (changes, random) => augmentImage(await pixels(), changes, random),
      };
      if (look !== undefined) looks.set(image, look);
      const where = lists ? lists.splitOf(name) : (split ?? splitOfName(name));
      if (where === undefined) unlisted++;
      else addTo(splits, where, image);
    }
  }
  const uncaptioned = [...places.values()].flat().filter((place) => !used.has(place)).length;
  if (uncaptioned > 0)
    bad.say(
      `${counted(uncaptioned, "image has", "images have")} no caption and ${uncaptioned === 1 ? "is" : "are"} left out.`,
    );
  if (unlisted > 0) bad.say(`${counted(unlisted, "image is", "images are")} in no list and left out.`);
  const unknown = lists?.unused() ?? [];
  if (unknown.length > 0)
    bad.say(
      `${counted(unknown.length, "name in a list is", "names in lists are")} of no captioned image; the first: ${unknown[0]}.`,
    );
  for (const file of layout.passedOver)
    bad.say(
      `${basename(file)} is not read, since ${layout.captions.map((one) => basename(one.file)).join(" and ")} is; name the file to read it.`,
    );
  sayAlike(splits, looks, bad);
  return { ...arranged(splits, path, bad, "images"), size: options.size };
}

/** Says how many images that are scored look the same as one that is trained on, under whatever name. */
function sayAlike(
  splits: ReadonlyMap<string, readonly CaptionedImage[]>,
  looks: ReadonlyMap<CaptionedImage, string>,
  bad: BadLines,
): void {
  const known = new Set(splits.get("train")?.map((image) => looks.get(image)));
  known.delete(undefined);
  for (const [split, images] of splits) {
    const again = images.filter((image) => known.has(looks.get(image))).length;
    if (split !== "train" && again > 0)
      bad.say(
        `${again} of the ${counted(images.length, "image", "images")} of ${split} look the same as one of train, so scores on ${split} tell of memory as well.`,
      );
  }
}

/**
 * Splits by name as data.
 * @param called what examples are called: "images"
 * @throws UsageError where there is nothing to train or to validate on
 */
export function arranged<Example>(
  splits: ReadonlyMap<string, Example[]>,
  path: string,
  bad: BadLines,
  called: string,
): Splits<Example> {
  const validation = [...splits.keys()].find((name) => VALIDATION.test(name));
  for (const [role, examples] of [
    ["training", splits.get("train")],
    ["validation", validation && splits.get(validation)],
  ] as const)
    if (!examples || examples.length === 0)
      throw new UsageError(
        `"${path}" leaves no ${called} for ${role}${bad.because}; give more, at least a few dozen.`,
      );
  return {
    train: splits.get("train")!,
    validation: splits.get(validation!)!,
    tests: Object.fromEntries([...splits].filter(([name]) => name !== "train" && name !== validation)),
    notes: bad.notes,
  };
}

/** Splits that can be scored of what lies at a path, without reading it; undefined where that is not captioned images. */
export async function splitsOfCaptions(path: string): Promise<string[] | undefined> {
  const layout = await layoutOf(path).catch(() => undefined);
  if (!layout || !(await stat(path)).isDirectory()) return undefined;
  const listed = Object.keys(layout.lists);
  const found =
    listed.length > 0 ? listed : layout.captions.flatMap(({ split }) => split ?? ["train", "test"]);
  return testsAmong(found);
}

/** Splits that can be scored among all that lists, or names of files, tell of. */
export const testsAmong = (splits: readonly string[]): string[] => [
  ...new Set(splits.filter((name) => name !== "train" && !VALIDATION.test(name))),
  "validation",
];

/** The lists of splits in a folder, by the names of the splits. */
export const listsAmong = (folder: string, names: readonly string[]): Layout["lists"] =>
  Object.fromEntries(
    names.flatMap((name) => {
      const split = LIST.exec(name)?.[1];
      return split === undefined ? [] : [[split, join(folder, name)]];
    }),
  );

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
  ].flatMap((file) => {
    const groups = COCO.exec(basename(file))?.groups;
    const split = groups && Object.keys(groups).find((name) => groups[name] !== undefined);
    return groups ? [{ file, ...(split !== undefined && { split }) }] : [];
  });
  const tables = ["captions.txt", "captions.csv"].flatMap((name) =>
    names.includes(name) ? [{ file: join(folder, name) }] : [],
  );
  const captions: Layout["captions"] = !about.isDirectory()
    ? [{ file: path }]
    : tables.length > 0
      ? tables.slice(0, 1)
      : coco;
  const passedOver = about.isDirectory()
    ? [...tables, ...coco].filter((one) => !captions.includes(one)).map(({ file }) => file)
    : [];
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
  const lists = listsAmong(folder, names);
  return { captions, images: images.length > 0 ? images : [folder], lists, passedOver };
}

/** Which split the images are in that lists name. */
interface Lists {
  splitOf(name: string): string | undefined;
  /** Entries that no image was asked for by, with where they stand. */
  unused(): readonly string[];
}

/**
 * What lists say; undefined where there are none. An entry may leave out the ending of an image's name, and either may say
 * more of the folders that the image lies in.
 */
export async function readLists(lists: Layout["lists"], bad: BadLines): Promise<Lists | undefined> {
  if (Object.keys(lists).length === 0) return undefined;
  interface Entry {
    readonly name: string;
    readonly split: string;
    readonly where: string;
  }
  const entries = new Map<string, Entry[]>();
  for (const [split, file] of Object.entries(lists))
    for (const [index, line] of linesOf(await readFile(file), file, bad).entries()) {
      const name = line?.trim();
      if (!name) continue;
      const entry = { name, split, where: `${basename(file)}, line ${index + 1}` };
      addTo(entries, basename(name), entry);
    }
  const unused = new Set([...entries.values()].flat());
  return {
    splitOf(name) {
      const stem = stemOf(name);
      const found = [name, stem].flatMap((one) =>
        (entries.get(basename(one)) ?? []).filter((entry) => isTailOf(entry.name, one)),
      );
      for (const entry of found) unused.delete(entry);
      const [first] = found;
      const other = found.find(({ split }) => split !== first!.split);
      if (other) bad.found(`${other.where}: "${other.name}" is in ${first!.where} too; leave it in one list`);
      return first?.split;
    },
    unused: () => [...unused].map(({ name, where }) => `"${name}" in ${where}`),
  };
}

/** Whether two paths are one as far as both say. */
function isTailOf(a: string, b: string): boolean {
  const [one, other] = [a, b].map((path) => `/${path.replace(/^(\.?\/)+/, "")}`) as [string, string];
  return one.endsWith(other) || other.endsWith(one);
}

/** A name without its ending. */
export const stemOf = (name: string): string => name.replace(/\.[^./]+$/, "");

/** Where images lie, by their names without folders. */
type PlacesByName = ReadonlyMap<string, readonly string[]>;

export async function placesOf(folders: readonly string[]): Promise<PlacesByName> {
  const found = new Map<string, string[]>();
  for (const folder of folders)
    for (const name of await readdir(folder))
      if (/\.(jpe?g|png|webp|gif|tiff?|avif|bmp)$/i.test(name)) addTo(found, name, join(folder, name));
  return found;
}

/** Where each image that is named lies; those that are missing, or of whose name there are several, are bad lines. */
export function located(
  captions: ReadonlyMap<string, unknown>,
  places: PlacesByName,
  file: string,
  folders: readonly string[],
  bad: BadLines,
): Map<string, string> {
  const found = new Map<string, string>();
  const taken = new Map<string, string>();
  for (const name of captions.keys()) {
    const inFolder = name.includes("/")
      ? [dirname(file), ...folders].map((folder) => join(folder, name)).find((place) => existsSync(place))
      : undefined;
    const candidates = inFolder === undefined ? (places.get(basename(name)) ?? []) : [inFolder];
    const [place, other] = candidates;
    if (place === undefined)
      bad.found(`${file}: there is no image "${name}" in ${folders.join(" or ")}; put it there`);
    else if (other !== undefined)
      bad.found(
        `${file}: "${name}" may be ${candidates.join(" or ")}; give them names of their own, or write the folder before the name`,
      );
    else if (taken.has(place))
      bad.found(
        `${file}: "${taken.get(place)}" and "${name}" would both be ${place}; put each image where its name says`,
      );
    else {
      taken.set(place, name);
      found.set(name, place);
    }
  }
  return found;
}

/** Images that are read at once. */
const AT_ONCE = 32;

/**
 * The names of the images that can be read, with a hash of what is seen: they are read as training reads them, and kept as far
 * as there is room.
 */
export async function checked(
  places: ReadonlyMap<string, string>,
  cache: ImageCache<Pixels>,
  size: CaptionOptions["size"],
  bad: BadLines,
): Promise<Map<string, string>> {
  const names = [...places.keys()];
  const usable = new Map<string, string>();
  for (let start = 0; start < names.length; start += AT_ONCE) {
    const part = names.slice(start, start + AT_ONCE);
    const found = await Promise.all(
      part.map(async (name) => {
        const place = places.get(name)!;
        try {
          await assertImage(place);
          const { data } = await cache.get(place, () => readImage(place, size));
          return { look: createHash("sha256").update(data).digest("base64") };
        } catch (error) {
          if (error instanceof RegardError) return { problem: error.message };
          throw error;
        }
      }),
    );
    part.forEach((name, index) => {
      const { look, problem } = found[index]!;
      if (look !== undefined) usable.set(name, look);
      else bad.found(problem.replace(/\.$/, ""));
    });
  }
  return usable;
}

const IMAGE_COLUMNS = ["image", "image_name", "file_name", "filename", "file"] as const;

/**
 * Captions of a file, with what they are of.
 * @param names what the column may be called that tells what a caption is of, the usual name first
 * @throws UsageError naming the file where it cannot be read
 */
export async function readRaw(
  file: string,
  bad: BadLines,
  names: readonly [string, ...string[]] = IMAGE_COLUMNS,
): Promise<RawCaption[]> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`cannot read "${file}": ${error.message}.`);
  });
  if (/\.json$/i.test(file)) {
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      throw new UsageError(`"${file}" is not UTF-8; save the file as UTF-8.`);
    }
    return captionsOfCoco(text, file, bad);
  }
  const rows = rowsOf(linesOf(bytes, file, bad), file, bad);
  const header = rows[0]?.record.map((name) => name.trim().toLowerCase()) ?? [];
  const columns = (known: readonly string[]) =>
    header.flatMap((name, index) => (known.includes(name) ? [index] : []));
  const [images, captions] = [columns(names), columns(["caption", "caption_text", "comment", "text"])];
  const named = header.length > 0 ? header.map((name) => `"${name}"`).join(", ") : "none";
  const [[image], [caption]] = [images, captions];
  if (image === undefined || caption === undefined)
    throw new UsageError(
      `"${file}" has the columns ${named}; its first line must name the columns "${names[0]}" and "caption".`,
    );
  if (images.length > 1 || captions.length > 1)
    throw new UsageError(
      `"${file}" has the columns ${named}, of which one must be of ${names[0]}s and one of captions; give each caption a line.`,
    );
  if (header.includes("split"))
    bad.say(
      `The column "split" of ${basename(file)} is not read; lists train.txt, val.txt and test.txt say what is trained on.`,
    );
  return rows.slice(1).flatMap(({ record, line }): RawCaption[] => {
    const where = `${file}, line ${line}`;
    // A caption that holds commas and is not quoted goes on to the end of its line.
    const isLast = caption === header.length - 1;
    if (record.length <= Math.max(image, caption) || (record.length > header.length && !isLast)) {
      bad.found(
        `${where}: there are ${record.length} columns where the first line has ${header.length}; ${record.length > header.length ? "put captions with commas in quotes" : "add the rest"}`,
      );
      return [];
    }
    const last = isLast ? record.slice(caption).join(",") : record[caption]!;
    return [{ name: record[image]!.trim(), caption: last, where }];
  });
}

interface Row {
  readonly record: readonly string[];
  readonly line: number;
}

/** The rows of a table, each a line: a quote that is not closed on its own line would swallow those after it. */
export function rowsOf(lines: readonly (string | undefined)[], file: string, bad: BadLines): Row[] {
  const text = lines.map((line) => line ?? "").join("\n");
  try {
    const rows = csv(text);
    if (rows.every(({ record }) => !record.some((field) => field.includes("\n"))))
      return rows.map(({ record, info }) => ({ record, line: info.lines }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
  }
  return lines.flatMap((line, index): Row[] => {
    if (line === undefined || line.trim() === "") return [];
    try {
      return csv(line).map(({ record }) => ({ record, line: index + 1 }));
    } catch (error) {
      if (!(error instanceof CsvError)) throw error;
      bad.found(
        `${file}, line ${index + 1}: ${/quote/i.test(error.message) ? "a quote is opened and not closed on the line; close it" : `it cannot be read as CSV (${error.message})`}`,
      );
      return [];
    }
  });
}

const csv = (text: string) =>
  parse(text, {
    bom: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    delimiter: [",", "\t"],
    info: true,
  }) as unknown as { record: string[]; info: { lines: number } }[];
