import { RegardError, type Tensor } from "../core/index.js";
import { convolutional, type Scope } from "../nn/index.js";
import { mul, relu, reshape, sub } from "../ops/index.js";
import type { CaptioningSizes, ModelPart } from "./contract.js";

/** Rows and columns at which images are no longer halved. */
const GRID = 8;
const FIRST_CHANNELS = 32;

/** Features of an image at every place of a grid. Axes: B batch, P places row by row, D features. */
export interface ImageEncoder {
  /** Images float [B, height, width, channels] from 0 to 1 to [B, P, D]. */
  (images: Tensor): Tensor;
  readonly features: number;
  readonly rows: number;
  readonly columns: number;
}

/**
 * A convolutional network that is trained with its model: convolutions of 3 × 3 with a stride of 2 until the grid has at
 * most 8 rows and columns, the channels doubling up to `features`, and one more that keeps the size; a ReLU after each.
 * Images that have been through an encoder already are taken as they are.
 * @throws RegardError where the images are smaller than the grid
 */
export function imageEncoder(
  scope: Scope,
  { image, encoded }: Pick<CaptioningSizes, "image" | "encoded">,
  features: number,
): ImageEncoder {
  const [height, width, channels] = image;
  const places = (x: Tensor, rows: number, columns: number, depth: number) =>
    reshape(x, [x.shape[0]!, rows * columns, depth]);
  if (encoded)
    return Object.assign((images: Tensor) => places(images, height, width, channels), {
      features: channels,
      rows: height,
      columns: width,
    });
  if (height < GRID || width < GRID)
    throw new RegardError(
      `the image encoder takes images of at least ${GRID} × ${GRID} pixels, not ${height} × ${width}; give a larger --image-size.`,
    );
  const layers: ((x: Tensor) => Tensor)[] = [];
  let [rows, columns, before] = [height, width, channels];
  const layer = (output: number, stride: number) => {
    const scoped = scope.at(`convolution${layers.length + 1}`);
    layers.push(convolutional(scoped, { input: before, output, kernel: 3, stride, padding: 1 }));
    [rows, columns, before] = [Math.ceil(rows / stride), Math.ceil(columns / stride), output];
  };
  while (Math.max(rows, columns) > GRID) layer(Math.min(features, FIRST_CHANNELS * 2 ** layers.length), 2);
  layer(features, 1);
  const encode = (images: Tensor) =>
    places(
      layers.reduce((x, each) => relu(each(x)), mul(sub(images, 0.5), 4)),
      rows,
      columns,
      features,
    );
  return Object.assign(encode, { features, rows, columns });
}

/** The part that reads the image. */
export const imageEncoderPart: ModelPart = {
  id: "encoder",
  title: "Convolutional network",
  scopes: ["encoder"],
  equations: ["a = ReLU(conv(… ReLU(conv(image))))"],
  from: ["image"],
  gives: "[B, L, features]",
};
