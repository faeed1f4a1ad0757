import { transformer } from "../../models/index.js";
import { Mode, Scope } from "../../nn/index.js";
import { input } from "../../ops/index.js";
import type { WorkloadKind } from "../contract.js";
import { someTokens, trainingWork } from "../training.js";

export const transformerStep: WorkloadKind = {
  id: "transformer",
  description:
    "training step of a Transformer with inner layers of twice its features, eight heads and no dropout",
  sizes: { batch: 64, length: 20, features: 256, layers: 3, vocabulary: 4000 },
  usual: [
    [64, 20, 256, 3, 4000],
    [16, 100, 256, 3, 4000],
  ],
  make(given) {
    const [batch, length, features, layers, vocabulary] = given as [number, number, number, number, number];
    const scope = Scope.root();
    const model = transformer.build(
      scope,
      transformer.configuration.parse({ features, layers, inner: 2 * features, heads: 8, dropout: 0 }),
      { source: vocabulary, target: vocabulary },
    );
    const { loss } = model.objective(
      {
        source: input("source", "int32", ["source", "batch"]),
        target: input("target", "int32", ["target", "batch"]),
      },
      Mode.training(),
    );
    return trainingWork({
      title: `transformer training step, batch ${batch}, length ${length}, features ${features}, layers ${layers}, vocabulary ${vocabulary}`,
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
