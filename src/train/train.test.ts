import { describe, expect, test } from "vitest";
import { runOnce } from "../../test/run.js";
import { generate } from "../data/generate/bilingual/index.js";
import type { ParallelData } from "../data/index.js";
import { Mode, Scope, zeros } from "../nn/index.js";
import { input, log, mul, reduceSum } from "../ops/index.js";
import { nodeBackend } from "../session/node.js";
import { textVocabularies, translation } from "../task/index.js";
import {
  decodeSafetensors,
  encodeSafetensors,
  makeOptimizer,
  type OptimizerOptions,
  optimizerSchema,
  type RunSettings,
  scheduleFactor,
  settingsSchema,
  Trainer,
  TrainingState,
  train,
  trainingStep,
} from "./index.js";

/** Each rule on one number, written from its paper with plain numbers. */
const rules: Record<OptimizerOptions["name"], (rate: number) => (p: number, g: number, t: number) => number> =
  {
    adam: (rate) => {
      let [m, v] = [0, 0];
      return (p, g, t) => {
        m = 0.9 * m + 0.1 * g;
        v = 0.999 * v + 0.001 * g * g;
        return p - (rate * (m / (1 - 0.9 ** t))) / (Math.sqrt(v / (1 - 0.999 ** t)) + 1e-8);
      };
    },
    adamw: (rate) => {
      const adam = rules.adam(rate);
      return (p, g, t) => adam(p * (1 - rate * 0.01), g, t);
    },
    sgd: (rate) => {
      let velocity = 0;
      return (p, g) => {
        velocity = 0.9 * velocity + g;
        return p - rate * velocity;
      };
    },
    adadelta: (rate) => {
      let [gradients, updates] = [0, 0];
      return (p, g) => {
        gradients = 0.95 * gradients + 0.05 * g * g;
        const change = (Math.sqrt(updates + 1e-6) / Math.sqrt(gradients + 1e-6)) * g;
        updates = 0.95 * updates + 0.05 * change * change;
        return p - rate * change;
      };
    },
  };

describe.each(Object.keys(rules) as OptimizerOptions["name"][])("%s", (name) => {
  test.each([undefined, 0.5])("follows its paper, clipped to %s", async (clip) => {
    const options = optimizerSchema.parse(name === "sgd" ? { name, momentum: 0.9 } : { name });
    const scope = Scope.root("float64");
    const a = scope.parameter("a", [3], zeros);
    const b = scope.parameter("b", [2, 5], zeros);
    const slopes = { a: input("slopeA", "float64", [3]), b: input("slopeB", "float64", [2, 5]) };
    const loss = mul(reduceSum(mul(a, slopes.a)), 1);
    const program = trainingStep({
      loss: mul(loss, 1),
      parameters: scope.parameters,
      optimizer: makeOptimizer(options),
      clip,
      extra: { other: reduceSum(mul(b, slopes.b)) },
    });
    const session = await nodeBackend.load(program);
    const state = TrainingState.initial(scope.parameters, makeOptimizer(options), 1);
    const rate = 0.01;
    const expected = [0, 1, 2].map(() => ({ rule: rules[name](rate), value: 0 }));
    for (let step = 1; step <= 5; step++) {
      const slope = [0.3 * step, -2, 1 / step];
      const results = await session.run(
        {
          ...state.feeds,
          slopeA: { dtype: "float64", shape: [3], data: Float64Array.from(slope) },
          slopeB: { dtype: "float64", shape: [2, 5], data: new Float64Array(10) },
          learningRate: { dtype: "float64", shape: [], data: Float64Array.of(rate) },
          step: { dtype: "float64", shape: [], data: Float64Array.of(step) },
        },
        state.into,
      );
      state.advance();
      const norm = Math.hypot(...slope);
      expect(results.gradientNorm!.data[0]).toBeCloseTo(norm, 10);
      const scale = clip === undefined ? 1 : Math.min(1, clip / norm);
      expected.forEach((entry, index) => {
        entry.value = entry.rule(entry.value, slope[index]! * scale, step);
      });
    }
    expect(state.parameters.a!.data).toBeAllClose(
      expected.map(({ value }) => value),
      1e-9,
    );
    expect([...state.parameters.b!.data].every((value) => value === 0)).toBe(true);
  });
});

test("schedules rise and fall as they should", () => {
  const at = (name: "constant" | "linear" | "cosine" | "inverse-sqrt", step: number, progress: number) =>
    scheduleFactor({ name, warmup: 10 }, step, progress);
  expect(at("constant", 4, 0)).toBe(0.5);
  expect(at("constant", 50, 0.9)).toBe(1);
  expect(at("linear", 50, 0.25)).toBe(0.75);
  expect(at("cosine", 50, 0.5)).toBeCloseTo(0.5, 12);
  expect(at("cosine", 50, 1)).toBeCloseTo(0, 12);
  expect(at("inverse-sqrt", 39, 0)).toBeCloseTo(0.5, 12);
});

