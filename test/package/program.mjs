// @ts-check
// What someone writes who has installed the package: run by test/package.test.ts and by scripts/package.mjs, in a project of its own.

import { attention, ops } from "regard";
import { additive } from "regard/attention";
import { gradient } from "regard/autodiff";
import { Scope } from "regard/nn";
import { input, matmul, mul, reduceMean, reduceSum, square, sub } from "regard/ops";
import { nodeBackend } from "regard/session/node";
import { adam, fit } from "regard/train";

/** @param {boolean} holds @param {string} what */
function check(holds, what) {
  if (!holds) throw new Error(`${what} does not hold.`);
}

// The derivative of Σ (x W)² by W is 2 xᵀ x W.
const x = input("x", "float32", [1, 2]);
const w = input("w", "float32", [2, 1]);
const [slope] = gradient(reduceSum(square(matmul(x, w))), [w]);
const session = await nodeBackend.load({ slope: /** @type {import("regard/core").Tensor} */ (slope) });
/** @param {number[]} shape @param {number[]} data */
const value = (shape, data) => ({
  dtype: /** @type {const} */ ("float32"),
  shape,
  data: new Float32Array(data),
});
const found = await session.run({ x: value([1, 2], [3, 5]), w: value([2, 1], [7, 11]) });
check(found.slope?.data.join() === "456,760", "the slope 2 · (3, 5) · 76");
await session.release();

// A weight that doubles is learnt.
const scope = Scope.root();
const weight = scope.parameter("weight", [1], () => new Float64Array([0.5]));
const [asked, wanted] = [input("asked", "float32", ["batch"]), input("wanted", "float32", ["batch"])];
const loss = reduceMean(square(sub(mul(asked, weight), wanted)));
const { losses, parameters } = await fit(
  { scope, loss },
  (step) => ({ asked: value([2], [step % 3, 1]), wanted: value([2], [2 * (step % 3), 2]) }),
  { backend: nodeBackend, steps: 150, learningRate: 0.05, optimizer: adam() },
);
check((losses.at(-1) ?? 1) < 0.01, `a loss of ${losses.at(-1)} below 0.01`);
check(Math.abs(Number(parameters.weight?.data[0]) - 2) < 0.1, "a weight of about 2");

check(attention.additive === additive && ops.matmul === matmul, "one module under both names");
console.log("works");
