import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import sharp from "sharp";
import { UsageError } from "../../core/index.js";
import type { ClipOptions } from "../clips.js";
import type { CaptionedClip, FrameShape } from "../contract.js";
import { spreadOver } from "../spread.js";
import { assertImage, readImage } from "./image.node.js";
import { readNpy } from "./npy.js";

/** Pixels that frames are brought to where nothing else is asked for, and how many are read (Yao et al. 2015 read 28). */
const [SIDE, MOST_FRAMES] = [64, 28];

/** A clip as it lies in files. */
export interface ClipFile extends Pick<CaptionedClip, "frame" | "count" | "frames"> {
  /** Reads beginnings of all its files. @throws UsageError naming the one that is none, or unlike the others */
  check(): Promise<void>;
}

/**
 * A clip that lies at a path: a folder of frames whose names end in numbers, or an `.npy` file of features, [frames, features].
 * @throws UsageError naming the file where a frame is missing, there is none, or the features cannot be read
 */
export async function openClip(path: string, options: ClipOptions, frame?: FrameShape): Promise<ClipFile> {
  const about = await stat(path).catch(() => {
    throw new UsageError(`there is no file or folder "${path}"; give a folder of frames or an .npy file.`);
  });
  const most = options.mostFrames ?? MOST_FRAMES;
  if (!about.isDirectory()) return featuresOf(path, most);
  const [height, width] =
    frame?.length === 3 ? frame : [options.frameSize ?? SIDE, options.frameSize ?? SIDE];
  return framesOf(path, await frameNames(path), [height, width], most);
}

async function featuresOf(path: string, most: number): Promise<ClipFile> {
  const read = async () => readNpy(await readFile(path), path);
  const {
    shape: [count, features, ...more],
  } = await read();
  if (count === undefined || features === undefined || more.length > 0)
    throw new UsageError(
      `"${path}" should be [frames, features] but has ${count === undefined ? 0 : features === undefined ? 1 : 2 + more.length} axes; save one row of features for each frame.`,
    );
  if (count === 0 || features === 0)
    throw new UsageError(`"${path}" is empty: it holds ${count} frames of ${features} features.`);
  const rows = spreadOver(
    Array.from({ length: count }, (_, row) => row),
    most,
  );
  return {
    frame: [features],
    count: rows.length,
    async frames() {
      const { data } = await read();
      const found = new Float32Array(rows.length * features);
      rows.forEach((row, index) => {
        found.set(data.subarray(row * features, (row + 1) * features), index * features);
      });
      return found;
    },
    check: async () => {},
  };
}

/** The number at the end of a frame's name: 12 of `frame_0012.png`. */
const NUMBERED = /(\d+)\.(?:png|jpe?g|webp|bmp|gif|tiff?|avif)$/i;

/** The frames of a folder in the order of their numbers. @throws UsageError where one is missing, is there twice, or none is there */
async function frameNames(folder: string): Promise<string[]> {
  const numbered = (await readdir(folder)).flatMap((name) => {
    const number = NUMBERED.exec(name)?.[1];
    return number === undefined ? [] : [{ name, number: Number(number) }];
  });
  if (numbered.length === 0)
    throw new UsageError(
      `"${folder}" is an empty clip: it has no frames such as frame0001.png; put images whose names end in numbers there.`,
    );
  numbered.sort((a, b) => a.number - b.number || (a.name < b.name ? -1 : 1));
  numbered.forEach(({ name, number }, index) => {
    const before = numbered[index - 1];
    if (!before || number === before.number + 1) return;
    throw new UsageError(
      number === before.number
        ? `"${folder}" has two frames with the number ${number}, ${before.name} and ${name}; leave one of them.`
        : `"${folder}" has no frame ${before.number + 1}: ${name} comes after ${before.name}; put the missing ${number - before.number - 1 === 1 ? "one" : number - before.number - 1} there, or number the frames without gaps.`,
    );
  });
  return numbered.map(({ name }) => name);
}

function framesOf(
  folder: string,
  names: readonly string[],
  [height, width]: readonly [number, number],
  most: number,
): ClipFile {
  const used = spreadOver(names, most);
  const size = 3 * height * width;
  return {
    frame: [height, width, 3],
    count: used.length,
    async frames() {
      const data = new Uint8Array(used.length * size);
      for (const [index, name] of used.entries()) {
        const pixels = await readImage(join(folder, name), [height, width], `${basename(folder)}/${name}`);
        data.set(pixels.data, index * size);
      }
      return data;
    },
    async check() {
      let first: { readonly name: string; readonly size: string } | undefined;
      for (const name of names) {
        const path = join(folder, name);
        await assertImage(path, path);
        const about = await sharp(path).metadata();
        const found = { name, size: `${about.width} × ${about.height}` };
        first ??= found;
        if (found.size !== first.size)
          throw new UsageError(
            `"${path}" is ${found.size} pixels but ${first.name} is ${first.size}; the frames of a clip must be of one size.`,
          );
      }
    },
  };
}
