import type { Splits } from "../contract.js";

/**
 * Splits of examples that are functions of their number. Those of a split are listed when it is first looked into, and kept.
 * @param counts of every split, `train` and `validation` among them; the others are for scoring
 * @param wording examples of training that have all its words
 */
export function drawnSplits<Split extends string, Example>(
  counts: Readonly<Record<Split | "train" | "validation", number>>,
  wording: number,
  draw: (split: Split, index: number) => Example,
): Splits<Example> {
  const known = new Map<string, readonly Example[]>();
  const examples = (split: string): readonly Example[] => {
    const found =
      known.get(split) ??
      Array.from({ length: counts[split as Split] }, (_, index) => draw(split as Split, index));
    known.set(split, found);
    return found;
  };
  const tests: Record<string, readonly Example[]> = {};
  for (const split of Object.keys(counts))
    if (split !== "train" && split !== "validation")
      Object.defineProperty(tests, split, { enumerable: true, get: () => examples(split) });
  return {
    get train() {
      return examples("train");
    },
    get wording() {
      return examples("train").slice(0, wording);
    },
    get validation() {
      return examples("validation");
    },
    tests,
  };
}
