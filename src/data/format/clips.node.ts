import { existsSync, statSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RegardError } from "../../core/index.js";
import type { ClipOptions } from "../clips.js";
import type { CaptionedClip, FrameShape, Splits } from "../contract.js";
import { ImageCache } from "../image.js";
import { addTo, captionsByName, splitOfName } from "./captions.js";
import { arranged, listsAmong, readLists, readRaw, stemOf, testsAmong } from "./captions.node.js";
import { type ClipFile, openClip } from "./clip.node.js";
import { BadLines, type PairOptions } from "./pairs.js";

/** Names of the column of a table that tells which clip a caption is of. */
const CLIP_COLUMNS = ["video", "clip", "video_id", "video_name", "clip_id"] as const;
const TABLES = ["captions.csv", "captions.txt"] as const;
/** Folders in which clips may lie, beside the table and in its own folder. */
const FOLDERS = ["videos", "clips", "frames", "features"] as const;

export interface ClipReading extends ClipOptions, Pick<PairOptions, "skipBad" | "maxLength"> {
  /** Whether every file is looked into at once, as before training. */
  readonly check?: boolean;
}

/** The table of captions of clips at a path, and its folder; undefined where there is none. */
async function tableAt(path: string): Promise<{ file: string; folder: string } | undefined> {
  const about = await stat(path).catch(() => undefined);
  if (!about) return undefined;
  const folder = about.isDirectory() ? path : dirname(path);
  const file = about.isDirectory()
    ? TABLES.map((name) => join(path, name)).find((one) => existsSync(one))
    : path;
  if (file === undefined || !/\.(csv|txt|tsv)$/i.test(file)) return undefined;
  const [header = ""] = new TextDecoder().decode((await readFile(file)).subarray(0, 4096)).split("\n");
  const columns = header.split(/[,\t]/).map((name) =>
    name
      .trim()
      .replace(/^\uFEFF|"/g, "")
      .toLowerCase(),
  );
  return columns.some((name) => CLIP_COLUMNS.some((known) => known === name)) ? { file, folder } : undefined;
}

const listsIn = async (folder: string) => listsAmong(folder, await readdir(folder));

/** Splits that can be scored of captioned clips at a path; undefined where there are none. */
export async function splitsOfClips(path: string): Promise<string[] | undefined> {
  const table = await tableAt(path);
  if (!table) return undefined;
  const listed = Object.keys(await listsIn(table.folder));
  return testsAmong(listed.length > 0 ? listed : ["test"]);
}

/**
 * Reads captioned clips: a table of `video,caption`, and for each video a folder of frames or an `.npy` file of features of the same name,
 * beside the table or in a folder `videos`, `clips`, `frames` or `features`. Lists `train.txt`, `val.txt` and `test.txt` say what is trained
 * on, as for images. Frames are read when they are needed; what was read last is kept, up to 512 MiB.
 * @throws UsageError naming the file and line, or the clip, that cannot be used
 */
export async function readClips(path: string, options: ClipReading): Promise<Splits<CaptionedClip>> {
  const bad = new BadLines(options);
  const table = await tableAt(path);
  const { file, folder } = table ?? { file: join(path, TABLES[0]), folder: path };
  const captions = captionsByName(await readRaw(file, bad, CLIP_COLUMNS), bad);
  const lists = await readLists(await listsIn(folder), bad);
  const cache = new ImageCache<{ readonly data: Uint8Array | Float32Array }>();
  const splits = new Map<string, CaptionedClip[]>();
  let first: { readonly frame: FrameShape; readonly name: string } | undefined;
  for (const [name, own] of captions) {
    let clip: ClipFile;
    const places = placesOf(folder, name);
    const [place, other] = places;
    if (place === undefined || other !== undefined) {
      bad.found(
        place === undefined
          ? `${file}: there is no folder of frames "${stemOf(name)}" and no "${stemOf(name)}.npy" in ${folder}; put it there`
          : `${file}: "${name}" may be ${places.join(" or ")}; leave one of them`,
      );
      continue;
    }
    try {
      clip = await openClip(place, options);
      if (options.check !== false || options.skipBad) await clip.check();
    } catch (error) {
      if (!(error instanceof RegardError)) throw error;
      bad.found(error.message.replace(/\.$/, ""));
      continue;
    }
    first ??= { frame: clip.frame, name };
    if (first.frame.join() !== clip.frame.join()) {
      bad.found(
        `${place} has frames of ${clip.frame.join(" × ")} but those of "${first.name}" are ${first.frame.join(" × ")}; all must be alike`,
      );
      continue;
    }
    const where = lists ? lists.splitOf(name) : splitOfName(name);
    if (where === undefined) continue;
    const { frame, count, frames } = clip;
    addTo(splits, where, {
      name,
      captions: own,
      frame,
      count,
      frames: async () => (await cache.get(place, async () => ({ data: await frames() }))).data,
    });
  }
  return arranged(splits, path, bad, "clips");
}

/** Where a clip may lie. */
const placesOf = (folder: string, name: string): string[] =>
  [folder, ...FOLDERS.map((inside) => join(folder, inside))].flatMap((root) =>
    [...new Set([name, stemOf(name), `${stemOf(name)}.npy`])].flatMap((one) => {
      const place = join(root, one);
      return existsSync(place) && (/\.npy$/.test(one) || statSync(place).isDirectory()) ? [place] : [];
    }),
  );
