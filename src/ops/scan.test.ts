import { expect, test } from "vitest";
import { instantiate, variantsOf } from "../../test/sample.js";
import { differentiate, gradient } from "../autodiff/index.js";
import { Random, reachableNodes, rewrite, type Tensor, typedArray } from "../core/index.js";
import { lower, type Program, simplify } from "../onnx/index.js";
import { referenceBackend, type Value } from "../session/index.js";
import { nodeBackend } from "../session/node.js";
import {
  add,
  fill,
  input,
  matmul,
  mul,
  reduceSum,
  reshape,
  type ScanAttributes,
  scan,
  scanAttributes,
  tanh,
  unrollAll,
} from "./index.js";

const samples = scan.operation.samples().map((sample, index) => ({ sample, name: `sample ${index + 1}` }));

test.each(samples)(
  "$name: the loop and its unrolled form agree, values and gradients",
  async ({ sample }) => {
    const { outputs, gradients, feeds } = instantiate(sample, variantsOf(sample)[0]!, "float64");
    const tensors = [...outputs, ...gradients!.values.map((tensor) => tensor!)];
    const program = (list: readonly Tensor[]): Program =>
      Object.fromEntries(list.map((tensor, index) => [`t${index}`, tensor]));
    const looped = await nodeBackend.load(program(tensors));
    const unrolledTensors = unrollAll(tensors);
    expect(reachableNodes(unrolledTensors).some((node) => node.operation === scan.operation)).toBe(false);
    for (const backend of [nodeBackend, referenceBackend]) {
      const unrolled = await backend.load(program(unrolledTensors));
      const [a, b] = [await looped.run(feeds), await unrolled.run(feeds)];
      for (const [name, value] of Object.entries(b)) expect(a[name]).toBeAllClose(value, 1e-10);
    }
    const byOption = await nodeBackend.load(program(tensors), { scan: "unroll" });
    expect((await byOption.run(feeds)).t0).toBeAllClose((await looped.run(feeds)).t0!, 1e-10);
  },
);

/** What is left of the loops of a graph. */
const loops = (of: readonly Tensor[]): readonly ScanAttributes[] =>
  reachableNodes(simplify(of)).flatMap((node) => scanAttributes(node) ?? []);

function recurrence() {
  const weights = input("weights", "float32", [3, 3]);
  const sequence = input("sequence", "float32", ["steps", "batch", 3]);
  const initial = fill(0, { dtype: "float32", shape: ["batch", 3] });
  const { outputs } = scan({ initial: { h: initial }, sequences: { x: sequence } }, ({ h }, { x }) => {
    const next = tanh(add(matmul(h, weights), x));
    return { states: { h: next }, outputs: { next, unused: matmul(next, next, { transposeRight: true }) } };
  });
  return { weights, sequence, loss: reduceSum(outputs.next) };
}

test("weight gradients of loop invariants are taken after the loop, in one product", () => {
  const { weights, loss } = recurrence();
  const [gradient] = differentiate([loss], [fill(1, loss)], [weights]);
  const scans = loops([gradient!]);
  expect(scans).toHaveLength(2);
  for (const { states, body } of scans) {
    // One state, the hidden one or its gradient: no running sum of the weights' gradient.
    expect(states).toBe(1);
    const products = reachableNodes(body.results).filter((inner) => inner.operation === matmul.operation);
    expect(products).toHaveLength(1);
    // Outputs that nothing uses are gone, among them a second product in the forward step.
    expect(body.results.length).toBeLessThanOrEqual(4);
  }
});

test("one graph serves every length and batch", async () => {
  const { weights, loss } = recurrence();
  const [gradient] = differentiate([loss], [fill(1, loss)], [weights]);
  const program = { loss, gradient: gradient! };
  expect(lower(program).inputs.map(({ shape }) => shape)).toEqual([
    [3, 3],
    ["steps", "batch", 3],
  ]);
  const session = await nodeBackend.load(program);
  const reference = await referenceBackend.load(program);
  const random = new Random(1, "lengths");
  const value = (...shape: number[]): Value => ({
    dtype: "float32",
    shape,
    data: typedArray(
      "float32",
      Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal() / 2),
    ),
  });
  for (const [steps, batch] of [
    [1, 1],
    [5, 2],
    [13, 7],
  ] as const) {
    const feeds = { weights: value(3, 3), sequence: value(steps, batch, 3) };
    const expected = await reference.run(feeds);
    const found = await session.run(feeds);
    expect(found.loss).toBeAllClose(expected.loss!, 1e-5);
    expect(found.gradient).toBeAllClose(expected.gradient!, 1e-4);
  }
});

test("a loop without sequences counts by its length", async () => {
  const { states, outputs } = scan({ initial: { x: input("x", "float32", [2]) }, length: 5 }, ({ x }) => ({
    states: { x: add(x, 1) },
    outputs: { x },
  }));
  const session = await nodeBackend.load({ final: states.x, all: outputs.x });
  const results = await session.run({ x: { dtype: "float32", shape: [2], data: Float32Array.of(0, 10) } });
  expect([...results.final!.data]).toEqual([5, 15]);
  expect([...results.all!.data]).toEqual([0, 10, 1, 11, 2, 12, 3, 13, 4, 14]);
});

