import { type Bounds, bootstrap } from "./bootstrap.js";

/** Scores of translations against references, on texts as people read them. */

const LONGEST_NGRAM = 4;

/** White space as Python knows it, in which sacreBLEU is written: with the four separators, without the byte order mark. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the four separators are control characters
const SPACES = /[\u001c-\u001f\p{White_Space}]+/gu;

/** A text without the white space at its end. */
const trimmedEnd = (text: string): string => {
  const last = text.match(SPACES)?.at(-1) ?? "";
  return text.endsWith(last) ? text.slice(0, text.length - last.length) : text;
};

/**
 * The tokens of a text by the rules of mteval-v13a, which published BLEU scores use (Post 2018, "A Call for Clarity in
 * Reporting BLEU Scores"; sacreBLEU's tokenizer `13a`).
 */
export function tokenise13a(text: string): string[] {
  return ` ${trimmedEnd(text)
    .replaceAll("<skipped>", "")
    .replaceAll("-\n", "")
    .replaceAll("\n", " ")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")} `
    .replace(/([{-~[-` -&(-+:-@/])/g, " $1 ")
    .replace(/([^0-9])([.,])/g, "$1 $2 ")
    .replace(/([.,])([^0-9])/g, " $1 $2")
    .replace(/([0-9])(-)/g, "$1 $2 ")
    .split(SPACES)
    .filter((token) => token !== "");
}

/** How often each stretch of so many items occurs. */
export function ngrams(items: readonly string[], length: number, separator: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (let start = 0; start + length <= items.length; start++) {
    const key = items.slice(start, start + length).join(separator);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** The length of the reference that is nearest in length; the shorter of two that are equally near. */
export const nearestLength = (
  { length: own }: readonly string[],
  references: readonly (readonly string[])[],
): number =>
  references
    .map(({ length }) => length)
    .reduce((best, length) => {
      const [now, before] = [Math.abs(length - own), Math.abs(best - own)];
      return now < before || (now === before && length < best) ? length : best;
    });

/** n-grams of the first that the second has too, each at most as often. */
function matches(first: ReadonlyMap<string, number>, second: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const [key, count] of first) total += Math.min(count, second.get(key) ?? 0);
  return total;
}

const totalOf = (counts: ReadonlyMap<string, number>): number =>
  [...counts.values()].reduce((a, b) => a + b, 0);

/** What BLEU counts of one hypothesis: n-grams that a reference has and all, of each length, and the lengths of both. */
interface BleuCounts {
  readonly correct: readonly number[];
  readonly total: readonly number[];
  readonly length: number;
  readonly referenceLength: number;
}

function bleuCounts(hypothesis: string, references: readonly string[]): BleuCounts {
  const tokens = tokenise13a(hypothesis);
  const others = references.map(tokenise13a);
  const lengths = Array.from({ length: LONGEST_NGRAM }, (_, index) => index + 1);
  return {
    correct: lengths.map((n) => {
      const theirs = new Map<string, number>();
      for (const other of others)
        for (const [key, count] of ngrams(other, n, " "))
          theirs.set(key, Math.max(count, theirs.get(key) ?? 0));
      return matches(ngrams(tokens, n, " "), theirs);
    }),
    total: lengths.map((n) => Math.max(0, tokens.length - n + 1)),
    length: tokens.length,
    referenceLength: nearestLength(tokens, others),
  };
}

function bleuOf(counts: readonly BleuCounts[]): number {
  const correct = new Array<number>(LONGEST_NGRAM).fill(0);
  const total = new Array<number>(LONGEST_NGRAM).fill(0);
  let hypothesisLength = 0;
  let referenceLength = 0;
  for (const one of counts) {
    hypothesisLength += one.length;
    referenceLength += one.referenceLength;
    for (let n = 0; n < LONGEST_NGRAM; n++) {
      correct[n]! += one.correct[n]!;
      total[n]! += one.total[n]!;
    }
  }
  if (correct.every((count) => count === 0)) return 0;
  let smoothing = 1;
  let logarithms = 0;
  for (let n = 0; n < LONGEST_NGRAM; n++) {
    if (total[n] === 0) return 0;
    if (correct[n] === 0) smoothing *= 2;
    logarithms += Math.log(correct[n] === 0 ? 1 / (smoothing * total[n]!) : correct[n]! / total[n]!);
  }
  const brevity = hypothesisLength < referenceLength ? Math.exp(1 - referenceLength / hypothesisLength) : 1;
  return 100 * brevity * Math.exp(logarithms / LONGEST_NGRAM);
}

/**
 * Corpus BLEU (Papineni et al. 2002), from 0 to 100, as sacreBLEU computes it by default: 13a tokens, case as it is,
 * n-grams up to 4, exponential smoothing of orders without a match.
 * @param references one or more for each hypothesis
 */
export const bleu = (hypotheses: readonly string[], references: readonly (readonly string[])[]): number =>
  bleuOf(hypotheses.map((hypothesis, index) => bleuCounts(hypothesis, references[index]!)));

/** How far BLEU would be another with other sentences (Koehn 2004, "Statistical Significance Tests for Machine Translation Evaluation"). */
export function bleuBounds(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
): Bounds {
  const counts = hypotheses.map((hypothesis, index) => bleuCounts(hypothesis, references[index]!));
  return bootstrap(counts.length, (drawn) => bleuOf(drawn.map((index) => counts[index]!)));
}

const LONGEST_CHARACTER_NGRAM = 6;
/** How much more recall counts than precision. */
const BETA = 2;

/**
 * Corpus chrF2 (Popović 2015), from 0 to 100, as sacreBLEU computes it by default: characters without white space. Where a
 * reference is too short for n-grams of an order, those of its hypothesis do not count.
 */
export function chrf(hypotheses: readonly string[], references: readonly string[]): number {
  let [precision, recall, orders] = [0, 0, 0];
  const characters = (texts: readonly string[]) => texts.map((text) => [...text.replace(SPACES, "")]);
  const [written, wanted] = [characters(hypotheses), characters(references)];
  for (let n = 1; n <= LONGEST_CHARACTER_NGRAM; n++) {
    let [mine, theirs, both] = [0, 0, 0];
    written.forEach((hypothesis, index) => {
      if (wanted[index]!.length < n) return;
      const a = ngrams(hypothesis, n, "");
      const b = ngrams(wanted[index]!, n, "");
      mine += totalOf(a);
      theirs += totalOf(b);
      both += matches(a, b);
    });
    if (mine === 0 || theirs === 0) continue;
    precision += both / mine;
    recall += both / theirs;
    orders++;
  }
  if (precision + recall === 0) return 0;
  const factor = BETA ** 2;
  return (
    (100 * (1 + factor) * (precision / orders) * (recall / orders)) /
    ((factor * precision) / orders + recall / orders)
  );
}
