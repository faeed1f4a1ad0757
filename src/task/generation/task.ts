import { z } from "zod";
import { countOf, Random, RegardError, subtractDimensions, UsageError } from "../../core/index.js";
import { type GreyImage, type LabelledImage, pngUrl } from "../../data/index.js";
import { type GenerationSizes, pixelLosses } from "../../models/index.js";
import { input, neg, slice, squeeze } from "../../ops/index.js";
import type { Value, Values } from "../../session/index.js";
import { greyValue } from "../classification/task.js";
import type { Report, Scoring, Task, Use } from "../contract.js";
import { withoutCells } from "../cover.js";
import { pixelsOf } from "../form.js";

/** How large the images of training are. */
interface Canvas {
  readonly size: readonly [height: number, width: number];
}

/** An image that is to be drawn, or none, where it is drawn from the prior. */
type Example = LabelledImage & { readonly prior?: true };

/** What a model drew. */
interface Drawn {
  /** The probability of white after each step, as brightness. */
  readonly canvases: readonly GreyImage[];
  /** What each step knew of the image that the prior did not, in nats. */
  readonly divergence: readonly number[];
}

/** What an image is drawn from. */
const [IMAGE, PRIOR] = ["the image", "prior"] as const;

/** Rows and columns of the parts of an image whose causal effect is measured. */
const PARTS = [8, 8] as const;

/** The seed by which images that are scored and asked about become black and white, in every run alike. */
const FROZEN = 0;

/**
 * Images of black and white, float32 [image, row, column, 1]: each pixel is white with its brightness as the probability
 * (Salakhutdinov & Murray 2008), in training anew at every step.
 */
async function binarised(images: readonly Example[], { size }: Canvas, use: Use): Promise<Value> {
  const value = greyValue(await Promise.all(images.map((image) => image.pixels())), size);
  const each = value.data.length / images.length;
  const chances = new Float32Array(each);
  images.forEach(({ name }, index) => {
    const [seed, step] = use.kind === "train" ? [use.seed, use.step] : [FROZEN, 0];
    new Random(seed, `binarise ${name}`, step).fill("uniform", chances);
    for (let pixel = 0; pixel < each; pixel++)
      value.data[index * each + pixel] = chances[pixel]! < value.data[index * each + pixel]! ? 1 : 0;
  });
  return value;
}

const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));

/** What the outputs of one image say: canvases of logits [T, height, width, 1], and nats [T]. */
function drawnOf({ canvas, divergence }: Values): Drawn {
  const [steps, height, width] = canvas!.shape as [number, number, number];
  const size = countOf(canvas!.shape.slice(1));
  return {
    canvases: Array.from({ length: steps }, (_, step) => ({
      width,
      height,
      data: Uint8Array.from(canvas!.data.subarray(step * size, (step + 1) * size), (logit) =>
        Math.round(255 * sigmoid(logit)),
      ),
    })),
    divergence: Array.from(divergence!.data),
  };
}

const pictureOf = (image: GreyImage) => ({ width: image.width, height: image.height, url: pngUrl(image) });

/** The picture that a model reads of an image. */
async function readOf(example: Example, prepared: Canvas): Promise<GreyImage> {
  const { data } = await binarised([example], prepared, { kind: "ask" });
  const [height, width] = prepared.size;
  return { width, height, data: Uint8Array.from(data, (pixel) => 255 * pixel) };
}

/** The mean over images of the bound in nats, and of what each step knew. */
async function scored(
  { evaluator, parameters }: Scoring<Example, Canvas>,
  images: readonly Example[],
): Promise<{ loss: number; divergence: number; each: readonly number[] }> {
  const losses: number[] = [];
  for await (const { loss } of evaluator.force(parameters, images)) losses.push(loss);
  const found = await evaluator.predict(parameters, images);
  const all = found.map(({ outputs }) => outputs.divergence!.data);
  const each = Array.from(
    all[0] ?? [],
    (_, step) => all.reduce((sum, one) => sum + one[step]!, 0) / all.length,
  );
  return {
    loss: losses.reduce((a, b) => a + b, 0) / losses.length,
    divergence: each.reduce((a, b) => a + b, 0),
    each,
  };
}

