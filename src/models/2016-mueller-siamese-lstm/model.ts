import { z } from "zod";
import { PAD, type Tensor } from "../../core/index.js";
import { dropout, embedding, lstm, type Mode, recurrent } from "../../nn/index.js";
import { abs, concat, equal, exp, neg, not, reduceMean, reduceSum, split, sub } from "../../ops/index.js";
import type { ModelCard, SentencePairSizes, Tensors } from "../contract.js";
import { similarityLosses } from "../loss.js";

const configuration = z.object({
  embedding: z.int().min(1).max(4096).default(100).describe("features of a word"),
  hidden: z.int().min(1).max(4096).default(150).describe("features of a sentence"),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe("share of a word's features that are left out in training"),
});

/**
 * Siamese LSTM (Mueller & Thyagarajan 2016): one LSTM reads both sentences, and they are as alike as their last states are near. Marks in
 * comments are the paper's equations; the card beside this file lists them with every departure. Axes: S words, B batch, E features of a word,
 * H hidden.
 */
export const siameseLstm: ModelCard<z.output<typeof configuration>, SentencePairSizes> = {
  id: "siamese-lstm",
  title: "Siamese recurrent architectures for sentence similarity",
  paper: "Mueller & Thyagarajan 2016",
  year: 2016,
  task: "sentence-pairs",
  attention: ["none"],
  configuration,
  parts: [
    {
      id: "words",
      title: "Word vectors",
      scopes: ["words"],
      equations: ["x_s = E[word s]"],
      from: ["first", "second"],
      gives: "[S, 2B, embedding]",
    },
    {
      id: "encoder",
      title: "One LSTM for both sentences",
      scopes: ["encoder"],
      equations: ["h_s = LSTM(x_s, h_{s−1})"],
      from: ["words"],
      gives: "[2B, hidden]",
    },
    {
      id: "similarity",
      title: "How near they are",
      scopes: [],
      equations: ["g(h^a, h^b) = exp(−‖h^a − h^b‖₁)"],
      from: ["encoder"],
      gives: "[B]",
    },
  ],
  build(scope, { embedding: E, hidden: H, ...options }, { words }) {
    const look = embedding(scope.at("words"), { vocabulary: words, size: E });
    const encoder = lstm(scope.at("encoder"), { input: E, hidden: H });
    const similarity = ({ first, second }: Tensors, mode: Mode) => {
      const [a, b] = [first!, second!];
      // Section 3: one LSTM, with the same weights, reads both.
      const both = concat([a, b], 1); // [S, 2B]
      const read = dropout(look(both), options.dropout, mode, "words");
      const { final } = recurrent(encoder, read, { mask: not(equal(both, PAD)) });
      const [ofA, ofB] = split(final.hidden, [a.shape[1]!, b.shape[1]!], 0) as [Tensor, Tensor]; // [B, H]
      // Equation 1: the Manhattan distance, whose gradient does not fade where sentences are far apart.
      return exp(neg(reduceSum(abs(sub(ofA, ofB)), { axes: 1 })));
    };
    return {
      objective(batch, mode) {
        const losses = similarityLosses(similarity(batch, mode), batch.score!);
        return { loss: reduceMean(losses), losses };
      },
      once: (inputs, mode) => ({ outputs: { similarity: similarity(inputs, mode) } }),
    };
  },
};
