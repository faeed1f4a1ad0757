import { shifted, tokenLoss } from "../../models/index.js";
import { embedding, linear, lstm, Mode, recurrent, Scope } from "../../nn/index.js";
import { input } from "../../ops/index.js";
import type { WorkloadKind } from "../contract.js";
import { someTokens, trainingWork } from "../training.js";

export const languageModelStep: WorkloadKind = {
  id: "language-model",
  description: "training step of an LSTM that predicts the next word",
  sizes: { batch: 32, length: 32, hidden: 256, vocabulary: 4000 },
  usual: [
    [32, 32, 256, 4000],
    [16, 512, 128, 100],
  ],
  make(given) {
    const [batch, length, hidden, vocabulary] = given as [number, number, number, number];
    const scope = Scope.root();
    const words = embedding(scope.at("words"), { vocabulary, size: hidden });
    const cell = lstm(scope.at("lstm"), { input: hidden, hidden });
    const output = linear(scope.at("output"), { input: hidden, output: vocabulary });
    const tokens = input("tokens", "int32", ["length", "batch"]);
    const { read, written } = shifted(tokens);
    const { outputs } = recurrent(cell, words(read));
    const { loss } = tokenLoss(output, outputs, written, Mode.training());
    return trainingWork({
      title: `LSTM language model training step, batch ${batch}, length ${length}, hidden ${hidden}, vocabulary ${vocabulary}`,
      scope,
      loss,
      batch: { tokens: someTokens([length + 1, batch], vocabulary, 1) },
      sizes: new Map([
        ["length", length + 1],
        ["batch", batch],
      ]),
    });
  },
};
