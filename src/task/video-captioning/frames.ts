import type { Image } from "../../attention/index.js";
import { countOf, typedArray, UsageError } from "../../core/index.js";
import { type CaptionedClip, type FrameShape, type Mask, pngUrl } from "../../data/index.js";
import type { Value, Values } from "../../session/index.js";

/**
 * Clips as what models read: float32 [clip, frame, …] with colours from 0 to 1, after its last frame 0, and int32 [clip], how many
 * frames each has.
 * @throws UsageError for a clip whose frames are not what the model reads
 */
export async function clipsValue(clips: readonly CaptionedClip[], frame: FrameShape): Promise<Values> {
  const most = Math.max(...clips.map(({ count }) => count));
  const size = countOf(frame);
  const data = new Float32Array(clips.length * most * size);
  for (const [index, clip] of clips.entries()) {
    if (clip.frame.join() !== frame.join())
      throw new UsageError(
        `the frames of "${clip.name}" are ${clip.frame.join(" × ")} but the model reads ${frame.join(" × ")}; give clips like those it was trained on.`,
      );
    const frames = await clip.frames();
    const scale = frames instanceof Uint8Array ? 255 : 1;
    for (let element = 0, to = index * most * size; element < frames.length; element++, to++)
      data[to] = frames[element]! / scale;
  }
  return {
    source: { dtype: "float32", shape: [clips.length, most, ...frame], data },
    length: { dtype: "int32", shape: [clips.length], data: Int32Array.from(clips, ({ count }) => count) },
  };
}

/** One clip [1, F, …] whole, then without some of its frames each time, which are covered with the mean of all. */
export function withoutFrames({ source }: Values, hidden: readonly (readonly number[])[]): Values {
  const { shape, data } = source!;
  const [, frames, ...frame] = shape as [number, number, ...number[]];
  const size = countOf(frame);
  const mean = new Float32Array(size);
  for (let element = 0; element < data.length; element++) mean[element % size]! += data[element]! / frames;
  const all = typedArray("float32", (1 + hidden.length) * data.length);
  for (let variant = 0; variant <= hidden.length; variant++)
    all.set(data as Float32Array, variant * data.length);
  hidden.forEach((covered, variant) => {
    for (const one of covered) all.set(mean, (variant + 1) * data.length + one * size);
  });
  const count = 1 + hidden.length;
  return {
    source: { dtype: "float32", shape: [count, frames, ...frame], data: all } as Value,
    length: { dtype: "int32", shape: [count], data: new Int32Array(count).fill(frames) },
  };
}

/** The frames that a mask [1, F] shows. */
export const framesOfMask = ({ data }: Mask): number[] =>
  Array.from(data).flatMap((shown, frame) => (shown === 1 ? [frame] : []));

/** Pictures of a clip's frames: as they are, or of features a grey cell for each, by share of the clip's range. */
export async function picturesOf(clip: CaptionedClip): Promise<Image[]> {
  const data = await clip.frames();
  const [height, width] = clip.frame;
  const size = countOf(clip.frame);
  if (width !== undefined)
    return Array.from({ length: clip.count }, (_, frame) => ({
      width,
      height,
      url: pngUrl({ width, height, data: Uint8Array.from(data.subarray(frame * size, (frame + 1) * size)) }),
    }));
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of data) [low, high] = [Math.min(low, value), Math.max(high, value)];
  const side = Math.ceil(Math.sqrt(size));
  const cells = { width: side, height: Math.ceil(size / side) };
  return Array.from({ length: clip.count }, (_, frame) => {
    const shades = new Uint8Array(cells.width * cells.height);
    for (let cell = 0; cell < size; cell++)
      shades[cell] = Math.round((255 * (data[frame * size + cell]! - low)) / Math.max(1e-9, high - low));
    return { ...cells, url: pngUrl({ ...cells, data: shades }) };
  });
}
