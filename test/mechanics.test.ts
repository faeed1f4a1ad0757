import { describe, expect, test } from "vitest";
import {
  decodeTrace,
  encodeTrace,
  lookOfRows,
  scoringOf,
  type Trace,
  type Weighing,
  weighingNamed,
  weightsOver,
} from "../src/attention/index.js";
import { Prober, Walker } from "../src/explain/index.js";
import { type Model, models } from "../src/models/index.js";
import { Scope } from "../src/nn/index.js";
import { add, input, mul, reduceMean, reduceSum, reshape, softmax, unsqueeze } from "../src/ops/index.js";
import { referenceBackend, type Value } from "../src/session/index.js";
import { tracedWeighing } from "../src/task/index.js";
import { channelSums } from "../src/views/look/mechanics.js";
import { ints, normals, parametersOf } from "./run.js";

// What a look weighs is found in the graph of any model, and is what the model computes: weights × features, added up.

/** The features of the places by their weights, added up, [D]. */
function summed({ by, values }: Weighing<Value>): number[] {
  const features = values.data.length / by.data.length;
  return Array.from({ length: features }, (_, channel) =>
    Array.from(by.data).reduce(
      (sum, weight, place) => sum + weight * values.data[place * features + channel]!,
      0,
    ),
  );
}

describe.each(["soft", "hard"])("a captioner that attends %sly", (attention) => {
  const sizes = { target: 13, image: [11, 17, 3], encoded: false } as const;
  const card = models.find(({ id }) => id === "show-attend-tell")!;
  const scope = Scope.root("float64");
  const options = { features: 5, embedding: 3, hidden: 7, alignment: 2, attention };
  const model = card.build(scope, card.configuration.parse(options), sizes);
  const parameters = parametersOf(scope);
  const [rows, columns] = model.grids!.source!;
  const places = rows * columns;
  const walk = async (forced: ReadonlyMap<number, readonly number[]> = new Map()) => {
    const source = input("source", "float64", ["batch", ...sizes.image]);
    const walker = await Walker.load(model, { source }, referenceBackend, { alternatives: 2 });
    const values = { source: normals("image", [1, ...sizes.image]) };
    return walker.walk(parameters, values, { attention: forced }, { longest: 4 });
  };

  test("hands on its features times its weights, step by step", async () => {
    const steps = await walk();
    expect(steps.length).toBeGreaterThan(1);
    for (const { weighed, weights } of steps) {
      const all = weighingNamed(weighed, "attention")!;
      expect(all.values.shape).toEqual([1, places, 5]);
      expect(all.pooled!.data).toBeAllClose(summed(all), 1e-12);
      const place = weights!.indexOf(Math.max(...weights!));
      if (attention === "soft") expect(all.by.data).toBeAllClose(weights!, 1e-12);
      else expect(Array.from(all.by.data)).toEqual(weights!.map((_, index) => (index === place ? 1 : 0)));
    }
  });

  test("hands on the features of a place that it is forced to", async () => {
    const place = 2;
    const [first] = await walk(
      new Map([[0, Array.from({ length: places }, (_, index) => (index === place ? 1 : 0))]]),
    );
    const { by, values, pooled } = weighingNamed(first!.weighed, "attention")!;
    expect(by.data[place]).toBe(1);
    expect(pooled!.data).toBeAllClose(values.data.slice(5 * place, 5 * place + 5), 1e-12);
  });
});

describe.each(["additive", "general", "projected-dot"])(
  "a translator that attends by %s scores",
  (attention) => {
    const card = models.find(({ id }) => id === "rnnsearch")!;
    const scope = Scope.root("float64");
    const options = { embedding: 3, hidden: 4, alignment: 2, maxout: 3, attention };
    const model = card.build(scope, card.configuration.parse(options), { source: 11, target: 13 });

    test("says what its weights were made from, and what came of them", async () => {
      const source = input("source", "int32", ["source", "batch"]);
      const walker = await Walker.load(model, { source }, referenceBackend, { alternatives: 2 });
      const values = { source: ints([5, 1], [4, 9, 6, 3, 1]) };
      const steps = await walker.walk(parametersOf(scope), values, {}, { longest: 3 });
      const rows = steps.map(({ weighed, weights }) => {
        const all = weighingNamed(weighed, "attention")!;
        // The weights are the softmax of the scores, and the context is the sum by these.
        const powers = Array.from(all.scores!.data, Math.exp);
        const total = powers.reduce((a, b) => a + b);
        expect(weights).toBeAllClose(
          powers.map((power) => power / total),
          1e-9,
        );
        expect(all.pooled!.data).toBeAllClose(summed(all), 1e-9);
        return all;
      });
      const [look] = Object.values(walker.looks);
      expect(scoringOf(look!.value)!.mechanism).toBe(attention);
      // It comes through JSON as it was, in single precision.
      const weighed = tracedWeighing(rows, attention)!;
      const whole = lookOfRows(
        steps.map(({ weights }) => weights!),
        { name: "attention", over: "source", kind: "weights" },
      );
      const trace: Trace = {
        places: { source: { kind: "tokens", labels: ["a", "b", "c", "d", "(end)"] } },
        steps: steps.map(() => ({ label: "x" })),
        looks: [{ ...whole, weighed }],
      };
      const { scored } = decodeTrace(encodeTrace(trace)).looks[0]!.weighed!;
      expect(scored).toEqual(weighed.scored);
      expect(scored!.scores).toHaveLength(steps.length * 5);
    });
  },
);

