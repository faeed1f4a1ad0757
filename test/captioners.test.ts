import { describe, expect, test } from "vitest";
import { attentionOf } from "../src/attention/index.js";
import { gradient } from "../src/autodiff/index.js";
import { models } from "../src/models/index.js";
import { Mode, Scope } from "../src/nn/index.js";
import { input, logSoftmax } from "../src/ops/index.js";
import type { Value } from "../src/session/index.js";
import { nodeBackend } from "../src/session/node.js";
import { ints, normals, parametersOf, runOnce, scored } from "./run.js";

/** What every captioner must satisfy; small sizes for each, unequal primes. */
const cases: readonly { id: string; options: Record<string, unknown> }[] = [
  { id: "show-and-tell", options: { features: 5, embedding: 3, hidden: 7 } },
  {
    id: "show-attend-tell",
    options: { features: 5, embedding: 3, hidden: 7, alignment: 2, doublyStochastic: 0.3 },
  },
  { id: "show-attend-tell", options: { features: 5, embedding: 3, hidden: 7, attention: "hard" } },
];
const sizes = { target: 13, image: [11, 17, 3], encoded: false } as const;
const LAST = "float64" as const;

/** Two images, and START 8 9 END and START 10 END. */
const image = normals("image", [2, 11, 17, 3]);
const target = ints([4, 2], [1, 1, 8, 10, 9, 2, 2, 0]);

test("every captioner is tried", () => {
  expect([...new Set(cases.map(({ id }) => id))].sort()).toEqual(
    models
      .filter(({ task }) => task === "captioning")
      .map(({ id }) => id)
      .sort(),
  );
});

function build({ id, options }: (typeof cases)[number], stochastic = false) {
  const card = models.find((model) => model.id === id)!;
  const scope = Scope.root(LAST);
  const model = card.build(scope, card.configuration.parse(options), sizes);
  const source = input("source", LAST, ["batch", ...sizes.image]);
  const mode = stochastic ? Mode.training({ dtype: LAST }) : Mode.plain({ dtype: LAST });
  const trained = scored(model, { source, target: input("target", "int32", ["target", "batch"]) }, mode);
  return { scope, model, source, trained, mode };
}

