import { basename } from "node:path";
import sharp from "sharp";
import { RegardError, UsageError } from "../../core/index.js";
import type { Pixels } from "../contract.js";

/** Pixels an image may have at most: 10,000 × 10,000. Larger ones are refused before they are decoded. */
export const MOST_PIXELS = 100_000_000;

// One image is decoded at a time by each caller; the cache of the library would keep files that were replaced.
sharp.cache(false);

const why = (error: unknown): string => (error as Error).message.split("\n")[0]!.replace(/\.$/, "");

/** @throws UsageError where a file is no image, or one that is too large, by its beginning */
export async function assertImage(file: string | Uint8Array, name = nameOf(file)): Promise<void> {
  const { width, height } = await sharp(file, { limitInputPixels: false })
    .metadata()
    .catch((error) => {
      throw new UsageError(
        `"${name}" cannot be read as an image (${why(error)}); give a JPEG, PNG or WebP file.`,
      );
    });
  if (width * height > MOST_PIXELS)
    throw new UsageError(
      `"${name}" has ${width} × ${height} pixels but at most ${MOST_PIXELS / 1e6} million are taken; scale it down.`,
    );
}

const nameOf = (file: string | Uint8Array): string =>
  typeof file === "string" ? basename(file) : "the image";

/**
 * An image as red, green and blue at a size, whatever it was: turned as its EXIF says, grey and CMYK made RGB, what is
 * transparent made white. Its sides are scaled each for itself.
 * @throws RegardError naming the image where it cannot be decoded
 */
export async function readImage(
  file: string | Uint8Array,
  [height, width]: readonly [height: number, width: number],
  name = nameOf(file),
): Promise<Pixels> {
  try {
    const { data } = await sharp(file, { limitInputPixels: MOST_PIXELS })
      .autoOrient()
      .flatten({ background: "#ffffff" })
      .toColourspace("srgb")
      .resize(width, height, { fit: "fill" })
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { width, height, data: new Uint8Array(data.buffer, data.byteOffset, data.length) };
  } catch (error) {
    throw new RegardError(
      `"${name}" cannot be decoded (${why(error)}); replace it, or take it out of the captions.`,
    );
  }
}

/** Pixels as the bytes of a PNG file. */
export const encodePng = ({ width, height, data }: Pixels): Promise<Uint8Array> =>
  sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
