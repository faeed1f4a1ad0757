import { describe, expect, test } from "vitest";
import { END, Random, START } from "../src/core/index.js";
import { tokenBatch } from "../src/data/index.js";
import { GreedyDecoder, tokensValue } from "../src/decode/index.js";
import { drawn, Effects, Walker } from "../src/explain/index.js";
import { models } from "../src/models/index.js";
import { Mode, Scope } from "../src/nn/index.js";
import { input } from "../src/ops/index.js";
import { referenceBackend } from "../src/session/index.js";
import { taskOf } from "../src/task/index.js";
import { parametersOf } from "./run.js";

const vocabularies = { source: 11, target: 13 };
const cases: readonly { id: string; options: Record<string, unknown>; rounding?: number }[] = [
  { id: "rnn-encoder-decoder", options: { embedding: 3, hidden: 5, maxout: 2 } },
  { id: "seq2seq", options: { embedding: 3, hidden: 5, layers: 2 } },
  { id: "rnnsearch", options: { embedding: 3, hidden: 5, alignment: 7, maxout: 2 } },
  // All words at once are added up in another order than word by word.
  { id: "transformer", options: { features: 6, inner: 5, heads: 3, layers: 2 }, rounding: 1e-6 },
];
const source = [4, 7, 5, 9, END];
const sourceValue = tokensValue(tokenBatch([source]));
const sourceInput = input("source", "int32", ["source", "batch"]);
const longest = 6;

/** A model in double precision, evaluated plainly. */
function make({ id, options }: (typeof cases)[number]) {
  const card = models.find((model) => model.id === id)!;
  const scope = Scope.root("float32");
  const translator = card.build(scope, card.configuration.parse(options), vocabularies);
  return { translator, parameters: parametersOf(scope, 3) };
}

const total = (losses: { readonly logProbability: number }[]) =>
  losses.reduce((sum, { logProbability }) => sum + logProbability, 0);

describe.each(cases)("$id", (model) => {
  const { translator, parameters } = make(model);
  const { rounding = 1e-9 } = model;
  const load = () =>
    Walker.load(translator, { source: sourceInput }, referenceBackend, {
      alternatives: 4,
    });
  const losses = async (sources: readonly (readonly number[])[], target: readonly number[]) => {
    const { losses: tokenLosses } = translator.objective(
      {
        source: input("source", "int32", ["source", "batch"]),
        target: input("target", "int32", ["target", "batch"]),
      },
      Mode.plain(),
    );
    const session = await referenceBackend.load({ tokenLosses });
    const all: number[][] = [];
    for (const one of sources) {
      const { tokenLosses: found } = await session.run({
        ...parameters,
        source: tokensValue(tokenBatch([one])),
        target: tokensValue(tokenBatch([[START, ...target]])),
      });
      all.push([...found!.data]);
    }
    return all;
  };

  test("a walk alone decodes greedily, with the weights and probabilities of the decoder", async () => {
    const walker = await load();
    const steps = await walker.walk(parameters, { source: sourceValue }, {}, { longest });
    const decoder = await GreedyDecoder.load(translator, { source: sourceInput }, longest, referenceBackend);
    const [greedy] = await decoder.decode(parameters, { source: sourceValue }, { longest });
    const tokens = steps.map(({ token }) => token).filter((token) => token !== END);
    expect(tokens.slice(0, greedy!.tokens.length)).toEqual(greedy!.tokens);
    steps.slice(0, greedy!.weights?.length ?? 0).forEach(({ weights }, index) => {
      expect(weights!).toBeAllClose(greedy!.weights![index]!, Math.max(rounding, 1e-9));
    });
    for (const { token, logProbability, alternatives } of steps) {
      expect(alternatives).toHaveLength(4);
      expect(alternatives[0]).toEqual({ token, logProbability: expect.closeTo(logProbability, 9) });
    }
  });

  test("words that are chosen are written, and cost what training says they do", async () => {
    const target = [8, 4, 11, END];
    const walker = await load();
    const tokens = new Map(target.map((token, step) => [step, token]));
    const steps = await walker.walk(parameters, { source: sourceValue }, { tokens }, { longest });
    expect(steps.map(({ token }) => token)).toEqual(target);
    const [found] = await losses([source], target);
    expect(steps.map(({ logProbability }) => -logProbability)).toBeAllClose(found!, rounding);
  });

  test("removing a word does what leaving it out of the sentence does", async () => {
    const target = [8, 4, 11];
    const task = taskOf({ task: "translation" });
    const measure = await Effects.load(
      translator,
      task.inputs(vocabularies),
      task.targets(vocabularies, "batch"),
      referenceBackend,
    );
    const { values, count } = task.variants({ source: sourceValue }, {});
    expect(count).toBe(4);
    const effects = await measure.effects(parameters, values, {
      target: tokensValue(tokenBatch([[START, ...target]])),
    });
    const without = source.slice(0, -1).map((_, removed) => source.filter((__, place) => place !== removed));
    const [whole, ...others] = await losses([source, ...without], target);
    effects.forEach((row, step) => {
      expect(row).toHaveLength(4);
      expect(row).toBeAllClose(
        others.map((other) => other[step]! - whole![step]!),
        rounding,
      );
    });
  });
});

