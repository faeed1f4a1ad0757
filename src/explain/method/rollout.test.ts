import { expect, test } from "vitest";
import { meanOfHeads, rollout } from "./rollout.js";

test("flow through layers is their product, half of it going round each", () => {
  // 0 looks at 1 in the upper layer, 1 at 2 in the lower.
  const lower = [
    [1, 0, 0],
    [0, 0, 1],
    [0, 0, 1],
  ];
  const upper = [
    [0, 1, 0],
    [0, 1, 0],
    [0.5, 0.5, 0],
  ];
  expect(rollout([lower])[1]).toEqual([0, 0.5, 0.5]);
  const flow = rollout([lower, upper]);
  // Half stays, half is what 1 had after the lower layer.
  expect(flow[0]).toEqual([0.5, 0.25, 0.25]);
  for (const row of flow) expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  expect(rollout([])).toEqual([]);
});

test("heads are averaged", () => {
  expect(meanOfHeads([2, 1, 3], [1, 0, 0, 0, 0.5, 0.5])).toEqual([[0.5, 0.25, 0.25]]);
});
