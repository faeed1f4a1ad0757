import { rnnsearch } from "../../models/index.js";
import { Mode, Scope } from "../../nn/index.js";
import { input } from "../../ops/index.js";
import type { WorkloadKind } from "../contract.js";
import { someTokens, trainingWork } from "../training.js";

/** RNNsearch with every size but those of the vocabularies alike. */
export function buildRnnsearch(hidden: number, vocabulary: number) {
  const scope = Scope.root();
  const sizes = { embedding: hidden, hidden, alignment: hidden, maxout: hidden };
  const model = rnnsearch.build(scope, rnnsearch.configuration.parse(sizes), {
    source: vocabulary,
    target: vocabulary,
  });
  return { scope, model };
}

export const rnnsearchStep: WorkloadKind = {
  id: "rnnsearch",
  description: "training step of a translator with attention",
  sizes: { batch: 32, length: 20, hidden: 128, vocabulary: 1000 },
  usual: [
    [32, 20, 128, 1000],
    [64, 20, 256, 4000],
    [64, 20, 512, 8000],
    [32, 50, 128, 1000],
    [32, 100, 128, 1000],
  ],
  make(given) {
    const [batch, length, hidden, vocabulary] = given as [number, number, number, number];
    const { scope, model } = buildRnnsearch(hidden, vocabulary);
    const { loss } = model.objective(
      {
        source: input("source", "int32", ["source", "batch"]),
        target: input("target", "int32", ["target", "batch"]),
      },
      Mode.training(),
    );
    return trainingWork({
      title: `rnnsearch training step, batch ${batch}, length ${length}, hidden ${hidden}, vocabulary ${vocabulary}`,
      scope,
      loss,
      batch: {
        source: someTokens([length, batch], vocabulary, 1),
        target: someTokens([length + 1, batch], vocabulary, 2),
      },
      sizes: new Map([
        ["source", length],
        ["target", length + 1],
        ["batch", batch],
      ]),
    });
  },
};
