import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { normals, runOnce } from "../../test/run.js";
import { RegardError } from "../core/index.js";
import { models } from "../models/index.js";
import { embedding, layerNorm, linear, Mode, Scope, zeros } from "../nn/index.js";
import { add, log, mul, reduceSum } from "../ops/index.js";
import { neededBy } from "../session/index.js";
import { nodeBackend } from "../session/node.js";
import { taskOf } from "../task/index.js";
import {
  makeOptimizer,
  type OptimizerOptions,
  optimizerSchema,
  type StoredTensor,
  TrainingState,
  trainingStep,
} from "./index.js";
import { GRAIN, kernelArrays } from "./kernels.js";

type Rule = (p: number, g: number, t: number) => number;

/** Each rule on one number in double precision, written from its paper in plain arithmetic. */
const rules: Record<
  OptimizerOptions["name"],
  (rate: number, options: Record<string, number>, decays: boolean) => Rule
> = {
  adam: (rate, { beta1 = 0, beta2 = 0, epsilon = 0 }) => {
    let [m, v] = [0, 0];
    return (p, g, t) => {
      m = beta1 * m + (1 - beta1) * g;
      v = beta2 * v + (1 - beta2) * g * g;
      return p - (rate * (m / (1 - beta1 ** t))) / (Math.sqrt(v / (1 - beta2 ** t)) + epsilon);
    };
  },
  adamw: (rate, options, decays) => {
    const adam = rules.adam(rate, options, false);
    return (p, g, t) => adam(p, g, t) - (decays ? rate * options.decay! * p : 0);
  },
  sgd: (rate, { momentum = 0 }) => {
    let velocity = 0;
    return (p, g) => {
      velocity = momentum * velocity + g;
      return p - rate * velocity;
    };
  },
  adadelta: (rate, { rho = 0, epsilon = 0 }) => {
    let [gradients, updates] = [0, 0];
    return (p, g) => {
      gradients = rho * gradients + (1 - rho) * g * g;
      const change = (Math.sqrt(updates + epsilon) / Math.sqrt(gradients + epsilon)) * g;
      updates = rho * updates + (1 - rho) * change * change;
      return p - rate * change;
    };
  },
  rmsprop: (rate, { rho = 0, epsilon = 0, momentum = 0 }) => {
    let [second, velocity] = [0, 0];
    return (p, g) => {
      second = rho * second + (1 - rho) * g * g;
      velocity = momentum * velocity + g / (Math.sqrt(second) + epsilon);
      return p - rate * velocity;
    };
  },
  adagrad: (rate, { epsilon = 0 }) => {
    let sum = 0;
    return (p, g) => {
      sum += g * g;
      return p - (rate * g) / (Math.sqrt(sum) + epsilon);
    };
  },
};

const variants: readonly Record<string, unknown>[] = [
  { name: "adam" },
  { name: "adam", beta1: 0, beta2: 0.5, epsilon: 1e-3 },
  { name: "adamw", decay: 0.1 },
  { name: "sgd" },
  { name: "sgd", momentum: 0.9 },
  { name: "adadelta" },
  { name: "rmsprop" },
  { name: "rmsprop", rho: 0.5, momentum: 0.7 },
  { name: "adagrad" },
];

/** A scope with parameters of sizes that fill no cache line, and a state whose parameters are drawn anew. */
function prepared(options: Record<string, unknown>, declare = ["first", "second", "third"]) {
  const scope = Scope.root();
  const shapes: Record<string, number[]> = { first: [3, 5], second: [17], third: [2, 3, 7] };
  for (const name of declare) scope.parameter(name, shapes[name]!, zeros);
  const state = new TrainingState(scope.parameters, makeOptimizer(optimizerSchema.parse(options)));
  for (const [name, { data, shape }] of Object.entries(state.parameters))
    data.set(normals(`parameter ${name}`, shape).data);
  return state;
}

