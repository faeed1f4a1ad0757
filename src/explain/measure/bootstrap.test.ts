import { expect, test } from "vitest";
import { Random } from "../../core/index.js";
import { bleu, bleuBounds } from "./bleu.js";
import { bootstrap } from "./bootstrap.js";

test("a share lies where the normal approximation says, and wider for fewer examples", () => {
  for (const [examples, right] of [
    [397, 131],
    [1009, 702],
  ] as const) {
    const share = right / examples;
    const { low, high } = bootstrap(
      examples,
      (drawn) => drawn.filter((index) => index < right).length / examples,
    );
    const half = 1.96 * Math.sqrt((share * (1 - share)) / examples);
    expect(Math.abs(low - (share - half))).toBeLessThan(0.2 * half);
    expect(Math.abs(high - (share + half))).toBeLessThan(0.2 * half);
  }
  expect(bootstrap(1, ([index]) => index!)).toEqual({ low: 0, high: 0 });
});

test("the interval of BLEU is that of BLEU computed anew of the sentences that are drawn", () => {
  const words = ["a", "red", "dog", "runs", "far", "."];
  const random = new Random(3, "sentences");
  const sentence = () => Array.from({ length: 7 }, () => random.pick(words)).join(" ");
  const references = Array.from({ length: 5 }, () => [sentence(), sentence()]);
  const hypotheses = references.map(([one], index) => (index % 2 === 0 ? one! : sentence()));
  const anew = bootstrap(5, (drawn) =>
    bleu(
      drawn.map((index) => hypotheses[index]!),
      drawn.map((index) => references[index]!),
    ),
  );
  const spread = bleuBounds(hypotheses, references);
  expect(spread).toEqual(anew);
  const whole = bleu(hypotheses, references);
  expect(spread.low).toBeLessThan(whole);
  expect(spread.high).toBeGreaterThan(whole);
});
