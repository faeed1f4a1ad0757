// Imports the operator tests of the Python package onnx and runs them: what agrees, what does not, and what is not taken, by name.
//   python scripts/operator-tests.py FOLDER && npx tsc -b && node scripts/operator-tests.mjs FOLDER [PATTERN]
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { typedArray } from "../dist/core/index.js";
import {
  decodeModel,
  decodeTensor,
  elementBytes,
  elementName,
  importModel,
  NotImported,
  tensorNumbers,
} from "../dist/onnx/index.js";
import { referenceBackend } from "../dist/session/index.js";
import { nodeBackend } from "../dist/session/node.js";

const [, , folder, pattern = ""] = process.argv;
const passed = [];
const failed = [];
const left = new Map();

/** As ONNX's own tests compare. */
const near = (found, wanted) =>
  Object.is(found, wanted) ||
  found === wanted ||
  (Number.isNaN(found) && Number.isNaN(wanted)) ||
  Math.abs(found - wanted) <= 1e-5 + 1e-3 * Math.abs(wanted);

/** @returns what is wrong, or undefined */
async function run(name) {
  const model = decodeModel(new Uint8Array(readFileSync(join(folder, name, "model.onnx"))));
  const read = (kind, index) => {
    const file = join(folder, name, `${kind}_${index}.pb`);
    return existsSync(file) ? decodeTensor(new Uint8Array(readFileSync(file))) : undefined;
  };
  const given = model.graph.input.map((one, index) => [one.name, read("input", index)]);
  const without = given.find(([, tensor]) => !tensor);
  if (without) throw new NotImported("a list, or nothing, as input.");
  const values = Object.fromEntries(
    given.map(([input, tensor]) => {
      if (elementBytes(tensor.dataType) === undefined)
        throw new NotImported(`input of ${elementName(tensor.dataType)}.`);
      return [
        input,
        {
          shape: tensor.dims.map(Number),
          numbers: tensorNumbers(tensor),
          type: elementName(tensor.dataType),
        },
      ];
    }),
  );
  // What decides on sizes must be known: inputs that are whole numbers stand in the file instead where nothing else will do.
  const shapes = Object.fromEntries(Object.entries(values).map(([input, { shape }]) => [input, shape]));
  let imported;
  try {
    imported = importModel(model, { shapes });
  } catch (error) {
    if (!(error instanceof NotImported) || !/known before|open/.test(error.message)) throw error;
    for (const [input, tensor] of given)
      if (tensor.dataType !== 1 || tensor.dims.length === 0)
        model.graph.initializer.push(Object.assign(tensor, { name: input }));
    imported = importModel(model, { shapes });
  }
  const feeds = {};
  for (const [input, tensor] of Object.entries(imported.inputs))
    feeds[input] = {
      dtype: tensor.dtype,
      shape: values[input].shape,
      data: typedArray(tensor.dtype, Array.from(values[input].numbers)),
    };
  for (const [input, { tensor, data }] of imported.stored)
    feeds[input] = { dtype: tensor.dtype, shape: tensor.shape, data };
  const program = Object.fromEntries(
    Object.entries(imported.outputs).map(([output, tensor]) => [`result of ${output}`, tensor]),
  );
  for (const [which, backend] of [
    ["runtime", nodeBackend],
    ["reference", referenceBackend],
  ]) {
    const session = await backend.load(program, { threads: 1 });
    const asked = Object.fromEntries(
      session.inputs.map(({ node }) => [node.attributes.name, feeds[node.attributes.name]]),
    );
    const results = await session.run(asked);
    await session.release();
    for (const [index, { name: output }] of model.graph.output.entries()) {
      const wanted = read("output", index);
      if (!wanted) throw new NotImported("a list, or nothing, as output.");
      const [found, numbers] = [results[`result of ${output}`], tensorNumbers(wanted)];
      if (found.shape.join() !== wanted.dims.map(Number).join())
        return `${which}: ${output} is [${found.shape}] but should be [${wanted.dims.map(Number)}]`;
      for (let at = 0; at < numbers.length; at++)
        if (!near(found.data[at], numbers[at]))
          return `${which}: ${output}[${at}] is ${found.data[at]} but should be ${numbers[at]}`;
    }
  }
  return undefined;
}

for (const name of readdirSync(folder)
  .filter((one) => one.includes(pattern))
  .sort()) {
  try {
    const wrong = await run(name);
    if (wrong) failed.push(`${name}: ${wrong}`);
    else passed.push(name);
  } catch (error) {
    if (!(error instanceof NotImported))
      failed.push(`${name}: ${error.name} ${error.message.split("\n")[0].slice(0, 200)}`);
    else {
      const why = error.message.replace(/ "[^"]*"/g, "").replace(/\d+/g, "n");
      left.set(why, [...(left.get(why) ?? []), name]);
    }
  }
}
console.log(
  `${passed.length} agree, ${failed.length} do not, ${[...left.values()].flat().length} are not taken`,
);
for (const one of failed) console.log(`  DISAGREES ${one}`);
for (const [why, names] of [...left].sort((a, b) => b[1].length - a[1].length))
  console.log(
    `  ${names.length} not taken: ${why} (${names.slice(0, 3).join(", ")}${names.length > 3 ? ", …" : ""})`,
  );