describe("safetensors", () => {
  const tensors = {
    flags: { dtype: "bool" as const, shape: [3], data: Uint8Array.of(1, 0, 1) },
    weights: { dtype: "float32" as const, shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6.5) },
    precise: { dtype: "float64" as const, shape: [], data: Float64Array.of(Math.PI) },
  };
  const bytes = encodeSafetensors(tensors, { step: "7" });

  test("what is written is read back, at the offsets the format asks for", () => {
    expect(decodeSafetensors(bytes)).toEqual({ tensors, metadata: { step: "7" } });
    const header = JSON.parse(
      new TextDecoder().decode(bytes.slice(8, 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true)))),
    );
    expect(header.weights).toEqual({ dtype: "F32", shape: [2, 3], data_offsets: [8, 32] });
  });

  test("a file that was cut short says where", () => {
    expect(() => decodeSafetensors(bytes.slice(0, bytes.length - 2), "x")).toThrow(
      /^x is not a whole safetensors file: tensor "flags" should end at byte \d+ but it has \d+ bytes; use an earlier checkpoint\.$/,
    );
    expect(() => decodeSafetensors(bytes.slice(0, 20), "x")).toThrow(/its header should end at byte/);
    expect(() => decodeSafetensors(bytes.slice(0, 3), "x")).toThrow(/it has 3 bytes, fewer than the 8/);
  });
});

describe("training", () => {
  const splits = generate(1, { train: 200, validation: 23, test: 1, "test-long": 1, "test-combinations": 1 });
  const data: ParallelData = { train: splits.train, validation: splits.validation, tests: {} };
  const vocabularies = textVocabularies(translation.vocabulariesOf(data, {}));
  const settings = (over: Partial<RunSettings> = {}): RunSettings =>
    settingsSchema.parse({
      model: "rnnsearch",
      configuration: { embedding: 7, hidden: 11, alignment: 5, maxout: 3 },
      data: "bilingual",
      seed: 3,
      batch: 16,
      optimizer: { name: "adam" },
      learningRate: 0.01,
      schedule: { name: "cosine", warmup: 5 },
      validateEvery: 10,
      budget: { steps: 24 },
      ...over,
    });
  const bytesOf = (trainer: Trainer): string => {
    const { tensors, metadata } = trainer.snapshot();
    return Buffer.from(encodeSafetensors(tensors, metadata)).toString("base64");
  };
  const create = (over: Partial<RunSettings> = {}) =>
    Trainer.create(settings(over), data, vocabularies, nodeBackend);

  test("one seed gives one checkpoint to the byte, another seed another", async () => {
    const runs: string[] = [];
    for (const seed of [3, 3, 4]) {
      const trainer = await create({ seed });
      await train(trainer, { budget: { steps: 24 } });
      runs.push(bytesOf(trainer));
      await trainer.release();
    }
    expect(runs[1]).toBe(runs[0]);
    expect(runs[2]).not.toBe(runs[0]);
  });

  test("a run that is interrupted and resumed ends where an uninterrupted one does", async () => {
    const whole = await create();
    const losses: number[] = [];
    await train(whole, { budget: { steps: 24 }, onStep: ({ loss }) => void losses.push(loss) });
    const controller = new AbortController();
    const first = await create();
    const stopped = await train(first, {
      budget: { steps: 24 },
      signal: controller.signal,
      onStep: ({ step }) => {
        if (step === 13) controller.abort();
      },
    });
    expect(stopped.interrupted).toBe(true);
    const { tensors, metadata } = decodeSafetensors(
      encodeSafetensors(first.snapshot().tensors, first.snapshot().metadata),
    );
    const second = await create();
    second.restore(tensors, metadata);
    expect(second.step).toBe(13);
    const rest: number[] = [];
    await train(second, { budget: { steps: 24 }, onStep: ({ loss }) => void rest.push(loss) });
    expect(rest).toEqual(losses.slice(13));
    expect(bytesOf(second)).toBe(bytesOf(whole));
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    for (const trainer of [whole, first, second]) await trainer.release();
  });

  test("label smoothing trains towards spread targets and leaves scores alone", async () => {
    const [plain, smooth] = [await create(), await create({ labelSmoothing: 0.1 })];
    const [a, b] = [await plain.validate(), await smooth.validate()];
    expect(b.loss).toBe(a.loss);
    const [first, smoothed] = [await plain.train(0), await smooth.train(0)];
    // Untrained, every word is about equally likely, so spread targets cost about as much; later they cost more.
    expect(smoothed.loss).toBeCloseTo(first.loss, 1);
    for (let step = 0; step < 40; step++) await Promise.all([plain.train(0), smooth.train(0)]);
    expect((await smooth.train(0)).loss).toBeGreaterThan((await plain.train(0)).loss);
    await plain.release();
    await smooth.release();
  });

  test("validation scores loss, exact translations and alignment", async () => {
    const trainer = await create();
    const validation = await trainer.validate();
    expect(validation.loss).toBeCloseTo(Math.log(vocabularies.target.size), 0);
    expect(validation.exact).toBe(0);
    expect(validation.aer).toBeGreaterThan(0.5);
    await trainer.release();
  });

  test("a validation may end the run", async () => {
    const trainer = await create();
    const steps: number[] = [];
    await train(trainer, {
      budget: { steps: 24 },
      onValidation: (_, step) => {
        steps.push(step);
        return "stop";
      },
    });
    expect(steps).toEqual([10]);
    expect(trainer.step).toBe(10);
    await trainer.release();
  });

  test("a step whose loss is not finite changes nothing; many of them end the run", async () => {
    const trainer = await create();
    await trainer.train(0);
    const before = bytesOf(trainer);
    trainer.state.parameters["output.vocabulary.bias"]!.data.fill(Number.NaN);
    const spoiled = bytesOf(trainer);
    expect(spoiled).not.toBe(before);
    const report = await trainer.train(0);
    expect(report.skipped).toBe(true);
    expect(trainer.skipped).toBe(1);
    for (let count = 0; count < 8; count++) await trainer.train(0);
    await expect(trainer.train(0)).rejects.toThrow(
      "the loss or gradient was not finite for 10 steps in a row, up to step 11; lower --learning-rate (it is 0.01).",
    );
    await trainer.release();
  });

  test("a checkpoint of other sizes is refused", async () => {
    const trainer = await create();
    const other = await create({ configuration: { embedding: 5, hidden: 11, alignment: 5, maxout: 3 } });
    expect(() => trainer.restore(other.snapshot().tensors, other.snapshot().metadata)).toThrow(
      `the checkpoint holds "source.table" as [${vocabularies.source.size}, 5] but the model needs [${vocabularies.source.size}, 7]; it belongs to another model or other sizes.`,
    );
    await trainer.release();
    await other.release();
  });

  test("more pairs a batch than there are is refused", async () => {
    await expect(create({ batch: 300 })).rejects.toThrow(
      "a batch of 300 sentence pairs is more than the 200 there are for training; give a smaller --batch or more data.",
    );
  });
});

