import { z } from "zod";
import { END, Random, RegardError } from "../../core/index.js";
import { type CaptionedImage, detokenise, type Pixels, pngUrl, Vocabulary } from "../../data/index.js";
import { type Decoded, spellOf } from "../../decode/index.js";
import { captionBleu, collapseOf, countPointing, pointingAccuracy } from "../../explain/index.js";
import type { CaptioningSizes } from "../../models/index.js";
import { input } from "../../ops/index.js";
import type { Value } from "../../session/index.js";
import type { Task, Use } from "../contract.js";
import { withoutCells } from "../cover.js";
import { pixelsOf } from "../form.js";
import { remembered, targetTokens } from "../targets.js";
import { describeVocabularies, restoredVocabularies, type Vocabularies, withWords } from "../vocabularies.js";
import { diagnosisOf } from "./diagnosis.js";
import { gridOf } from "./grid.js";
import { reportOf } from "./report.js";
import { scoreImages } from "./score.js";

/** Images captioned at a validation; the loss is over all. */
const CAPTIONED_AT_VALIDATION = 200;
/** Tokens a caption may have. */
export const LONGEST_CAPTION = 40;

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
async function readImages(images: readonly CaptionedImage[], use: Use): Promise<Value> {
  const pixelsOf = (image: CaptionedImage) =>
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

const encodedBy = remembered((target: Vocabulary) =>
  remembered(({ captions }: CaptionedImage) =>
    captions.map((words) => target.encode(words, { start: true })),
  ),
);

/** A caption from an image. */
export const captioning: Task<CaptionedImage, Vocabularies, CaptioningSizes, Decoded> = {
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
  scores: [
    { id: "correct", title: "correct", unit: "share", better: "higher" },
    { id: "bleu", title: "BLEU-4", unit: "points", better: "higher" },
    { id: "pointing", title: "pointing", unit: "share", better: "higher" },
  ],
  images: true,
  prepare: ({ train, wording = train }, { vocabulary }) =>
    withWords(
      {
        target: Vocabulary.of(
          wording.flatMap(({ captions }) => captions),
          vocabulary,
        ),
      },
      vocabulary,
    ),
  restored: restoredVocabularies,
  describe: describeVocabularies,
  sizes({ target }, images) {
    if (!images)
      throw new RegardError(
        "the run does not say how large its images are; its run.json is of another task.",
      );
    const { size, encoder } = images;
    return { target: target.size, image: encoder?.shape ?? [...size, 3], encoded: encoder !== undefined };
  },
  inputs: ({ image }) => ({ source: input("source", "float32", ["batch", ...image]) }),
  targets: (_, batch) => ({ target: input("target", "int32", ["target", batch]) }),
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
  longest: ({ captions }, { target }) =>
    Math.max(...captions.map((words) => target.segment(words).tokens.length)),
  async collate(images, { target }, use) {
    const source = await readImages(images, use);
    if (use.kind === "ask") return { values: { source }, decisions: [] };
    const { decisions, ...written } = targetTokens(images, encodedBy(target), use);
    return { values: { source, ...written }, decisions };
  },
  drive: { kind: "tokens", longest: LONGEST_CAPTION },
  async validate(scoring, images) {
    const { evaluator, parameters, prepared } = scoring;
    const { loss, pointing, attention } = await scoreImages(scoring, images);
    const sample = images.slice(0, CAPTIONED_AT_VALIDATION);
    const found = await evaluator.write(parameters, sample, { beam: 1 });
    const captions = found.map(([best]) => prepared.target.decode(best!.tokens));
    const known = sample.every(({ gold }) => gold);
    const right = captions.filter((words, index) => sample[index]!.gold?.isTrue(words)).length;
    return {
      loss,
      ...(known
        ? { correct: right / sample.length }
        : {
            bleu: captionBleu(
              captions,
              sample.map((image) => image.captions),
            ).at(-1)!,
          }),
      ...(pointing.words > 0 && { pointing: pointingAccuracy(pointing) }),
      ...(attention && { collapse: collapseOf(attention) }),
    };
  },
  report: reportOf,
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
  title: ({ name }) => name,
  async places(image, _, model) {
    const { width, height, ...pixels } = await image.pixels();
    const [rows, columns] = gridOf(model);
    const drawn = { width, height, url: pngUrl({ width, height, ...pixels }) };
    return { source: { kind: "grid", image: drawn, rows, columns } };
  },
  async show(image, { tokens, weights, finished }, { target }, { model }) {
    const written = target.decode(tokens);
    const { gold } = image;
    const [masks, referents] = [gold?.masks(), gold?.referents(written)];
    const [rows, columns] = gridOf(model);
    return {
      output: detokenise(written),
      steps: [...tokens, ...(finished ? [END] : [])].map((token, index) => {
        const referent = referents?.[index];
        const piece = spellOf(target, token);
        if (referent === undefined || !weights) return { label: piece };
        const { hits, mass } = countPointing(weights[index]!, masks![referent]!, { rows, columns });
        return { label: piece, looked: { pointed: hits > 0, mass } };
      }),
      blocks: [],
      ...(gold && { right: gold.isTrue(written) }),
      references: image.captions.map(detokenise),
    };
  },
  variants: ({ source }, model) => {
    const [rows, columns] = gridOf(model);
    return {
      over: "source",
      count: rows * columns,
      values: { source: withoutCells(source!, [rows, columns]) },
    };
  },
  without: "once a place of the image is covered with its mean",
  diagnose: diagnosisOf,
};