/** Writes a gradient of normal deviates, as a step would. Gives it by parameter. */
function slopes(state: TrainingState, step: number, size = 1): Record<string, Float64Array> {
  const found: Record<string, Float64Array> = {};
  for (const [name, { data, shape }] of Object.entries(state.into)) {
    data.set(normals(`${name} ${step}`, shape).data.map((value) => value * size));
    found[name.replace("gradient.", "")] = Float64Array.from(data);
  }
  return found;
}

const bytesOf = (state: TrainingState): string =>
  Object.entries(state.tensors)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(
      ([
        name,
        {
          data: { buffer, byteOffset, byteLength },
        },
      ]) => [name, Buffer.from(buffer, byteOffset, byteLength).toString("base64")].join(),
    )
    .join();

test.each(variants)("%o follows its paper", (options) => {
  for (const clip of [undefined, 0.5, 100]) {
    const state = prepared(options);
    const learningRate = 0.03;
    const parsed = optimizerSchema.parse(options);
    const expected = Object.entries(state.parameters).map(([name, { data, shape }]) => ({
      name,
      values: Float64Array.from(data),
      rules: Array.from(data, () =>
        rules[parsed.name](learningRate, { ...parsed, name: 0 }, shape.length > 1),
      ),
    }));
    for (let step = 1; step <= 11; step++) {
      const found = slopes(state, step, step === 3 ? 50 : 0.3);
      const norm = Math.hypot(...Object.values(found).flatMap((values) => [...values]));
      const scale = clip === undefined ? 1 : Math.min(1, clip / norm);
      const { gradientNorm, skipped } = state.update({ loss: 1, step, learningRate, clip });
      expect(skipped).toBe(false);
      expect(gradientNorm / norm).toBeCloseTo(1, 12);
      for (const { name, values, rules } of expected)
        values.forEach((value, index) => {
          values[index] = rules[index]!(value, found[name]![index]! * scale, step);
        });
    }
    for (const { name, values } of expected) expect(state.parameters[name]!.data).toBeAllClose(values, 2e-6);
  }
});

describe("PyTorch's optimizers", () => {
  type ByParameter = Record<string, number[]>;
  const { learningRate, shapes, start, gradients, cases } = JSON.parse(
    readFileSync(new URL("fixtures/optimizers.json", import.meta.url), "utf8"),
  ) as {
    learningRate: number;
    shapes: ByParameter;
    start: ByParameter;
    gradients: ByParameter[];
    cases: {
      options: Record<string, unknown>;
      clip: number | null;
      norms: number[];
      parameters: ByParameter;
      state: Record<string, ByParameter>;
    }[];
  };

  test("all that are here are compared with", () => {
    expect([...new Set(cases.map((one) => one.options.name))].sort()).toEqual(Object.keys(rules).sort());
  });

  test.each(cases)("$options clipped to $clip", ({ options, clip, norms, parameters, state: kept }) => {
    const scope = Scope.root();
    for (const [name, shape] of Object.entries(shapes)) scope.parameter(name, shape, zeros);
    const state = new TrainingState(scope.parameters, makeOptimizer(optimizerSchema.parse(options)));
    for (const name of Object.keys(shapes)) state.parameters[name]!.data.set(start[name]!);
    gradients.forEach((slopes, index) => {
      for (const name of Object.keys(shapes)) state.into[`gradient.${name}`]!.data.set(slopes[name]!);
      const { gradientNorm } = state.update({
        loss: 1,
        step: index + 1,
        learningRate,
        clip: clip ?? undefined,
      });
      expect(gradientNorm / norms[index]!).toBeCloseTo(1, 6);
    });
    for (const name of Object.keys(shapes)) {
      expect(state.parameters[name]!.data).toBeAllClose(parameters[name]!, 3e-6);
      for (const slot of Object.keys(kept)) {
        // PyTorch adds 1e-6 to the norm that it divides by.
        const expected = Float64Array.from(kept[slot]![name]!);
        const largest = Math.max(...expected.map(Math.abs));
        const found = state.tensors[`optimizer.${slot}.${name}`]!;
        expect(found.shape).toEqual(shapes[name]);
        expect(Float64Array.from(found.data, (value) => value / largest)).toBeAllClose(
          expected.map((value) => value / largest),
          3e-6,
        );
      }
    }
  });
});

