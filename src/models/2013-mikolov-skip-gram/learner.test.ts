import { describe, expect, test } from "vitest";
import { BlocksInMemory, memoryOf, Random } from "../../core/index.js";
import { aliasTables, keptShare, skipGramLearner } from "./learner.js";

test("negative words are drawn as often as their weights say", () => {
  const weights = [0, 3, 0.5, 11, 2, 0, 7];
  const { own, alias } = aliasTables(weights);
  const shares = weights.map(() => 0);
  own.forEach((share, slot) => {
    shares[slot]! += share / weights.length;
    shares[alias[slot]!]! += (1 - share) / weights.length;
  });
  const total = weights.reduce((a, b) => a + b);
  shares.forEach((share, index) => {
    expect(share).toBeCloseTo(weights[index]! / total, 12);
  });
});

test("frequent words are read as often as word2vec.c reads them", () => {
  // ran = (sqrt(cn / (sample * train_words)) + 1) * (sample * train_words) / cn
  expect(keptShare(5000, 100_000, 1e-3)).toBeCloseTo((Math.sqrt(5000 / 100) + 1) * (100 / 5000), 12);
  expect(keptShare(7, 100_000, 1e-3)).toBe(1);
  expect(keptShare(5000, 100_000, 0)).toBe(1);
});

/** xorshift64* (Marsaglia 2003), by its definition. */
function* draws(seed: bigint): Generator<bigint, never> {
  const mask = (1n << 64n) - 1n;
  let state = seed | 1n;
  while (true) {
    state ^= state >> 12n;
    state = (state ^ (state << 25n)) & mask;
    state ^= state >> 27n;
    yield (state * 0x2545f4914f6cdd1dn) & mask;
  }
}

/** word2vec.c's loop in double precision, over rows of both tables, with the kernel's draws. */
function reference(
  text: readonly number[],
  counts: readonly number[],
  input: number[][],
  output: number[][],
  options: { window: number; negatives: number; rate: number; seed: bigint; kept: readonly number[] },
): number {
  const random = draws(options.seed);
  const high = () => random.next().value >> 32n;
  const { own, alias } = aliasTables(counts.map((count) => count ** 0.75));
  const sigmoid = (x: number) => (x > 6 ? 1 : x < -6 ? 0 : 1 / (1 + Math.exp(-x)));
  let loss = 0;
  const passages: number[][] = [];
  let passage: number[] = [];
  for (const word of text) {
    if (word < 0) {
      passages.push(passage);
      passage = [];
    } else if (Number(high()) <= options.kept[word]!) passage.push(word);
    else continue;
    if (word < 0) learn(passages.at(-1)!);
  }
  function learn(words: readonly number[]): void {
    words.forEach((word, position) => {
      const reach = 1 + Number((high() * BigInt(options.window)) >> 32n);
      for (
        let other = Math.max(0, position - reach);
        other <= Math.min(words.length - 1, position + reach);
        other++
      ) {
        if (other === position) continue;
        const row = input[words[other]!]!;
        const targets = [word];
        for (let drawn = 0; drawn < options.negatives; drawn++) {
          const by = random.next().value;
          const slot = Number(((by >> 32n) * BigInt(counts.length)) >> 32n);
          const target =
            Number(by & 0xffffffffn) <= Math.round(own[slot]! * (2 ** 32 - 1)) ? slot : alias[slot]!;
          if (target !== word) targets.push(target);
        }
        const change = row.map(() => 0);
        const scores = targets.map((target) => row.reduce((sum, x, d) => sum + x * output[target]![d]!, 0));
        targets.forEach((target, index) => {
          const score = scores[index]!;
          loss += Math.log1p(Math.exp(index === 0 ? -score : score));
          const by = ((index === 0 ? 1 : 0) - sigmoid(score)) * options.rate;
          row.forEach((x, d) => {
            change[d]! += by * output[target]![d]!;
            output[target]![d]! += by * x;
          });
        });
        change.forEach((by, d) => {
          row[d]! += by;
        });
      }
    });
  }
  return loss;
}

describe.each([
  { size: 13, negatives: 5, window: 3, sample: 0 },
  { size: 7, negatives: 2, window: 2, sample: 0.05 },
  { size: 3, negatives: 1, window: 5, sample: 0 },
])("a step with vectors of $size, $negatives negatives", ({ size, negatives, window, sample }) => {
  const counts = [0, 0, 11, 5, 3, 7, 2];
  const text = [2, 3, 2, 5, 4, 2, -1, 6, 5, -1, 5, 2, 3, 5, 2, 2, 4, 5, 6, 3, 2, 2, 5, 3, 2, -1];

  test("changes parameters as the loop in double precision does", async () => {
    const learner = skipGramLearner(counts, { size, window, negatives, sample }, { input: "i", output: "o" });
    const bytes = 4 * counts.length * size;
    const start = Math.ceil((2 * bytes) / 16) * 16;
    const memory = memoryOf(start + learner.workspace);
    const random = new Random(3, "first");
    const tables = [0, bytes].map((at) => new Float32Array(memory.buffer, at, counts.length * size));
    for (const table of tables)
      for (let index = 0; index < table.length; index++) table[index] = 0.7 * random.normal();
    const rows = tables.map((table) =>
      counts.map((_, word) => Array.from(table.subarray(word * size, (word + 1) * size))),
    );
    const step = await learner.begin(
      { memory, parameters: { i: tables[0]!, o: tables[1]! }, remembered: [], workspace: start },
      5,
      { async *all() {}, tell() {}, blocks: () => new BlocksInMemory() },
    );
    const { loss, decisions } = step({
      batch: { text: Int32Array.from(text) },
      step: 2,
      stepsPerEpoch: 9,
      learningRate: 0.1,
    });
    const seed =
      (BigInt(Math.floor(new Random(5, "skip-gram", 2).uniform() * 2 ** 32)) << 32n) | BigInt(text.length);
    const total = counts.reduce((a, b) => a + b);
    const expected = reference(text, counts, rows[0]!, rows[1]!, {
      ...{ window, negatives, rate: 0.1, seed },
      kept: counts.map((count) => Math.round(keptShare(count, total, sample) * (2 ** 32 - 1))),
    });
    expect(decisions).toBeGreaterThan(5);
    // The kernel looks σ and its logarithm up, in steps of 0.003.
    expect(loss).toBeCloseTo(expected, 0);
    tables.forEach((table, which) => {
      const error = Math.max(...rows[which]!.flat().map((value, index) => Math.abs(value - table[index]!)));
      expect(error).toBeLessThan(2e-3);
    });
  });
});
