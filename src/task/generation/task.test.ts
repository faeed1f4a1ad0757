import { expect, test } from "vitest";
import { parametersOf } from "../../../test/run.js";
import { digits } from "../../data/generate/digits/index.js";
import { draw } from "../../models/index.js";
import { Scope } from "../../nn/index.js";
import { nodeBackend } from "../../session/node.js";
import { Evaluator } from "../evaluator.js";
import { generation } from "./task.js";

test("what is drawn to score an image is drawn for it alone, and the same at every scoring", async () => {
  const data = await digits[0]!.load(1);
  const prepared = generation.prepare({ ...data, train: data.train.slice(0, 5) }, {} as never);
  const scope = Scope.root();
  const sizes = generation.sizes(prepared, undefined);
  const configuration = draw.configuration.parse({ steps: 3, hidden: 11, latent: 5 });
  const model = draw.build(scope, configuration, sizes);
  const parameters = parametersOf(scope);
  const evaluator = await Evaluator.load(generation, model, sizes, prepared, nodeBackend, { beam: 1 });
  // One image 131 times: what tells its losses apart is what was drawn.
  const images = new Array(131).fill(data.validation[0]!);
  const losses = async () => {
    const found: number[] = [];
    for await (const { loss } of evaluator.force(parameters, images)) found.push(loss);
    return found;
  };
  const first = await losses();
  expect(new Set(first).size).toBeGreaterThan(125);
  expect(await losses()).toEqual(first);
  await evaluator.release();
});
