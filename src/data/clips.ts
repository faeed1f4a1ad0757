import { z } from "zod";

/** How the frames of clips are read. */
export const clipOptions = {
  frameSize: z
    .int()
    .min(8)
    .max(1024)
    .optional()
    .describe("side in pixels that the frames of clips are brought to (64)"),
  mostFrames: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe("frames that are read of a clip at most, at equal distances (28)"),
};

export type ClipOptions = Partial<z.output<z.ZodObject<typeof clipOptions>>>;