test("a gradient of a gradient passes through scans", async () => {
  const weights = input("weights", "float64", [3, 3]);
  const { outputs } = scan(
    {
      initial: { h: fill(0.1, { dtype: "float64", shape: [2, 3] }) },
      sequences: { x: input("x", "float64", [5, 2, 3]) },
    },
    ({ h }, { x }) => {
      const next = tanh(add(matmul(h, weights), x));
      return { states: { h: next }, outputs: { next } };
    },
  );
  const [slope] = gradient(reduceSum(outputs.next), [weights]);
  const penalty = reduceSum(mul(slope!, slope!));
  const [second] = gradient(penalty, [weights]);
  const random = new Random(2, "second");
  const value = (shape: number[]): Value => ({
    dtype: "float64",
    shape,
    data: Float64Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal() / 2),
  });
  const feeds = { weights: value([3, 3]), x: value([5, 2, 3]) };
  const session = await nodeBackend.load({ penalty, second: second! });
  const at = async (index: number, by: number) => {
    const data = Float64Array.from(feeds.weights.data);
    data[index]! += by;
    return (await session.run({ ...feeds, weights: { ...feeds.weights, data } })).penalty!.data[0]!;
  };
  const numeric: number[] = [];
  for (let index = 0; index < 9; index++)
    numeric.push(((await at(index, 1e-5)) - (await at(index, -1e-5))) / 2e-5);
  expect((await session.run(feeds)).second!.data).toBeAllClose(numeric, 1e-6);
  await session.release();
  // Two loops for the first gradient, and one more back through each of them: none is run twice.
  const [both] = gradient(add(reduceSum(outputs.next), penalty), [weights]);
  expect(loops([penalty, second!])).toHaveLength(4);
  expect(loops([both!, slope!, penalty])).toHaveLength(4);
});

test("what loops put out twice is kept once, also where they are reached by other ways", () => {
  const { weights, loss } = recurrence();
  const [slope] = gradient(loss, [weights]);
  const from = input("from", "float32", [9]);
  // Copies of one graph made apart, whose matrix is computed anew in each.
  const copies = [loss, slope!].flatMap(
    (tensor) => rewrite([tensor], new Map([[weights, reshape(from, [3, 3])]])) as Tensor[],
  );
  const found = loops(copies);
  expect(found).toHaveLength(2);
  for (const { body, states } of found) {
    const outputs = body.results.slice(states);
    expect(new Set(outputs).size).toBe(outputs.length);
  }
});

test("a graph, its copies and their gradients share nothing that changes", async () => {
  const initial = input("initial", "float64", ["batch", 3]);
  const sequence = input("sequence", "float64", ["steps", "batch", 3]);
  const weights = input("weights", "float64", [3, 3]);
  const { states, outputs } = scan(
    { initial: { hidden: initial }, sequences: { x: sequence } },
    ({ hidden }, { x }) => {
      const next = tanh(add(matmul(hidden, weights), mul(x, x)));
      return { states: { hidden: next }, outputs: { next } };
    },
  );
  const loss = reduceSum(mul(states.hidden, reduceSum(outputs.next, { axes: 0 })));
  const other = input("other", "float64", [3, 3]);
  const [copy] = rewrite([loss], new Map([[weights, other]]));
  const shapeOf = (of: Tensor) =>
    reachableNodes([of]).map(({ outputs: all, attributes }) => [
      all.length,
      ((attributes as { body?: ScanAttributes["body"] }).body?.results ?? []).length,
    ]);
  const before = [shapeOf(loss), shapeOf(copy!)];
  const [slope] = gradient(loss, [weights]);
  const [copied] = gradient(copy!, [other]);
  const [again] = gradient(loss, [weights]);
  expect([shapeOf(loss), shapeOf(copy!)]).toEqual(before);
  const some = (shape: number[], seed: string): Value => {
    const random = new Random(1, seed);
    return {
      dtype: "float64",
      shape,
      data: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
    };
  };
  const feeds = {
    initial: some([2, 3], "initial"),
    sequence: some([5, 2, 3], "sequence"),
    weights: some([3, 3], "weights"),
  };
  const session = await nodeBackend.load({
    loss,
    copy: copy!,
    slope: slope!,
    copied: copied!,
    again: again!,
  });
  const found = await session.run({ ...feeds, other: feeds.weights });
  expect(found.copy).toBeAllClose(found.loss!, 1e-12);
  expect(found.copied).toBeAllClose(found.slope!, 1e-12);
  expect(found.again).toBeAllClose(found.slope!, 1e-12);
  await session.release();
  // One forward loop for the loss and both of its gradients, one for the copy, and a backward loop for each gradient.
  expect(loops([loss, slope!])).toHaveLength(2);
  expect(loops([loss, slope!, again!])).toHaveLength(3);
  expect(loops([loss, slope!, copy!, copied!])).toHaveLength(4);
});