/** Images of black and white, drawn from what is known of them or from nothing. */
export const generation: Task<Example, Canvas, GenerationSizes, Drawn> = {
  id: "generation",
  examples: "images",
  words: { example: "image", place: "window", decision: "picture", cause: "part of the image" },
  takes: "labelled images",
  defaults: {
    data: "digits",
    batch: 128,
    targets: 1,
    learningRate: 0.001,
    optimizer: { name: "adam" },
    clip: 5,
    labelSmoothing: 0,
  },
  scores: [
    {
      id: "divergence",
      title: "of them in the latent numbers",
      unit: "nats",
      better: "lower",
    },
  ],
  prepare({ size }) {
    if (!size) throw new RegardError("the data does not say how large its images are.");
    return { size };
  },
  restored(stored) {
    const found = stored as Partial<Canvas> | undefined;
    if (!Array.isArray(found?.size))
      throw new RegardError("the run does not hold how large its images are; it is of another task.");
    return { size: found.size as unknown as Canvas["size"] };
  },
  describe: ({ size: [height, width] }) => `images of ${width} × ${height} pixels, each black or white`,
  sizes: ({ size }) => ({ image: [...size, 1] }),
  inputs: ({ image }) => ({
    image: input("image", "float32", ["batch", ...image]),
    prior: input("prior", "float32", ["batch"]),
  }),
  targets: ({ image }, batch) => ({ target: input("target", "float32", [batch, ...image]) }),
  sizing: {
    options: z.object({
      image: z
        .tuple([z.int().min(1).max(1024), z.int().min(1).max(1024)])
        .default([28, 28])
        .describe("height and width of the images"),
    }),
    of: (_, { size }) => ({ image: [...size] }),
    sizes: ({ image: [height, width] }) => ({ image: [height, width, 1] }),
    lengths: {},
  },
  async collate(images, prepared, use) {
    const image = await binarised(images, prepared, use);
    const prior: Value = {
      dtype: "float32",
      shape: [images.length],
      data: Float32Array.from(images, (one) => (one.prior ? 1 : 0)),
    };
    if (use.kind === "ask") return { values: { image, prior }, decisions: [] };
    return { values: { image, prior, target: image }, decisions: images.map(() => 1) };
  },
  drive: { kind: "free" },
  async validate(scoring, images) {
    const { loss, divergence } = await scored(scoring, images);
    return { loss, divergence };
  },
  async report(scoring, images): Promise<Report> {
    const { each, ...metrics } = await scored(scoring, images);
    return {
      metrics: {
        ...metrics,
        ...Object.fromEntries(each.map((nats, step) => [`divergence${step + 1}`, nats])),
      },
      outputs: images.map(({ name }) => ({ source: name, output: "", references: [] })),
    };
  },
  form: ({ size }) => [
    { name: "image", title: "Image", kind: "image", size, channels: 1, drawn: true },
    { name: "from", title: "Origin", kind: "choice", of: [IMAGE, PRIOR] },
  ],
  example({ image, from = IMAGE }, { size }) {
    if (from !== IMAGE && from !== PRIOR)
      throw new UsageError(`it draws from ${IMAGE} or from the prior, not from ${JSON.stringify(from)}.`);
    const [height, width] = size;
    const pixels =
      from === PRIOR ? { width, height, data: new Uint8Array(width * height) } : pixelsOf(image, size, 1);
    return { name: from, pixels: async () => pixels, ...(from === PRIOR && { prior: true as const }) };
  },
  card: async ({ name, pixels }) => ({ title: name, url: pngUrl(await pixels()), expected: [] }),
  title: ({ name }) => name,
  async places(example, prepared) {
    const image = pictureOf(await readOf(example, prepared));
    const [rows, columns] = PARTS;
    return {
      image: { kind: "canvas", image },
      canvas: { kind: "canvas", image },
      parts: { kind: "grid", image, rows, columns },
    };
  },
  read: drawnOf,
  async show(example, { canvases, divergence }, prepared) {
    const nats = divergence.reduce((a, b) => a + b, 0);
    const last = canvases.at(-1)!;
    const given = example.prior ? undefined : await readOf(example, prepared);
    return {
      output: given
        ? `drawn from ${example.name} with ${nats.toFixed(1)} nats`
        : "drawn from the prior, where nothing is known",
      steps: canvases.map((canvas, step) => ({
        label: `step ${step + 1}`,
        images: { canvas: pictureOf(canvas) },
      })),
      blocks: [
        ...(given ? [{ kind: "image", title: "Read", image: pictureOf(given) } as const] : []),
        { kind: "image", title: "Drawn", image: pictureOf(last) },
        ...(given
          ? [
              {
                kind: "text",
                title: "What each step knew of it, in nats",
                text: divergence.map((one) => one.toFixed(1)).join(", "),
              } as const,
            ]
          : []),
      ],
      references: [],
    };
  },
  taken({ canvases }, _, { size }) {
    const { data } = canvases.at(-1)!;
    const target = Float32Array.from(data, (brightness) => (brightness >= 128 ? 1 : 0));
    return { target: { dtype: "float32", shape: [1, ...size, 1], data: target } };
  },
  likelihood({ canvas }, { target }) {
    const last = squeeze(slice(canvas!, 0, subtractDimensions(canvas!.shape[0]!, 1), 1), 0);
    return neg(pixelLosses(last, target!));
  },
  variants({ image, prior }) {
    const [rows, columns] = PARTS;
    const count = rows * columns;
    return {
      over: "parts",
      count,
      values: {
        image: withoutCells(image!, PARTS),
        prior: { ...prior!, shape: [1 + count], data: new Float32Array(1 + count).fill(prior!.data[0]!) },
      },
    };
  },
  without: "once a part of the image is covered with its mean",
};
