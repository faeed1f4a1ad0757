import { describe, expect, test } from "vitest";
import { normals, runOnce } from "../../test/run.js";
import { instantiate, variantsOf } from "../../test/sample.js";
import type { Sample, Tensor } from "../core/index.js";
import { referenceBackend } from "../session/index.js";
import { nodeBackend } from "../session/node.js";
import { distincts, floats, indices } from "./define.js";
import {
  add,
  gelu,
  input,
  oneHot,
  pad,
  reduceMean,
  softplus,
  stack,
  sumTo,
  tanh,
  transpose,
} from "./index.js";

/** Functions made of other operations, with what they should give, element by element, for the values fed. */
const composites: readonly { name: string; sample: Sample; expected: (...inputs: number[][]) => number[] }[] =
  [
    {
      name: "softplus",
      sample: { inputs: [floats("three", "five")], build: (x) => softplus(x!) },
      expected: (x) => x.map((value) => Math.log(1 + Math.exp(value))),
    },
    {
      name: "gelu",
      sample: { inputs: [floats("three", "five")], build: (x) => gelu(x!) },
      expected: (x) =>
        x.map((v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))),
    },
    {
      name: "reduceMean",
      sample: { inputs: [distincts("three", "five")], build: (x) => reduceMean(x!, { axes: 1 }) },
      expected: (x) => [0, 1, 2].map((row) => x.slice(5 * row, 5 * row + 5).reduce((a, b) => a + b) / 5),
    },
    {
      name: "oneHot",
      sample: { inputs: [indices(3, 2)], differentiable: false, build: (x) => oneHot(x!, 3) },
      expected: (x) => x.flatMap((index) => [0, 1, 2].map((place) => (place === index ? 1 : 0))),
    },
    {
      name: "stack",
      sample: { inputs: [floats(2), floats(2)], build: (a, b) => stack([a!, b!], 1) },
      expected: (a, b) => [a![0]!, b![0]!, a![1]!, b![1]!],
    },
    {
      name: "sumTo",
      sample: { inputs: [floats("two", 3), floats(3)], build: (a, b) => sumTo(add(a!, b!), [3]) },
      expected: (a, b) => [0, 1, 2].map((i) => a![i]! + a![i + 3]! + 2 * b![i]!),
    },
  ];

describe.each(composites)("$name", ({ sample, expected }) => {
  test("gives what its formula gives, on every backend", async () => {
    for (const backend of [referenceBackend, nodeBackend])
      for (const variant of variantsOf(sample).filter(({ name }) => !name.endsWith("= 1"))) {
        const { outputs, feeds } = instantiate(sample, variant, "float64");
        const session = await backend.load({ y: outputs[0]! });
        const values = sample.inputs.map((_, index) => [...feeds[`x${index}`]!.data]);
        const inputs = Object.fromEntries(
          sample.inputs.map((_, index) => [`x${index}`, feeds[`x${index}`]!]),
        );
        expect((await session.run(inputs)).y!.data).toBeAllClose(expected(...values), 1e-10);
      }
  });
});

test("softplus does not overflow", async () => {
  const { outputs } = instantiate(
    composites[0]!.sample,
    { name: "", named: false, sizes: { three: 1, five: 3 } },
    "float64",
  );
  const session = await nodeBackend.load({ y: outputs[0]! });
  const { y } = await session.run({
    x0: { dtype: "float64", shape: [1, 3], data: Float64Array.of(-800, 0, 800) },
  });
  expect([...y!.data]).toEqual([0, Math.log(2), 800]);
});

test("elements are added to any axis between transpositions, which the runtime moves past one another", async () => {
  const x = input("x", "float32", ["batch", 3, 5]);
  const turned = (value: Tensor) => transpose(value, [0, 2, 1]);
  const program = {
    rows: turned(pad(turned(x), 1, 2, 1, 7)),
    columns: turned(pad(tanh(turned(x)), 2, 1, 3)),
  };
  const feeds = { x: normals("x", [2, 3, 5], "float32") };
  const wanted = await runOnce(program, feeds);
  const found = await runOnce(program, feeds, nodeBackend);
  for (const [name, value] of Object.entries(wanted)) expect(found[name], name).toBeAllClose(value, 1e-6);
});
