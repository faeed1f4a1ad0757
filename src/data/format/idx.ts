import { z } from "zod";
import { UsageError } from "../../core/index.js";
import type { GreyImage } from "../contract.js";
import { placingOptions, type Stills } from "../placing.js";

/** What may be said of how folders of IDX files are read. */
export const idxOptions = {
  ...placingOptions,
  limit: z
    .int()
    .min(1)
    .optional()
    .describe("images of training that are trained on, the first of them (all)"),
};

/** An array of bytes as an IDX file holds it. */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** The first four bytes: two of 0, the type of the elements (8: unsigned bytes), and the number of axes. */
const magicOf = (axes: number): string => `0x${(0x0800 + axes).toString(16).padStart(8, "0")}`;

/**
 * Reads an IDX file of bytes (LeCun's format of MNIST): a magic number, the size of each axis as 32 bits with the highest byte first, then
 * the elements.
 * @param file its name, for errors
 * @param axes it must have: 3 of images, 1 of labels
 * @throws UsageError naming the file, and the magic number or size that was found and expected
 */
export function parseIdx(bytes: Uint8Array, file: string, axes: number): IdxArray {
  const header = 4 + 4 * axes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 4 && view.getUint32(0) !== 0x0800 + axes)
    throw new UsageError(
      `${file}: it begins with 0x${view.getUint32(0).toString(16).padStart(8, "0")} but an IDX file of ${axes === 1 ? "labels" : "images"} begins with ${magicOf(axes)}; give a file of unsigned bytes with ${axes === 1 ? "one axis" : `${axes} axes`}.`,
    );
  if (bytes.length < header)
    throw new UsageError(
      `${file}: it ends after ${bytes.length} bytes, inside its header of ${header}; fetch it again.`,
    );
  const shape = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis));
  const count = shape.reduce((a, b) => a * b, 1);
  if (bytes.length !== header + count)
    throw new UsageError(
      `${file}: its header tells of ${shape.join(" × ")} = ${count} bytes but ${bytes.length - header} follow; fetch it again.`,
    );
  return { shape, data: bytes.subarray(header) };
}

/** An IDX file of bytes, which `parseIdx` reads. */
export function encodeIdx({ shape, data }: IdxArray): Uint8Array {
  const header = 4 + 4 * shape.length;
  const bytes = new Uint8Array(header + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x0800 + shape.length);
  shape.forEach((size, axis) => {
    view.setUint32(4 + 4 * axis, size);
  });
  bytes.set(data, header);
  return bytes;
}

/**
 * Images [N, height, width] with labels [N].
 * @param files their names, for errors
 * @throws UsageError where their numbers differ, or there is nothing
 */
export function stillsOf(
  images: IdxArray,
  labels: IdxArray,
  files: { readonly images: string; readonly labels: string },
): Stills {
  const [count, height, width] = images.shape as [number, number, number];
  if (labels.shape[0] !== count)
    throw new UsageError(
      `${files.images} has ${count} images but ${files.labels} has ${labels.shape[0]} labels; give the two files that belong together.`,
    );
  if (images.data.length === 0)
    throw new UsageError(`${files.images}: its images are ${images.shape.join(" × ")}, which is nothing.`);
  const size = height * width;
  return {
    count,
    label: (index) => labels.data[index]!,
    image: (index): GreyImage => ({
      width,
      height,
      data: images.data.subarray(index * size, (index + 1) * size),
    }),
  };
}

/** A stretch of images. */
export const part = (stills: Stills, from: number, to: number): Stills => ({
  count: to - from,
  label: (index) => stills.label(from + index),
  image: (index) => stills.image(from + index),
});