describe.each(cases)("$id $options", (given) => {
  test("padding of captions changes no loss, weight or gradient", async () => {
    const { scope, trained } = build(given);
    const gradients = gradient(
      trained.loss,
      scope.parameters.map(({ tensor }) => tensor),
    );
    const program = {
      loss: trained.loss,
      sequenceLoss: trained.sequenceLoss,
      ...Object.fromEntries(gradients.map((tensor, index) => [`gradient${index}`, tensor])),
    };
    const parameters = parametersOf(scope);
    const plain = await runOnce(program, { ...parameters, source: image, target });
    const longer = ints([9, 2], [...target.data, ...new Array<number>(10).fill(0)]);
    const padded = await runOnce(program, { ...parameters, source: image, target: longer });
    for (const [name, value] of Object.entries(plain)) expect(padded[name], name).toBeAllClose(value, 1e-12);
  });

  test("gradients of every parameter agree with finite differences", async () => {
    const { scope, trained } = build(given);
    const names = scope.parameters.map(({ name }) => name);
    const gradients = gradient(
      trained.loss,
      scope.parameters.map(({ tensor }) => tensor),
    );
    const parameters = parametersOf(scope);
    const feeds = { ...parameters, source: image, target };
    const found = await runOnce(
      Object.fromEntries(gradients.map((tensor, index) => [`gradient of ${names[index]}`, tensor])),
      feeds,
      nodeBackend,
    );
    const session = await nodeBackend.load({ loss: trained.loss });
    for (const name of names) {
      const value = parameters[name]!;
      const direction = normals(name, value.shape).data;
      const loss = async (step: number) => {
        const data = value.data.map((element, index) => element + step * direction[index]!);
        return (await session.run({ ...feeds, [name]: { ...value, data } })).loss!.data[0]!;
      };
      const numeric = ((await loss(1e-6)) - (await loss(-1e-6))) / 2e-6;
      const slope = Float64Array.from(found[`gradient of ${name}`]!.data);
      const analytic = slope.reduce((sum, element, index) => sum + element * direction[index]!, 0);
      expect([analytic], name).toBeAllClose([numeric], 1e-5);
    }
  });

  test("several captions of an image are as many examples of one", async () => {
    const parameters = parametersOf(build(given).scope);
    const card = models.find((model) => model.id === given.id)!;
    const scope = Scope.root(LAST);
    const model = card.build(scope, card.configuration.parse(given.options), sizes);
    const { sequenceLoss } = scored(
      model,
      {
        source: input("source", LAST, ["batch", ...sizes.image]),
        target: input("target", "int32", ["target", "2*batch"]),
      },
      Mode.plain({ dtype: LAST }),
    );
    // Both captions of both images: those of `target`, then the two the other way round.
    const both = ints([4, 4], [1, 1, 1, 1, 8, 10, 10, 8, 9, 2, 2, 9, 2, 0, 0, 2]);
    const found = await runOnce({ sequenceLoss }, { ...parameters, source: image, target: both });
    const { trained } = build(given);
    const one = await runOnce({ loss: trained.sequenceLoss }, { ...parameters, source: image, target });
    const turned = ints([4, 2], [1, 1, 10, 8, 2, 9, 0, 2]);
    const other = await runOnce(
      { loss: trained.sequenceLoss },
      { ...parameters, source: image, target: turned },
    );
    expect(found.sequenceLoss).toBeAllClose([...one.loss!.data, ...other.loss!.data], 1e-12);
  });

  test("decoding step by step gives the probabilities and weights of training", async () => {
    const { scope, model, source, trained } = build(given);
    const parameters = parametersOf(scope);
    const mode = Mode.plain({ dtype: LAST });
    const encoded = model.steps!.begin({ source }, mode);
    let { state } = encoded;
    const program: Record<string, ReturnType<typeof logSoftmax>> = {};
    for (let t = 0; t < 3; t++) {
      const previous = input(`previous${t}`, "int32", ["batch"]);
      const step = model.steps!.step(encoded.memory, state, { previous }, mode);
      program[`log${t}`] = logSoftmax(step.outputs.logits!);
      const weights = attentionOf(step.looks)?.value;
      if (weights) program[`weights${t}`] = weights;
      ({ state } = step);
    }
    const row = (t: number) => ints([2], [...target.data.slice(2 * t, 2 * t + 2)]);
    const feeds = { ...parameters, source: image, previous0: row(0), previous1: row(1), previous2: row(2) };
    const results = await runOnce(program, feeds);
    const total = [0, 1].map((b) =>
      [0, 1, 2].reduce((sum, t) => {
        const word = target.data[2 * (t + 1) + b]!;
        return word === 0 ? sum : sum - results[`log${t}`]!.data[b * sizes.target + word]!;
      }, 0),
    );
    const training = await runOnce(
      { sequenceLoss: trained.sequenceLoss, ...(trained.weights && { weights: trained.weights }) },
      { ...parameters, source: image, target },
    );
    expect(training.sequenceLoss).toBeAllClose(total, 1e-12);
    if (!training.weights) return;
    const rows = [0, 1, 2].flatMap((t) => [...results[`weights${t}`]!.data]);
    expect(training.weights).toBeAllClose(rows, 1e-12);
    const [rowsOfGrid, columns] = model.grids!.source!;
    expect(training.weights.shape).toEqual([3, 2, rowsOfGrid * columns]);
  });
});

