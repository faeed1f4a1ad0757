import { expect, test } from "vitest";
import { add, input } from "../ops/index.js";
import { DoubleBuffer, referenceBackend, type Value } from "./index.js";

const value = (...shape: number[]): Value => ({
  dtype: "float32",
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
});

test("feeds that do not fit are refused in one sentence", async () => {
  const a = input("a", "float32", ["batch", 3]);
  const b = input("b", "float32", ["batch", 1]);
  const session = await referenceBackend.load({ y: add(a, b) });
  await expect(session.run({ a: value(5, 3) })).rejects.toThrow(
    'run: no value was given for input "b" (float32 [batch, 1]); add it to the feeds.',
  );
  await expect(session.run({ a: value(5, 3), b: value(7, 1) })).rejects.toThrow(
    'run: axis 0 of input "b" is batch = 5 but was given 7 ([batch, 1] and [7, 1]). Feed sizes that agree.',
  );
  await expect(session.run({ a: value(5, 2), b: value(5, 1) })).rejects.toThrow(
    'run: axis 1 of input "a" is 3 but was given 2 ([batch, 3] and [5, 2]). Feed sizes that agree.',
  );
  await expect(session.run({ a: value(5), b: value(5, 1) })).rejects.toThrow(
    'run: input "a" is float32 [batch, 3] but was given float32 [5]; convert or reshape the value.',
  );
  const short = { ...value(5, 3), data: new Float32Array(2) };
  await expect(session.run({ a: short, b: value(5, 1) })).rejects.toThrow(
    'run: input "a" was given 2 elements for shape [5, 3], which holds 15.',
  );
});

test("a double buffer changes places without moving anything", () => {
  const first = value(3);
  const buffer = new DoubleBuffer({ x: first });
  const { next } = buffer;
  buffer.swap();
  expect(buffer.current).toBe(next);
  expect(buffer.next.x).toBe(first);
});
