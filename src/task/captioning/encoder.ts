import { UsageError } from "../../core/index.js";
import { type CaptionedImage, ImageCache, type Splits } from "../../data/index.js";
import { appendOutputs, decodeModel } from "../../onnx/index.js";
import type { OpenedModel, Value } from "../../session/index.js";
import { pixelsValue } from "./task.js";

/** What opens the bytes of an ONNX file. */
export type OpenModel = (bytes: Uint8Array) => Promise<OpenedModel>;

/**
 * A network from an ONNX file that images go through before a model, and that is not trained: its value at one layer, for
 * images from 0 to 1, brought to the mean and deviation that networks trained on ImageNet expect.
 */
export interface FrozenEncoder {
  readonly layer: string;
  /** Rows, columns and channels of the layer. */
  readonly shape: readonly [number, number, number];
  /** The image with what the network makes of it; what was made last is kept, up to 512 MiB. */
  encode(image: CaptionedImage): CaptionedImage;
}

/** Mean and deviation of the colours of ImageNet, by channel. */
const [MEAN, DEVIATION] = [
  [0.485, 0.456, 0.406],
  [0.229, 0.224, 0.225],
] as const;

/**
 * Opens a network and finds the layer that is read: the one named, or the last whose value is a grid of more than one place.
 * @param size height and width of the images
 * @throws UsageError where the file is no network for such images, or has no such layer
 */
export async function openEncoder(
  bytes: Uint8Array,
  name: string,
  size: readonly [number, number],
  open: OpenModel,
  wanted?: string,
): Promise<FrozenEncoder> {
  let outputs: readonly string[];
  try {
    outputs = decodeModel(bytes).graph.node.flatMap(({ output }) => output.filter((one) => one !== ""));
  } catch (error) {
    throw new UsageError(`"${name}" is damaged or no ONNX file (${(error as Error).message}).`);
  }
  if (outputs.length === 0) throw new UsageError(`"${name}" has no graph; give a convolutional network.`);
  if (wanted !== undefined && !outputs.includes(wanted))
    throw new UsageError(
      `"${name}" has no value "${wanted}"; its last are ${outputs
        .slice(-5)
        .map((one) => `"${one}"`)
        .join(", ")}.`,
    );
  const probe: CaptionedImage = {
    name,
    captions: [],
    pixels: async () => ({ width: size[1], height: size[0], data: new Uint8Array(3 * size[0] * size[1]) }),
  };
  const all = await run(bytes, name, wanted === undefined ? outputs : [wanted], open, probe);
  const spatial = Object.entries(all)
    .filter(([, { dtype, shape }]) => dtype === "float32" && shape.length === 4 && shape[2]! * shape[3]! > 1)
    .map(([layer, { shape }]) => ({ layer, shape }))
    .sort((a, b) => outputs.indexOf(a.layer) - outputs.indexOf(b.layer));
  const found = spatial.at(-1);
  if (!found)
    throw new UsageError(
      wanted === undefined
        ? `"${name}" has no spatial layer: none of its ${outputs.length} values is [images, channels, rows, columns] with more than one place at images of ${size.join(" × ")}; give a convolutional network, or larger images with --image-size.`
        : `value "${wanted}" of "${name}" is [${Object.values(all)[0]?.shape.join(", ") ?? ""}] but should be [images, channels, rows, columns] with more than one place; name another layer.`,
    );
  const opened = await open(appendOutputs(bytes, [found.layer]));
  const cache = new ImageCache<{ shape: readonly number[]; data: Float32Array }>();
  const [, channels, rows, columns] = found.shape as [number, number, number, number];
  const shape = [rows, columns, channels] as const;
  const encode = async (image: CaptionedImage) => {
    const results = await opened.run({
      [opened.inputs[0]!]: normalised(pixelsValue([await image.pixels()])),
    });
    return { shape, data: channelsLast(results[found.layer]!) };
  };
  // One image after the other: a session is not meant to run twice at once.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (image: CaptionedImage) => {
    const next = last.then(() => encode(image));
    last = next.catch(() => {});
    return next;
  };
  return {
    layer: found.layer,
    shape,
    encode: (image) => ({ ...image, encoded: () => cache.get(image.name, () => inTurn(image)) }),
  };
}

/** Data whose images go through an encoder. */
export const encodedData = <Data extends Splits<CaptionedImage>>(
  data: Data,
  encoder: FrozenEncoder,
): Data => {
  const all = (images: readonly CaptionedImage[]) => images.map(encoder.encode);
  return {
    ...data,
    train: all(data.train),
    validation: all(data.validation),
    tests: Object.fromEntries(Object.entries(data.tests).map(([name, images]) => [name, all(images)])),
  };
};

async function run(
  bytes: Uint8Array,
  name: string,
  outputs: readonly string[],
  open: OpenModel,
  image: CaptionedImage,
): Promise<Record<string, Value>> {
  try {
    const model = await open(appendOutputs(bytes, outputs));
    const [input, ...others] = model.inputs;
    if (input === undefined || others.length > 0)
      throw new UsageError(`it has ${model.inputs.length} inputs but should have one, for images`);
    const results = await model.run({ [input]: normalised(pixelsValue([await image.pixels()])) });
    await model.release();
    return results;
  } catch (error) {
    throw new UsageError(
      `"${name}" cannot read images [1, 3, height, width] (${(error as Error).message.split("\n")[0]!.replace(/\.$/, "")}); give a convolutional network that takes them.`,
    );
  }
}

/** Images as networks from elsewhere read them: [1, channel, row, column], brought to the mean and deviation of ImageNet. */
function normalised({ shape, data }: Value): Value {
  const [, height, width] = shape as [number, number, number];
  const plane = height * width;
  const result = new Float32Array(3 * plane);
  for (let element = 0; element < data.length; element++) {
    const channel = element % 3;
    result[channel * plane + Math.floor(element / 3)] =
      (data[element]! - MEAN[channel]!) / DEVIATION[channel]!;
  }
  return { dtype: "float32", shape: [1, 3, height, width], data: result };
}

/** One image [1, channel, row, column] as [row, column, channel]. */
function channelsLast({ shape, data }: Value): Float32Array {
  const [, channels, rows, columns] = shape as [number, number, number, number];
  const places = rows * columns;
  const result = new Float32Array(data.length);
  for (let channel = 0; channel < channels; channel++)
    for (let place = 0; place < places; place++)
      result[place * channels + channel] = data[channel * places + place]!;
  return result;
}
