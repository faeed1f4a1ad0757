import { basename } from "node:path";
import sharp from "sharp";
import { type Random, RegardError, UsageError } from "../../core/index.js";
import type { Augmentation, GreyImage, Pixels } from "../contract.js";

/** Pixels an image may have at most: 10,000 × 10,000. Larger ones are refused before they are decoded. */
export const MOST_PIXELS = 100_000_000;

// One image is decoded at a time by each caller; the cache of the library would keep files that were replaced.
sharp.cache(false);

const why = (error: unknown): string => (error as Error).message.split("\n")[0]!.replace(/\.$/, "");

/** What is read, by content and not by name: formats that hold one picture and nothing that points elsewhere. */
const FORMATS = ["jpeg", "png", "webp", "gif", "tiff", "heif"] as const;
const FORMAT_NAMES = "JPEG, PNG, WebP, GIF, TIFF or AVIF";

/** @throws UsageError where a file is no image of a kind that is read, or one that is too large, by its beginning */
export async function assertImage(file: string | Uint8Array, name = nameOf(file)): Promise<void> {
  const { width, height, format, depth } = await sharp(file, { limitInputPixels: false })
    .metadata()
    .catch((error) => {
      throw new UsageError(
        `"${name}" cannot be read as an image (${why(error)}); give a ${FORMAT_NAMES} file.`,
      );
    });
  if (!FORMATS.some((known) => known === format))
    throw new UsageError(
      `"${name}" holds ${format.toUpperCase()}, whatever its name says; give a ${FORMAT_NAMES} file.`,
    );
  if (depth !== "uchar" && depth !== "ushort")
    throw new UsageError(
      `"${name}" holds numbers of type ${depth}, not colours of 8 or 16 bits; save it as PNG with 8 bits a channel.`,
    );
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

/** The least share of each side that a crop keeps. */
const LEAST_KEPT = 0.8;
/** How much brighter, darker, or stronger and weaker in colour an image may become, as a share. */
const SHADE = 0.25;

/** An image changed a little by chance; its size stays. */
export async function augmentImage(
  { width, height, data }: Pixels,
  changes: readonly Augmentation[],
  random: Random,
): Promise<Pixels> {
  let image = sharp(data, { raw: { width, height, channels: 3 } });
  if (changes.includes("crop")) {
    const kept = LEAST_KEPT + (1 - LEAST_KEPT) * random.uniform();
    const window = { width: Math.round(kept * width), height: Math.round(kept * height) };
    image = image
      .extract({
        ...window,
        left: Math.floor((width - window.width + 1) * random.uniform()),
        top: Math.floor((height - window.height + 1) * random.uniform()),
      })
      .resize(width, height, { fit: "fill" });
  }
  if (changes.includes("flip") && random.uniform() < 0.5) image = image.flop();
  if (changes.includes("shade")) {
    const factor = () => 1 + SHADE * (2 * random.uniform() - 1);
    image = image.modulate({ brightness: factor(), saturation: factor() });
  }
  const changed = await image.removeAlpha().raw().toBuffer();
  return { width, height, data: new Uint8Array(changed.buffer, changed.byteOffset, changed.length) };
}

/** Pixels as the bytes of a PNG file. */
export const encodePng = ({ width, height, data }: Pixels | GreyImage): Promise<Uint8Array> =>
  sharp(data, { raw: { width, height, channels: data.length === width * height ? 1 : 3 } })
    .png()
    .toBuffer();

/** An image as brightness, at its own size or another. @throws RegardError naming the image where it cannot be decoded */
export async function readGrey(
  file: string,
  [height, width]: readonly [height: number, width: number],
): Promise<GreyImage> {
  const { data } = await readImage(file, [height, width]);
  return { width, height, data: greyOf(data) };
}

/** Brightness of colours (ITU-R BT.601). */
export const greyOf = (colours: Uint8Array): Uint8Array =>
  Uint8Array.from({ length: colours.length / 3 }, (_, pixel) =>
    Math.round(
      0.299 * colours[3 * pixel]! + 0.587 * colours[3 * pixel + 1]! + 0.114 * colours[3 * pixel + 2]!,
    ),
  );

/** Height and width of an image file, as people see it. @throws UsageError where it is none */
export async function imageSize(file: string): Promise<readonly [height: number, width: number]> {
  await assertImage(file);
  const { autoOrient } = await sharp(file, { limitInputPixels: false }).metadata();
  return [autoOrient.height, autoOrient.width];
}
