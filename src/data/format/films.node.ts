import { readdir, readFile, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { UsageError } from "../../core/index.js";
import type { Box, Film, GreyImage, Splits } from "../contract.js";
import { ImageCache, requireInside } from "../image.js";
import { imageSize, readGrey } from "./image.node.js";
import { VALIDATION } from "./pairs.node.js";

/** Files that say where the thing is, a line for each frame or one for the first: ours, and those of common benchmarks. */
const BOXES = /^(?:box|boxes|groundtruth|groundtruth_rect)\.(?:txt|csv)$/;
const IMAGE = /\.(?:png|jpe?g|webp|gif|tiff?|avif|bmp)$/i;
/** Where some benchmarks keep the frames. */
const INSIDE = "img";

/** Pixels along the longer side of a frame at most: what is larger is brought to it, boxes too. */
const LONGEST = 200;

/** The file of boxes and the frames of a film's folder; undefined where it is none. */
async function filesOf(
  folder: string,
): Promise<{ boxes: string; images: string; names: string[] } | undefined> {
  if (!(await stat(folder)).isDirectory()) return undefined;
  const all = await readdir(folder);
  const boxes = all.filter((name) => BOXES.test(name)).sort();
  if (boxes.length === 0) return undefined;
  if (boxes.length > 1)
    throw new UsageError(
      `${folder} has both ${boxes.join(" and ")}; leave one, with the box of the first frame or of all.`,
    );
  const within = all.some((name) => IMAGE.test(name)) ? folder : join(folder, INSIDE);
  const names = (await readdir(within).catch(() => [] as string[])).filter((name) => IMAGE.test(name));
  return { boxes: join(folder, boxes[0]!), images: within, names };
}

/** Folders of films in a folder, itself or those in it, in the order of their names. */
async function filmFolders(folder: string): Promise<string[]> {
  if (await filesOf(folder)) return [folder];
  const found: string[] = [];
  for (const entry of (await readdir(folder, { withFileTypes: true })).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  ))
    if (entry.isDirectory() && (await filesOf(join(folder, entry.name))))
      found.push(join(folder, entry.name));
  return found;
}

/** Films by split: folders of their names with films in them; or all of the folder itself. */
async function foldersOf(path: string): Promise<Record<string, string[]> | undefined> {
  if (!(await stat(path)).isDirectory()) return undefined;
  const own = await filmFolders(path);
  if (own.length > 0) return { train: own };
  const splits: Record<string, string[]> = {};
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const films = await filmFolders(join(path, entry.name));
    if (films.length > 0) splits[VALIDATION.test(entry.name) ? "validation" : entry.name] = films;
  }
  return Object.keys(splits).length > 0 ? splits : undefined;
}

/** The splits of a folder of films that can be scored; undefined where it holds none. */
export async function splitsOfFilms(path: string): Promise<string[] | undefined> {
  const splits = await foldersOf(path);
  return (
    splits && [
      ...Object.keys(splits).filter((name) => name !== "train" && name !== "validation"),
      "validation",
    ]
  );
}

/** The number at the end of a file's name, by which frames follow each other. */
const numberOf = (name: string): number | undefined => {
  const [, digits] = /(\d+)$/.exec(basename(name, extname(name))) ?? [];
  return digits === undefined ? undefined : Number(digits);
};

/** Frames in order. @throws UsageError where there are none, one has no number, or one is missing or there twice */
function ordered(folder: string, names: readonly string[]): string[] {
  if (names.length === 0)
    throw new UsageError(`${folder} has no frames; put the images of the film there, numbered in order.`);
  const numbered = names.map((name) => {
    const number = numberOf(name);
    if (number === undefined)
      throw new UsageError(
        `${join(folder, name)} has no number at the end of its name; number the frames in order.`,
      );
    return { name, number };
  });
  numbered.sort((a, b) => a.number - b.number);
  numbered.forEach(({ name, number }, index) => {
    const before = numbered[index - 1];
    if (before && number !== before.number + 1)
      throw new UsageError(
        number === before.number
          ? `${folder}: ${before.name} and ${name} are both frame ${number}; leave one of them.`
          : `${folder}: frame ${before.number + 1} is missing between ${before.name} and ${name}; put it there, or number the frames without a gap.`,
      );
  });
  return numbered.map(({ name }) => name);
}

/** The files of a folder of frames without a box, in order. @throws UsageError as `ordered`, and where there is no such folder */
export async function framesOfFolder(folder: string): Promise<string[]> {
  const all = await readdir(folder).catch(() => {
    throw new UsageError(
      `cannot read "${folder}": there is no such folder; give a folder of frames, or an example of the run's data such as test:0.`,
    );
  });
  const names = all.filter((name) => IMAGE.test(name));
  return ordered(folder, names).map((name) => join(folder, name));
}

/** Boxes of a file, a line each. @throws UsageError naming file and line */
async function boxesOf(file: string, frames: number, size: readonly [number, number]): Promise<Box[]> {
  const lines = (await readFile(file, "utf8")).split(/\r?\n/);
  while (lines.at(-1)?.trim() === "") lines.pop();
  const boxes = lines.map((line, index): Box => {
    const numbers = line
      .trim()
      .split(/[\s,;]+/)
      .map(Number);
    if (numbers.length !== 4 || numbers.some(Number.isNaN))
      throw new UsageError(
        `${file}:${index + 1}: "${line.trim()}" is no box; give x, y, width and height in pixels, with commas or spaces between.`,
      );
    const [x, y, width, height] = numbers as [number, number, number, number];
    const box = { x, y, width, height };
    requireInside(box, size, `${file}:${index + 1}: the box`);
    return box;
  });
  if (boxes.length !== 1 && boxes.length !== frames)
    throw new UsageError(
      `${file} has ${boxes.length} boxes for ${frames} frames; give one for the first frame, or one for each.`,
    );
  return boxes;
}

