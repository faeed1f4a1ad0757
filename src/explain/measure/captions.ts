/** Scores of captions, in words, as the evaluation code of COCO captions computes them (Chen et al. 2015). */

import { nearestLength, ngrams } from "./bleu.js";

type Words = readonly string[];
type Counts = Map<string, number>;

const LONGEST_NGRAM = 4;

const ngramsOf = (words: Words, length: number): Counts => ngrams(words, length, " ");

/** What COCO's code adds to counts, so that nothing is divided by nothing; it shows where captions are shorter than n-grams. */
const [TINY, SMALL] = [1e-15, 1e-9];

/**
 * BLEU-1 to BLEU-4 (Papineni et al. 2002), from 0 to 100, of words as they are and without smoothing.
 * @param references one or more for each caption
 */
export function captionBleu(captions: readonly Words[], references: readonly (readonly Words[])[]): number[] {
  const correct = new Array<number>(LONGEST_NGRAM).fill(0);
  const total = new Array<number>(LONGEST_NGRAM).fill(0);
  let [written, closest] = [0, 0];
  captions.forEach((caption, index) => {
    const others = references[index]!;
    written += caption.length;
    closest += nearestLength(caption, others);
    for (let n = 1; n <= LONGEST_NGRAM; n++) {
      const theirs = others.map((other) => ngramsOf(other, n));
      for (const [key, count] of ngramsOf(caption, n)) {
        total[n - 1]! += count;
        correct[n - 1]! += Math.min(count, Math.max(...theirs.map((counts) => counts.get(key) ?? 0)));
      }
    }
  });
  const ratio = (written + TINY) / (closest + SMALL);
  const brevity = ratio < 1 ? Math.exp(1 - 1 / ratio) : 1;
  let product = 1;
  return correct.map((count, index) => {
    product *= (count + TINY) / (total[index]! + SMALL);
    return 100 * brevity * product ** (1 / (index + 1));
  });
}

/** Words of the longest sequence that two captions have in common, in order (Lin 2004). */
function longestCommon(a: Words, b: Words): number {
  let row = new Array<number>(b.length + 1).fill(0);
  for (const word of a) {
    const next = [0];
    for (let column = 0; column < b.length; column++)
      next.push(word === b[column] ? row[column]! + 1 : Math.max(row[column + 1]!, next[column]!));
    row = next;
  }
  return row.at(-1)!;
}

/** How much more recall counts than precision in ROUGE-L. */
const ROUGE_BETA = 1.2;

/** The mean ROUGE-L (Lin 2004), from 0 to 1: the best precision and the best recall over the references. */
export function rougeL(captions: readonly Words[], references: readonly (readonly Words[])[]): number {
  const scores = captions.map((caption, index) => {
    const common = references[index]!.map((other) => longestCommon(other, caption));
    const precision = Math.max(
      ...common.map((length) => (caption.length === 0 ? 0 : length / caption.length)),
    );
    const recall = Math.max(
      ...common.map((length, which) => {
        const whole = references[index]![which]!.length;
        return whole === 0 ? 0 : length / whole;
      }),
    );
    return precision === 0 || recall === 0
      ? 0
      : ((1 + ROUGE_BETA ** 2) * precision * recall) / (recall + ROUGE_BETA ** 2 * precision);
  });
  return mean(scores);
}

/** The spread in words of the penalty on length in CIDEr-D. */
const CIDER_SIGMA = 6;

/**
 * The mean CIDEr-D (Vedantam et al. 2015, equation 6), from 0 to 10: how alike the n-grams of a caption and its references
 * are, weighted by how few images' references have them. How rare an n-gram is, is counted over these references.
 */
