import { attentionOf } from "../src/attention/index.js";
import { Random, typedArray } from "../src/core/index.js";
import type { Model, Tensors } from "../src/models/index.js";
import { initialValues, type Mode, type Scope } from "../src/nn/index.js";
import type { Program } from "../src/onnx/index.js";
import { reduceSum } from "../src/ops/index.js";
import { type Backend, neededBy, referenceBackend, type Value, type Values } from "../src/session/index.js";

/** A value of normal deviates, of the element type given. */
export function normals(
  seed: string,
  shape: readonly number[],
  dtype: "float32" | "float64" = "float64",
): Value {
  const random = new Random(1, seed);
  const count = shape.reduce((a, b) => a * b, 1);
  return {
    dtype,
    shape,
    data: typedArray(
      dtype,
      Array.from({ length: count }, () => random.normal()),
    ),
  };
}

export const ints = (shape: readonly number[], values: readonly number[]): Value => ({
  dtype: "int32",
  shape,
  data: Int32Array.from(values),
});

export const bools = (shape: readonly number[], values: readonly (boolean | number)[]): Value => ({
  dtype: "bool",
  shape,
  data: Uint8Array.from(values, Number),
});

/** First values of a scope's parameters, to feed. */
export const parametersOf = (scope: Scope, seed = 1): Values =>
  Object.fromEntries(
    scope.parameters.map((parameter) => [
      parameter.name,
      { dtype: scope.dtype, shape: parameter.shape, data: initialValues(parameter, seed) },
    ]),
  );

/** Loads a program, runs it once and lets it go. */
export async function runOnce(
  program: Program,
  feeds: Values,
  backend: Backend = referenceBackend,
): Promise<Record<string, Value>> {
  const session = await backend.load(program);
  const results = await session.run(neededBy(session, feeds));
  await session.release();
  return results;
}

/** The objective of a batch, with the loss of each example, [B], and the attention's weights where it has any. */
export function scored(model: Model, batch: Tensors, mode: Mode) {
  const objective = model.objective(batch, mode);
  const weights = attentionOf(objective.looks)?.value;
  return {
    ...objective,
    sequenceLoss: reduceSum(objective.losses, { axes: 0 }),
    ...(weights && { weights }),
  };
}
