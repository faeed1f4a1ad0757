import { describe, expect, test } from "vitest";
import type { TypedArray } from "../core/index.js";
import { Random } from "../core/index.js";
import { generate } from "../data/generate/bilingual/index.js";
import type { CaptionData, ParallelData } from "../data/index.js";
import { datasets } from "../data/index.js";
import { nodeBackend } from "../session/node.js";
import { taskOfModel } from "../task/index.js";
import {
  alone,
  encodeSafetensors,
  type Group,
  type RunSettings,
  settingsSchema,
  shareOf,
  Trainer,
  train,
} from "./index.js";

/** Groups of one process that meet at every exchange, as processes do. */
function groups(size: number): Group[] {
  let waiting: { values: TypedArray; go: () => void }[] = [];
  const meet = (rank: number, values: TypedArray, exchange: (all: TypedArray[]) => void) =>
    new Promise<void>((go) => {
      waiting[rank] = { values, go };
      if (waiting.filter(Boolean).length < size) return;
      const all = waiting;
      waiting = [];
      exchange(all.map((one) => one.values));
      for (const one of all) one.go();
    });
  return Array.from({ length: size }, (_, rank) => ({
    size,
    rank,
    sum: (values) =>
      meet(rank, values, (all) => {
        for (let index = 0; index < values.length; index++) {
          const sum = all.reduce((total, one) => total + one[index]!, 0);
          for (const one of all) one[index] = sum;
        }
      }),
    spread: (values) =>
      meet(rank, values, ([first, ...others]) => {
        for (const one of others) one.set(first!);
      }),
  }));
}

const splits = generate(1, { train: 200, validation: 23, test: 1, "test-long": 1, "test-combinations": 1 });
const pairs: ParallelData = { train: splits.train, validation: splits.validation, tests: {} };
const scenes = async (): Promise<CaptionData> => {
  const data = (await datasets.find(({ id }) => id === "scenes")!.load(1)) as CaptionData;
  return { ...data, train: data.train.slice(0, 60), validation: data.validation.slice(0, 5) };
};

const cases: Record<string, () => Promise<{ settings: Partial<RunSettings>; data: unknown }>> = {
  "a translator": async () => ({
    settings: {
      model: "rnnsearch",
      configuration: { embedding: 7, hidden: 11, alignment: 5, maxout: 3 },
      labelSmoothing: 0.1,
    },
    data: pairs,
  }),
  "a captioner with soft attention": async () => ({
    settings: {
      model: "show-attend-tell",
      configuration: { embedding: 7, hidden: 11, alignment: 5, features: 8 },
      targets: 3,
      optimizer: { name: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.05 },
    },
    data: await scenes(),
  }),
  "a captioner with hard attention, which draws places and carries what they earned": async () => ({
    settings: {
      model: "show-attend-tell",
      configuration: { attention: "hard", embedding: 7, hidden: 11, alignment: 5, features: 8 },
      targets: 3,
    },
    data: await scenes(),
  }),
  "a classifier that gives its gradients, of what it drew": async () => {
    const digits = await datasets.find(({ id }) => id === "digits")!.load(1);
    return {
      settings: {
        model: "foveal-rbm",
        configuration: { glimpses: 3, grid: 5, side: 3, hidden: 11, factors: 7, generative: 0.5 },
      },
      data: { ...digits, train: digits.train.slice(0, 60), validation: digits.validation.slice(0, 5) },
    };
  },
};

const STEPS = 4;

async function prepared(name: string) {
  const { settings, data } = await cases[name]!();
  const parsed = settingsSchema.parse({
    data: "bilingual",
    seed: 3,
    batch: 12,
    optimizer: { name: "adam" },
    learningRate: 0.01,
    schedule: { name: "cosine", warmup: 5 },
    validateEvery: 100,
    budget: { steps: STEPS },
    ...(data !== pairs && { images: { size: [64, 64] } }),
    ...settings,
  });
  const ready = taskOfModel(parsed.model).prepare(data as never, { vocabulary: {} });
  return (group: Group) => Trainer.create(parsed, data as never, ready, nodeBackend, { group });
}

