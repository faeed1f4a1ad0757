import { z } from "zod";
import { weightsOver } from "../../src/attention/index.js";
import { Random, UsageError } from "../../src/core/index.js";
import type { ModelCard } from "../../src/models/index.js";
import { linear } from "../../src/nn/index.js";
import {
  div,
  input,
  less,
  mul,
  neg,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  softmax,
  square,
  sub,
} from "../../src/ops/index.js";
import type { Value } from "../../src/session/index.js";
import type { Task } from "../../src/task/index.js";

// The smallest whole there is of a shape of its own: a set of numbers in, the greatest out, with attention over the set. What
// CONTRIBUTING.md walks through; `greatest.test.ts` trains, asks, explains and exports it.

/** Numbers from 0 to 1. */
export interface NumberSet {
  readonly name: string;
  readonly numbers: readonly number[];
}

interface Sizes {
  readonly most: number;
}

const configuration = z.object({
  hidden: z.int().min(1).max(1024).default(8).describe("units that score a number"),
});

/** A number that stands where a set has no more. */
const NONE = -1;

/** Attention over a set: scores of the numbers alone say which to take. */
export const greatestModel: ModelCard<z.output<typeof configuration>, Sizes> = {
  id: "greatest-of-set",
  title: "Attention over a set of numbers",
  paper: "none",
  year: 2026,
  task: "greatest",
  attention: ["alignment"],
  configuration,
  parts: [
    {
      id: "attention",
      title: "Attention over the numbers",
      scopes: ["first", "second"],
      equations: ["w = softmax(v relu(W x))", "y = Σ w_i x_i"],
      from: ["numbers"],
      gives: "[B], weights [B, N]",
    },
  ],
  build(scope, { hidden }, { most }) {
    const first = linear(scope.at("first"), { input: 1, output: hidden });
    const second = linear(scope.at("second"), { input: hidden, output: 1 });
    const once = ({ numbers }: { readonly numbers?: Parameters<typeof square>[0] }) => {
      const scores = reshape(second(relu(first(reshape(numbers!, ["batch", most, 1])))), ["batch", most]);
      const weights = softmax(scores, { mask: less(neg(numbers!), 0.5) });
      return {
        outputs: { greatest: reduceSum(mul(weights, numbers!), { axes: 1 }) },
        looks: { attention: weightsOver("numbers", weights) },
      };
    };
    return {
      once,
      objective({ numbers, greatest }) {
        const { outputs, looks } = once({ ...(numbers && { numbers }) });
        const losses = square(sub(outputs.greatest, greatest!));
        return { loss: reduceMean(losses), losses, looks };
      },
    };
  },
};

const rows = (all: readonly (readonly number[])[]): Value => {
  const most = all[0]!.length;
  return { dtype: "float32", shape: [all.length, most], data: Float32Array.from(all.flat()) };
};

const greatestOf = ({ numbers }: NumberSet): number => Math.max(...numbers);

const padded = ({ numbers }: NumberSet, most: number): number[] =>
  Array.from({ length: most }, (_, index) => numbers[index] ?? NONE);

/** Spread of errors by which a likelihood is told of a number that was taken. */
const SPREAD = 0.1;

/** The greatest of some numbers. */
export const greatestTask: Task<NumberSet, Sizes, Sizes, number> = {
  id: "greatest",
  examples: "sets of numbers",
  words: { example: "set", place: "number", decision: "set", cause: "number" },
  takes: "numbers" as never,
  defaults: {
    data: "sets",
    batch: 16,
    targets: 1,
    learningRate: 0.02,
    optimizer: { name: "adam" },
    clip: 1,
    labelSmoothing: 0,
  },
  scores: [{ id: "error", title: "error", unit: "points", better: "lower", primary: true }],
  prepare: ({ train }) => ({ most: Math.max(...train.map(({ numbers }) => numbers.length)) }),
  restored: (stored) => stored as Sizes,
  describe: ({ most }) => `up to ${most} numbers`,
  sizes: (prepared) => prepared,
  inputs: ({ most }) => ({ numbers: input("numbers", "float32", ["batch", most]) }),
  targets: (_, batch) => ({ greatest: input("greatest", "float32", [batch]) }),
  sizing: {
    options: z.object({ most: z.int().min(1).max(1000).default(7).describe("numbers of a set") }),
    of: (_, { most }) => ({ most }),
    sizes: ({ most }) => ({ most }),
    lengths: {},
  },
  async collate(sets, { most }, use) {
    const numbers = rows(sets.map((set) => padded(set, most)));
    if (use.kind === "ask") return { values: { numbers }, decisions: [] };
    const greatest = Float32Array.from(sets, greatestOf);
    return {
      values: { numbers, greatest: { dtype: "float32", shape: [sets.length], data: greatest } },
      decisions: sets.map(() => 1),
    };
  },
  drive: { kind: "once" },
  async validate({ evaluator, parameters }, sets) {
    let sum = 0;
    for await (const { loss } of evaluator.force(parameters, sets)) sum += loss;
    return { loss: sum / sets.length, error: Math.sqrt(sum / sets.length) };
  },
  async report({ evaluator, parameters }, sets) {
    const found = await evaluator.predict(parameters, sets);
    const errors = found.map(({ example, outputs }) => outputs.greatest!.data[0]! - greatestOf(example));
    return {
      metrics: { error: Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / sets.length) },
      outputs: found.map(({ example, outputs }) => ({
        source: example.name,
        output: String(outputs.greatest!.data[0]),
        references: [String(greatestOf(example))],
      })),
    };
  },
  form: () => [{ name: "numbers", title: "Numbers from 0 to 1", kind: "numbers" }],
  example({ numbers }, { most }) {
    if (!Array.isArray(numbers) || numbers.length === 0 || numbers.length > most)
      throw new UsageError(`this run reads 1 to ${most} numbers; give it as many.`);
    return { name: "the numbers given", numbers: numbers as readonly number[] };
  },
  card: async (set) => ({ title: set.numbers.join(" "), expected: [String(greatestOf(set))] }),
  title: ({ name }) => name,
  places: async ({ numbers }) => ({ numbers: { kind: "tokens", labels: numbers.map(String) } }),
  read: ({ greatest }) => greatest!.data[0]!,
  show: async (set, greatest) => ({
    output: greatest.toFixed(3),
    steps: [{ label: greatest.toFixed(3) }],
    blocks: [],
    references: [String(greatestOf(set))],
  }),
  taken: (greatest) => ({
    greatest: { dtype: "float32", shape: [1], data: Float32Array.of(greatest) },
  }),
  likelihood: ({ greatest }, { greatest: taken }) => div(square(sub(greatest!, taken!)), -2 * SPREAD ** 2),
  variants({ numbers }) {
    const whole = Array.from(numbers!.data);
    const count = whole.filter((number) => number !== NONE).length;
    const without = Array.from({ length: count }, (_, removed) =>
      whole.map((number, place) => (place === removed ? NONE : number)),
    );
    return { over: "numbers", count, values: { numbers: rows([whole, ...without]) } };
  },
  without: "once it is not in the set",
};

/** Sets of one to seven numbers, a function of (seed, split, index). */
export function sets(seed: number, split: string, count: number): NumberSet[] {
  return Array.from({ length: count }, (_, index) => {
    const random = new Random(seed, `sets ${split}`, index);
    const size = index === 0 ? 7 : 1 + random.integer(7);
    return {
      name: `${split} ${index}`,
      numbers: Array.from({ length: size }, () => Math.round(100 * random.uniform()) / 100),
    };
  });
}
