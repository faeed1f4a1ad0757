import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { CsvError, parse } from "csv-parse/sync";
import { UsageError } from "../../core/index.js";
import type { Drive, Pixels, Splits } from "../contract.js";
import { ImageCache } from "../image.js";
import { imageSize, readImage } from "./image.node.js";
import { VALIDATION } from "./pairs.node.js";

/** The file that says how the wheel was turned, a line a frame, in the order of time. */
const LOG = "driving_log.csv";
/** Names of the column that names a frame's image: ours, and that of logs with three cameras. */
const IMAGES = ["image", "center", "centre"] as const;

/** Pixels along the longer side of a frame at most: what is larger is brought to it. */
const LONGEST = 80;
/** Frames of a drive, and drives of a block of time. */
const [STRETCH, BLOCK] = [20, 8] as const;
/** Of as many blocks the last is for scoring and the one before for validation. */
const CYCLE = 5;

/** Folders with a log inside a folder, by split: `train`, `validation` and those to score with; undefined where they are not there. */
async function logsBySplit(path: string): Promise<ReadonlyMap<string, string> | undefined> {
  const found = new Map<string, string>();
  for (const entry of await readdir(path, { withFileTypes: true }))
    if (entry.isDirectory() && (await readdir(join(path, entry.name))).includes(LOG))
      found.set(VALIDATION.test(entry.name) ? "validation" : entry.name, join(path, entry.name));
  return found.has("train") && found.has("validation") ? found : undefined;
}

/** The splits of a folder with logs of driving that can be scored; undefined where it holds none. */
export async function splitsOfDrives(path: string): Promise<string[] | undefined> {
  if (!(await stat(path)).isDirectory()) return undefined;
  if ((await readdir(path)).includes(LOG)) return ["test", "validation"];
  const logs = await logsBySplit(path);
  return (
    logs && [...[...logs.keys()].filter((name) => name !== "train" && name !== "validation"), "validation"]
  );
}

interface Row {
  readonly file: string;
  readonly steering: number;
  readonly where: string;
}

