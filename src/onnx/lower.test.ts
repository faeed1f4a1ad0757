import { expect, test } from "vitest";
import { reachableNodes } from "../core/index.js";
import {
  add,
  constant,
  div,
  exp,
  extent,
  input,
  matmul,
  mul,
  reduceMean,
  reshape,
  scan,
  tanh,
} from "../ops/index.js";
import { nodeBackend } from "../session/node.js";
import { decodeModel, lower, simplify } from "./index.js";

const x = input("x", "float32", ["batch", 3]);

test("constants that JSON writes alike stay apart", async () => {
  const values = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 0, -0];
  const one = input("one", "float64", []);
  const program = Object.fromEntries(
    values.flatMap((value, index) => [
      [`product${index}`, mul(one, constant(value, { dtype: "float64" }))],
      // 1 / ±0 tells the zeros apart.
      [`inverse${index}`, div(one, constant(value, { dtype: "float64" }))],
      [`vector${index}`, div(one, constant([value, 3], { dtype: "float64", shape: [2] }))],
    ]),
  );
  const session = await nodeBackend.load(program);
  const found = await session.run({ one: { dtype: "float64", shape: [], data: Float64Array.of(1) } });
  await session.release();
  values.forEach((value, index) => {
    expect(found[`product${index}`]!.data[0]).toBe(value);
    expect(found[`inverse${index}`]!.data[0]).toBe(1 / value);
    expect(found[`vector${index}`]!.data[0]).toBe(1 / value);
  });
  const constants = reachableNodes(simplify(Object.values(program))).filter(
    ({ operation }) => operation.name === "constant",
  );
  const held = constants.map(({ attributes }) => [attributes.shape, attributes.data] as const);
  for (const value of values)
    expect(
      held.filter(
        ([shape, data]) => (shape as number[]).length === 0 && Object.is((data as number[])[0], value),
      ),
      String(value),
    ).toHaveLength(1);
});

test("equal nodes become one, and constants are folded", () => {
  const twice = () => tanh(mul(x, add(constant(2), 3)));
  const [simple] = simplify([add(twice(), twice())]);
  const names = reachableNodes([simple!]).map((node) => node.operation.name);
  expect(names.sort()).toEqual(["add", "constant", "input", "mul", "tanh"]);
  expect(
    reachableNodes([simple!]).find(({ operation }) => operation.name === "constant")!.attributes.data,
  ).toEqual([5]);
});

test("sizes that are known are constants, others are read once", () => {
  const model = (batch: string | number) => {
    const y = input("y", "float32", [batch, 4]);
    const twice = add(reshape(y, [2, 2, batch]), mul(reduceMean(y), extent(batch, "float32")));
    return decodeModel(lower({ twice }).bytes).graph.node.map((node) => node.opType);
  };
  expect(model(7)).not.toContain("Shape");
  expect(model("batch").filter((type) => type === "Shape")).toHaveLength(1);
});

test("a model is standard ONNX with named inputs, outputs and dimensions", () => {
  const bytes = lower({ y: exp(x), again: x }, { metadata: { regard: "test" } }).bytes;
  const model = decodeModel(bytes);
  expect(model.opsetImport).toEqual([{ domain: "", version: 21 }]);
  expect(model.metadataProps).toEqual([{ key: "regard", value: "test" }]);
  expect(model.graph.input.map(({ name }) => name)).toEqual(["x"]);
  expect(model.graph.output.map(({ name }) => name)).toEqual(["y", "again"]);
  expect(model.graph.node.map(({ opType }) => opType)).toEqual(["Exp", "Identity"]);
  expect(model.graph.input[0]!.type.tensorType.shape.dim.map((dim) => dim.dimParam || dim.dimValue)).toEqual([
    "batch",
    3,
  ]);
});

test("inputs given values become constants of the file", async () => {
  const weight = input("weight", "float32", [3, 2], { kind: "parameter" });
  const program = { y: matmul(x, weight) };
  const values = { weight: Float32Array.of(1, 2, 3, 4, 5, 6) };
  const session = await nodeBackend.load(program, { values });
  expect(session.inputs.map(({ shape }) => shape)).toEqual([["batch", 3]]);
  const { y } = await session.run({
    x: { dtype: "float32", shape: [1, 3], data: Float32Array.of(1, 10, 100) },
  });
  expect([...y!.data]).toEqual([531, 642]);
});

test("two values of one name are refused", () => {
  expect(() => lower({ y: add(x, input("x", "float32", [3])) })).toThrow(
    'two inputs of one program are named "x"; give each its own name.',
  );
  expect(() => lower({ x: exp(x) })).toThrow(
    'an output and an input of one program are both named "x"; rename the output.',
  );
});

test("states and outputs of a scan that nothing uses are left out", () => {
  const { outputs } = scan(
    { initial: { a: x, unused: exp(x) }, sequences: { s: input("s", "float32", ["steps", "batch", 3]) } },
    ({ a, unused }, { s }) => ({
      states: { a: add(a, s), unused: mul(unused, s) },
      outputs: { a, heavy: exp(unused) },
    }),
  );
  const [simple] = simplify([outputs.a]);
  const node = simple!.node;
  expect(node.inputs).toHaveLength(2);
  expect(node.outputs).toHaveLength(2);
});
