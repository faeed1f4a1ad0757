import { z } from "zod";
import { Random, RegardError, subtractDimensions, UsageError } from "../../core/index.js";
import { type Box, type GreyImage, type LabelledImage, pngUrl } from "../../data/index.js";
import type { ClassificationSizes } from "../../models/index.js";
import { input, logSoftmax, slice, squeeze, stack, takeAlongAxis, unsqueeze } from "../../ops/index.js";
import type { Value, Values } from "../../session/index.js";
import type { Scoring, Task, Use } from "../contract.js";
import { withoutCells } from "../cover.js";
import type { Predicted } from "../evaluator.js";
import { pixelsOf } from "../form.js";
import { shareOfRange } from "../ranges.js";

/** The classes that training knows, and how large its images are. */
export interface Classes {
  readonly classes: number;
  /** What they are called, where that is not their number. */
  readonly names?: readonly string[];
  /** Things of an image that are named in order, from left to right; where absent an image is of one class. */
  readonly things?: number;
  readonly size: readonly [height: number, width: number];
}

/** What a model says of one image. */
export interface Classified {
  /** The likeliest class of each thing. */
  readonly labels: readonly number[];
  /** Of each class of each thing, after the last step that it has. */
  readonly probabilities: readonly (readonly number[])[];
  /** The likeliest class after each step; that after the last of a thing alone is trained. */
  readonly along: readonly number[];
  /** What each step saw, an image for each of its windows, where the model says. */
  readonly seen?: readonly (readonly GreyImage[])[];
}

/** Rows and columns of the parts of an image whose causal effect is measured. */
const PARTS = [8, 8] as const;

/** Grey images as what models read: float32 [image, row, column, 1], from 0 to 1. */
export function greyValue(images: readonly GreyImage[], [height, width]: Classes["size"]): Value {
  const size = height * width;
  const data = new Float32Array(images.length * size);
  images.forEach((image, index) => {
    if (image.height !== height || image.width !== width)
      throw new UsageError(
        `an image is ${image.width} × ${image.height} pixels but the model reads ${width} × ${height}; bring it to that size.`,
      );
    for (let pixel = 0; pixel < size; pixel++) data[index * size + pixel] = image.data[pixel]! / 255;
  });
  return { dtype: "float32", shape: [images.length, height, width, 1], data };
}

const drawnFor = (image: LabelledImage, use: Use): Promise<GreyImage> =>
  use.kind === "train" && image.redrawn
    ? image.redrawn(new Random(use.seed, `redraw ${image.name}`, use.step))
    : image.pixels();

/** What a row of logits says. */
function probabilitiesOf(logits: ArrayLike<number>): number[] {
  const most = Array.from(logits).reduce((a, b) => Math.max(a, b));
  const shares = Array.from(logits, (logit) => Math.exp(logit - most));
  const sum = shares.reduce((a, b) => a + b, 0);
  return shares.map((share) => share / sum);
}

const greatest = (values: readonly number[]): number => values.indexOf(Math.max(...values));

/** What the outputs of one image say of its things: logits [classes], or of each step, [T, classes], of which each thing has as many. */
export function classified({ logits }: Values, things = 1): Classified {
  const classes = logits!.shape.at(-1)!;
  const rows = Array.from({ length: logits!.data.length / classes }, (_, row) =>
    probabilitiesOf(logits!.data.subarray(row * classes, (row + 1) * classes)),
  );
  const probabilities = rows.filter((_, row) => (row + 1) % (rows.length / things) === 0);
  return { labels: probabilities.map(greatest), probabilities, along: rows.map(greatest) };
}

/** What is right of an image, a class for each thing; nothing where that is not known. */
const rightOf = ({ label, labels }: LabelledImage): readonly number[] =>
  labels ?? (label === undefined ? [] : [label]);

const nameOf = ({ names }: Classes, label: number): string => names?.[label] ?? String(label);
const namesOf = (prepared: Classes, labels: readonly number[]): string =>
  labels.map((label) => nameOf(prepared, label)).join(" ");
const same = (one: readonly number[], other: readonly number[]): boolean => one.join() === other.join();

/** What each step saw, [T, windows, rows, columns, 1], as images. */
function seenOf({ shape, data }: Value): GreyImage[][] {
  const [steps, windows, height, width] = shape as [number, number, number, number];
  const size = height * width;
  return Array.from({ length: steps }, (_, step) =>
    Array.from({ length: windows }, (__, window) => {
      const start = (step * windows + window) * size;
      return {
        width,
        height,
        data: Uint8Array.from(data.subarray(start, start + size), (value) =>
          Math.round(255 * Math.min(1, Math.max(0, value))),
        ),
      };
    }),
  );
}

