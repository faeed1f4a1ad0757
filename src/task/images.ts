import { z } from "zod";
import { AUGMENTATIONS } from "../data/index.js";

const pixels = z.int().min(8).max(1024);

/** How images are read: their size, and the encoder that is not trained, where there is one. */
export const imageOptionsSchema = z.object({
  /** Height and width in pixels that every image is brought to. */
  size: z.tuple([pixels, pixels]),
  /** An ONNX network that images go through before the model, kept in the run's folder. */
  encoder: z
    .object({
      /** The value of its graph that is read. */
      layer: z.string(),
      /** Rows, columns and channels of that value. */
      shape: z.tuple([z.int().min(1), z.int().min(1), z.int().min(1)]),
    })
    .optional(),
  /** How images of training are changed by chance, each step anew. */
  augment: z.array(z.enum(AUGMENTATIONS)).optional(),
});

/** How images are read, as a run records it. */
export type ImageOptions = z.output<typeof imageOptionsSchema>;
