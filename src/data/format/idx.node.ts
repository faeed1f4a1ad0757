import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { UsageError } from "../../core/index.js";
import type { LabelledImage, Splits } from "../contract.js";
import { overlapOf } from "../overlap.js";
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
  const named = (pattern: RegExp) => {
    const byName = new Map<string, string>();
    for (const file of files) {
      const name = pattern.exec(file)?.groups?.name;
      if (name === undefined) continue;
      const other = byName.get(name);
      if (other !== undefined)
        throw new UsageError(
          `${folder}: ${other} and ${file} are the same but for how they are packed; leave one of them.`,
        );
      byName.set(name, file);
    }
    return byName;
  };
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
  // Browsers unpack what they fetch, and keep its name.
  if (bytes[0] === 0x1f && bytes[1] === 0x8b)
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
  if (!validation && train!.count < 2)
    throw new UsageError(
      `${files.train.images} has ${train!.count} image; training and validation need one each.`,
    );
  const last = validation ? 0 : Math.max(1, Math.floor(train!.count / VALIDATED));
  const count = train!.count - last;
  const splits = {
    train: part(train!, 0, Math.min(count, options.limit ?? count)),
    validation: validation ?? part(train!, count, train!.count),
  };
  return placedSplits({ ...splits, tests }, options, {
    ...options,
    notes: [
      ...(last > 0
        ? [`the last ${last} of ${train!.count} training images are validated on, since no file is for that.`]
        : []),
      ...classNotes({ ...splits, ...tests }),
      ...overlapNotes({ ...splits, ...tests }),
    ],
  });
}

/** Numbers in words, a few of them. */
const listed = (numbers: readonly number[]): string =>
  numbers.length > MOST_LISTED ? `${numbers.slice(0, MOST_LISTED).join(", ")} …` : numbers.join(", ");
const MOST_LISTED = 5;

/** Classes that no image of training shows: below its greatest, which are learnt all the same, and of what is scored, which are not. */
function classNotes(stills: Readonly<Record<string, Stills>>): string[] {
  const classesOf = ({ count, label }: Stills) =>
    new Set(Array.from({ length: count }, (_, index) => label(index)));
  const trained = classesOf(stills.train!);
  const classes = Math.max(...trained) + 1;
  const empty = Array.from({ length: classes }, (_, label) => label).filter((label) => !trained.has(label));
  const notes =
    empty.length > 0
      ? [
          `${empty.length} of ${classes} classes have no image to train on (${listed(empty)}); labels count from 0.`,
        ]
      : [];
  for (const [split, of] of Object.entries(stills)) {
    const unknown = [...classesOf(of)].filter((label) => !trained.has(label)).sort((a, b) => a - b);
    if (unknown.length > 0)
      notes.push(
        `${split} has images of classes that none of train shows (${listed(unknown)}), so they count as errors.`,
      );
  }
  return notes;
}

/** How many images that are scored are the same as one that is trained on. */
function overlapNotes(stills: Readonly<Record<string, Stills>>): string[] {
  const looksOf = ({ count, image }: Stills) =>
    Array.from({ length: count }, (_, index) => Buffer.from(image(index).data).toString("latin1"));
  const trained = looksOf(stills.train!);
  return Object.entries(stills).flatMap(([split, of]) => {
    if (split === "train") return [];
    const again = overlapOf(looksOf(of), trained, (look) => look);
    return again > 0
      ? [
          `${again} of the ${of.count} images of ${split} are the same as one of train, so scores on ${split} tell of memory as well.`,
        ]
      : [];
  });
}
