import { expect, test } from "vitest";
import { halfLives, heldLooks, quartiles } from "./keeping.js";
import { lookOfRows, rowsOf } from "./trace.js";

const gates = (name: string, rows: readonly (readonly number[])[]) =>
  lookOfRows(rows, { name, over: "units", from: "source", kind: "gates" });

test("half of what a unit holds is gone after log ½ over the mean of the logs of what it keeps", () => {
  const forget = gates("layer 1 forget", [
    [0.5, 0.25, 1],
    [0.5, 1, 1],
  ]);
  expect(halfLives(forget)).toEqual([expect.closeTo(1, 6), expect.closeTo(1, 6), Number.POSITIVE_INFINITY]);
  // A GRU keeps what it does not replace.
  expect(halfLives(gates("forward update", [[0.75]]))).toEqual([expect.closeTo(0.5, 6)]);
  expect(halfLives(gates("forward reset", [[0.75]]))).toBeUndefined();
  expect(halfLives({ ...forget, kind: "weights" })).toBeUndefined();
  expect(quartiles([5, 1, 3, 2, 4])).toEqual([2, 3, 4]);
  expect(quartiles([1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])[1]).toBe(
    Number.POSITIVE_INFINITY,
  );
});

test("what a GRU holds is weighed as its states are: candidates of 1 at one step alone give that step's share", () => {
  const updates = [
    [0.3, 0.9],
    [0.5, 0.2],
    [0.7, 0.4],
    [0.1, 0.6],
    [0.8, 0.35],
  ];
  for (const layer of ["forward", "backward"]) {
    const [held] = heldLooks([gates(`${layer} reset`, updates), gates(`${layer} update`, updates)]);
    expect(held).toMatchObject({
      name: `${layer} holds`,
      over: "source",
      from: "source",
      kind: "weights",
      shape: [5, 1, 5],
    });
    const order = layer === "forward" ? [0, 1, 2, 3, 4] : [4, 3, 2, 1, 0];
    const states = order.map((place) => {
      // h' = h + u (c − h), with a candidate of 1 at `place` and 0 elsewhere.
      let h = [0, 0];
      return order.map((step) => {
        h = h.map((value, unit) => value + updates[step]![unit]! * ((step === place ? 1 : 0) - value));
        return h[0]! + h[1]!;
      });
    });
    for (const [now, step] of order.entries()) {
      const shares = order.map((_, before) => states[before]![now]!);
      const all = shares.reduce((a, b) => a + b, 0);
      for (const [before, place] of order.entries())
        expect(rowsOf(held!)[step]![place], `${layer} ${step} ${place}`).toBeCloseTo(
          shares[before]! / all,
          6,
        );
    }
  }
});

test("what an LSTM's cell holds is weighed by what it writes and keeps; layers without both gates hold nothing that is known", () => {
  const [held] = heldLooks([gates("layer 2 input", [[0.5], [0.4]]), gates("layer 2 forget", [[0.9], [0.2]])]);
  expect(Array.from(rowsOf(held!)[0]!)).toEqual([1, 0]);
  expect(Array.from(rowsOf(held!)[1]!)).toEqual([expect.closeTo(0.1 / 0.5, 6), expect.closeTo(0.4 / 0.5, 6)]);
  expect(heldLooks([gates("layer 2 forget", [[0.9]])])).toEqual([]);
});
