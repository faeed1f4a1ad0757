import { START, type Tensor } from "../../core/index.js";
import { tokenBatch } from "../../data/index.js";
import { tokensValue } from "../../decode/index.js";
import type { Model } from "../../models/index.js";
import { Mode } from "../../nn/index.js";
import { input } from "../../ops/index.js";
import { type Backend, neededBy, type Session, type Value, type Values } from "../../session/index.js";

/** Images that are read at once. */
const BATCH = 64;

/**
 * The causal effect of parts of an image: how much less likely each word becomes where a part is covered with the image's
 * mean (Zeiler & Fergus 2014, section 4.2).
 */
export class Occlusion {
  private constructor(private readonly session: Session) {}

  /** @param source the input that the model reads, [B, height, width, channels] */
  static async load(model: Model, source: Tensor, backend: Backend): Promise<Occlusion> {
    const { losses } = model.objective(
      { source, target: input("target", "int32", ["target", "batch"]) },
      Mode.plain(),
    );
    return new Occlusion(await backend.load({ losses }));
  }

  /**
   * @param image one image, [1, height, width, channels]
   * @param tokens that are written, END included where it was
   * @returns [token, cell] in nats: log p(token) − log p(token without the cell), for cells of a grid row by row
   */
  async effects(
    parameters: Values,
    image: Value,
    tokens: readonly number[],
    [rows, columns]: readonly [number, number],
  ): Promise<number[][]> {
    const cells = Array.from({ length: rows * columns }, (_, cell) => cell);
    const [, height, width] = image.shape as [number, number, number, number];
    const inside = (cell: number, y: number, x: number) =>
      Math.floor((y * rows) / height) === Math.floor(cell / columns) &&
      Math.floor((x * columns) / width) === cell % columns;
    return this.#compare(
      parameters,
      image,
      tokens,
      cells.map((cell) => (y, x) => inside(cell, y, x)),
    );
  }

  /**
   * The effect of covering each mask's pixels, [token, mask], as `effects`.
   * @param masks [row, column] of the image, 1 where it is covered
   */
  effectsOf(
    parameters: Values,
    image: Value,
    tokens: readonly number[],
    masks: readonly { readonly width: number; readonly height: number; readonly data: Uint8Array }[],
  ): Promise<number[][]> {
    const [, height, width] = image.shape as [number, number, number, number];
    return this.#compare(
      parameters,
      image,
      tokens,
      masks.map((mask) => (y: number, x: number) => {
        const row = Math.floor((y * mask.height) / height);
        return mask.data[row * mask.width + Math.floor((x * mask.width) / width)] === 1;
      }),
    );
  }

  async #compare(
    parameters: Values,
    image: Value,
    tokens: readonly number[],
    covers: readonly ((y: number, x: number) => boolean)[],
  ): Promise<number[][]> {
    if (tokens.length === 0) return [];
    const losses: Float64Array[] = [];
    const variants = [undefined, ...covers];
    for (let start = 0; start < variants.length; start += BATCH) {
      const part = variants.slice(start, start + BATCH);
      const covered = part.map((cover) => (cover ? coverWithMean(image, cover) : image.data));
      const size = image.data.length;
      const data = new Float32Array(part.length * size);
      covered.forEach((one, index) => {
        data.set(one, index * size);
      });
      const { losses: found } = await this.session.run(
        neededBy(this.session, {
          ...parameters,
          source: { dtype: "float32", shape: [part.length, ...image.shape.slice(1)], data },
          target: tokensValue(tokenBatch(part.map(() => [START, ...tokens]))),
        }),
      );
      part.forEach((_, column) => {
        losses.push(Float64Array.from(tokens, (__, row) => found!.data[row * part.length + column]!));
      });
    }
    const [whole, ...without] = losses;
    return tokens.map((_, row) => without.map((loss) => loss[row]! - whole![row]!));
  }

  release(): Promise<void> {
    return this.session.release();
  }
}

/** An image [1, H, W, C] with some of its pixels at the mean of their channel. */
function coverWithMean(image: Value, covers: (y: number, x: number) => boolean): Float32Array {
  const [, height, width, channels] = image.shape as [number, number, number, number];
  const data = Float32Array.from(image.data);
  const mean = new Float64Array(channels);
  for (let element = 0; element < data.length; element++)
    mean[element % channels]! += data[element]! / (height * width);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) if (covers(y, x)) data.set(mean, (y * width + x) * channels);
  return data;
}
