import { expect, test } from "vitest";
import { runOnce } from "../../test/run.js";
import { input } from "../ops/index.js";
import { greatestPlace, samplePlace } from "./index.js";

const weights = {
  dtype: "float64" as const,
  shape: [2, 5],
  data: Float64Array.of(0.1, 0, 0.5, 0.4, 0, 0.2, 0.2, 0.2, 0.2, 0.2),
};
const of = (...chances: number[]) => ({
  dtype: "float64" as const,
  shape: [2],
  data: Float64Array.from(chances),
});
const places = (data: ArrayLike<number>) =>
  [0, 1].map((row) =>
    Array.from(data)
      .slice(5 * row, 5 * row + 5)
      .indexOf(1),
  );

test("a place is drawn as often as its weight says, and one without weight never", async () => {
  const program = {
    drawn: samplePlace(input("weights", "float64", ["batch", 5]), input("chance", "float64", ["batch"])),
  };
  const counts = [0, 0, 0, 0, 0];
  const steps = 200;
  for (let step = 0; step < steps; step++) {
    const chance = (step + 0.5) / steps;
    const { drawn } = await runOnce(program, { weights, chance: of(chance, 1 - 1e-12) });
    const [first, second] = places(drawn!.data);
    counts[first!]!++;
    expect(second).toBe(4);
    expect(Array.from(drawn!.data).reduce((a, b) => a + b, 0)).toBe(2);
  }
  expect(counts).toEqual([20, 0, 100, 80, 0]);
});

test("a number of 1, to which single precision may round, still draws a place", async () => {
  const program = {
    drawn: samplePlace(input("weights", "float64", ["batch", 5]), input("chance", "float64", ["batch"])),
  };
  const { drawn } = await runOnce(program, { weights, chance: of(1, 0) });
  expect(places(drawn!.data)).toEqual([4, 0]);
});

test("the greatest place is the one of greatest weight", async () => {
  const { found } = await runOnce(
    { found: greatestPlace(input("weights", "float64", ["batch", 5])) },
    { weights },
  );
  expect(places(found!.data)).toEqual([2, 0]);
});

test("places whose number has a name are refused", () => {
  expect(() => greatestPlace(input("weights", "float64", ["batch", "places"]))).toThrow(
    "greatestPlace: the weights [batch, places] should have a number of places that is known; give the size of the grid.",
  );
});
