import type { Mask } from "../data/index.js";
import type { Value } from "../session/index.js";

/** Whether a pixel is covered. */
type Cover = (row: number, column: number) => boolean;

/** An image [1, H, W, C], then without each cell of a grid, row by row, which is covered with the image's mean. */
export function withoutCells(image: Value, [rows, columns]: readonly [number, number]): Value {
  const [, height, width] = image.shape as [number, number, number, number];
  return covered(
    image,
    Array.from(
      { length: rows * columns },
      (_, cell): Cover =>
        (y, x) =>
          Math.floor((y * rows) / height) === Math.floor(cell / columns) &&
          Math.floor((x * columns) / width) === cell % columns,
    ),
  );
}

/** An image [1, H, W, C], then without what each mask shows, [row, column], 1 where it is covered. */
export function withoutMasks(image: Value, masks: readonly Mask[]): Value {
  const [, height, width] = image.shape as [number, number, number, number];
  return covered(
    image,
    masks.map(
      (mask): Cover =>
        (y, x) => {
          const row = Math.floor((y * mask.height) / height);
          return mask.data[row * mask.width + Math.floor((x * mask.width) / width)] === 1;
        },
    ),
  );
}

function covered(image: Value, covers: readonly Cover[]): Value {
  const size = image.data.length;
  const data = new Float32Array((1 + covers.length) * size);
  data.set(image.data as Float32Array);
  covers.forEach((cover, index) => {
    data.set(withMean(image, cover), (index + 1) * size);
  });
  return { dtype: "float32", shape: [1 + covers.length, ...image.shape.slice(1)], data };
}

/** An image [1, H, W, C] with some of its pixels at the mean of their channel. */
function withMean(image: Value, covers: Cover): Float32Array {
  const [, height, width, channels] = image.shape as [number, number, number, number];
  const data = Float32Array.from(image.data);
  const mean = new Float64Array(channels);
  for (let element = 0; element < data.length; element++)
    mean[element % channels]! += data[element]! / (height * width);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) if (covers(y, x)) data.set(mean, (y * width + x) * channels);
  return data;
}
