import { expect, test } from "vitest";
import { addDimensions, multiplyDimensions, resolveDimension, subtractDimensions } from "./dimension.js";

test("arithmetic on names has one spelling for one value", () => {
  expect(multiplyDimensions("source", "batch")).toBe("batch*source");
  expect(multiplyDimensions(2, "batch", 3)).toBe("6*batch");
  expect(addDimensions("target", -1)).toBe("target-1");
  expect(subtractDimensions(addDimensions("target", 5), "target")).toBe(5);
  expect(multiplyDimensions(addDimensions("a", 1), addDimensions("a", -1))).toBe("a*a-1");
  expect(subtractDimensions("a", "a")).toBe(0);
});

test("dimensions resolve under bindings, and say which name is missing", () => {
  const bindings = new Map([
    ["batch", 3],
    ["target", 7],
  ]);
  expect(resolveDimension("2*batch*target-1", bindings)).toBe(41);
  expect(() => resolveDimension("batch*source", bindings)).toThrow(
    'dimension "source" is not the axis of any input of this program, so its size is unknown; add an input that has it.',
  );
});
