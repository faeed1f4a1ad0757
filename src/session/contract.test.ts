import { describe, expect, test } from "vitest";
import { add, input, neg } from "../ops/index.js";
import { constants, referenceBackend, type Value } from "./index.js";
import { nodeBackend } from "./node.js";
import { webBackend } from "./web.js";

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
  await expect(session.run({ a: value(5, 3), b: value(5, 1), c: value(1) })).rejects.toThrow(
    'run: "c" is no input of this program, whose inputs are "a", "b"; leave it out, or correct its name.',
  );
  const short = { ...value(5, 3), data: new Float32Array(2) };
  await expect(session.run({ a: short, b: value(5, 1) })).rejects.toThrow(
    'run: input "a" was given 2 elements for shape [5, 3], which holds 15.',
  );
});

test.each([nodeBackend, webBackend, referenceBackend])("$name says what is no program", async (backend) => {
  const y = neg(input("a", "float32", [3]));
  const load = (program: unknown) => backend.load(program as never);
  await expect(load(y)).rejects.toThrow(
    "a program is tensors by name, such as { loss }, but this is a tensor.",
  );
  await expect(load([y])).rejects.toThrow("but this is an array.");
  await expect(load(undefined)).rejects.toThrow("but this is undefined.");
  await expect(load({})).rejects.toThrow("the program has no outputs; name at least one, as in { loss }.");
  await expect(load({ y, z: [y] })).rejects.toThrow('output "z" of the program is an array, not a tensor');
});

test.each([nodeBackend, webBackend, referenceBackend])(
  "$name writes an output into the array that is given for it",
  async (backend) => {
    const a = input("a", "float32", [3, 5]);
    const session = await backend.load({ y: add(a, 1), z: neg(a) });
    const into = value(3, 5);
    const { y, z } = await session.run({ a: value(3, 5) }, { y: into });
    expect(y!.data).toBe(into.data);
    expect([...into.data]).toEqual(new Array(15).fill(1));
    expect(z!.data).toHaveLength(15);
    await session.release();
  },
);

describe.each([nodeBackend, webBackend, referenceBackend])("$name", (backend) => {
  test("says what is no value", async () => {
    const session = await backend.load({ y: neg(input("a", "float32", ["batch", 3])) });
    const run = (feeds: unknown, into?: unknown) => session.run(feeds as never, into as never);
    await expect(run(undefined)).rejects.toThrow(
      "run: feeds are values by name, such as { x }, but this is undefined.",
    );
    await expect(run({ a: new Float32Array(3) })).rejects.toThrow(
      'run: input "a" was given a Float32Array, which is no value; give { dtype, shape, data }.',
    );
    await expect(run({ a: { ...value(5, 3), data: new Float64Array(15) } })).rejects.toThrow(
      'run: input "a" is float32 but its data is a Float64Array; give what typedArray("float32", data) makes of it.',
    );
    await expect(run({ a: { ...value(1, 3), data: [2, 3, 5] } })).rejects.toThrow("its data is an array;");
    await session.release();
  });

  test("says what cannot be written into", async () => {
    const session = await backend.load({ y: neg(input("a", "float32", ["batch", 3])) });
    const into = (storage: unknown) => session.run({ a: value(5, 3) }, storage as never);
    await expect(into({ z: value(5, 3) })).rejects.toThrow(
      'run: "z" is no output of this program, whose outputs are "y"; leave its storage out, or correct its name.',
    );
    await expect(into({ y: value(7, 3) })).rejects.toThrow(
      'run: output "y" is float32 [5, 3] but its storage is float32 [7, 3]; give storage of that type and shape, or none.',
    );
    await expect(into({ y: { dtype: "int32", shape: [5, 3], data: new Int32Array(15) } })).rejects.toThrow(
      "but its storage is int32 [5, 3];",
    );
    await expect(into({ y: { ...value(5, 3), data: new Float32Array(13) } })).rejects.toThrow(
      'run: the storage of output "y" was given 13 elements for shape [5, 3], which holds 15.',
    );
    await session.release();
  });

  test("does not run what was released, which may be released again", async () => {
    const session = await backend.load({ y: neg(input("a", "float32", [3])) });
    await session.release();
    await session.release();
    await expect(session.run({ a: value(3) })).rejects.toThrow(
      "run: this session was released; load the program again to run it.",
    );
  });
});

test.each([0, -1, 1.5, Number.NaN])("a program is not loaded with %s threads", async (threads) => {
  const y = neg(input("a", "float32", [3]));
  await expect(nodeBackend.load({ y }, { threads })).rejects.toThrow(
    `load: threads is ${threads} but must be a whole number from 1.`,
  );
});

test("constants take the place of feeds", async () => {
  const y = add(input("a", "float32", [3, 5]), input("b", "float32", [5]));
  const b = { ...value(5), data: Float32Array.of(1, 2, 3, 5, 7) };
  const session = await nodeBackend.load({ y }, { values: constants({ b }) });
  expect(session.inputs).toHaveLength(1);
  const found = await session.run({ a: value(3, 5) });
  expect([...found.y!.data]).toEqual([...b.data, ...b.data, ...b.data]);
  await session.release();
});
