import { z } from "zod";
import { Random, RegardError } from "../../core/index.js";
import {
  type CaptionedImage,
  detokenise,
  type Pixels,
  pngUrl,
  type ReadableImage,
} from "../../data/index.js";
import type { Decoded } from "../../decode/index.js";
import type { CaptioningSizes } from "../../models/index.js";
import { input } from "../../ops/index.js";
import type { Value } from "../../session/index.js";
import type { Task, Use } from "../contract.js";
import { withoutCells, withoutMasks } from "../cover.js";
import { pixelsOf } from "../form.js";
import { targetTokens } from "../targets.js";
import type { Vocabularies } from "../vocabularies.js";
import { type CaptionSource, captionedBy, captionTokens, captionVocabulary } from "./captioned.js";
import { gridOf } from "./grid.js";

/** Images as what models read: float32 [image, row, column, channel], from 0 to 1. */
export function pixelsValue(images: readonly Pixels[]): Value {
  const { width, height } = images[0]!;
  const size = 3 * width * height;
  const data = new Float32Array(images.length * size);
  images.forEach((image, index) => {
    for (let element = 0; element < size; element++)
      data[index * size + element] = image.data[element]! / 255;
  });
  return { dtype: "float32", shape: [images.length, height, width, 3], data };
}

/** What is read of images: what an encoder made of them, where they have been through one, otherwise their pixels. */
export async function readImages(images: readonly ReadableImage[], use: Use): Promise<Value> {
  const pixelsOf = (image: (typeof images)[number]) =>
    use.kind === "train" && use.augment.length > 0 && image.augmented
      ? image.augmented(use.augment, new Random(use.seed, `augment ${image.name}`, use.step))
      : image.pixels();
  if (!images[0]!.encoded) return pixelsValue(await Promise.all(images.map(pixelsOf)));
  const features = await Promise.all(images.map((image) => image.encoded!()));
  const { shape } = features[0]!;
  const size = shape.reduce((a, b) => a * b, 1);
  const data = new Float32Array(images.length * size);
  features.forEach((one, index) => {
    data.set(one.data, index * size);
  });
  return { dtype: "float32", shape: [images.length, ...shape], data };
}

const images: CaptionSource<CaptionedImage> = {
  objects: "objects in the image",
  grid(_, model) {
    const [rows, columns] = gridOf(model);
    return { rows, columns };
  },
  variants({ source }, model) {
    const [rows, columns] = gridOf(model);
    return {
      over: "source",
      count: rows * columns,
      values: { source: withoutCells(source!, [rows, columns]) },
    };
  },
  without: ({ source }, masks) => ({ source: withoutMasks(source!, masks) }),
};

/** A caption from an image. */
export const captioning: Task<CaptionedImage, Vocabularies, CaptioningSizes, Decoded> = {
  ...captionedBy(images),
  id: "captioning",
  examples: "captioned images",
  words: {
    example: "image",
    place: "place of the image, row by row",
    decision: "word",
    cause: "place",
  },
  takes: "captions",
  texts: true,
  defaults: {
    data: "scenes",
    batch: 16,
    targets: 4,
    learningRate: 0.002,
    optimizer: { name: "adam" },
    clip: 1,
    labelSmoothing: 0,
  },
  images: true,
  prepare: captionVocabulary,
  sizes({ target }, images) {
    if (!images)
      throw new RegardError(
        "the run does not say how large its images are; its run.json is of another task.",
      );
    const { size, encoder } = images;
    return { target: target.size, image: encoder?.shape ?? [...size, 3], encoded: encoder !== undefined };
  },
  inputs: ({ image }) => ({ source: input("source", "float32", ["batch", ...image]) }),
  sizing: {
    options: z.object({
      target: z.int().min(4).max(1_000_000).default(37).describe("words of the vocabulary"),
      image: z
        .tuple([z.int().min(8).max(1024), z.int().min(8).max(1024)])
        .default([64, 64])
        .describe("height and width of the images"),
    }),
    of: ({ size }, { target }) => ({ target: target.size, ...(size && { image: [...size] }) }),
    sizes: ({ target, image: [height, width] }) => ({ target, image: [height, width, 3], encoded: false }),
    lengths: { target: 13 },
  },
  writes: (example, { target }) => captionTokens(target)(example),
  async collate(images, { target }, use) {
    const source = await readImages(images, use);
    if (use.kind === "ask") return { values: { source }, decisions: [] };
    const { decisions, ...written } = targetTokens(images, captionTokens(target), use);
    return { values: { source, ...written }, decisions };
  },
  form: (_, images) => [
    { name: "image", title: "Image", kind: "image", size: images!.size, channels: 3, drawn: true },
  ],
  example({ image }, _, images) {
    const pixels = pixelsOf(image, images!.size, 3);
    return { name: "the image", captions: [], pixels: async () => pixels };
  },
  card: async ({ name, captions, pixels }) => ({
    title: name,
    url: pngUrl(await pixels()),
    expected: captions.map(detokenise),
  }),
  async places(image, _, model) {
    const { width, height, ...pixels } = await image.pixels();
    const [rows, columns] = gridOf(model);
    const drawn = { width, height, url: pngUrl({ width, height, ...pixels }) };
    return { source: { kind: "grid", image: drawn, rows, columns } };
  },
  without: "once a place of the image is covered with its mean",
};
