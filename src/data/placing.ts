import { z } from "zod";
import { Random, UsageError } from "../core/index.js";
import type { Box, GreyImage, LabelledImage, Splits } from "./contract.js";

/** How images are put on a larger black canvas, as Mnih et al. 2014 (section 4.1) do with digits. */
export const placingOptions = {
  canvas: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe("side in pixels of a canvas on which each image lies anywhere (as large as the image)"),
  clutter: z
    .int()
    .min(0)
    .max(1000)
    .optional()
    .describe("pieces of other images that lie about on the canvas (0)"),
  things: z
    .int()
    .min(1)
    .max(4)
    .optional()
    .describe("images that are put on each canvas, none over another and from left to right (1)"),
  answer: z
    .enum(["order", "set", "sum"])
    .optional()
    .describe(
      "what is asked of several things: each label from left to right, which they are in whatever order, or the sum of their labels (order)",
    ),
};

export type Placing = Partial<z.output<z.ZodObject<typeof placingOptions>>>;

/** Side in pixels of a piece of another image. */
const PIECE = 8;

/** Images with their labels, before they are placed: read or drawn when they are asked for. */
export interface Stills {
  readonly count: number;
  label(index: number): number;
  image(index: number): GreyImage;
}

/** The smallest box around all that is not black; the whole image where all is. */
export function boxAround({ width, height, data }: GreyImage): Box {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (data[y * width + x]! > 0) {
        left = Math.min(left, x);
        right = Math.max(right, x);
        top = Math.min(top, y);
        bottom = y;
      }
  return right < 0
    ? { x: 0, y: 0, width, height }
    : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/** Adds a part of an image to a canvas, its left upper corner at (x, y); what is brighter than white is white. */
function addPart(canvas: GreyImage, at: { x: number; y: number }, image: GreyImage, part: Box): void {
  for (let row = 0; row < part.height; row++) {
    let to = (at.y + row) * canvas.width + at.x;
    let from = (part.y + row) * image.width + part.x;
    for (let column = 0; column < part.width; column++, to++, from++)
      canvas.data[to] = Math.min(255, canvas.data[to]! + image.data[from]!);
  }
}

/** Draws of places until those of several images suit; the last is taken as it is. */
const TRIES = 1000;

/** Whether boxes lie from left to right, and none over another. */
const inOrder = (boxes: readonly Box[]): boolean =>
  boxes.every(
    (box, index) =>
      (index === 0 || boxes[index - 1]!.x + boxes[index - 1]!.width / 2 <= box.x + box.width / 2) &&
      boxes
        .slice(0, index)
        .every(
          (other) =>
            other.x + other.width <= box.x ||
            box.x + box.width <= other.x ||
            other.y + other.height <= box.y ||
            box.y + box.height <= other.y,
        ),
  );

/**
 * Images anywhere on a black canvas, among pieces of other images: a function of `random`. Pieces are added first, then the images,
 * and sums end at white, as in DeepMind's `mnist-cluttered`. Several lie from left to right in their order, and none over another.
 * @param images of one size
 * @param other draws another image, of the same size
 * @returns the canvas, and the box around what each image shows
 */
export function place(
  images: readonly GreyImage[],
  { canvas = 0, clutter = 0 }: Placing,
  random: Random,
  other: (random: Random) => GreyImage,
): { readonly image: GreyImage; readonly boxes: readonly Box[] } {
  const { width: wide, height: high } = images[0]!;
  const width = Math.max(canvas, wide);
  const height = Math.max(canvas, high);
  const placed: GreyImage = { width, height, data: new Uint8Array(width * height) };
  for (let piece = 0; piece < clutter; piece++) {
    const from = other(random);
    const size = { width: Math.min(PIECE, from.width), height: Math.min(PIECE, from.height) };
    const corner = {
      x: random.integer(from.width - size.width + 1),
      y: random.integer(from.height - size.height + 1),
    };
    const at = { x: random.integer(width - size.width + 1), y: random.integer(height - size.height + 1) };
    addPart(placed, at, from, { ...corner, ...size });
  }
  const around = images.map(boxAround);
  const drawn = () =>
    images.map(() => ({ x: random.integer(width - wide + 1), y: random.integer(height - high + 1) }));
  const boxesAt = (corners: ReturnType<typeof drawn>) =>
    corners.map(({ x, y }, index) => ({
      ...around[index]!,
      x: around[index]!.x + x,
      y: around[index]!.y + y,
    }));
  let corners = drawn();
  for (let tried = 1; tried < TRIES && !inOrder(boxesAt(corners)); tried++) corners = drawn();
  images.forEach((image, index) => {
    addPart(placed, corners[index]!, image, { x: 0, y: 0, width: wide, height: high });
  });
  return { image: placed, boxes: boxesAt(corners) };
}

/** Sets of labels that may come more than once each, in order: for two of ten labels 0 0, 0 1, …, 9 9, which are 55. */
const setsOf = (labels: number, things: number, from = 0): number[][] =>
  things === 0
    ? [[]]
    : Array.from({ length: labels - from }, (_, at) => from + at).flatMap((label) =>
        setsOf(labels, things - 1, label).map((rest) => [label, ...rest]),
      );

/** What is asked of several labels: how it follows from them, and what its classes are called. */
function answering(
  answer: Placing["answer"],
  labels: number,
  things: number,
): {
  readonly of: (labels: readonly number[]) => Pick<LabelledImage, "label" | "labels" | "called">;
  readonly classes: readonly string[];
} {
  const numbered = (count: number) => Array.from({ length: count }, (_, index) => String(index));
  if (answer === "sum")
    return {
      of: (each) => ({ label: each.reduce((a, b) => a + b, 0) }),
      classes: numbered(things * (labels - 1) + 1),
    };
  if (answer === "set") {
    const classes = setsOf(labels, things).map((set) => set.join(" "));
    const known = new Map(classes.map((set, index) => [set, index]));
    return {
      of(each) {
        const called = [...each].sort((a, b) => a - b).join(" ");
        // A label that training lacks makes a set that it lacks.
        return { label: known.get(called) ?? classes.length, called };
      },
      classes,
    };
  }
  return { of: (each) => ({ labels: each }), classes: numbered(labels) };
}

/**
 * Images by split as examples. Where they are placed, an example of training lies elsewhere each time it is redrawn; what `pixels` gives
 * is a function of (seed, split, index). Pieces of clutter are of training images in every split.
 */
export function placedSplits(
  stills: Readonly<Record<"train" | "validation", Stills>> & {
    readonly tests: Readonly<Record<string, Stills>>;
  },
  placing: Placing,
  { seed, notes }: { readonly seed: number; readonly notes?: readonly string[] },
): Splits<LabelledImage> & { readonly size: readonly [height: number, width: number] } {
  const { train } = stills;
  const first = train.image(0);
  const { canvas = 0, clutter = 0, things = 1, answer } = placing;
  const side = Math.max(first.width, first.height);
  const least = things === 1 ? side : Math.ceil((side * (things + 1)) / 2);
  if (things === 1 && answer !== undefined)
    throw new UsageError(
      `the answer "${answer}" is asked of several things but each canvas has one; give 2 things or more, or no answer.`,
    );
  if ((canvas > 0 || things > 1) && canvas < least)
    throw new UsageError(
      `a canvas of ${canvas || side} pixels does not hold ${things > 1 ? `${things} ` : ""}images of ${first.width} × ${first.height}; give one of ${least} or more.`,
    );
  const placed = canvas > 0 || clutter > 0;
  const other = (random: Random) => train.image(random.integer(train.count));
  const labels = () => {
    let most = 0;
    for (let index = 0; index < train.count; index++) most = Math.max(most, train.label(index));
    return most + 1;
  };
  const several = things > 1 ? answering(answer, labels(), things) : undefined;
  const example = (split: string, source: Stills, index: number): LabelledImage => {
    const random = new Random(seed, `things ${split}`, index);
    const members = [index, ...Array.from({ length: things - 1 }, () => random.integer(source.count))];
    const put = (by: Random) =>
      place(
        members.map((member) => source.image(member)),
        placing,
        by,
        other,
      );
    const fixed = () => put(new Random(seed, `place ${split}`, index));
    return {
      name: `${split} ${index}`,
      ...(several?.of(members.map((member) => source.label(member))) ?? { label: source.label(index) }),
      pixels: async () => (placed ? fixed().image : source.image(index)),
      ...(placed && { redrawn: async (by: Random) => put(by).image }),
      boxes: () => (placed ? fixed().boxes : [boxAround(source.image(index))]),
    };
  };
  const listed = (split: string, source: Stills) => {
    let known: LabelledImage[] | undefined;
    return () => {
      known ??= Array.from({ length: source.count }, (_, index) => example(split, source, index));
      return known;
    };
  };
  const splits = Object.entries(stills.tests).map(([name, source]) => [name, listed(name, source)] as const);
  const [training, validation] = [listed("train", train), listed("validation", stills.validation)];
  return {
    size: [Math.max(canvas, first.height), Math.max(canvas, first.width)],
    ...(several && { classes: several.classes }),
    get train() {
      return training();
    },
    get validation() {
      return validation();
    },
    tests: Object.defineProperties(
      {},
      Object.fromEntries(splits.map(([name, get]) => [name, { get, enumerable: true }])),
    ),
    ...(notes && { notes }),
  };
}
