import { describe, expect, test } from "vitest";
import { gradient } from "../src/autodiff/index.js";
import { rewrite } from "../src/core/index.js";
import { lstm } from "../src/models/1997-hochreiter-lstm/model.js";
import { neuralTuringMachine } from "../src/models/2014-graves-neural-turing-machine/model.js";
import { type AnyModelCard, bitLoss } from "../src/models/index.js";
import { Mode, Scope } from "../src/nn/index.js";
import { input, reduceSum } from "../src/ops/index.js";
import type { Value } from "../src/session/index.js";
import { nodeBackend } from "../src/session/node.js";
import { normals, parametersOf, runOnce } from "./run.js";

/** What every model that reads and writes rows of bits must satisfy; small sizes for each, unequal primes. */
const cases: readonly { card: AnyModelCard; options: Record<string, unknown> }[] = [
  { card: lstm, options: { hidden: 5, layers: 3 } },
  { card: neuralTuringMachine, options: { hidden: 5, places: 7, content: 3 } },
  {
    card: neuralTuringMachine,
    options: { controller: "feed-forward", hidden: 5, places: 11, content: 3, reads: 2, writes: 3, shift: 2 },
  },
];
const [STEPS, BATCH, READ, WRITTEN] = [5, 3, 4, 2];

const bits = (seed: string, shape: readonly number[]): Value => {
  const value = normals(seed, shape);
  return { ...value, data: Float64Array.from(value.data, (element) => (element > 0 ? 1 : 0)) };
};
const feeds = {
  source: bits("source", [STEPS, BATCH, READ]),
  target: bits("target", [STEPS, BATCH, WRITTEN]),
  // Sequences of 5, 4 and 3 steps, asked for from their third, third and second on.
  counted: {
    dtype: "float64",
    shape: [STEPS, BATCH],
    data: Float64Array.of(0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 1, 0, 0),
  } satisfies Value,
};