describe("a step", () => {
  test.each(variants)("of %o that is not finite changes nothing", (options) => {
    const state = prepared(options);
    slopes(state, 1);
    state.update({ loss: 1, step: 1, learningRate: 0.1 });
    const before = bytesOf(state);
    const last = state.gradient.length - 1;
    for (const [loss, spoil, place] of [
      [Number.NaN, 1, 0],
      [Number.POSITIVE_INFINITY, 1, 0],
      [1, Number.NaN, 3],
      [1, Number.NEGATIVE_INFINITY, last - (last % GRAIN)],
      // Finite, but its square is not in single precision.
      [1, 1e30, 7],
    ] as const) {
      slopes(state, 2);
      state.gradient[place] = spoil;
      expect(state.update({ loss, step: 2, learningRate: 0.1 }).skipped).toBe(true);
      expect(bytesOf(state)).toBe(before);
    }
    slopes(state, 2);
    expect(state.update({ loss: 1, step: 2, learningRate: 0.1 }).skipped).toBe(false);
    expect(bytesOf(state)).not.toBe(before);
  });

  test("with a gradient that is huge but clipped is taken, and one that is tiny counts", () => {
    const state = prepared({ name: "sgd" });
    const before = Float32Array.from(state.parameters.second!.data);
    state.into["gradient.second"]!.data[4] = 1e30;
    expect(state.update({ loss: 1, step: 1, learningRate: 0.5, clip: 2 })).toMatchObject({ skipped: false });
    expect(before[4]! - state.parameters.second!.data[4]!).toBeCloseTo(1, 6);
    state.gradient.fill(0);
    state.into["gradient.second"]!.data[4] = 1e-30;
    const { gradientNorm } = state.update({ loss: 1, step: 2, learningRate: 0.5 });
    expect(gradientNorm / Math.fround(1e-30)).toBeCloseTo(1, 12);
  });

  test.each(variants)(
    "of %o leaves what lies between parameters at 0, and never slows to subnormal numbers",
    (options) => {
      const state = prepared(options);
      for (let step = 1; step <= 3; step++) {
        slopes(state, step);
        state.update({ loss: 1, step, learningRate: 0.1, clip: 1 });
      }
      const used = new Set(
        state.layout.slots.flatMap(({ offset, length }) =>
          Array.from({ length }, (_, index) => offset + index),
        ),
      );
      const flat = new Float32Array(state.gradient.buffer);
      const arrays = 2 + makeOptimizer(optimizerSchema.parse(options)).slots.length;
      for (let array = 0; array < arrays; array++)
        for (let place = 0; place < state.layout.padded; place++)
          if (!used.has(place)) expect(flat[array * state.layout.padded + place]).toBe(0);
      state.gradient.fill(0);
      for (let step = 4; step <= 3000; step++) state.update({ loss: 1, step, learningRate: 1e-9 });
      for (const { data } of Object.values(state.tensors))
        for (const value of data) expect(value === 0 || Math.abs(value) >= 1.17549e-38).toBe(true);
    },
  );

  test("is of gradients that the runtime wrote in place, also of one for two parameters and of none", async () => {
    const scope = Scope.root();
    const [a, b] = ["a", "b"].map((name) =>
      scope.parameter(name, [2, 3], () => Float64Array.from([1, 2, 3, 4, 5, 6])),
    );
    scope.parameter("unused", [5], zeros);
    const state = TrainingState.initial(scope.parameters, makeOptimizer({ name: "sgd", momentum: 0 }), 1);
    state.gradient.fill(9);
    const program = trainingStep({ loss: reduceSum(log(add(a!, b!))), parameters: scope.parameters });
    const session = await nodeBackend.load(program);
    const results = await session.run(neededBy(session, state.feeds), state.into);
    await session.release();
    state.update({ loss: results.loss!.data[0]!, step: 1, learningRate: 1 });
    const expected = [1, 2, 3, 4, 5, 6].map((value) => value - 1 / (2 * value));
    expect(state.parameters.a!.data).toBeAllClose(expected);
    expect(state.parameters.b!.data).toBeAllClose(expected);
    expect([...state.parameters.unused!.data]).toEqual([0, 0, 0, 0, 0]);
    expect([...(await runOnce(program, state.parameters))["gradient.unused"]!.data]).toEqual([0, 0, 0, 0, 0]);
  });

  test("takes the gradients that a model gives in place of its loss's", async () => {
    const scope = Scope.root();
    const a = scope.parameter("a", [3], () => Float64Array.from([1, 2, 3]));
    scope.parameter("b", [5], zeros);
    const state = TrainingState.initial(scope.parameters, makeOptimizer({ name: "sgd", momentum: 0 }), 1);
    state.gradient.fill(7);
    const session = await nodeBackend.load(
      trainingStep({ loss: reduceSum(a), parameters: scope.parameters, gradients: { a: mul(a, 0.25) } }),
    );
    const { loss } = await session.run(neededBy(session, state.feeds), state.into);
    state.update({ loss: loss!.data[0]!, step: 1, learningRate: 1 });
    expect([...state.parameters.a!.data]).toEqual([0.75, 1.5, 2.25]);
    expect([...state.parameters.b!.data]).toEqual([0, 0, 0, 0, 0]);
    await session.release();
  });

  test("takes a model's buffers along, or none of them", async () => {
    const scope = Scope.root();
    const a = scope.parameter("a", [3], () => Float64Array.from([1, 2, 3]));
    const mode = Mode.training();
    const seen = mode.carry("seen", [3], 5, (value) => add(mul(value, 0.5), a));
    const state = TrainingState.initial(
      scope.parameters,
      makeOptimizer({ name: "sgd", momentum: 0 }),
      1,
      mode.buffers,
    );
    const session = await nodeBackend.load(
      trainingStep({ loss: reduceSum(mul(a, seen)), parameters: scope.parameters, buffers: mode.buffers }),
    );
    await session.run(neededBy(session, state.feeds), state.into);
    state.update({ loss: Number.NaN, step: 1, learningRate: 1 });
    expect([...state.buffers.seen!.data]).toEqual([5, 5, 5]);
    state.update({ loss: 1, step: 1, learningRate: 1 });
    expect([...state.buffers.seen!.data]).toEqual([3.5, 4.5, 5.5]);
    await session.release();
  });
});

