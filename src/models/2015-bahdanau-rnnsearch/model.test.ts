import { expect, test } from "vitest";
import { reachableNodes } from "../../core/index.js";
import { Mode, Scope } from "../../nn/index.js";
import { input, type ScanAttributes, scan } from "../../ops/index.js";
import { rnnsearch } from "./model.js";

test("what does not change from step to step is computed before the loop", () => {
  const configuration = rnnsearch.configuration.parse({ embedding: 3, hidden: 5, alignment: 7, maxout: 2 });
  const model = rnnsearch.build(Scope.root(), configuration, { source: 11, target: 13 });
  const { loss } = model.objective(
    {
      source: input("source", "int32", ["source", "batch"]),
      target: input("target", "int32", ["target", "batch"]),
    },
    Mode.training(),
  );
  const decoder = reachableNodes([loss])
    .filter((node) => node.operation === scan.operation)
    .at(-1)!;
  const { body } = decoder.attributes as unknown as ScanAttributes;
  const products = reachableNodes(body.results).filter((node) => node.operation.name === "matmul");
  // Query, score vector, context, context to gates, gates and candidate of the cell: keys and words are outside.
  expect(products).toHaveLength(6);
});