const attentive = cases.filter(({ id }) => id === "rnnsearch" || id === "transformer");

test.each(attentive)(
  "salience is the derivative of a word's log-probability with respect to the attention it was written with: $id",
  async (model) => {
    const { translator, parameters } = make(model);
    const walker = await Walker.load(translator, { source: sourceInput }, referenceBackend, {
      alternatives: 2,
    });
    const target = [8, 4, END];
    const tokens = new Map(target.map((token, step) => [step, token]));
    const plain = await walker.walk(parameters, { source: sourceValue }, { tokens }, { longest });
    const step = 1;
    const weights = plain[step]!.weights!;
    // Attention that is an average can be moved only where all that it is of is the same.
    const same = { tokens, attention: new Map([[step, weights]]) };
    const forced = await walker.walk(parameters, { source: sourceValue }, same, { longest });
    const moved = async (place: number, by: number) => {
      const row = weights.map((weight, index) => (index === place ? weight + by : weight));
      const walk = await walker.walk(
        parameters,
        { source: sourceValue },
        { tokens, attention: new Map([[step, row]]) },
        { longest },
      );
      expect(walk[step]!.weights!).toBeAllClose(row, 1e-6);
      return walk[step]!.logProbability;
    };
    const small = 2 ** -7;
    const differences: number[] = [];
    for (const place of source.keys())
      differences.push(((await moved(place, small)) - (await moved(place, -small))) / (2 * small));
    expect(forced[step]!.salience!).toBeAllClose(differences, 1e-4);
    expect(Math.max(...differences.map(Math.abs))).toBeGreaterThan(1e-3);
  },
);

test.each(attentive)("forced attention changes what follows, and only what follows: $id", async (model) => {
  const { translator, parameters } = make(model);
  const walker = await Walker.load(translator, { source: sourceInput }, referenceBackend, {
    alternatives: 2,
  });
  const tokens = new Map([8, 4, 11, END].map((token, step) => [step, token]));
  const plain = await walker.walk(parameters, { source: sourceValue }, { tokens }, { longest });
  const attention = new Map([[1, [0, 0, 0, 1, 0]]]);
  const forced = await walker.walk(parameters, { source: sourceValue }, { tokens, attention }, { longest });
  expect(forced[0]).toEqual(plain[0]);
  expect(forced[1]!.weights).toEqual([0, 0, 0, 1, 0]);
  expect(forced[1]!.logProbability).not.toBe(plain[1]!.logProbability);
  expect(forced[2]!.logProbability).not.toBe(plain[2]!.logProbability);
  expect(total(forced)).not.toBeCloseTo(total(plain), 6);
});

test("words are drawn by their probabilities to the power of one over the temperature", () => {
  const logs = [0.5, 0.3, 0.15, 0.05].map(Math.log);
  const draws = 20_000;
  for (const temperature of [0.5, 1, 2]) {
    const powers = logs.map((one) => Math.exp(one / temperature));
    const sum = powers.reduce((a, b) => a + b);
    const counts = logs.map(() => 0);
    for (let step = 0; step < draws; step++)
      counts[drawn(logs, temperature, new Random(3, "words", step))]!++;
    // Within five standard errors.
    counts.forEach((count, index) => {
      const share = powers[index]! / sum;
      expect(Math.abs(count / draws - share)).toBeLessThan(5 * Math.sqrt((share * (1 - share)) / draws));
    });
  }
});

test("a seed draws the same words again, another others, and the coldest the likeliest", async () => {
  const { translator, parameters } = make(cases[0]!);
  const walker = await Walker.load(translator, { source: sourceInput }, referenceBackend, {
    alternatives: 2,
    drawing: true,
  });
  const written = async (sample: number, temperature?: number, tokens?: ReadonlyMap<number, number>) =>
    (
      await walker.walk(
        parameters,
        { source: sourceValue },
        { sample, ...(temperature !== undefined && { temperature }), ...(tokens && { tokens }) },
        { longest },
      )
    ).map(({ token }) => token);
  const first = await written(1, 1.5);
  expect(await written(1, 1.5)).toEqual(first);
  const others = await Promise.all([2, 3, 4].map((seed) => written(seed, 1.5)));
  expect(others.some((other) => other.join() !== first.join())).toBe(true);
  expect(await written(1, 1e-9)).toEqual(await written(1));
  // What is put in place of a word leaves the words before it as they were drawn.
  if (first.length > 1) {
    const changed = await written(1, 1.5, new Map([[1, 9]]));
    expect(changed.slice(0, 2)).toEqual([first[0], 9]);
  }
});
