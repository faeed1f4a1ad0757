import { afterEach, expect, vi } from "vitest";
import type { NDArray } from "../src/core/index.js";
import type { Value } from "../src/session/index.js";

/** A library that prints is a library that hides what it should return. */
for (const method of ["log", "warn", "error"] as const) vi.spyOn(console, method);
afterEach(() => {
  for (const method of ["log", "warn", "error"] as const)
    expect(console[method], `console.${method} was called`).not.toHaveBeenCalled();
});

type Comparable = NDArray | Value | ArrayLike<number>;
const dataOf = (value: Comparable): ArrayLike<number> => ("data" in value ? value.data : value);

expect.extend({
  /** Every element within `tolerance` of the expected one, relative to it where it is above 1. Shapes must match. */
  toBeAllClose(received: Comparable, expected: Comparable, tolerance = 1e-6) {
    if ("shape" in received && "shape" in expected && received.shape.join() !== expected.shape.join())
      return {
        pass: false,
        message: () => `shapes differ: [${received.shape.join()}] and [${expected.shape.join()}]`,
      };
    const [a, b] = [dataOf(received), dataOf(expected)];
    let worst = 0;
    let where = -1;
    for (let index = 0; index < Math.max(a.length, b.length); index++) {
      const error = Math.abs(a[index]! - b[index]!) / Math.max(1, Math.abs(b[index]!));
      if (!(error <= worst)) [worst, where] = [error, index];
      if (Number.isNaN(error)) break;
    }
    return {
      pass: a.length === b.length && worst <= tolerance,
      message: () =>
        `element ${where} of ${b.length} is ${a[where]} but ${b[where]} was expected (error ${worst}, tolerance ${tolerance})`,
    };
  },
});

declare module "vitest" {
  // biome-ignore lint/suspicious/noExplicitAny: the signature must match Vitest's own.
  interface Matchers<T = any> {
    toBeAllClose(expected: Comparable, tolerance?: number): T;
  }
}
