import { ndarray, typedArray } from "../core/index.js";
import { assertProgram, inputsOf } from "../onnx/index.js";
import { evaluateGraph, inputAttributes } from "../ops/index.js";
import { type Backend, checkedSession } from "./contract.js";

/**
 * Evaluates graphs in plain TypeScript and double precision, straight from the operation records. It shares nothing
 * with the ONNX path, which makes it the truth that the other backends are tested against.
 */
export const referenceBackend: Backend = {
  name: "reference",
  async load(program) {
    assertProgram(program);
    const names = Object.keys(program);
    const results = Object.values(program);
    const inputs = inputsOf(results);
    return checkedSession(program, inputs, {
      async run(feeds, into, bindings) {
        const known = inputs.map((tensor) => {
          const value = feeds[inputAttributes(tensor)!.name]!;
          return ndarray(value.dtype, value.shape, value.data);
        });
        const values = evaluateGraph(inputs, known, results, bindings);
        return Object.fromEntries(
          names.map((name, index) => {
            const { dtype, shape, data } = values[index]!;
            const target = into[name]?.data ?? typedArray(dtype, data.length);
            target.set(data);
            return [name, { dtype, shape, data: target }];
          }),
        );
      },
      async release() {},
    });
  },
};
