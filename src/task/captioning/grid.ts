import type { SpatialTrace } from "../../attention/index.js";
import { type Pixels, pngUrl } from "../../data/index.js";
import type { Model } from "../../models/index.js";

/** Rows and columns that the causal effect is measured on, for models that have no grid of their own. */
const EFFECT_GRID = [8, 8] as const;

/** Rows and columns of the places of an image that maps show. */
export const gridOf = ({ grids }: Pick<Model, "grids">): readonly [rows: number, columns: number] =>
  grids?.source ?? EFFECT_GRID;

/** Attention over the cells of a grid as a trace. */
export function spatialTrace(
  pixels: Pixels,
  words: readonly string[],
  weights: readonly ArrayLike<number>[],
  [rows, columns]: readonly [number, number],
): SpatialTrace {
  return {
    kind: "spatial",
    image: { width: pixels.width, height: pixels.height, url: pngUrl(pixels) },
    grid: { rows, columns },
    words: words.slice(0, weights.length),
    weights: weights.map((step) =>
      Array.from({ length: rows }, (_, row) =>
        Array.from({ length: columns }, (__, column) => step[row * columns + column]!),
      ),
    ),
  };
}
