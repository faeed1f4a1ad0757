import { expect, test } from "vitest";
import { UsageError } from "../core/index.js";
import { nodeBackend } from "../session/node.js";
import { exponentOf, makeWork, readWork, spreadOf, workloads } from "./index.js";

/** Sizes small enough for a test, by kind of work. */
const SMALL: Readonly<Record<string, string>> = {
  rnnsearch: "rnnsearch:3,5,7,11",
  "captioner-soft": "captioner-soft:2,3,5,11",
  "captioner-hard": "captioner-hard:2,3,5,11",
  "language-model": "language-model:3,5,7,11",
  transformer: "transformer:3,5,16,2,11",
  convolution: "convolution:2,16,8",
  decode: "decode:53,5,7,11",
};

test.each(workloads.map(({ id }) => id))("%s runs, and its training makes the loss fall", async (id) => {
  const work = makeWork(SMALL[id]!);
  expect(work.flops).toBeGreaterThan(0);
  expect(work.title).toContain(id === "convolution" ? "16 × 16" : "length 5");
  const running = await work.start(nodeBackend, 1);
  const { ms, losses } = await running.run(8);
  expect(ms).toHaveLength(8);
  if (id === "decode") expect(new Set(losses).size).toBe(1);
  else expect(losses.at(-1)!).toBeLessThan(losses[0]!);
  await running.release();
});

test("the floating-point operations of a training step are those of its products, forward and twice backward", () => {
  const [batch, length, hidden, vocabulary] = [13, 5, 37, 101];
  const { flops } = makeWork(`language-model:${batch},${length},${hidden},${vocabulary}`);
  const products = batch * length * (2 * hidden * 4 * hidden * 2 + 2 * hidden * vocabulary);
  expect(flops).toBeGreaterThan(2.9 * products);
  expect(flops).toBeLessThan(4 * products);
});

test("a training step must hold its state before and after, and what its gradient needs", () => {
  const [batch, length, hidden, vocabulary] = [13, 31, 37, 101];
  const { heldBytes, tensors } = makeWork(`language-model:${batch},${length},${hidden},${vocabulary}`);
  const { tokens, ...parameters } = tensors;
  const count = Object.values(parameters).reduce((sum, { data }) => sum + data.length, 0);
  // Gates and states of the LSTM of every step, and the logits with their probabilities.
  const residuals = batch * length * (6 * hidden + 2 * vocabulary);
  expect(heldBytes).toBeGreaterThan(4 * (3 * count + residuals) + tokens!.data.byteLength);
  expect(heldBytes).toBeLessThan(3 * 4 * (6 * count + residuals));
});

test("work that there is not, or with other sizes, says what there is", () => {
  expect(() => readWork("rnn")).toThrow(UsageError);
  expect(() => readWork("rnn")).toThrow(/there is no workload "rnn"; choose one of rnnsearch, /);
  expect(() => readWork("rnnsearch:1,2")).toThrow(
    /should be rnnsearch:batch,length,hidden,vocabulary with whole numbers from 1/,
  );
  expect(() => readWork("decode:0,1,2,3")).toThrow(UsageError);
  expect(readWork("decode").sizes).toEqual([1000, 20, 256, 4000]);
});

test("spreads are medians and quarters, and exponents those of power laws", () => {
  expect(spreadOf([5, 1, 4, 2, 3])).toEqual({ median: 3, lower: 2, upper: 4 });
  const points = [2, 3, 5, 11].map((x) => ({ x, y: 7 * x ** 1.5 }));
  expect(exponentOf(points)).toBeCloseTo(1.5, 10);
});
