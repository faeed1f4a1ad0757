import { functionsOver, Random } from "../../core/index.js";
import type { Learner } from "../contract.js";
import { kernelBytes } from "./kernel.generated.js";

/** What kernels/skip-gram.ts gives, where it is described. */
interface Kernel {
  skipGram(
    words: number,
    count: number,
    vocabulary: number,
    input: number,
    output: number,
    size: number,
    window: number,
    negatives: number,
    kept: number,
    threshold: number,
    alias: number,
    sigmoid: number,
    work: number,
    seed: bigint,
    rate: number,
  ): number;
  predictions(): number;
}

/** Words that the kernel is given at a time, and those of a sentence that it keeps in view. */
const [GIVEN, IN_VIEW] = [1 << 16, 1000] as const;
/** Steps of its tables of σ, and how far they reach on each side of 0. */
const [STEPS, SURE] = [4096, 6] as const;
/** The largest 32-bit number, which stands for certainty. */
const CERTAIN = 2 ** 32 - 1;

export interface SkipGramOptions {
  /** Numbers of a vector. */
  readonly size: number;
  /** Words on each side that are predicted at most. */
  readonly window: number;
  /** Words drawn against each that is right. */
  readonly negatives: number;
  /** The share of all words above which a word is read less often; 0 where all are read. */
  readonly sample: number;
}

/** Section 2.2: the exponent of the frequency by which words are drawn. */
const POWER = 0.75;

/** The share of a word's occurrences that are read (word2vec.c, which departs from equation 5). */
export function keptShare(count: number, total: number, sample: number): number {
  const often = count / total / sample;
  return sample === 0 || count === 0 ? 1 : Math.min(1, (Math.sqrt(often) + 1) / often);
}

/**
 * Walker's tables, by which a number is drawn with any probabilities in one look: of each slot the share that is its own, and whose
 * the rest is.
 * @param weights what the probabilities are proportional to
 */
export function aliasTables(weights: readonly number[]): { own: number[]; alias: number[] } {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const own = weights.map((weight) => (weight / total) * weights.length);
  const alias = weights.map((_, index) => index);
  const slots = { scarce: [] as number[], ample: [] as number[] };
  own.forEach((share, index) => {
    slots[share < 1 ? "scarce" : "ample"].push(index);
  });
  while (slots.scarce.length > 0 && slots.ample.length > 0) {
    const [scarce, ample] = [slots.scarce.pop()!, slots.ample.pop()!];
    alias[scarce] = ample;
    own[ample]! -= 1 - own[scarce]!;
    slots[own[ample]! < 1 ? "scarce" : "ample"].push(ample);
  }
  // What is left by rounding is its own.
  for (const index of [...slots.scarce, ...slots.ample]) own[index] = 1;
  return { own, alias };
}

/**
 * Skip-gram's training: words one after another, as word2vec.c has it.
 * @param counts how often each word occurs; those that are no words do not
 * @param tables names of the parameters
 */
export function skipGramLearner(
  counts: readonly number[],
  { size, window, negatives, sample }: SkipGramOptions,
  tables: { readonly input: string; readonly output: string },
): Learner {
  const V = counts.length;
  const parts = [
    4 * GIVEN,
    4 * V,
    4 * V,
    4 * V,
    8 * (STEPS + 1),
    4 * (IN_VIEW + 2 * size + 2 * (negatives + 3)),
  ].map((bytes) => Math.ceil(bytes / 16) * 16);
  return {
    workspace: parts.reduce((sum, bytes) => sum + bytes, 0),
    optimizer: "sgd",
    async begin({ memory, parameters, workspace }, seed) {
      const kernel = functionsOver<Kernel>(kernelBytes, memory);
      let end = workspace;
      const [words, kept, threshold, alias, sigmoid, work] = parts.map((bytes) => {
        const address = end;
        end += bytes;
        return address;
      }) as [number, number, number, number, number, number];
      const total = counts.reduce((sum, count) => sum + count, 0);
      const whole = (share: number) => Math.round(share * CERTAIN);
      new Uint32Array(memory.buffer, kept, V).set(
        counts.map((count) => whole(keptShare(count, total, sample))),
      );
      const drawn = aliasTables(counts.map((count) => count ** POWER));
      new Uint32Array(memory.buffer, threshold, V).set(drawn.own.map(whole));
      new Int32Array(memory.buffer, alias, V).set(drawn.alias);
      const curve = new Float32Array(memory.buffer, sigmoid, 2 * (STEPS + 1));
      for (let step = 0; step <= STEPS; step++) {
        const score = SURE * ((2 * step) / STEPS - 1);
        curve[step] = 1 / (1 + Math.exp(-score));
        curve[STEPS + 1 + step] = Math.log1p(Math.exp(-score));
      }
      const given = new Int32Array(memory.buffer, words, GIVEN);
      const [input, output] = [tables.input, tables.output].map((name) => parameters[name]!.byteOffset);
      return ({ batch, step, learningRate }) => {
        const text = batch.text as Int32Array;
        const random = new Random(seed, "skip-gram", step);
        let [loss, predictions] = [0, 0];
        for (let from = 0; from < text.length; from += GIVEN) {
          const part = text.subarray(from, from + GIVEN);
          given.set(part);
          const drawn = (BigInt(Math.floor(random.uniform() * 2 ** 32)) << 32n) | BigInt(part.length);
          loss += kernel.skipGram(
            ...([
              words,
              part.length,
              V,
              input!,
              output!,
              size,
              window,
              negatives,
              kept,
              threshold,
              alias,
              sigmoid,
              work,
            ] as const),
            drawn,
            learningRate,
          );
          predictions += kernel.predictions();
        }
        return { loss, decisions: predictions };
      };
    },
  };
}
