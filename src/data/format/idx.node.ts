import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { UsageError } from "../../core/index.js";
import type { LabelledImage, Splits } from "../contract.js";
import { type Placing, placedSplits, type Stills } from "../placing.js";
import { type IdxArray, parseIdx, part, stillsOf } from "./idx.js";

/** `train-images-idx3-ubyte.gz`, and what it is called by people who unpack it: `train-images.idx3-ubyte`. */
const IMAGES = /^(?<name>.+)-images[-.]idx3-ubyte(?:\.gz)?$/;
const LABELS = /^(?<name>.+)-labels[-.]idx1-ubyte(?:\.gz)?$/;
/** What the name of a split ends with. */
const KNOWN: readonly (readonly [RegExp, string])[] = [
  [/(?:^|-)train$/, "train"],
  [/(?:^|-)(?:val|valid|validation|dev)$/, "validation"],
  [/(?:^|-)(?:test|t10k)$/, "test"],
];

/** One in so many training images is validated on where no file is for that. */
const VALIDATED = 12;

interface SplitFiles {
  readonly images: string;
  readonly labels: string;
}

/** The files of a folder by split; undefined where none is an IDX file of images. */
async function filesOf(folder: string): Promise<Record<string, SplitFiles> | undefined> {
  if (!(await stat(folder)).isDirectory()) return undefined;
  const files = (await readdir(folder)).sort();
  const named = (pattern: RegExp) =>
    new Map(
      files.flatMap((file) => (pattern.test(file) ? [[pattern.exec(file)!.groups!.name!, file]] : [])) as [
        string,
        string,
      ][],
    );
  const [images, labels] = [named(IMAGES), named(LABELS)];
  if (images.size === 0) return undefined;
  const found: Record<string, SplitFiles> = {};
  for (const [name, file] of images) {
    const beside = labels.get(name);
    if (!beside)
      throw new UsageError(
        `${join(folder, file)} has no labels beside it; put ${file.replace("-images", "-labels").replace("idx3", "idx1")} into the same folder.`,
      );
    const split = KNOWN.find(([pattern]) => pattern.test(name))?.[1] ?? name;
    if (found[split])
      throw new UsageError(
        `${folder}: ${found[split].images} and ${file} are both of the split "${split}"; leave one of them.`,
      );
    found[split] = { images: join(folder, file), labels: join(folder, beside) };
  }
  return found;
}

/** The splits of a folder of IDX files that can be scored; undefined where it is none. */
export async function splitsOfIdx(folder: string): Promise<string[] | undefined> {
  const files = await filesOf(folder);
  return (
    files && [
      ...Object.keys(files).filter((split) => split !== "train" && split !== "validation"),
      "validation",
    ]
  );
}

async function read(file: string, axes: number): Promise<IdxArray> {
  let bytes: Uint8Array = await readFile(file);
  if (file.endsWith(".gz"))
    try {
      bytes = await promisify(gunzip)(bytes);
    } catch (error) {
      throw new UsageError(`${file} cannot be unpacked (${(error as Error).message}); fetch it again.`);
    }
  return parseIdx(bytes, file, axes);
}

/**
 * Reads a folder of labelled images as IDX files, packed with gzip or not: `train-images-idx3-ubyte` with `train-labels-idx1-ubyte`, and
 * those of other splits, such as `t10k` (`test`). Without files for validation, the last twelfth of training is validated on.
 * @param options how many are trained on, how images are placed, and the seed by which they are
 * @throws UsageError naming the file that cannot be used
 */
export async function readIdx(
  folder: string,
  options: Placing & { readonly seed: number; readonly limit?: number | undefined },
): Promise<Splits<LabelledImage> & { readonly size: readonly [height: number, width: number] }> {
  const files = (await filesOf(folder)) ?? {};
  if (!files.train)
    throw new UsageError(
      `${folder} has no training images; it should hold train-images-idx3-ubyte and train-labels-idx1-ubyte, packed (.gz) or not.`,
    );
  const stills: Record<string, Stills> = {};
  let size: readonly number[] | undefined;
  for (const [split, names] of Object.entries(files)) {
    const images = await read(names.images, 3);
    stills[split] = stillsOf(images, await read(names.labels, 1), names);
    size ??= images.shape.slice(1);
    if (images.shape.slice(1).join() !== size.join())
      throw new UsageError(
        `${names.images}: its images are ${images.shape.slice(1).join(" × ")} pixels but those read before are ${size.join(" × ")}; all must be of one size.`,
      );
  }
  const { train, validation, ...tests } = stills;
  const first = (images: Stills) => part(images, 0, Math.min(images.count, options.limit ?? images.count));
  if (validation) return placedSplits({ train: first(train!), validation, tests }, options, options);
  const last = Math.max(1, Math.floor(train!.count / VALIDATED));
  if (train!.count < 2)
    throw new UsageError(
      `${files.train.images} has ${train!.count} image; training and validation need one each.`,
    );
  return placedSplits(
    {
      train: first(part(train!, 0, train!.count - last)),
      validation: part(train!, train!.count - last, train!.count),
      tests,
    },
    options,
    {
      ...options,
      notes: [
        `the last ${last} of ${train!.count} training images are validated on, since no file is for that.`,
      ],
    },
  );
}