describe("hard attention", () => {
  const given = cases[2]!;
  const feed = (shape: readonly number[], data: readonly number[]): Value => ({
    dtype: LAST,
    shape,
    data: Float64Array.from(data),
  });

  test("draws nothing where every image has its expected value, and is then soft attention", async () => {
    const hard = build(given, true);
    const soft = build({ ...given, options: { ...given.options, attention: "soft" } });
    const parameters = parametersOf(hard.scope);
    const noise = {
      "attention.expected": feed([2, 1], [0, 0.1]),
      "attention.place": feed([3, 2], [0.3, 0.9, 0.1, 0.2, 0.7, 0.5]),
    };
    const feeds = { ...parameters, source: image, target };
    const drawn = await runOnce({ loss: hard.trained.report!.loss! }, { ...feeds, ...noise });
    const plain = await runOnce({ loss: soft.trained.loss }, feeds);
    expect(drawn.loss).toBeAllClose(plain.loss!, 1e-12);
  });

  test("its estimate of the gradient has the mean of the exact one, over every place that can be drawn", async () => {
    // One word is written, so that every place can be tried: E[∂ log p(y|s) + (log p(y|s) − b) ∂ log p(s)] = ∂ E[log p(y|s)].
    const options = { ...given.options, reinforcement: 1, entropy: 0 };
    const { scope, trained, mode } = build({ ...given, options }, true);
    const { tensor } = scope.parameters.find(({ name }) => name === "attention.query.weight")!;
    const one = { ...image, shape: [1, 11, 17, 3], data: image.data.slice(0, 11 * 17 * 3) };
    const written = ints([2, 1], [1, 8]);
    const parameters = parametersOf(scope);
    const session = await nodeBackend.load({
      slope: gradient(trained.loss, [tensor])[0]!,
      loss: trained.report!.loss!,
      weights: trained.weights!,
    });
    const times = 3;
    const run = (values: typeof parameters, chance: number, baseline: number) =>
      session.run({
        ...values,
        source: one,
        target: written,
        "attention.expected": feed([1, 1], [1]),
        "attention.place": feed([1, 1], [chance]),
        // As if every word had earned the same as often.
        ...Object.fromEntries(
          mode.buffers.map(({ name, shape }) => [
            name,
            feed(shape, new Array(shape[0]!).fill(name === "attention.earned" ? baseline * times : times)),
          ]),
        ),
      });
    /** What every place gives, weighed by how likely it is to be drawn. */
    const expectation = async (values: typeof parameters, baseline: number) => {
      const { weights } = await run(values, 0, baseline);
      let below = 0;
      let loss = 0;
      const slope = new Float64Array(tensor.shape.reduce<number>((a, b) => a * (b as number), 1));
      for (const weight of weights!.data) {
        const found = await run(values, below + weight / 2, baseline);
        loss += weight * found.loss!.data[0]!;
        found.slope!.data.forEach((value, index) => {
          slope[index]! += weight * value;
        });
        below += weight;
      }
      return { loss, slope };
    };
    const name = "attention.query.weight";
    const value = parameters[name]!;
    const direction = normals("direction", value.shape).data;
    const moved = (by: number) => ({
      ...parameters,
      [name]: { ...value, data: value.data.map((element, index) => element + by * direction[index]!) },
    });
    const numeric =
      ((await expectation(moved(1e-5), 0)).loss - (await expectation(moved(-1e-5), 0)).loss) / 2e-5;
    for (const baseline of [0, -1.7]) {
      const { slope } = await expectation(parameters, baseline);
      const analytic = slope.reduce((sum, element, index) => sum + element * direction[index]!, 0);
      expect([analytic], `baseline ${baseline}`).toBeAllClose([numeric], 1e-5);
    }
  });

  test("the baseline of a word is what drawn places earned with it of late, and the average beside it", async () => {
    const { scope, trained, mode } = build(given, true);
    const [earned, times] = mode.buffers;
    expect(earned).toMatchObject({ name: "attention.earned", initial: 0 });
    expect(times).toMatchObject({ name: "attention.times", initial: 0 });
    const words = earned!.shape[0]!;
    const before = { earned: normals("earned", [words]).data, times: new Float64Array(words).fill(2) };
    // Of the two captions the second alone is drawn; the first has the expected place.
    const results = await runOnce(
      { earned: earned!.next, times: times!.next, losses: trained.losses },
      {
        ...parametersOf(scope),
        source: image,
        target,
        "attention.expected": feed([2, 1], [0.1, 0.9]),
        "attention.place": feed([3, 2], [0.3, 0.9, 0.1, 0.2, 0.7, 0.5]),
        "attention.earned": feed([words], [...before.earned]),
        "attention.times": feed([words], [...before.times]),
      },
    );
    const expected = {
      earned: Array.from(before.earned, (value) => 0.99 * value),
      times: Array.from(before.times, (value) => 0.99 * value),
    };
    for (let row = 1; row < target.shape[0]!; row++) {
      const word = target.data[2 * row + 1]!;
      if (word === 0) continue;
      expected.earned[word]! -= results.losses!.data[2 * (row - 1) + 1]!;
      expected.times[word]! += 1;
    }
    expect(results.earned).toBeAllClose(expected.earned, 1e-12);
    expect(results.times).toBeAllClose(expected.times, 1e-12);
  });
});
