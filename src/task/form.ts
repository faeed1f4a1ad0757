import type { Image } from "../attention/index.js";
import { countOf, fromBase64, UsageError } from "../core/index.js";
import { type Film, type FrameShape, type Pixels, requireInside } from "../data/index.js";

/** What people give a model, by what they give it with. */
export type Field = {
  readonly name: string;
  readonly title: string;
} & (
  | {
      readonly kind: "text" /** Words it takes at most. */;
      readonly longest: number;
      readonly placeholder: string;
    }
  | {
      readonly kind: "image";
      /** Height and width in pixels to which it is brought. */
      readonly size: readonly [height: number, width: number];
      readonly channels: 1 | 3;
      /** Whether people may draw it. */
      readonly drawn: boolean;
    }
  /** Frames of a clip: colours at a size to which they are brought, or features of each. */
  | {
      readonly kind: "clip";
      readonly frame: FrameShape /** Frames it takes at most. */;
      readonly longest: number;
    }
  /** A recording. */
  | { readonly kind: "sound" /** Seconds it may last. */; readonly longest: number }
  /** Rows of bits. */
  | { readonly kind: "bits"; readonly width: number; readonly longest: number }
  | { readonly kind: "numbers" /** How many; any number where absent. */; readonly count?: number }
  | { readonly kind: "choice"; readonly of: readonly string[] }
  /** Frames in order. */
  | {
      readonly kind: "film";
      /** Height and width of the frames in pixels. */
      readonly size: readonly [height: number, width: number];
      readonly channels: 1 | 3;
      /** Whether it has a box in its first frame. */
      readonly boxed: boolean;
    }
);

/** Colours or brightness of an image, 0 to 255, row by row in base64. */
export interface ImageValue {
  readonly width: number;
  readonly height: number;
  readonly data: string;
}

/** A film that was given: its frames, and x, y, width and height of a box in the first, in pixels, where one is asked for. */
export interface FilmValue {
  readonly frames: readonly ImageValue[];
  readonly box?: readonly number[];
}

/** Frames one after another in base64: colours from 0 to 255 row by row, or features as float32, lowest byte first. */
export interface ClipValue {
  readonly count: number;
  readonly frames: string;
}

/** A sound that was given: samples a second, and samples from −1 to 1 as float32 in base64, lowest byte first. */
export interface SoundValue {
  readonly rate: number;
  readonly samples: string;
}

export type FieldValue =
  | string
  | ImageValue
  | FilmValue
  | ClipValue
  | SoundValue
  | readonly number[]
  | readonly (readonly number[])[];

/** Something to show beside what was looked at. */
export type Block = { readonly title: string } & (
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "image"; readonly image: Image }
  /** Numbers from 0 to 1 by row and column, such as bits. */
  | {
      readonly kind: "grid";
      readonly rows: readonly (readonly number[])[];
      readonly labels?: readonly string[];
    }
  | {
      readonly kind: "classes";
      readonly items: readonly {
        readonly label: string;
        readonly probability: number;
        /** Whether it is the right one, where that is known. */
        readonly right?: boolean;
      }[];
    }
  /** What is known to be right, and whether the output is. */
  | { readonly kind: "truth"; readonly right: boolean; readonly references: readonly string[] }
);

/**
 * The pixels of an image that was given, at the size a model reads; grey ones as three equal colours.
 * @throws UsageError for one of another size, or none
 */
export function pixelsOf(
  value: FieldValue | undefined,
  [height, width]: readonly [number, number],
  channels: 1 | 3,
): Pixels {
  if (value === undefined || typeof value === "string" || !("data" in value))
    throw new UsageError("this run reads images; give it an image.");
  const data = fromBase64(value.data);
  const wanted = channels * width * height;
  if (value.width !== width || value.height !== height || data.length !== wanted)
    throw new UsageError(
      `the image is ${value.width} × ${value.height} with ${data.length} bytes, but the model reads ${width} × ${height} with ${wanted}; scale it first.`,
    );
  return { width, height, data };
}

/** A film that was given. @throws UsageError for none, for frames of another size, and for a box that is not inside */
export function filmOf(value: FieldValue | undefined, size: readonly [height: number, width: number]): Film {
  const frames = framesOf(value, size, 1);
  const [x, y, width, height] = (value as FilmValue).box ?? [];
  const first = { x: x!, y: y!, width: width!, height: height! };
  requireInside(first, size, "the box that was given");
  return { name: "the film", frames: frames.length, first, frame: async (index) => frames[index]! };
}

/** The frames of a film that was given. @throws UsageError where there are none, or one is of another size */
export function framesOf(
  value: FieldValue | undefined,
  size: readonly [height: number, width: number],
  channels: 1 | 3,
): Pixels[] {
  if (typeof value !== "object" || !("frames" in value) || "count" in value || value.frames.length === 0)
    throw new UsageError("this run reads films; give it a folder of frames.");
  return value.frames.map((frame) => pixelsOf(frame, size, channels));
}

/** The frames of a clip that was given, as a model reads them. @throws UsageError for frames of another size, or none */
export function clipOf(
  value: FieldValue | undefined,
  frame: FrameShape,
  longest: number,
): { readonly count: number; readonly frames: Uint8Array | Float32Array } {
  if (typeof value !== "object" || !("count" in value))
    throw new UsageError("this run reads clips; give it the frames of one.");
  if (value.count < 1 || value.count > longest)
    throw new UsageError(
      `the clip has ${value.count} frames, but 1 to ${longest} are read; give it as many.`,
    );
  const bytes = fromBase64(value.frames);
  const wanted = value.count * countOf(frame) * (frame.length === 1 ? 4 : 1);
  if (bytes.length !== wanted)
    throw new UsageError(
      `the ${value.count} frames of the clip are ${bytes.length} bytes, but ${wanted} are read, ${frame.join(" × ")} for each; bring them to that size.`,
    );
  const frames = frame.length === 1 ? new Float32Array(bytes.slice().buffer) : bytes;
  return { count: value.count, frames };
}
