import { z } from "zod";

/** How recordings of single words are read. */
export const speechOptions = {
  holdOut: z
    .string()
    .optional()
    .describe("of recordings of single words: a speaker whose words are only for scoring (test-speaker)"),
};
