import { z } from "zod";
import { Random } from "../core/index.js";
import { CANDIDATES } from "../nn/index.js";
import type { Values } from "../session/index.js";

/** Words that a step scores in place of all: none left out where there are no settings. */
export const softmaxSchema = z.object({
  /**
   * `sampled`: the targets of the step and others by chance, frequent ones sooner, with the correction that makes the sum of the
   * softmax right on average (Jean et al. 2015, section 3.1). `partitioned`: the words of the steps around, as many steps as have
   * that many words, without a correction (section 3.2).
   */
  kind: z.enum(["sampled", "partitioned"]),
  /** How many words are scored: on average where they are sampled, at most where the steps are partitioned. */
  candidates: z.int().min(1).max(1_000_000),
});
export type SoftmaxSettings = z.output<typeof softmaxSchema>;

/** What the words are chosen from. */
interface Source {
  /** Words of the vocabulary. */
  readonly vocabulary: number;
  readonly stepsPerEpoch: number;
  /** The targets that a step may have, END included. */
  wordsOf(step: number): Iterable<number>;
  /** How often each word is a target in training, by its number. */
  counts(): ArrayLike<number>;
}

/** The words that each step scores, a function of (seed, step). */
export class CandidateWords {
  readonly #settings: SoftmaxSettings;
  readonly #source: Source;
  readonly #seed: number;
  /** Where they are sampled: how likely each word is among them. */
  readonly #inclusion: Float64Array | undefined;
  /** Where steps are partitioned: the steps from, and up to, which one set holds. */
  #part = { from: 0, to: 0, words: new Set<number>() };

  constructor(settings: SoftmaxSettings, source: Source, seed: number) {
    this.#settings = settings;
    this.#source = source;
    this.#seed = seed;
    if (settings.kind === "sampled") this.#inclusion = inclusionOf(source.counts(), settings.candidates);
  }

  /** What a step is fed. @param targets all of its targets, padding included */
  at(step: number, targets: Iterable<number>): Values {
    const wanted = new Set(targets);
    const inclusion = this.#inclusion;
    const chosen = inclusion
      ? this.#drawn(step, inclusion, wanted)
      : new Set([...this.#partOf(step), ...wanted]);
    const words = Int32Array.from(chosen).sort();
    const corrections = Float32Array.from(words, (word) =>
      inclusion && !wanted.has(word) ? Math.log(inclusion[word]!) : 0,
    );
    const places = new Int32Array(this.#source.vocabulary);
    for (const [place, word] of words.entries()) places[word] = place;
    return {
      [CANDIDATES.words]: { dtype: "int32", shape: [words.length], data: words },
      [CANDIDATES.corrections]: { dtype: "float32", shape: [words.length], data: corrections },
      [CANDIDATES.places]: { dtype: "int32", shape: [places.length], data: places },
    };
  }

  /** The targets, and every other word by itself with its probability. */
  #drawn(step: number, inclusion: Float64Array, targets: ReadonlySet<number>): Set<number> {
    const random = new Random(this.#seed, "candidates", step);
    const chances = new Float64Array(inclusion.length);
    random.fill("uniform", chances);
    const chosen = new Set(targets);
    for (const [word, chance] of chances.entries()) if (chance < inclusion[word]!) chosen.add(word);
    return chosen;
  }

  /** The words of the partition that a step is in. Partitions begin anew with each pass over the data, so that any step is found soon. */
  #partOf(step: number): ReadonlySet<number> {
    const { wordsOf, stepsPerEpoch } = this.#source;
    const { candidates } = this.#settings;
    const first = step - (step % stepsPerEpoch);
    // Partitions follow one another; where the step is behind this one, its pass is walked again.
    if (step < this.#part.from || this.#part.to < first)
      this.#part = { from: first, to: first, words: new Set() };
    while (this.#part.to <= step) {
      const words = new Set<number>();
      const from = this.#part.to;
      let to = from;
      for (; to < first + stepsPerEpoch; to++) {
        const more = new Set(wordsOf(to));
        const grown = words.size + [...more].filter((word) => !words.has(word)).length;
        if (to > from && grown > candidates) break;
        for (const word of more) words.add(word);
      }
      this.#part = { from, to, words };
    }
    return this.#part.words;
  }
}

/**
 * How likely each word is to be among so many: as its count, up to 1, so that the expected number of words is the one asked for.
 * Words that never occur count as if they did half a time, since the sum of the softmax has them too.
 */
export function inclusionOf(counts: ArrayLike<number>, candidates: number): Float64Array {
  const weights = Float64Array.from(counts, (count) => Math.max(count, 0.5));
  if (candidates >= weights.length) return weights.fill(1);
  const ranked = weights.toSorted().reverse();
  // The most frequent `sure` words are always taken; what is left is shared by the others in proportion.
  let rest = ranked.reduce((sum, weight) => sum + weight, 0);
  let sure = 0;
  while (((candidates - sure) * ranked[sure]!) / rest >= 1) rest -= ranked[sure++]!;
  const factor = (candidates - sure) / rest;
  return weights.map((weight) => Math.min(1, factor * weight));
}
