import { z } from "zod";
import { Random, RegardError, subtractDimensions, UsageError } from "../../core/index.js";
import { type Box, type GreyImage, type LabelledImage, pngUrl } from "../../data/index.js";
import type { ClassificationSizes } from "../../models/index.js";
import { input, logSoftmax, slice, squeeze, takeAlongAxis, unsqueeze } from "../../ops/index.js";
import type { Value, Values } from "../../session/index.js";
import type { Scoring, Task, Use } from "../contract.js";
import { withoutCells } from "../cover.js";
import type { Predicted } from "../evaluator.js";
import { pixelsOf } from "../form.js";

/** The classes that training knows, and how large its images are. */
export interface Classes {
  readonly classes: number;
  readonly size: readonly [height: number, width: number];
}

/** What a model says of one image. */
export interface Classified {
  /** The likeliest class. */
  readonly label: number;
  /** Of each class, after the last step. */
  readonly probabilities: readonly number[];
  /** The likeliest class after each step; the last alone is trained. */
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

/** What the outputs of one image say: logits [classes], or of each step, [T, classes]. */
export function classified({ logits }: Values): Classified {
  const classes = logits!.shape.at(-1)!;
  const rows = Array.from({ length: logits!.data.length / classes }, (_, row) =>
    probabilitiesOf(logits!.data.subarray(row * classes, (row + 1) * classes)),
  );
  const probabilities = rows.at(-1)!;
  return { label: greatest(probabilities), probabilities, along: rows.map(greatest) };
}

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
  /** Of glimpses after the first, which is not chosen: all, and those whose middle lies in the box. */
  glimpses = 0;
  inside = 0;
  /** Shares of the boxes in their images, and how many of them hold the middle of the image. */
  area = 0;
  middle = 0;
  boxes = 0;