const pictureOf = ({ width, height, data }: GreyImage) => ({
  width,
  height,
  url: pngUrl({ width, height, data }),
});

/** Whether a place, as shares of the image, lies in a box of pixels. */
const isInside = (x: number, y: number, box: Box, [height, width]: Classes["size"]): boolean =>
  x * width >= box.x &&
  x * width <= box.x + box.width &&
  y * height >= box.y &&
  y * height <= box.y + box.height;

/** How images were classified and looked at, one after another. */
class Tally {
  images = 0;
  wrong = 0;
  loss = 0;
  /** Of glimpses after the first, which need not be chosen: all, and those whose middle lies in a box. */
  glimpses = 0;
  inside = 0;
  /** Shares of the boxes in their images, and how many images have one that holds the middle. */
  area = 0;
  middle = 0;
  boxed = 0;

  add({ example, outputs, looks }: Predicted<LabelledImage>, { size, things }: Classes): Classified {
    const found = classified(outputs, things);
    const right = rightOf(example);
    this.images++;
    if (!same(found.labels, right)) this.wrong++;
    for (const [thing, probabilities] of found.probabilities.entries())
      this.loss -=
        Math.log(Math.max(Number.MIN_VALUE, probabilities[right[thing] ?? -1] ?? 0)) /
        found.probabilities.length;
    const boxes = example.boxes?.();
    // [T, windows, 4]: the first window is the finest.
    const windows = Object.values(looks).find(({ shape }) => shape.length === 3 && shape[2] === 4);
    if (!boxes || !windows) return found;
    const isOn = (x: number, y: number) => boxes.some((box) => isInside(x, y, box, size));
    const [steps, scales] = windows.shape as [number, number];
    this.boxed++;
    this.area += boxes.reduce((sum, { width, height }) => sum + width * height, 0) / (size[0] * size[1]);
    if (isOn(0.5, 0.5)) this.middle++;
    for (let step = 1; step < steps; step++) {
      const [x, y] = windows.data.subarray(step * scales * 4, step * scales * 4 + 2);
      this.glimpses++;
      if (isOn(x!, y!)) this.inside++;
    }
    return found;
  }

  get scores() {
    return {
      loss: this.loss / this.images,
      error: this.wrong / this.images,
      ...(this.glimpses > 0 && { inside: this.inside / this.glimpses }),
    };
  }
}

const predicted = (
  { evaluator, parameters }: Scoring<LabelledImage, Classes>,
  images: readonly LabelledImage[],
  onProgress?: (done: number) => void,
) => evaluator.predict(parameters, images, onProgress ? { onProgress } : {});

/** Numbers by the step they are of, from 1, where there are several. */
const numbered = (name: string, values: readonly number[]): Record<string, number> =>
  values.length < 2 ? {} : Object.fromEntries(values.map((value, step) => [`${name}${step + 1}`, value]));

/** How often the class is wrong after each step, [T]. */
const errorsAfter = (found: readonly Predicted<LabelledImage>[]): number[] => {
  const all = found.map(({ example, outputs }) => {
    const right = rightOf(example);
    const { along } = classified(outputs);
    return along.map((label, step) =>
      label === right[Math.floor((step * right.length) / along.length)] ? 0 : 1,
    );
  });
  return (all[0] ?? []).map((_, step) => all.reduce((sum, wrong) => sum + wrong[step]!, 0) / all.length);
};

/**
 * The same images with gazes at random, which a model that chooses its gazes is to be compared with: places of a grid, where it
 * chooses of those, none twice, or windows as large as its own anywhere in the image. Undefined where it chooses none.
 */
async function atRandom(
  { evaluator, parameters }: Scoring<LabelledImage, Classes>,
  found: readonly Predicted<LabelledImage>[],
): Promise<Predicted<LabelledImage>[] | undefined> {
  const looks = Object.entries(evaluator.looks);
  const [look] =
    looks.find(([, { kind, hard }]) => kind === "weights" && hard) ??
    looks.find(([, { kind }]) => kind === "windows") ??
    [];
  if (look === undefined) return undefined;
  const of = (index: number): Float32Array => {
    const { shape, data } = found[index]!.looks[look]!;
    const [steps, row] = [shape[0]!, shape.slice(1).reduce((a, b) => a * b, 1)];
    const random = new Random(1, "gazes at random", index);
    const forced = Float32Array.from(data);
    const left = Array.from({ length: row }, (_, place) => place);
    for (let step = 0; step < steps; step++) {
      const there = forced.subarray(step * row, (step + 1) * row);
      if (evaluator.looks[look]!.kind === "weights") {
        there.fill(0);
        there[left.splice(random.integer(left.length), 1)[0]!] = 1;
      } else {
        const [x, y] = [random.uniform(), random.uniform()];
        for (let window = 0; window < row; window += 4) there.set([x, y], window);
      }
    }
    return forced;
  };
  return evaluator.predict(
    parameters,
    found.map(({ example }) => example),
    { forced: { look, of } },
  );
}

