import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { CsvError, parse } from "csv-parse/sync";
import { UsageError } from "../../core/index.js";
import type { Drive, Pixels, Splits } from "../contract.js";
import { ImageCache } from "../image.js";
import { imageSize, readImage } from "./image.node.js";

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

/** The splits of a folder with a log of driving that can be scored; undefined where it holds none. */
export async function splitsOfDrives(path: string): Promise<string[] | undefined> {
  if (!(await stat(path)).isDirectory()) return undefined;
  return (await readdir(path)).includes(LOG) ? ["test", "validation"] : undefined;
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

/**
 * Reads a drive: a folder with `driving_log.csv`, whose columns `image` (or `center`) and `steering` say, line by line in the order of time, what
 * was seen and how the wheel was turned, from −1 (left) to 1 (right). It is cut into stretches of 20 frames, and by blocks of time, 8 stretches each:
 * of every five blocks the fourth validates and the fifth is for scoring, without their first and last stretch, so that no frame of either is next
 * to one of training. Frames are scaled to 80 pixels along the longer side.
 * @throws UsageError naming file and line of what cannot be used
 */
export async function readDrives(
  path: string,
): Promise<Splits<Drive> & { readonly size: readonly [height: number, width: number] }> {
  const log = join(path, LOG);
  const rows = rowsOf(await readFile(log, "utf8"), path, log);
  const cycle = STRETCH * BLOCK * CYCLE;
  if (rows.length < cycle)
    throw new UsageError(
      `${log} has ${rows.length} frames, but ${cycle} are needed for blocks of time to train, validate and score with; give more.`,
    );
  let own: readonly [height: number, width: number] | undefined;
  for (const { file, where } of rows) {
    const found = await stat(file).catch(() => undefined);
    if (!found)
      throw new UsageError(`${where}: there is no image ${file}; put it there, or leave the line out.`);
    const [height, width] = await imageSize(file).catch((error: Error) => {
      throw new UsageError(`${where}: ${error.message}`);
    });
    own ??= [height, width];
    if (height !== own[0] || width !== own[1])
      throw new UsageError(
        `${where}: ${file} has ${width} × ${height} pixels but the first frame has ${own[1]} × ${own[0]}; all frames must be of one size.`,
      );
  }
  const scale = Math.min(1, LONGEST / Math.max(...own!));
  const size = [Math.round(own![0] * scale), Math.round(own![1] * scale)] as const;
  const cache = new ImageCache<Pixels>();
  const splits: Record<"train" | "validation" | "test", Drive[]> = { train: [], validation: [], test: [] };
  for (let stretch = 0; (stretch + 1) * STRETCH <= rows.length; stretch++) {
    const block = Math.floor(stretch / BLOCK) % CYCLE;
    const isEdge = stretch % BLOCK === 0 || stretch % BLOCK === BLOCK - 1;
    const split = block === CYCLE - 1 ? "test" : block === CYCLE - 2 ? "validation" : "train";
    if (split !== "train" && isEdge) continue;
    const frames = rows.slice(stretch * STRETCH, (stretch + 1) * STRETCH);
    splits[split].push({
      name: `frames ${stretch * STRETCH + 1} to ${(stretch + 1) * STRETCH}`,
      frames: frames.length,
      frame: (index) => cache.get(frames[index]!.file, () => readImage(frames[index]!.file, size)),
      steering: frames.map(({ steering }) => steering),
    });
  }
  const { train, validation, test } = splits;
  return {
    size,
    train,
    validation,
    tests: { test },
    notes: [
      `${rows.length} frames are split by blocks of ${STRETCH * BLOCK}: of every ${CYCLE} the fourth validates and the fifth scores, without their first and last ${STRETCH} frames.`,
      ...(scale < 1
        ? [`frames are scaled from ${own![1]} × ${own![0]} to ${size[1]} × ${size[0]} pixels.`]
        : []),
    ],
  };
}