describe.each(cases)("$card.id $options", ({ card, options }) => {
  const mode = Mode.plain({ dtype: "float64" });
  const build = () => {
    const scope = Scope.root("float64");
    const model = card.build(scope, card.configuration.parse(options), { source: READ, target: WRITTEN });
    const batch = {
      source: input("source", "float64", ["steps", "batch", READ]),
      target: input("target", "float64", ["steps", "batch", WRITTEN]),
      counted: input("counted", "float64", ["steps", "batch"]),
    };
    return { scope, model, batch, trained: model.objective(batch, mode) };
  };
  /** Parameters that are nowhere as their first values are, so that all of a model is at work. */
  const parametersIn = (scope: Scope) =>
    Object.fromEntries(
      Object.entries(parametersOf(scope)).map(([name, value]) => [name, normals(name, value.shape)]),
    );

  test("gradients of every parameter agree with finite differences", async () => {
    const { scope, trained } = build();
    const names = scope.parameters.map(({ name }) => name);
    const gradients = gradient(
      trained.loss,
      scope.parameters.map(({ tensor }) => tensor),
    );
    const parameters = parametersIn(scope);
    const found = await runOnce(
      Object.fromEntries(gradients.map((tensor, index) => [`gradient of ${names[index]}`, tensor])),
      { ...parameters, ...feeds },
      nodeBackend,
    );
    const session = await nodeBackend.load({ loss: trained.loss });
    for (const name of names) {
      const value = parameters[name]!;
      const direction = normals(`direction ${name}`, value.shape).data;
      const loss = async (step: number) => {
        const data = Float64Array.from(value.data, (element, index) => element + step * direction[index]!);
        return (await session.run({ ...parameters, ...feeds, [name]: { ...value, data } })).loss!.data[0]!;
      };
      const numeric = ((await loss(1e-5)) - (await loss(-1e-5))) / 2e-5;
      const slope = Float64Array.from(found[`gradient of ${name}`]!.data);
      const analytic = slope.reduce((sum, element, index) => sum + element * direction[index]!, 0);
      expect([analytic], name).toBeAllClose([numeric], 1e-6);
    }
    await session.release();
  });

  test("steps beyond the last that is asked for change no loss and no gradient", async () => {
    const { scope, trained } = build();
    const gradients = gradient(
      trained.loss,
      scope.parameters.map(({ tensor }) => tensor),
    );
    const program = {
      loss: trained.loss,
      each: reduceSum(trained.losses, { axes: 0 }),
      ...Object.fromEntries(gradients.map((tensor, index) => [`gradient${index}`, tensor])),
    };
    const parameters = parametersIn(scope);
    const longer = (value: Value): Value => ({
      ...value,
      shape: [STEPS + 2, ...value.shape.slice(1)],
      data: Float64Array.of(...value.data, ...new Array((2 * value.data.length) / STEPS).fill(0)),
    });
    const plain = await runOnce(program, { ...parameters, ...feeds }, nodeBackend);
    const padded = await runOnce(
      program,
      {
        ...parameters,
        ...Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, longer(value)])),
      },
      nodeBackend,
    );
    for (const [name, value] of Object.entries(plain)) expect(padded[name], name).toBeAllClose(value, 1e-12);
  });

  test("going step by step gives the losses and looks of training", async () => {
    const { scope, model, batch, trained } = build();
    const { memory, ...begun } = model.steps!.begin({ source: batch.source }, mode);
    let { state } = begun;
    const program: Record<string, ReturnType<typeof input>> = { losses: trained.losses };
    for (const [name, look] of Object.entries(trained.looks ?? {})) program[name] = look.value;
    for (let t = 0; t < STEPS; t++) {
      const source = input(`source${t}`, "float64", ["batch", READ]);
      const step = model.steps!.step(memory, state, { source }, mode);
      program[`logits${t}`] = step.outputs.logits!;
      for (const [name, look] of Object.entries(step.looks ?? {})) program[`${name}${t}`] = look.value;
      ({ state } = step);
    }
    const rows = ({ shape, data }: Value, t: number): Value => {
      const size = data.length / STEPS;
      return {
        dtype: "float64",
        shape: shape.slice(1),
        data: data.slice(t * size, (t + 1) * size) as Float64Array,
      };
    };
    const found = await runOnce(program, {
      ...parametersIn(scope),
      ...feeds,
      ...Object.fromEntries(Array.from({ length: STEPS }, (_, t) => [`source${t}`, rows(feeds.source, t)])),
    });
    for (let t = 0; t < STEPS; t++) {
      const [logits, target, counted] = [found[`logits${t}`]!, rows(feeds.target, t), rows(feeds.counted, t)];
      const losses = Array.from({ length: BATCH }, (_, b) => {
        let sum = 0;
        for (let bit = b * WRITTEN; bit < (b + 1) * WRITTEN; bit++) {
          const share = 1 / (1 + Math.exp(-logits.data[bit]!));
          sum -= Math.log(target.data[bit] === 1 ? share : 1 - share);
        }
        return sum * counted.data[b]!;
      });
      expect(rows(found.losses!, t).data).toBeAllClose(losses, 1e-12);
      for (const name of Object.keys(trained.looks ?? {}))
        expect(found[`${name}${t}`]!.data, name).toBeAllClose(rows(found[name]!, t).data, 1e-12);
    }
  });

  const heads = Object.keys(build().trained.looks ?? {});
  if (heads.length > 0)
    test("all that follows in a step is made from where its heads look", async () => {
      const { scope, model, batch } = build();
      const { memory, state } = model.steps!.begin({ source: batch.source }, mode);
      const step = model.steps!.step(
        memory,
        state,
        { source: input("row", "float64", ["batch", READ]) },
        mode,
      );
      const forced = Object.fromEntries(
        Object.entries(step.looks!).map(([name, { value }]) => [name, input(name, "float64", value.shape)]),
      );
      const named = { logits: step.outputs.logits!, ...step.state };
      const rewritten = rewrite(
        Object.values(named),
        new Map(Object.entries(step.looks!).map(([name, { value }]) => [value, forced[name]!])),
      );
      const program = Object.fromEntries(
        Object.keys(named).map((name, i) => [`next.${name}`, rewritten[i]!]),
      );
      const places = step.looks!.read!.value.shape.at(-1) as number;
      /** Every head of a look wholly at one place. */
      const at = (place: number, { shape: [, heads] }: { shape: readonly unknown[] }): Value => ({
        dtype: "float64",
        shape: [BATCH, heads as number, places],
        data: Float64Array.from({ length: BATCH * (heads as number) * places }, (_, i) =>
          i % places === place ? 1 : 0,
        ),
      });
      const run = (read: number, write: number) =>
        runOnce(program, {
          ...parametersIn(scope),
          source: feeds.source,
          row: bits("row", [BATCH, READ]),
          read: at(read, forced.read!),
          write: at(write, forced.write!),
        });
      const found = await run(2, 3);
      expect(found["next.read"]).toBeAllClose(at(2, forced.read!), 0);
      expect(found["next.write"]).toBeAllClose(at(3, forced.write!), 0);
      // What was written lies at the place alone, and what was read is what lay there.
      const content = found["next.memory"]!.shape[2]!;
      for (let place = 0; place < places; place++) {
        const features = found["next.memory"]!.data.slice(place * content, (place + 1) * content);
        expect([...features].every((value) => value === 1e-6)).toBe(place !== 3);
      }
      expect([...found["next.context"]!.data].every((value) => value === 1e-6)).toBe(true);
    });
});

test("the loss of bits does not overflow", async () => {
  const like = (name: string) => input(name, "float64", [1, 1, 3]);
  const { losses } = bitLoss(like("logits"), like("bits"), input("counted", "float64", [1, 1]), Mode.plain());
  const value = (shape: number[], ...data: number[]): Value => ({
    dtype: "float64",
    shape,
    data: Float64Array.from(data),
  });
  const found = await runOnce(
    { losses },
    {
      logits: value([1, 1, 3], 900, -900, 800),
      bits: value([1, 1, 3], 1, 0, 0),
      counted: value([1, 1], 1),
    },
  );
  expect([...found.losses!.data]).toEqual([800]);
});