/** The class of an image. */
export const classification: Task<LabelledImage, Classes, ClassificationSizes, Classified> = {
  id: "classification",
  examples: "labelled images",
  words: { example: "image", place: "glimpse", decision: "class", cause: "part of the image" },
  takes: "labelled images",
  defaults: {
    data: "digits",
    batch: 128,
    targets: 1,
    learningRate: 0.001,
    optimizer: { name: "adam" },
    clip: 1,
    labelSmoothing: 0,
  },
  scores: [
    { id: "error", title: "error", unit: "share", better: "lower", primary: true },
    { id: "inside", title: "glimpses on the thing", unit: "share", better: "higher" },
  ],
  prepare({ train, size, classes: names }) {
    if (!size) throw new RegardError("the data does not say how large its images are.");
    const classes = names?.length ?? train.reduce((most, image) => Math.max(most, ...rightOf(image)), 0) + 1;
    const things = train[0]?.labels?.length;
    if (classes < 2)
      throw new UsageError(
        `all ${train.length} images of training are of one class, 0; there is nothing to tell apart.`,
      );
    return { classes, size, ...(names && { names }), ...(things && { things }) };
  },
  restored(stored) {
    const found = stored as Partial<Classes> | undefined;
    if (typeof found?.classes !== "number" || !Array.isArray(found.size))
      throw new RegardError("the run holds no classes of images; it is of another task.");
    const { classes, size, names, things } = found as Classes;
    return { classes, size, ...(names && { names }), ...(things && { things }) };
  },
  describe: ({ classes, size: [height, width], things }) =>
    `${classes} classes of ${things ? `each of ${things} things in ` : ""}images of ${width} × ${height} pixels`,
  sizes: ({ classes, size, things }) => ({ classes, image: [...size, 1], ...(things && { things }) }),
  inputs: ({ image }) => ({ image: input("image", "float32", ["batch", ...image]) }),
  targets: ({ things }, batch) => ({ label: input("label", "int32", things ? [batch, things] : [batch]) }),
  sizing: {
    options: z.object({
      classes: z.int().min(2).max(65_536).default(10).describe("classes that are told apart"),
      image: z
        .tuple([z.int().min(1).max(1024), z.int().min(1).max(1024)])
        .default([28, 28])
        .describe("height and width of the images"),
    }),
    of: (_, { classes, size }) => ({ classes, image: [...size] }),
    sizes: ({ classes, image: [height, width] }) => ({ classes, image: [height, width, 1] }),
    lengths: {},
  },
  async collate(images, { classes, size, things }, use) {
    const image = greyValue(await Promise.all(images.map((one) => drawnFor(one, use))), size);
    if (use.kind === "ask") return { values: { image }, decisions: [] };
    const labels = images.map((one) => {
      const right = rightOf(one);
      if (right.length !== (things ?? 1))
        throw new UsageError(
          `image "${one.name}" is of ${right.length === 0 ? "no class" : `${right.length} classes`} but training has ${things ? `${things} for each image` : `${classes}, 0 to ${classes - 1}`}; leave it out, or train with it.`,
        );
      const unknown = right.find((label) => label >= classes);
      if (unknown !== undefined)
        throw new UsageError(
          `image "${one.name}" is of class ${unknown} but training has ${classes}, 0 to ${classes - 1}; leave it out, or train with it.`,
        );
      return right;
    });
    return { values: { image, ...labelled(labels, things) }, decisions: labels.map(() => things ?? 1) };
  },
  drive: { kind: "free" },
  async validate(scoring, images) {
    const tally = new Tally();
    for (const found of await predicted(scoring, images)) tally.add(found, scoring.prepared);
    return tally.scores;
  },
  async report(scoring, images, { onProgress }) {
    const { prepared } = scoring;
    const [tally, found] = [new Tally(), await predicted(scoring, images, onProgress)];
    const random = await atRandom(scoring, found);
    // A thing at a time: its class, and whether that was said.
    const said = found.map((one) => tally.add(one, prepared));
    const things = images.flatMap((image, index) =>
      rightOf(image).map((label, thing) => ({ label, wrong: said[index]!.labels[thing] !== label })),
    );
    const ofClass = Array.from({ length: prepared.classes }, (_, label) =>
      things.filter((thing) => thing.label === label),
    );
    return {
      metrics: {
        ...tally.scores,
        // What gazes would reach that are drawn over the image, or rest in its middle.
        ...(tally.boxed > 0 && {
          insideRandom: tally.area / tally.boxed,
          insideCentre: tally.middle / tally.boxed,
        }),
        ...numbered("errorAfter", errorsAfter(found)),
        ...(random && numbered("errorRandomAfter", errorsAfter(random))),
      },
      breakdown: {
        measure: "error",
        by: "class",
        ranges: ofClass.flatMap((members, label) =>
          members.length === 0
            ? []
            : [
                shareOfRange(
                  label,
                  label,
                  members.map(({ wrong }) => wrong),
                ),
              ],
        ),
      },
      outputs: images.map((image, index) => ({
        source: image.name,
        output: namesOf(prepared, said[index]!.labels),
        references: referencesOf(image),
      })),
    };
  },
  form: ({ size }) => [{ name: "image", title: "Image", kind: "image", size, channels: 1, drawn: true }],
  example({ image }, { size }) {
    const pixels = pixelsOf(image, size, 1);
    return { name: "the image", pixels: async () => pixels };
  },
  card: async (image) => ({
    title: image.name,
    url: pngUrl(await image.pixels()),
    expected: referencesOf(image),
  }),
  title: ({ name }) => name,
  async places({ pixels }, _, { grids = {} }) {
    const image = pictureOf(await pixels());
    const gridsOf = (all: Readonly<Record<string, readonly [rows: number, columns: number]>>) =>
      Object.fromEntries(
        Object.entries(all).map(([name, [rows, columns]]) => [
          name,
          { kind: "grid", image, rows, columns } as const,
        ]),
      );
    return { image: { kind: "canvas", image }, ...gridsOf({ parts: PARTS, ...grids }) };
  },
  read: (outputs, _, { things }) => ({
    ...classified(outputs, things),
    ...(outputs.seen && { seen: seenOf(outputs.seen) }),
  }),
  async show(image, { labels, probabilities, along, seen }, prepared) {
    const right = rightOf(image);
    const known = right.length > 0;
    return {
      output: namesOf(prepared, labels),
      decisions: labels.map((label) => nameOf(prepared, label)),
      steps: along.map((likeliest, step) => ({
        label: `glimpse ${step + 1}`,
        piece: nameOf(prepared, likeliest),
        ...(seen && { seen: seen[step]!.map(pictureOf) }),
      })),
      blocks: probabilities.map((classes, thing) => ({
        kind: "classes",
        title: probabilities.length === 1 ? "Class" : `Class of thing ${thing + 1}`,
        items: classes.map((probability, one) => ({
          label: nameOf(prepared, one),
          probability,
          ...(known && { right: one === right[thing] }),
        })),
      })),
      ...(known && { right: same(labels, right) }),
      references: referencesOf(image),
    };
  },
  taken: ({ labels }, _, { things }) => labelled([labels], things),
  likelihood({ logits }, { label }) {
    const things = label!.shape.length === 2 ? (label!.shape[1] as number) : 1;
    const steps = logits!.shape[0]!;
    /** What is said of a thing after the last of its steps, [batch, classes]. */
    const said = (thing: number) => {
      if (logits!.shape.length === 2) return logits!;
      const last =
        typeof steps === "number" ? ((thing + 1) * steps) / things - 1 : subtractDimensions(steps, 1);
      return squeeze(slice(logits!, 0, last, 1), 0);
    };
    const each = Array.from({ length: things }, (_, thing) => {
      const right = label!.shape.length === 2 ? slice(label!, 1, thing, 1) : unsqueeze(label!, 1);
      return squeeze(takeAlongAxis(logSoftmax(said(thing)), right, 1), 1);
    });
    return stack(each, 0);
  },
  variants({ image }) {
    const [rows, columns] = PARTS;
    return { over: "parts", count: rows * columns, values: { image: withoutCells(image!, PARTS) } };
  },
  without: "once a part of the image is covered with its mean",
};

/** Classes as what training and scoring need of them: [batch], or [batch, things]. */
const labelled = (labels: readonly (readonly number[])[], things?: number): Values => ({
  label: {
    dtype: "int32",
    shape: things ? [labels.length, things] : [labels.length],
    data: Int32Array.from(labels.flat()),
  },
});

const referencesOf = (image: LabelledImage): string[] => {
  const right = rightOf(image);
  return right.length === 0 ? [] : [image.called ?? right.join(" ")];
};
