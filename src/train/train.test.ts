import { describe, expect, test } from "vitest";
import { Random, RegardError } from "../core/index.js";
import { generate } from "../data/generate/bilingual/index.js";
import type { ParallelData } from "../data/index.js";
import { Mode } from "../nn/index.js";
import { input } from "../ops/index.js";
import { nodeBackend } from "../session/node.js";
import { translation } from "../task/index.js";
import {
  decodeCheckpoint,
  decodeSafetensors,
  encodeSafetensors,
  type RunSettings,
  scheduleFactor,
  settingsSchema,
  Trainer,
  train,
  trainingStep,
} from "./index.js";

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
    // A file of another program has no checksum.
    const plain = fileOf({ x: { dtype: "F32", shape: [2], data_offsets: [0, 8] } }, 8);
    expect(decodeSafetensors(plain).tensors.x!.shape).toEqual([2]);
    const header = JSON.parse(
      new TextDecoder().decode(bytes.slice(8, 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true)))),
    );
    expect(header.weights).toEqual({ dtype: "F32", shape: [2, 3], data_offsets: [8, 32] });
  });

  /** A file with a header and so many bytes of data. */
  const fileOf = (header: unknown, size: number): Uint8Array => {
    const json = new TextEncoder().encode(JSON.stringify(header));
    const file = new Uint8Array(8 + json.length + size);
    new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
    file.set(json, 8);
    return file;
  };
  const one = { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] };

  test.each<[string, unknown, number]>([
    ["its header is no object", null, 0],
    ["its header is no object", [], 0],
    ["its metadata is not made of texts", { __metadata__: { step: 7 } }, 0],
    ['tensor "x" is not described', { x: null }, 0],
    ['tensor "x" has element type F8', { x: { ...one, dtype: "F8" } }, 24],
    ['tensor "x" has the shape [2,-3]', { x: { ...one, shape: [2, -3] } }, 24],
    ['tensor "x" has the shape [2,1.5]', { x: { ...one, shape: [2, 1.5] } }, 24],
    ['tensor "x" lies at undefined', { x: { dtype: "F32", shape: [2, 3] } }, 24],
    ['tensor "x" of shape [2, 3] takes 24 bytes but has 20', { x: { ...one, data_offsets: [0, 20] } }, 24],
    ['tensor "x" of shape [2, 3] takes 24 bytes but has -24', { x: { ...one, data_offsets: [24, 0] } }, 24],
    [
      'tensor "y" begins at byte 20 of the data, not at 24',
      { x: one, y: { ...one, data_offsets: [20, 44] } },
      44,
    ],
    ['tensor "x" begins at byte 4 of the data, not at 0', { x: { ...one, data_offsets: [4, 28] } }, 28],
    ["its tensors end at byte 89 but it has 97 bytes", { x: one }, 32],
  ])("a header that does not hold together: %s", (message, header, size) => {
    expect(() => decodeSafetensors(fileOf(header, size))).toThrow(message);
  });

  test("whatever is changed in a file, it is refused or reads as it was", () => {
    const random = new Random(7, "damage");
    const whole = decodeSafetensors(bytes);
    for (let count = 0; count < 500; count++) {
      const at = Math.floor(random.uniform() * bytes.length);
      const by = 1 + Math.floor(random.uniform() * 255);
      const length = 1 + Math.floor(random.uniform() * 9);
      const damaged = [
        bytes.map((byte, index) => (index === at ? byte ^ by : byte)),
        Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + length)]),
        Uint8Array.from([...bytes.subarray(0, at), ...new Array(length).fill(by), ...bytes.subarray(at)]),
        bytes.slice(0, at),
      ][count % 4]!;
      let read: unknown;
      try {
        read = decodeSafetensors(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(RegardError);
        expect((error as Error).message).toMatch(/^the file is not a whole safetensors file: /);
        continue;
      }
      expect(read).toEqual(whole);
    }
  });

  test("whichever bit of a checkpoint is another, it is refused: damage cannot hide that there is a checksum", () => {
    const metadata = { step: "7", skipped: "0", best: "-1.5", bestStep: "6" };
    const checkpoint = encodeSafetensors(tensors, metadata);
    const whole = decodeCheckpoint(checkpoint, "x", 7);
    for (let at = 0; at < checkpoint.length; at++)
      for (let bit = 0; bit < 8; bit++) {
        const damaged = checkpoint.map((byte, index) => (index === at ? byte ^ (1 << bit) : byte));
        let read: unknown = whole;
        try {
          read = decodeCheckpoint(damaged, "x", 7);
        } catch (error) {
          expect((error as Error).message).toMatch(/^x (is not a whole safetensors file|cannot be used): /);
        }
        if (read !== whole) expect(read, `bit ${bit} of byte ${at}`).toEqual(whole);
      }
  });

  test.each<[string, Record<string, string>, number]>([
    ['its metadata has "chacksum", which is not known', { step: "7", chacksum: "0" }, 1],
    ["its step is missing, not the 7 of its name", {}, 1],
    ["its step is NaN, not the 7 of its name", { step: "NaN" }, 1],
    ["its step is 8, not the 7 of its name", { step: "8" }, 1],
    ['its bestStep is "-1"', { step: "7", bestStep: "-1" }, 1],
    ['its best is "low"', { step: "7", best: "low" }, 1],
    ['number 1 of "x" is NaN', { step: "7" }, Number.NaN],
    ['number 1 of "x" is -Infinity', { step: "7" }, Number.NEGATIVE_INFINITY],
  ])("a checkpoint is of a step and has finite numbers: %s", (message, metadata, value) => {
    const x = { dtype: "float32" as const, shape: [3], data: Float32Array.of(1, value, 2) };
    const file = encodeSafetensors({ x }, metadata);
    expect(() => decodeCheckpoint(file, "x", 7)).toThrow(
      `x cannot be used: ${message}; use an earlier checkpoint.`,
    );
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
  const vocabularies = translation.prepare(data, { vocabulary: {} });
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

  test("a vocabulary that kept no word is refused", async () => {
    expect(() => translation.prepare(data, { vocabulary: { atLeast: 1_000_000 } })).toThrow(
      "no source word occurs 1000000 times in the training data, so the vocabulary is empty; lower --min-count.",
    );
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
    translation.prepare(data, { vocabulary: {} }),
  );
  const { loss } = model.objective(
    {
      source: input("source", "int32", ["source", "batch"]),
      target: input("target", "int32", ["target", "batch"]),
    },
    Mode.training(),
  );
  const program = trainingStep({ loss, parameters: scope.parameters });
  const times: number[] = [];
  for (let round = 0; round < 3; round++) {
    const started = performance.now();
    const session = await nodeBackend.load(program);
    times.push(performance.now() - started);
    await session.release();
  }
  expect(Math.min(...times)).toBeLessThan(500);
});