test("a training graph loads in under half a second, whatever the length it will be run at", async () => {
  const splits = generate(1, { train: 50, validation: 1, test: 1, "test-long": 1, "test-combinations": 1 });
  const data: ParallelData = { train: splits.train, validation: splits.validation, tests: {} };
  const { buildModel } = await import("./trainer.js");
  const { model, scope } = buildModel(
    { model: "rnnsearch", configuration: { hidden: 256 }, images: undefined },
    translation.vocabulariesOf(data, {}),
  );
  const { loss } = model.objective(
    {
      source: input("source", "int32", ["source", "batch"]),
      target: input("target", "int32", ["target", "batch"]),
    },
    Mode.training(),
  );
  const program = trainingStep({
    loss,
    parameters: scope.parameters,
    optimizer: makeOptimizer(optimizerSchema.parse({ name: "adam" })),
  });
  const times: number[] = [];
  for (let round = 0; round < 3; round++) {
    const started = performance.now();
    const session = await nodeBackend.load(program);
    times.push(performance.now() - started);
    await session.release();
  }
  expect(Math.min(...times)).toBeLessThan(500);
});

test("the gradient of a parameter that the loss does not use is zero", async () => {
  const scope = Scope.root("float64");
  const used = scope.parameter("used", [2], () => Float64Array.of(1, 2));
  scope.parameter("unused", [3], zeros);
  const program = trainingStep({
    loss: reduceSum(log(used)),
    parameters: scope.parameters,
    optimizer: makeOptimizer(optimizerSchema.parse({ name: "sgd" })),
  });
  const state = TrainingState.initial(
    scope.parameters,
    makeOptimizer(optimizerSchema.parse({ name: "sgd" })),
    1,
  );
  const scalar = { dtype: "float64" as const, shape: [], data: Float64Array.of(1) };
  const results = await runOnce(program, { ...state.feeds, learningRate: scalar, step: scalar });
  expect(results["next.parameters"]!.data.slice(0, 5)).toBeAllClose([0, 1.5, 0, 0, 0], 1e-12);
});