interface ReadFilm {
  readonly film: Film;
  /** Height and width of its frames as they are read, and as they are in their files. */
  readonly size: readonly [height: number, width: number];
  readonly own: readonly [height: number, width: number];
}

async function readFilm(folder: string, name: string, cache: ImageCache<GreyImage>): Promise<ReadFilm> {
  const files = await filesOf(folder);
  if (!files)
    throw new UsageError(
      `${folder} is no film; it should hold numbered frames, and in boxes.txt the box of the first: x, y, width, height.`,
    );
  const names = ordered(files.images, files.names);
  const paths = names.map((file) => join(files.images, file));
  const own = await imageSize(paths[0]!);
  for (const path of paths) {
    const [height, width] = await imageSize(path);
    if (height !== own[0] || width !== own[1])
      throw new UsageError(
        `${path} has ${width} × ${height} pixels but ${names[0]} has ${own[1]} × ${own[0]}; all frames of a film must be of one size.`,
      );
  }
  const scale = Math.min(1, LONGEST / Math.max(...own));
  const size = [Math.round(own[0] * scale), Math.round(own[1] * scale)] as const;
  const [down, across] = [size[0] / own[0], size[1] / own[1]];
  const boxes = (await boxesOf(files.boxes, names.length, own)).map(({ x, y, width, height }) => ({
    x: x * across,
    y: y * down,
    width: width * across,
    height: height * down,
  }));
  return {
    own,
    size,
    film: {
      name,
      frames: names.length,
      first: boxes[0]!,
      frame: (index) => cache.get(paths[index]!, () => readGrey(paths[index]!, size)),
      ...(boxes.length > 1 && { boxes: () => boxes }),
    },
  };
}

/**
 * One film from its folder, for a model that reads frames of some size.
 * @throws UsageError naming the file that cannot be used, or where the frames are of another size
 */
export async function filmOfFolder(
  folder: string,
  [height, width]: readonly [number, number],
): Promise<Film> {
  await stat(folder).catch(() => {
    throw new UsageError(
      `cannot read "${folder}": there is no such folder; give a folder of frames with boxes.txt, or an example of the run's data such as test:0.`,
    );
  });
  const { film, size } = await readFilm(folder, basename(folder), new ImageCache());
  if (size[0] !== height || size[1] !== width)
    throw new UsageError(
      `the frames of ${folder} come to ${size[1]} × ${size[0]} pixels but the model reads ${width} × ${height}; scale them, or train on films of their size.`,
    );
  return film;
}

/**
 * Reads films, a folder each: numbered frames, and boxes in `boxes.txt` (also `box.txt`, `groundtruth.txt`, `groundtruth_rect.txt`), x, y, width
 * and height in pixels, of the first frame or of each. The folder is a film, or holds films, or holds folders `train`, `validation`, … of films.
 * Without films for validation, the last tenth of training is validated on, and of one film that film. Frames that are large are scaled down.
 * @throws UsageError naming file and line of what cannot be used
 */
export async function readFilms(
  path: string,
): Promise<Splits<Film> & { readonly size: readonly [height: number, width: number] }> {
  const folders = (await foldersOf(path)) ?? {};
  if (!folders.train)
    throw new UsageError(
      `${path} has no films to train on; a film is a folder of numbered frames with the box of the first in boxes.txt: x, y, width, height.`,
    );
  const cache = new ImageCache<GreyImage>();
  const splits: Record<string, Film[]> = {};
  let first: (ReadFilm & { readonly folder: string }) | undefined;
  for (const [split, all] of Object.entries(folders)) {
    splits[split] = [];
    for (const folder of all) {
      const read = await readFilm(folder, basename(folder), cache);
      first ??= { ...read, folder };
      if (read.size.join() !== first.size.join())
        throw new UsageError(
          `the frames of ${folder} are ${read.own[1]} × ${read.own[0]} pixels but those of ${first.folder} ${first.own[1]} × ${first.own[0]}; all films must be of one size.`,
        );
      splits[split].push(read.film);
    }
  }
  const { train = [], validation, ...tests } = splits;
  const notes =
    first && first.size[0] < first.own[0]
      ? [
          `frames are scaled from ${first.own[1]} × ${first.own[0]} to ${first.size[1]} × ${first.size[0]} pixels.`,
        ]
      : [];
  if (validation) return { size: first!.size, train, validation, tests, notes };
  const last = train.length === 1 ? 0 : Math.max(1, Math.floor(train.length / 10));
  return {
    size: first!.size,
    train: train.slice(0, train.length - last),
    validation: last === 0 ? train : train.slice(-last),
    tests,
    notes: [
      ...notes,
      last === 0
        ? "the one film is trained and validated on, since no other is there."
        : `the last ${last} of ${train.length} films are validated on, since no folder is for that.`,
    ],
  };
}
