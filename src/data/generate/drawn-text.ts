import { hashString, Random } from "../../core/index.js";
import type { Splits } from "../contract.js";
import { type Known, type Passage, Passages } from "../passages.js";

type Split = "train" | "validation" | "test";

/** One passage in so many is kept from training. */
const HELD_OUT = 20;

/**
 * Splits of a text that is generated, with one list of words for all. A passage is kept from training by its words, whatever the seed.
 * @param id of the dataset, which what is drawn is a function of
 * @param key what stands before the words of a passage where it is decided which split it is of
 */
export function drawnText(
  seed: number,
  {
    id,
    key,
    sizes,
  }: { readonly id: string; readonly key: string; readonly sizes: Readonly<Record<Split, number>> },
  draw: (random: Random) => Known & { readonly words: readonly string[] },
): Splits<Passage> {
  const passages = new Passages();
  const drawn = (split: Split): Passage[] => {
    const random = new Random(seed, `${id} ${split}`);
    const found: Passage[] = [];
    while (found.length < sizes[split]) {
      const { words, ...known } = draw(random);
      if ((hashString(`${key}${words.join(" ")}`) % HELD_OUT === 0) !== (split === "train"))
        found.push(passages.add(words, known));
    }
    return found;
  };
  return { train: drawn("train"), validation: drawn("validation"), tests: { test: drawn("test") } };
}