  add({ example, outputs, looks }: Predicted<LabelledImage>, size: Classes["size"]): Classified {
    const found = classified(outputs);
    this.images++;
    if (found.label !== example.label) this.wrong++;
    this.loss -= Math.log(Math.max(Number.MIN_VALUE, found.probabilities[example.label ?? -1] ?? 0));
    const box = example.box?.();
    // [T, windows, 4]: the first window is the finest.
    const windows = Object.values(looks).find(({ shape }) => shape.length === 3 && shape[2] === 4);
    if (!box || !windows) return found;
    const [steps, scales] = windows.shape as [number, number];
    this.boxes++;
    this.area += (box.width * box.height) / (size[0] * size[1]);
    if (isInside(0.5, 0.5, box, size)) this.middle++;
    for (let step = 1; step < steps; step++) {
      const [x, y] = windows.data.subarray(step * scales * 4, step * scales * 4 + 2);
      this.glimpses++;
      if (isInside(x!, y!, box, size)) this.inside++;
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
  const all = found.map(({ example, outputs }) =>
    classified(outputs).along.map((label) => (label === example.label ? 0 : 1)),
  );
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
  prepare({ train, size }) {
    if (!size) throw new RegardError("the data does not say how large its images are.");
    const classes = train.reduce((most, { label = 0 }) => Math.max(most, label), 0) + 1;
    if (classes < 2)
      throw new UsageError(
        `all ${train.length} images of training are of one class, 0; there is nothing to tell apart.`,
      );
    return { classes, size };
  },
  restored(stored) {
    const found = stored as Partial<Classes> | undefined;
    if (typeof found?.classes !== "number" || !Array.isArray(found.size))
      throw new RegardError("the run holds no classes of images; it is of another task.");
    return { classes: found.classes, size: found.size as unknown as Classes["size"] };
  },
  describe: ({ classes, size: [height, width] }) =>
    `${classes} classes of images of ${width} × ${height} pixels`,
  sizes: ({ classes, size }) => ({ classes, image: [...size, 1] }),
  inputs: ({ image }) => ({ image: input("image", "float32", ["batch", ...image]) }),
  targets: (_, batch) => ({ label: input("label", "int32", [batch]) }),
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
  async collate(images, { classes, size }, use) {
    const image = greyValue(await Promise.all(images.map((one) => drawnFor(one, use))), size);
    if (use.kind === "ask") return { values: { image }, decisions: [] };
    const labels = images.map(({ name, label }) => {
      if (label === undefined || label >= classes)
        throw new UsageError(
          `image "${name}" is of ${label === undefined ? "no class" : `class ${label}`} but training has ${classes}, 0 to ${classes - 1}; leave it out, or train with it.`,
        );
      return label;
    });
    return { values: { image, ...labelled(labels) }, decisions: labels.map(() => 1) };
  },
  drive: { kind: "free" },
  async validate(scoring, images) {
    const tally = new Tally();
    for (const found of await predicted(scoring, images)) tally.add(found, scoring.prepared.size);
    return tally.scores;
  },
  async report(scoring, images, { onProgress }) {
    const { classes, size } = scoring.prepared;
    const [tally, found] = [new Tally(), await predicted(scoring, images, onProgress)];
    const random = await atRandom(scoring, found);
    const said = found.map((one) => tally.add(one, size));
    const ofClass = Array.from({ length: classes }, (_, label) =>
      said.filter((_one, index) => images[index]!.label === label),
    );
    return {
      metrics: {
        ...tally.scores,
        // What gazes would reach that are drawn over the image, or rest in its middle.
        ...(tally.boxes > 0 && {
          insideRandom: tally.area / tally.boxes,
          insideCentre: tally.middle / tally.boxes,
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
                {
                  from: label,
                  to: label,
                  examples: members.length,
                  score: (100 * members.filter((one) => one.label !== label).length) / members.length,
                },
              ],
        ),
      },
      outputs: images.map(({ name, label }, index) => ({
        source: name,
        output: String(said[index]!.label),
        references: label === undefined ? [] : [String(label)],
      })),
    };
  },
  form: ({ size }) => [{ name: "image", title: "Image", kind: "image", size, channels: 1, drawn: true }],
  example({ image }, { size }) {
    const pixels = pixelsOf(image, size, 1);
    return { name: "the image", pixels: async () => pixels };
  },
  card: async ({ name, label, pixels }) => ({
    title: name,
    url: pngUrl(await pixels()),
    expected: label === undefined ? [] : [String(label)],
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
  read: (outputs) => ({ ...classified(outputs), ...(outputs.seen && { seen: seenOf(outputs.seen) }) }),
  async show({ label: right }, { label, probabilities, along, seen }) {
    const known = right !== undefined;
    return {
      output: String(label),
      steps: along.map((likeliest, step) => ({
        label: `glimpse ${step + 1}`,
        piece: String(likeliest),
        ...(seen && { seen: seen[step]!.map(pictureOf) }),
      })),
      blocks: [
        {
          kind: "classes",
          title: "Class",
          items: probabilities.map((probability, one) => ({
            label: String(one),
            probability,
            ...(known && { right: one === right }),
          })),
        },
      ],
      ...(known && { right: label === right }),
      references: known ? [String(right)] : [],
    };
  },
  taken: ({ label }) => labelled([label]),
  likelihood({ logits }, { label }) {
    const steps = logits!.shape[0]!;
    const last =
      logits!.shape.length === 3 ? squeeze(slice(logits!, 0, subtractDimensions(steps, 1), 1), 0) : logits!;
    return squeeze(takeAlongAxis(logSoftmax(last), unsqueeze(label!, 1), 1), 1);
  },
  variants({ image }) {
    const [rows, columns] = PARTS;
    return { over: "parts", count: rows * columns, values: { image: withoutCells(image!, PARTS) } };
  },
  without: "once a part of the image is covered with its mean",
};

/** Classes as what training and scoring need of them. */
const labelled = (labels: readonly number[]): Values => ({
  label: { dtype: "int32", shape: [labels.length], data: Int32Array.from(labels) },
});
