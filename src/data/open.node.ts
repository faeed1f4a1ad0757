import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { UsageError } from "../core/index.js";
import type { CaptionData, ParallelData } from "./contract.js";
import { publicDatasets } from "./fetch/datasets.js";
import { readCaptions, splitsOfCaptions } from "./format/captions.node.js";
import type { PairOptions } from "./format/pairs.js";
import { readPairs, splitsOfFolder, VALIDATION } from "./format/pairs.node.js";
import { datasets } from "./index.js";

/** Where `regard data fetch` puts datasets, a folder each, under the present folder. */
export const DATA_FOLDER = "data";

/** What `openData` takes: an embedded dataset's id or an absolute path, and the endings of parallel files. */
export interface DataPlace {
  readonly data: string;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/**
 * Where data is that a user names: an embedded dataset, a file or folder, or a public dataset that has been fetched.
 * @throws UsageError where it is none of them
 */
export function locateData({ data: name, from, to }: DataPlace): DataPlace {
  if (datasets.some(({ id }) => id === name)) return { data: name, from, to };
  if (existsSync(name)) return { data: resolve(name), from, to };
  const known = publicDatasets.find(({ id }) => id === name);
  if (!known)
    throw new UsageError(
      `there is no dataset or file called "${name}"; give one of ${[...datasets, ...publicDatasets].map(({ id }) => id).join(", ")}, a table of pairs (.tsv), a folder of parallel files, or captions with their images.`,
    );
  const folder = join(DATA_FOLDER, known.id);
  if (!existsSync(folder))
    throw new UsageError(`"${name}" is not on this machine yet; fetch it with: regard data fetch ${name}`);
  return "file" in known.read
    ? { data: resolve(folder, known.read.file), from, to }
    : { data: resolve(folder), from: from ?? known.read.from, to: to ?? known.read.to };
}

/** Names of the splits that can be scored, without reading what is in them. */
export async function splitNames({ data, from, to }: DataPlace): Promise<string[]> {
  const embedded = datasets.find(({ id }) => id === data);
  if (embedded) return [...Object.keys(embedded.splits), "validation"];
  const captions = await splitsOfCaptions(data);
  if (captions) return captions;
  if (!from || !to) return ["test", "validation"];
  const { splits } = await splitsOfFolder(data, from, to);
  return [...splits.filter((split) => split !== "train" && !VALIDATION.test(split)), "validation"];
}

/** What kind of model data is for: captioned images, or else sentence pairs. */
export async function taskOfData({ data }: DataPlace): Promise<keyof DataOf> {
  const embedded = datasets.find(({ id }) => id === data);
  if (embedded) return embedded.task;
  return (await splitsOfCaptions(data)) ? "captioning" : "translation";
}

/**
 * The examples of what `locateData` found, for a task.
 * @param seed decides what embedded datasets hold
 * @throws UsageError naming file and line of what cannot be used
 */
export async function openData<Task extends keyof DataOf>(
  task: Task,
  { data, ...place }: DataPlace,
  options: Pick<PairOptions, "skipBad" | "maxLength"> & {
    seed: number;
    /** Height and width that images are brought to; needed for captioning. */
    size?: readonly [height: number, width: number] | undefined;
    /** Whether images are all read at once, as before training. */
    check?: boolean;
  },
): Promise<DataOf[Task]> {
  const embedded = datasets.find(({ id }) => id === data);
  if (embedded) {
    if (embedded.task !== task)
      throw new UsageError(
        `"${data}" is data for ${embedded.task} but the model is for ${task}; name ${datasets
          .flatMap((one) => (one.task === task ? [`"${one.id}"`] : []))
          .join(" or ")}, or your own data.`,
      );
    return embedded.load(options.seed) as Promise<DataOf[Task]>;
  }
  if (!existsSync(data))
    throw new UsageError(
      `the data "${data}" is no longer there; put it back, or name other data with --data.`,
    );
  const read =
    task === "captioning"
      ? readCaptions(data, { ...options, check: options.check ?? false, size: options.size ?? IMAGE_SIZE })
      : readPairs(data, { ...options, ...place });
  return read as Promise<DataOf[Task]>;
}

/** Height and width at which images of some data are read, where nothing else is asked for. */
export function imageSizeOf(data: string): readonly [height: number, width: number] {
  const embedded = datasets.find(({ id }) => id === data);
  return embedded && "size" in embedded ? embedded.size : IMAGE_SIZE;
}

/** What the data of each task is. */
export interface DataOf {
  readonly translation: ParallelData;
  readonly captioning: CaptionData;
}

/** Height and width that images of files are brought to where nothing else is asked for. */
export const IMAGE_SIZE = [128, 128] as const;