describe("what a checkpoint holds of an optimizer", () => {
  const copied = ({ tensors }: TrainingState): Record<string, StoredTensor> =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, one]) => [name, { ...one, data: one.data.slice() }]),
    );

  test.each(variants)("%o: goes by names, so parameters may be declared in another order", (options) => {
    const [whole, first] = [prepared(options), prepared(options)];
    const resumed = prepared(options, ["third", "first", "second"]);
    const move = (state: TrainingState, step: number) => {
      slopes(state, step);
      state.update({ loss: 1, step, learningRate: 0.1, clip: 1 });
    };
    for (let step = 1; step <= 5; step++) move(whole, step);
    for (let step = 1; step <= 2; step++) move(first, step);
    const checkpoint = copied(first);
    const { slots } = makeOptimizer(optimizerSchema.parse(options));
    expect(Object.keys(checkpoint)).toEqual(
      ["", ...slots.map((slot) => `optimizer.${slot}.`)].flatMap((prefix) =>
        ["first", "second", "third"].map((name) => prefix + name),
      ),
    );
    expect(checkpoint.third!.shape).toEqual([2, 3, 7]);
    resumed.restore(checkpoint);
    for (let step = 3; step <= 5; step++) move(resumed, step);
    // The norm, and with it clipping, is a sum in another order.
    for (const [name, { data }] of Object.entries(whole.tensors))
      expect(resumed.tensors[name]!.data).toBeAllClose(data, 1e-6);
  });

  test("is restored whole or not at all", () => {
    const state = prepared({ name: "adam" });
    const checkpoint = copied(prepared({ name: "adam" }));
    checkpoint.first!.data.fill(3);
    delete checkpoint["optimizer.second.third"];
    const before = bytesOf(state);
    expect(() => state.restore(checkpoint)).toThrow(
      'the checkpoint holds no "optimizer.second.third" but the model needs [2, 3, 7]; it belongs to another model or other sizes.',
    );
    expect(bytesOf(state)).toBe(before);
  });

  test("in the order of declaration, as it once was, is told apart", () => {
    const state = prepared({ name: "adam" });
    const { first, second, third } = state.parameters;
    const flat = { dtype: "float32" as const, shape: [16384], data: new Float32Array(16384) };
    expect(() =>
      state.restore({
        first: first!,
        second: second!,
        third: third!,
        "optimizer.first": flat,
        "optimizer.second": flat,
      }),
    ).toThrow(
      new RegardError(
        "the checkpoint holds what the optimizer remembers in one piece, as Regard wrote it before it went by the names of parameters; see, evaluate and export read it still, but training cannot go on from it: train in a new folder.",
      ),
    );
  });
});

