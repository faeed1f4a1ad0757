import { expect, test } from "vitest";
import { ints, normals, parametersOf, runOnce } from "../../../test/run.js";
import { gradient } from "../../autodiff/index.js";
import { embedding, layerNorm, linear, Scope } from "../../nn/index.js";
import { add, gelu, input, matmul, mul, reduceMean, reduceSum, softmax, transpose } from "../../ops/index.js";
import { nodeBackend } from "../../session/node.js";
import { decodeModel, lower } from "../index.js";
import { importModel, NotImported } from "./index.js";

const [V, F] = [11, 7];

/** A layer of attention over words, as text encoders have it. */
function encoder() {
  const scope = Scope.root("float32");
  const words = embedding(scope.at("words"), { vocabulary: V, size: F });
  const [query, key, value] = ["query", "key", "value"].map((name) =>
    linear(scope.at(name), { input: F, output: F }),
  );
  const norm = layerNorm(scope.at("norm"), { features: F });
  const tokens = input("tokens", "int32", ["batch", "length"]);
  const x = words(tokens);
  const weights = softmax(mul(matmul(query!(x), transpose(key!(x), [0, 2, 1])), F ** -0.5));
  const y = norm(add(x, gelu(matmul(weights, value!(x)))));
  return { scope, program: { y, weights } };
}

test("a file's graph gives what it was made of gives, and its gradient is the same", async () => {
  const { scope, program } = encoder();
  const parameters = Object.fromEntries(
    Object.entries(parametersOf(scope)).map(([name, { shape }]) => [name, normals(name, shape, "float32")]),
  );
  const model = decodeModel(lower(program).bytes);
  const imported = importModel(model);
  expect(Object.keys(imported.outputs)).toEqual(["y", "weights"]);
  const feeds = { tokens: ints([2, 5], [1, 3, 10, 0, 7, 2, 2, 9, 4, 6]), ...parameters };
  const own = await runOnce(program, feeds);
  for (const backend of [undefined, nodeBackend]) {
    const found = await runOnce(
      Object.fromEntries(Object.entries(imported.outputs).map(([name, tensor]) => [`${name} again`, tensor])),
      feeds,
      backend,
    );
    for (const name of ["y", "weights"]) expect(found[`${name} again`], name).toBeAllClose(own[name]!, 1e-5);
  }
  const lossOf = (y: (typeof program)["y"]) => reduceMean(reduceSum(mul(y, y), { axes: -1 }));
  const names = Object.keys(parameters);
  const slopes = async (y: (typeof program)["y"], of: (name: string) => (typeof program)["y"]) => {
    const found = gradient(lossOf(y), names.map(of));
    return runOnce(
      Object.fromEntries(names.map((name, index) => [`gradient of ${name}`, found[index]!])),
      feeds,
    );
  };
  const tensors = new Map(scope.parameters.map(({ name, tensor }) => [name, tensor]));
  const [wanted, got] = [
    await slopes(program.y, (name) => tensors.get(name)!),
    await slopes(imported.outputs.y!, (name) => imported.inputs[name]!),
  ];
  for (const [name, value] of Object.entries(wanted)) expect(got[name], name).toBeAllClose(value, 1e-4);
});

test("an operator that is not imported is named", () => {
  const model = decodeModel(lower(encoder().program).bytes);
  model.graph.node[0]!.opType = "Einstein";
  expect(() => importModel(model)).toThrow(NotImported);
  expect(() => importModel(model)).toThrow(/Einstein/);
});
