import { describe, expect, test } from "vitest";
import { type DType, reachableNodes, typedArray } from "../src/core/index.js";
import type { Program } from "../src/onnx/index.js";
import { inputAttributes } from "../src/ops/index.js";
import { registry } from "../src/ops/registry.js";
import { type Backend, neededBy, referenceBackend, type Value } from "../src/session/index.js";
import { nodeBackend } from "../src/session/node.js";
import { webBackend } from "../src/session/web.js";
import { type Case, instantiate, variantsOf } from "./sample.js";

function programOf({ outputs, gradients }: Case): Program {
  return Object.fromEntries([
    ...outputs.map((tensor, index) => [`y${index}`, tensor]),
    ...(gradients?.values ?? []).flatMap((tensor, index) => (tensor ? [[`dx${index}`, tensor]] : [])),
  ]);
}

async function runOn(backend: Backend, example: Case): Promise<Record<string, Value>> {
  const session = await backend.load(programOf(example), { threads: 1 });
  const results = await session.run(neededBy(session, example.feeds));
  await session.release();
  return results;
}

/** float32 sums lose a few bits; the reference does not. */
const TOLERANCE: Readonly<Record<string, number>> = { float32: 2e-5, float64: 1e-10 };

async function agrees(backend: Backend, dtype: DType, example: (dtype: DType) => Case): Promise<void> {
  const expected = await runOn(referenceBackend, example(dtype));
  const found = await runOn(backend, example(dtype));
  expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, value] of Object.entries(expected)) {
    expect(found[name]!.dtype).toBe(value.dtype);
    expect(found[name], name).toBeAllClose(value, TOLERANCE[dtype]);
  }
}

/** Central differences of Σ upstream · outputs, in the reference evaluator. */
async function numericGradient(example: Case, name: string): Promise<number[]> {
  const session = await referenceBackend.load(
    Object.fromEntries(example.outputs.map((tensor, index) => [`y${index}`, tensor])),
  );
  const total = async (data: Float64Array): Promise<number> => {
    const results = await session.run(
      neededBy(session, { ...example.feeds, [name]: { ...example.feeds[name]!, data } }),
    );
    let sum = 0;
    for (const [output, value] of Object.entries(results)) {
      const upstream = example.feeds[output.replace("y", "dy")];
      if (!upstream) continue;
      value.data.forEach((element, index) => {
        sum += element * upstream.data[index]!;
      });
    }
    return sum;
  };
  const original = example.feeds[name]!.data;
  const step = 1e-5;
  const gradient: number[] = [];
  for (let index = 0; index < original.length; index++) {
    const moved = (by: number) => {
      const copy = Float64Array.from(original);
      copy[index]! += by;
      return total(copy);
    };
    gradient.push(((await moved(step)) - (await moved(-step))) / (2 * step));
  }
  return gradient;
}

describe.each(registry.map((operation) => ({ operation, name: operation.name })))(
  "$name",
  ({ operation }) => {
    operation.samples().forEach((sample, position) => {
      for (const variant of variantsOf(sample)) {
        const example = (dtype: DType) => instantiate(sample, variant, dtype);
        describe(`sample ${position + 1}, ${variant.name}`, () => {
          test("onnxruntime-node, float64 and float32", async () => {
            await agrees(nodeBackend, "float64", example);
            await agrees(nodeBackend, "float32", example);
          });
          test("onnxruntime-web", () => agrees(webBackend, "float32", example));
          if (sample.differentiable === false) return;
          test("gradient against finite differences", async () => {
            const built = example("float64");
            const results = await runOn(referenceBackend, built);
            for (const [index, tensor] of built.gradients!.of.entries()) {
              const { name } = inputAttributes(tensor)!;
              const numeric = await numericGradient(built, name);
              const analytic = results[`dx${index}`]?.data ?? typedArray("float64", numeric.length);
              expect(analytic, name).toBeAllClose(numeric, 1e-6);
            }
          });
        });
      }
    });

    test("has samples, and a gradient unless they say that none exists", () => {
      const samples = operation.samples();
      if (operation.name !== "input") expect(samples.length).toBeGreaterThan(0);
      for (const sample of samples.filter(({ differentiable }) => differentiable !== false)) {
        const { outputs } = instantiate(sample, variantsOf(sample)[0]!, "float32");
        const used = reachableNodes(outputs).some(
          (node) => node.operation === operation && node.inputs.length > 0,
        );
        if (used) expect(operation.gradient).toBeTypeOf("function");
      }
    });
  },
);

test("every exported function that carries a record is in the registry, under its own name", () => {
  const names = registry.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain("scan");
});