async function trained(name: string, size: number) {
  const create = await prepared(name);
  const trainers = await Promise.all((size === 1 ? [alone] : groups(size)).map(create));
  const losses: number[] = [];
  const norms: number[] = [];
  await Promise.all(
    trainers.map((trainer) =>
      train(trainer, {
        budget: { steps: STEPS },
        onStep: ({ loss, gradientNorm, tokens }) => {
          losses.push(loss, tokens);
          norms.push(gradientNorm!);
        },
      }),
    ),
  );
  const snapshots = trainers.map((trainer) => trainer.snapshot());
  for (const trainer of trainers) await trainer.release();
  return {
    losses,
    norms,
    tensors: snapshots[0]!.tensors,
    bytes: snapshots.map(({ tensors, metadata }) =>
      Buffer.from(encodeSafetensors(tensors, metadata)).toString("base64"),
    ),
  };
}

describe.each(Object.keys(cases))("%s", (name) => {
  test("is trained by 3 and 4 processes as by one, and alike in each of them", async () => {
    const whole = await trained(name, 1);
    for (const size of [3, 4]) {
      const shared = await trained(name, size);
      expect(shared.losses).toBeAllClose(whole.losses, 2e-5);
      expect(shared.norms).toBeAllClose(whole.norms, 1e-4);
      expect(new Set(shared.bytes).size).toBe(1);
      for (const [tensor, { data }] of Object.entries(whole.tensors))
        if (!tensor.startsWith("optimizer.")) expect(shared.tensors[tensor]!.data).toBeAllClose(data, 2e-3);
    }
  });
});

test("processes that begin elsewhere go on from where the first is", async () => {
  const create = await prepared("a translator");
  const trainers = await Promise.all(groups(2).map(create));
  await trainers[0]!.state.parameters["output.vocabulary.bias"]!.data.fill(2);
  await Promise.all(trainers.map((trainer) => trainer.align()));
  expect(trainers[1]!.state.parameters["output.vocabulary.bias"]!.data[0]).toBe(2);
  await Promise.all(trainers.map((trainer) => trainer.train(0)));
  const first = Object.entries(trainers[0]!.state.tensors);
  for (const [name, { data }] of first) expect(trainers[1]!.state.tensors[name]!.data).toEqual(data);
  for (const trainer of trainers) await trainer.release();
});

test("a step that is not finite in one process is taken by none", async () => {
  const create = await prepared("a translator");
  const trainers = await Promise.all(groups(2).map(create));
  trainers[1]!.state.parameters["output.vocabulary.bias"]!.data.fill(Number.NaN);
  const before = trainers[0]!.state.parameters["output.vocabulary.weight"]!.data.slice();
  const reports = await Promise.all(trainers.map((trainer) => trainer.train(0)));
  expect(reports.map(({ skipped }) => skipped)).toEqual([true, true]);
  expect(trainers[0]!.state.parameters["output.vocabulary.weight"]!.data).toEqual(before);
  for (const trainer of trainers) await trainer.release();
});

test("a batch that does not divide is refused", async () => {
  expect(shareOf(12, { ...alone, size: 3, rank: 1 })).toEqual({ from: 4, to: 8 });
  const create = await prepared("a translator");
  await expect(create({ ...alone, size: 5, rank: 0 })).rejects.toThrow(
    "a batch of 12 does not divide into equal shares for 5 processes; give --batch 10 or 15.",
  );
  expect(() => shareOf(3, { ...alone, size: 4 })).toThrow(
    "a batch of 3 does not divide into equal shares for 4 processes; give --batch 4.",
  );
});

test("random numbers that are left out are as if they had been read", () => {
  for (const [before, skipped] of [
    [0, 5],
    [1, 0],
    [1, 4],
    [3, 7],
    [2, 1],
  ] as const) {
    const [one, other] = [new Random(1, "skip", 2), new Random(1, "skip", 2)];
    for (let count = 0; count < before; count++) expect(one.bits()).toBe(other.bits());
    for (let count = 0; count < skipped; count++) one.bits();
    other.skip(skipped);
    for (let count = 0; count < 5; count++) expect(other.bits()).toBe(one.bits());
  }
});