export function ciderD(captions: readonly Words[], references: readonly (readonly Words[])[]): number {
  const orders = Array.from({ length: LONGEST_NGRAM }, (_, index) => index + 1);
  const grams = (words: Words) => orders.map((n) => ngramsOf(words, n));
  const theirs = references.map((others) => others.map(grams));
  const images = new Map<string, number>();
  for (const others of theirs)
    for (const key of new Set(others.flatMap((counts) => counts.flatMap((one) => [...one.keys()]))))
      images.set(key, (images.get(key) ?? 0) + 1);
  const all = Math.log(captions.length);
  const weighted = (counts: readonly Counts[]) =>
    counts.map((one) => {
      const vector = new Map(
        [...one].map(([key, count]) => [key, count * (all - Math.log(Math.max(1, images.get(key) ?? 0)))]),
      );
      return { vector, norm: Math.sqrt([...vector.values()].reduce((sum, value) => sum + value ** 2, 0)) };
    });
  const scores = captions.map((caption, index) => {
    const mine = weighted(grams(caption));
    const byReference = theirs[index]!.map((counts, which) => {
      const other = weighted(counts);
      const apart = caption.length - references[index]![which]!.length;
      const penalty = Math.exp(-(apart ** 2) / (2 * CIDER_SIGMA ** 2));
      return mean(
        orders.map((_, order) => {
          const [a, b] = [mine[order]!, other[order]!];
          let product = 0;
          for (const [key, value] of a.vector) {
            const counterpart = b.vector.get(key) ?? 0;
            product += Math.min(value, counterpart) * counterpart;
          }
          return a.norm === 0 || b.norm === 0 ? 0 : (product / (a.norm * b.norm)) * penalty;
        }),
      );
    });
    return 10 * mean(byReference);
  });
  return mean(scores);
}

/** Parameters of METEOR 1.5 for English (Denkowski & Lavie 2014, table 1). */
const [METEOR_ALPHA, METEOR_BETA, METEOR_GAMMA] = [0.85, 0.2, 0.6];

/**
 * METEOR 1.5 with its exact matcher alone and all words alike (Denkowski & Lavie 2014): no stems, synonyms, paraphrases or
 * weights of function words, so it is lower than METEOR as papers report it. From 0 to 1, over all captions together, each
 * against the reference that it matches best.
 */
export function meteorExact(captions: readonly Words[], references: readonly (readonly Words[])[]): number {
  let [matched, written, wanted, chunks] = [0, 0, 0, 0];
  captions.forEach((caption, index) => {
    const best = references[index]!.map((other) => {
      const found = alignExactly(caption, other);
      return {
        ...found,
        length: other.length,
        score: meteorOf(found.matches, caption.length, other.length, found.chunks),
      };
    }).reduce((a, b) => (b.score > a.score ? b : a));
    matched += best.matches;
    written += caption.length;
    wanted += best.length;
    chunks += best.chunks;
  });
  return meteorOf(matched, written, wanted, chunks);
}

function meteorOf(matches: number, written: number, wanted: number, chunks: number): number {
  if (matches === 0) return 0;
  const [precision, recall] = [matches / written, matches / wanted];
  const f = (precision * recall) / (METEOR_ALPHA * precision + (1 - METEOR_ALPHA) * recall);
  return f * (1 - METEOR_GAMMA * (chunks / matches) ** METEOR_BETA);
}

/** Alignments that are kept while searching for the one with the fewest chunks. */
const METEOR_BEAM = 40;

/** As many equal words as can be paired, in as few unbroken stretches of both as can be; a whole match counts as none. */
function alignExactly(a: Words, b: Words): { matches: number; chunks: number } {
  interface Path {
    readonly matches: number;
    readonly chunks: number;
    readonly last: number;
    readonly used: ReadonlySet<number>;
    /** The matches there would be in the end if every word that can still be paired were. */
    readonly hoped: number;
  }
  const places = new Map<string, number[]>();
  for (const [index, word] of b.entries()) places.set(word, [...(places.get(word) ?? []), index]);
  const hope = (used: ReadonlySet<number>, from: number): number => {
    let sum = 0;
    for (const [word, count] of ngramsOf(a.slice(from), 1))
      sum += Math.min(count, (places.get(word) ?? []).filter((place) => !used.has(place)).length);
    return sum;
  };
  let paths: Path[] = [{ matches: 0, chunks: 0, last: -2, used: new Set(), hoped: hope(new Set(), 0) }];
  for (const [position, word] of a.entries()) {
    const next = paths.flatMap((path): Path[] => {
      const open = (places.get(word) ?? []).filter((place) => !path.used.has(place));
      return [
        { ...path, last: -2, hoped: path.matches + hope(path.used, position + 1) },
        ...open.map((place) => {
          const used = new Set([...path.used, place]);
          const matches = path.matches + 1;
          const chunks = path.chunks + (place === path.last + 1 ? 0 : 1);
          return { matches, chunks, last: place, used, hoped: matches + hope(used, position + 1) };
        }),
      ];
    });
    paths = next.sort((x, y) => y.hoped - x.hoped || x.chunks - y.chunks).slice(0, METEOR_BEAM);
  }
  const { matches, chunks } = paths[0]!;
  return { matches, chunks: matches === a.length && matches === b.length && chunks === 1 ? 0 : chunks };
}

const mean = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
