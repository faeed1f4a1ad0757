import type { Splits } from "../contract.js";
import { type Passage, Passages } from "../passages.js";

/** Splits of a text that is generated, with one list of words for all. */
export function drawnText(
  draw: (passages: Passages, split: "train" | "validation" | "test") => Passage[],
): Splits<Passage> {
  const passages = new Passages();
  return {
    train: draw(passages, "train"),
    validation: draw(passages, "validation"),
    tests: { test: draw(passages, "test") },
  };
}