describe("decay", () => {
  test("is of weights alone: not of biases, gains, tables and positions", () => {
    const scope = Scope.root();
    linear(scope.at("linear"), { input: 3, output: 5 });
    embedding(scope.at("words"), { vocabulary: 7, size: 3 });
    layerNorm(scope.at("norm"), { features: 5 });
    scope.parameter("position", [7, 3], zeros, "position");
    const state = new TrainingState(
      scope.parameters,
      makeOptimizer(optimizerSchema.parse({ name: "adamw", decay: 0.5 })),
    );
    for (const { data } of Object.values(state.parameters)) data.fill(1);
    state.update({ loss: 1, step: 1, learningRate: 0.1 });
    for (const [name, { data }] of Object.entries(state.parameters))
      expect([name, data[0]]).toEqual([name, name === "linear.weight" ? Math.fround(0.95) : 1]);
  });

  test("is declared by every model: what has two axes decays, but tables and positions", () => {
    // What models are built for, whatever their task.
    const sizes = {
      source: 7,
      target: 7,
      image: [80, 80, 3],
      frame: [16, 24],
      encoded: false,
      classes: 5,
      answers: 5,
      longest: 7,
      bands: 5,
      words: 7,
      written: 7,
      counts: [0, 0, 0, 0, 5, 3, 2],
    };
    for (const card of models) {
      const scope = Scope.root();
      card.build(scope, card.configuration.parse({}) as never, sizes as never);
      expect(taskOf(card)).toBeDefined();
      for (const { name, shape, kind } of scope.parameters) {
        const kinds = [/\.table$/, /(position(\.\w+)?|places)$/, /scale$/];
        const expected =
          ["table", "position", "gain"][kinds.findIndex((pattern) => pattern.test(name))] ??
          (shape.length > 1 ? "weight" : "bias");
        expect([card.id, name, kind]).toEqual([card.id, name, expected]);
      }
    }
  });
});

describe("memory", () => {
  test("is one that does not grow, in stretches that follow each other", () => {
    const { arrays } = kernelArrays(3, 5 * GRAIN);
    expect(arrays.map(({ byteOffset, length }) => [byteOffset, length])).toEqual([
      [0, 80],
      [320, 80],
      [640, 80],
    ]);
    expect(new Set(arrays.map(({ buffer }) => buffer)).size).toBe(1);
  });

  test("that is more than can be had is said", () => {
    expect(() => kernelArrays(4, 3e8)).toThrow(
      "300000000 parameters, their gradient and what the optimizer remembers of them take 4.5 GiB, more than the 4 GiB that WebAssembly reaches; make the model smaller or choose an optimizer that remembers less, such as sgd.",
    );
  });

  test("holds single precision", () => {
    const scope = Scope.root("float64");
    scope.parameter("a", [3], zeros);
    expect(() => new TrainingState(scope.parameters, makeOptimizer({ name: "sgd", momentum: 0 }))).toThrow(
      'parameters are trained in float32 and "a" is float64; declare it in a scope of float32.',
    );
  });
});