// A model that is fed frames, each of which is a grid of features, [T, B, P, D].
const [T, P, D] = [3, 5, 7];
const filming = (pooling: boolean): Model => ({
  grids: { image: [1, P] },
  objective: () => {
    throw new Error("not trained");
  },
  steps: {
    begin: ({ frames }) => ({
      memory: {},
      state: { total: mul(reduceSum(frames!, { axes: [0, 2, 3] }), 0) },
    }),
    step: (_, { total }, { frames }) => {
      const weights = softmax(add(reduceMean(frames!, { axes: 2 }), unsqueeze(total!, 1)));
      const products = mul(unsqueeze(weights, 2), frames!);
      const context = pooling ? reduceSum(products, { axes: 1 }) : reshape(products, ["batch", P * D]);
      return {
        outputs: { steer: context },
        looks: { gaze: weightsOver("image", weights) },
        state: { total: reduceSum(context, { axes: 1 }) },
      };
    },
  },
});

test("a model that is fed frames weighs others at every step, which a trace tells of its strongest channels", async () => {
  const frames = normals("frames", [T, 1, P, D]);
  const inputs = { frames: input("frames", "float64", ["time", "batch", P, D]) };
  const run = async (pooling: boolean) => {
    const drive = { kind: "rows", of: "frames" } as const;
    const prober = await Prober.load(filming(pooling), drive, inputs, undefined, referenceBackend);
    return (await prober.run({}, { frames })).weighed;
  };
  const { by, values, pooled } = weighingNamed(await run(true), "gaze")!;
  expect(values.data).toBeAllClose(frames.data, 1e-12);
  const rowOf = ({ data, dtype, shape }: Value, step: number): Value => ({
    dtype,
    shape: shape.slice(1),
    data: data.slice((step * data.length) / T, ((step + 1) * data.length) / T),
  });
  const rows = Array.from({ length: T }, (_, step) => ({
    by: rowOf(by, step),
    values: rowOf(values, step),
    pooled: rowOf(pooled!, step),
  }));
  for (const row of rows) expect(row.pooled.data).toBeAllClose(summed(row), 1e-12);

  const weighed = tracedWeighing(rows)!;
  const strengths = Array.from({ length: D }, (_, channel) =>
    rows.reduce((sum, row) => sum + row.pooled.data[channel]! ** 2, 0),
  );
  const order = strengths.map((_, channel) => channel).sort((a, b) => strengths[b]! - strengths[a]!);
  expect([weighed.channels, weighed.features]).toEqual([order.slice(0, 4), D]);
  expect(weighed.values).toHaveLength(T * P * 4);
  // What is the same at every step is kept once.
  expect(tracedWeighing([rows[0]!, rows[0]!])!.values).toHaveLength(P * 4);

  // The sums that a picture is made from are what the model handed on, after it has been through JSON.
  const about = { name: "gaze", over: "image", kind: "weights" } as const;
  const look = {
    ...lookOfRows(
      rows.map((row) => row.by.data as Float64Array),
      about,
    ),
    weighed,
  };
  const trace: Trace = { places: {}, steps: [], looks: [look] };
  const [again] = decodeTrace(JSON.parse(JSON.stringify(encodeTrace(trace)))).looks;
  for (let step = 0; step < T; step++)
    for (const { channel, sum, pooled: own } of channelSums(again!, step)) {
      expect(own).toBeCloseTo(rows[step]!.pooled.data[channel]!, 6);
      expect(sum).toBeCloseTo(own!, 6);
    }

  // Where they are not added up (Kim & Canny 2017), the products alone are told of.
  const products = weighingNamed(await run(false), "gaze")!;
  expect(products.pooled).toBeUndefined();
  expect(
    tracedWeighing([{ by: rowOf(products.by, 0), values: rowOf(products.values, 0) }])!.pooled,
  ).toBeUndefined();
});
