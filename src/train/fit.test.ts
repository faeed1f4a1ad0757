import { expect, test } from "vitest";
import { Random } from "../core/index.js";
import { dropout, linear, Mode, Scope } from "../nn/index.js";
import { input, log, neg, reduceMean, square, sub } from "../ops/index.js";
import type { Value } from "../session/index.js";
import { nodeBackend } from "../session/node.js";
import { fit as fitModel } from "./fit.js";
import { adam, sgd } from "./optimizer.js";

const [FEATURES, BATCH] = [3, 7];
const WEIGHTS = [0.5, -1.5, 2];
const float = (shape: number[], data: number[]): Value => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(data),
});

/** Numbers and what a plane gives for them, a function of the step. */
function plane(step: number) {
  const random = new Random(5, "plane", step);
  const x = Array.from({ length: BATCH * FEATURES }, () => random.normal());
  const y = Array.from({ length: BATCH }, (_, row) =>
    WEIGHTS.reduce((sum, weight, column) => sum + weight * x[row * FEATURES + column]!, 0.25),
  );
  return { x: float([BATCH, FEATURES], x), y: float([BATCH, 1], y) };
}

function regression(rate = 0) {
  const scope = Scope.root();
  const mode = Mode.training();
  const layer = linear(scope.at("plane"), { input: FEATURES, output: 1 });
  const x = input("x", "float32", ["batch", FEATURES]);
  const y = input("y", "float32", ["batch", 1]);
  const loss = reduceMean(square(sub(layer(dropout(x, rate, mode, "drop")), y)));
  return { scope, mode, loss };
}

const options = { backend: nodeBackend, steps: 300, learningRate: 0.05 };

test("a plane is found from points on it", async () => {
  const heard: number[] = [];
  const { parameters, losses } = await fitModel(regression(), plane, {
    ...options,
    onStep: ({ step }) => heard.push(step),
  });
  expect(parameters["plane.weight"]).toBeAllClose(float([3, 1], WEIGHTS), 1e-2);
  expect(parameters["plane.bias"]!.data).toBeAllClose([0.25], 1e-2);
  expect([losses.length, heard.at(-1)]).toEqual([300, 300]);
  expect(losses.at(-1)).toBeLessThan(1e-3);
});

test("one seed fixes first values and what is drawn; another step draws anew", async () => {
  const same = () => plane(0);
  const losses = async (seed: number) =>
    (
      await fitModel(regression(0.5), same, {
        ...options,
        optimizer: sgd(),
        learningRate: 1e-9,
        steps: 3,
        seed,
      })
    ).losses;
  const first = await losses(1);
  expect(await losses(1)).toEqual(first);
  expect(await losses(2)).not.toEqual(first);
  expect(new Set(first).size).toBe(3);
});

test("what does not fit is said in a sentence", async () => {
  const model = regression();
  const { x, y } = plane(0);
  await expect(fitModel(model, () => ({ x }), options)).rejects.toThrow(
    'fit: the batch has no "y"; the model reads x, y.',
  );
  await expect(fitModel(model, () => ({ x, y, z: y }), options)).rejects.toThrow(
    'fit: the batch has "z", which the model does not read; it reads x, y.',
  );
  await expect(fitModel(model, plane, { ...options, steps: 0 })).rejects.toThrow(
    "fit: steps is 0 but must be a whole number from 1.",
  );
  await expect(fitModel(model, plane, { ...options, learningRate: -1 })).rejects.toThrow(
    "fit: learningRate is -1 but must be above 0.",
  );
  const each = square(sub(input("x", "float32", ["batch", FEATURES]), 1));
  await expect(fitModel({ ...model, loss: each }, plane, options)).rejects.toThrow(
    "fit: the loss has the shape [batch, 3] but must be one number; take its mean.",
  );
  const never = { ...model, loss: log(neg(square(model.loss))) };
  await expect(fitModel(never, plane, options)).rejects.toThrow(
    "fit: the loss or gradient was not finite for 10 steps in a row, up to step 10; lower learningRate (it is 0.05).",
  );
  expect(() => adam({ beta1: 1.5 })).toThrow('adam "beta1" is 1.5 but must be less than 1.');
});

test("what is left out or is something else is said in a sentence, and nothing stays loaded", async () => {
  const model = regression();
  const wrong = (value: unknown) => value as never;
  const said = async (batch: unknown, given: unknown) =>
    fitModel(model, wrong(batch), wrong(given)).then(
      () => "",
      (error: Error) => `${error.constructor.name}: ${error.message}`,
    );
  const backend =
    'UsageError: fit: the options have no backend; give what computes, such as { backend: nodeBackend } of "regard/session/node".';
  expect(await said(plane, undefined)).toBe(backend);
  expect(await said(plane, { steps: 2 })).toBe(backend);
  expect(await said(plane(0), options)).toBe(
    "UsageError: fit: the second argument must be a function that gives the inputs of a step, such as (step) => ({ x, y }).",
  );
  expect(await said(() => undefined, options)).toBe(
    "UsageError: fit: the batch is undefined, not values by name; the model reads x, y.",
  );
  expect(await said(plane, { ...options, optimizer: adam })).toBe(
    "UsageError: fit: optimizer is a function; call it, as in optimizer: adam().",
  );
  expect(await said(plane, { ...options, optimizer: "adam" })).toMatch(
    /^UsageError: fit: optimizer is adam but/,
  );
  expect(await said(plane, { ...options, clip: 0 })).toBe(
    "UsageError: fit: clip is 0 but must be above 0; leave it out where any norm will do.",
  );
  expect(await said(plane, { ...options, schedule: { name: "square", warmup: 0 } })).toMatch(
    /^UsageError: fit: schedule "name" is square but must be one of constant/,
  );
  expect(() => adam(wrong({ beta: 0.8 }))).toThrow(
    'adam has no option "beta"; it has beta1, beta2, epsilon.',
  );
  let loaded = 0;
  const counting = {
    name: "counting",
    async load(...given: Parameters<typeof nodeBackend.load>) {
      const session = await nodeBackend.load(...given);
      loaded++;
      return {
        ...session,
        inputs: session.inputs,
        run: session.run.bind(session),
        async release() {
          loaded--;
          await session.release();
        },
      };
    },
  };
  await expect(fitModel(model, () => ({}), { ...options, backend: counting })).rejects.toThrow("has no");
  expect(loaded).toBe(0);
});
