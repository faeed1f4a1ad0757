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

/**
 * An image anywhere on a black canvas, among pieces of other images: a function of `random`. Pieces are added first, then the image,
 * and sums end at white, as in DeepMind's `mnist-cluttered`.
 * @param other draws another image, of the same size
 */
export function place(
  image: GreyImage,
  { canvas = 0, clutter = 0 }: Placing,
  random: Random,
  other: (random: Random) => GreyImage,
): { readonly image: GreyImage; readonly x: number; readonly y: number } {
  const width = Math.max(canvas, image.width);
  const height = Math.max(canvas, image.height);
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
  const x = random.integer(width - image.width + 1);
  const y = random.integer(height - image.height + 1);
  addPart(placed, { x, y }, image, { x: 0, y: 0, width: image.width, height: image.height });
  return { image: placed, x, y };
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
  const { canvas = 0, clutter = 0 } = placing;
  if (canvas > 0 && canvas < Math.max(first.width, first.height))
    throw new UsageError(
      `a canvas of ${canvas} pixels does not hold images of ${first.width} × ${first.height}; give one of ${Math.max(first.width, first.height)} or more.`,
    );
  const placed = canvas > 0 || clutter > 0;
  const other = (random: Random) => train.image(random.integer(train.count));
  const example = (split: string, source: Stills, index: number): LabelledImage => {
    const put = (random: Random) => place(source.image(index), placing, random, other);
    const fixed = () => put(new Random(seed, `place ${split}`, index));
    return {
      name: `${split} ${index}`,
      label: source.label(index),
      pixels: async () => (placed ? fixed().image : source.image(index)),
      ...(placed && { redrawn: async (random: Random) => put(random).image }),
      box() {
        const around = boxAround(source.image(index));
        if (!placed) return around;
        const { x, y } = fixed();
        return { ...around, x: around.x + x, y: around.y + y };
      },
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