/** Lines of a log. @throws UsageError naming the line */
function rowsOf(text: string, folder: string, log: string): Row[] {
  let lines: { record: string[]; info: { lines: number } }[];
  try {
    lines = parse(text, {
      bom: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as typeof lines;
  } catch (error) {
    if (error instanceof CsvError)
      throw new UsageError(`${log} is no table (${error.message}); give columns image and steering.`);
    throw error;
  }
  const [head, ...rest] = lines;
  const names = (head?.record ?? []).map((name) => name.toLowerCase());
  const [image, steering] = [
    names.findIndex((name) => (IMAGES as readonly string[]).includes(name)),
    names.indexOf("steering"),
  ];
  if (image < 0 || steering < 0)
    throw new UsageError(
      `${log}, line 1: the columns are ${names.join(", ") || "none"}, but image and steering are needed; name them in the first line.`,
    );
  return rest.map(({ record, info }) => {
    const where = `${log}, line ${info.lines}`;
    const [name = "", turned = ""] = [record[image], record[steering]];
    if (name === "") throw new UsageError(`${where}: no image is named; fill it in, or leave the line out.`);
    const value = Number(turned);
    if (turned === "" || !(Math.abs(value) <= 1))
      throw new UsageError(
        `${where}: the steering is "${turned}" but must be a number from -1 (left) to 1 (right); scale it.`,
      );
    return { file: join(folder, name.replaceAll("\\", "/")), steering: value, where };
  });
}

/** What all frames have in common. */
interface Common {
  readonly file: string;
  readonly size: readonly [height: number, width: number];
}

/** The frames of a log, all of one size. @param first what they must be like, where that is known */
async function openLog(folder: string, first?: Common): Promise<{ rows: Row[]; common: Common }> {
  const log = join(folder, LOG);
  const rows = rowsOf(await readFile(log, "utf8"), folder, log);
  if (rows.length === 0) throw new UsageError(`${log} names no frames; give a line for each.`);
  let common = first;
  for (const { file, where } of rows) {
    const found = await stat(file).catch(() => undefined);
    if (!found)
      throw new UsageError(`${where}: there is no image ${file}; put it there, or leave the line out.`);
    const [height, width] = await imageSize(file).catch((error: Error) => {
      throw new UsageError(`${where}: ${error.message}`);
    });
    common ??= { file, size: [height, width] };
    const [rowsOfFirst, columnsOfFirst] = common.size;
    if (height !== rowsOfFirst || width !== columnsOfFirst)
      throw new UsageError(
        `${where}: ${file} has ${width} × ${height} pixels but the first frame has ${columnsOfFirst} × ${rowsOfFirst}; all frames must be of one size.`,
      );
  }
  return { rows, common: common! };
}

/** Stretches of a log, the last frames that fill none left out. */
function stretchesOf(rows: readonly Row[], drive: (name: string, rows: readonly Row[]) => Drive): Drive[] {
  return Array.from({ length: Math.floor(rows.length / STRETCH) }, (_, index) => {
    const [from, to] = [index * STRETCH, (index + 1) * STRETCH];
    return drive(`frames ${from + 1} to ${to}`, rows.slice(from, to));
  });
}

/**
 * Reads a drive: a folder with `driving_log.csv`, whose columns `image` (or `center`) and `steering` say, line by line in the order of time, what
 * was seen and how the wheel was turned, from −1 (left) to 1 (right). It is cut into stretches of 20 frames, and by blocks of time, 8 stretches each:
 * of every five blocks the fourth validates and the fifth is for scoring, without their first and last stretch, so that no frame of either is next
 * to one of training. Or folders `train`, `validation` and others with a log each, which are what they are called. Frames are scaled to 80 pixels along
 * the longer side.
 * @throws UsageError naming file and line of what cannot be used
 */
export async function readDrives(
  path: string,
): Promise<Splits<Drive> & { readonly size: readonly [height: number, width: number] }> {
  const logs = (await readdir(path)).includes(LOG) ? undefined : await logsBySplit(path);
  let common: Common | undefined;
  const opened = new Map<string, Row[]>();
  for (const [split, folder] of logs ?? [["", path] as const]) {
    const found = await openLog(folder, common);
    common ??= found.common;
    opened.set(split, found.rows);
  }
  const [height, width] = common!.size;
  const scale = Math.min(1, LONGEST / Math.max(height, width));
  const size = [Math.round(height * scale), Math.round(width * scale)] as const;
  const cache = new ImageCache<Pixels>();
  const drive = (name: string, rows: readonly Row[]): Drive => ({
    name,
    frames: rows.length,
    frame: (index) => cache.get(rows[index]!.file, () => readImage(rows[index]!.file, size)),
    steering: rows.map(({ steering }) => steering),
  });
  const scaled =
    scale < 1 ? [`frames are scaled from ${width} × ${height} to ${size[1]} × ${size[0]} pixels.`] : [];
  if (logs) {
    const splits = Object.fromEntries(
      [...opened].map(([split, rows]) => [
        split,
        stretchesOf(rows, (name, own) => drive(`${split}, ${name}`, own)),
      ]),
    );
    for (const [split, { length }] of Object.entries(splits))
      if (length === 0)
        throw new UsageError(
          `${join(logs.get(split)!, LOG)} has ${opened.get(split)!.length} frames, but a stretch takes ${STRETCH}; give more.`,
        );
    const { train = [], validation = [], ...tests } = splits;
    return { size, train, validation, tests, notes: scaled };
  }
  const rows = opened.get("")!;
  const cycle = STRETCH * BLOCK * CYCLE;
  if (rows.length < cycle)
    throw new UsageError(
      `${join(path, LOG)} has ${rows.length} frames, but ${cycle} are needed for blocks of time to train, validate and score with; give more.`,
    );
  const splits: Record<"train" | "validation" | "test", Drive[]> = { train: [], validation: [], test: [] };
  for (const [stretch, one] of stretchesOf(rows, drive).entries()) {
    const block = Math.floor(stretch / BLOCK) % CYCLE;
    const isEdge = stretch % BLOCK === 0 || stretch % BLOCK === BLOCK - 1;
    const split = block === CYCLE - 1 ? "test" : block === CYCLE - 2 ? "validation" : "train";
    if (split === "train" || !isEdge) splits[split].push(one);
  }
  const { train, validation, test } = splits;
  return {
    size,
    train,
    validation,
    tests: { test },
    notes: [
      `${rows.length} frames are split by blocks of ${STRETCH * BLOCK}: of every ${CYCLE} the fourth validates and the fifth scores, without their first and last ${STRETCH} frames.`,
      ...scaled,
    ],
  };
}
