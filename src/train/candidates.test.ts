import { describe, expect, test } from "vitest";
import { normals, parametersOf, runOnce } from "../../test/run.js";
import { gradient } from "../autodiff/index.js";
import { tokenLoss } from "../models/index.js";
import { CANDIDATES, linear, Mode, Scope } from "../nn/index.js";
import { input } from "../ops/index.js";
import { CandidateWords, inclusionOf } from "./candidates.js";

const V = 31;
const sentences = Array.from({ length: 23 }, (_, i) => [1, 3 + (i % 7), 3 + ((i * i) % (V - 3)), 2]);
const counts = new Int32Array(V);
for (const word of sentences.flat()) counts[word]!++;
const source = {
  vocabulary: V,
  stepsPerEpoch: 11,
  wordsOf: (step: number) => [0, 1].flatMap((one) => sentences[((step % 11) * 2 + one) % 23]!),
  counts: () => counts,
};

/** The loss over three steps of two sentences with the gradients of what it is computed of. */
function lossGraph(someWords: boolean, labelSmoothing = 0) {
  const scope = Scope.root("float64");
  const output = linear(scope, { input: 5, output: V });
  const features = input("features", "float64", ["steps", "batch", 5]);
  const mode = Mode.training({ dtype: "float64", someWords, labelSmoothing });
  const targets = input("targets", "int32", ["steps", "batch"]);
  const { loss, losses } = tokenLoss(output, features, targets, mode);
  const [weight, bias] = scope.parameters.map(({ tensor }) => tensor);
  const [dWeight, dBias, dFeatures] = gradient(loss, [weight!, bias!, features]);
  return { scope, graph: { loss, losses, dWeight: dWeight!, dBias: dBias!, dFeatures: dFeatures! } };
}

const targets = { dtype: "int32" as const, shape: [3, 2], data: Int32Array.of(5, 29, 7, 2, 2, 0) };
const feedsOf = (scope: Scope) => ({
  ...parametersOf(scope),
  bias: normals("bias", [V]),
  features: normals("x", [3, 2, 5]),
  targets,
});
const wide = (values: ReturnType<CandidateWords["at"]>) => ({
  ...values,
  [CANDIDATES.corrections]: {
    ...values[CANDIDATES.corrections]!,
    dtype: "float64" as const,
    data: Float64Array.from(values[CANDIDATES.corrections]!.data),
  },
});

test.each([0, 0.1])(
  "with all words as candidates, loss and gradients are those of all words (smoothing %f)",
  async (smoothing) => {
    const [all, some] = [lossGraph(false, smoothing), lossGraph(true, smoothing)];
    const words = new CandidateWords({ kind: "sampled", candidates: V }, source, 3);
    const whole = await runOnce(all.graph, feedsOf(all.scope));
    const found = await runOnce(some.graph, { ...feedsOf(some.scope), ...wide(words.at(0, targets.data)) });
    for (const [name, value] of Object.entries(whole)) expect(found[name], name).toBeAllClose(value, 1e-6);
  },
);

test("over many draws, the sampled sum of the softmax is that over all words", async () => {
  const { scope, graph } = lossGraph(true);
  const all = lossGraph(false);
  const words = new CandidateWords({ kind: "sampled", candidates: 11 }, source, 3);
  const exact = (await runOnce(all.graph, feedsOf(all.scope))).losses!.data;
  const ratios = Array.from(exact, () => 0);
  const draws = 400;
  for (let step = 0; step < draws; step++) {
    const drawn = words.at(step, targets.data);
    const { losses } = await runOnce({ losses: graph.losses }, { ...feedsOf(scope), ...wide(drawn) });
    // exp(loss) is the sum of the softmax over the target's own part, which is the same in each draw.
    losses!.data.forEach((loss, index) => {
      ratios[index]! += Math.exp(loss) / draws;
    });
  }
  // Padding costs nothing, so it stays out.
  for (const index of [0, 1, 2, 3, 4]) expect(Math.log(ratios[index]!)).toBeCloseTo(exact[index]!, 1);
});

describe("the words that a step scores", () => {
  test("hold its targets, and others as often as they are said to", () => {
    const words = new CandidateWords({ kind: "sampled", candidates: 17 }, source, 7);
    const inclusion = inclusionOf(counts, 17);
    expect(inclusion.reduce((sum, chance) => sum + chance, 0)).toBeCloseTo(17, 9);
    const often = new Float64Array(V);
    const steps = 2000;
    for (let step = 0; step < steps; step++) {
      const found = words.at(step, [30]);
      const list = [...found[CANDIDATES.words]!.data];
      expect(list).toContain(30);
      for (const [place, word] of list.entries()) {
        often[word]! += 1 / steps;
        expect(found[CANDIDATES.places]!.data[word]).toBe(place);
        expect(found[CANDIDATES.corrections]!.data[place]).toBeCloseTo(
          word === 30 ? 0 : Math.log(inclusion[word]!),
          5,
        );
      }
    }
    for (let word = 0; word < 30; word++)
      expect(Math.abs(often[word]! - inclusion[word]!)).toBeLessThan(0.05);
    expect(words.at(5, [30])).toEqual(words.at(5, [30]));
  });

  test("are those of the steps around, as many steps as have no more words, whatever step is asked for first", () => {
    const settings = { kind: "partitioned", candidates: 13 } as const;
    const words = new CandidateWords(settings, source, 7);
    const sets = Array.from({ length: 25 }, (_, step) => [
      ...words.at(step, source.wordsOf(step))[CANDIDATES.words]!.data,
    ]);
    for (const [step, set] of sets.entries()) {
      expect(new Set(set)).toEqual(new Set([...set, ...source.wordsOf(step)]));
      expect(set.length).toBeLessThanOrEqual(13);
    }
    // Several steps share a set, and a set ends where one more step would have too many.
    expect(new Set(sets.map(String)).size).toBeLessThan(25);
    for (const [step, set] of sets.entries())
      if (step > 0 && String(set) !== String(sets[step - 1]) && step % 11 !== 0)
        expect(new Set([...sets[step - 1]!, ...source.wordsOf(step)]).size).toBeGreaterThan(13);
    for (const step of [24, 3, 12]) {
      const anew = new CandidateWords(settings, source, 7);
      expect([...anew.at(step, source.wordsOf(step))[CANDIDATES.words]!.data]).toEqual(sets[step]);
    }
    expect([...words.at(1, source.wordsOf(1))[CANDIDATES.words]!.data]).toEqual(sets[1]);
  });
});
