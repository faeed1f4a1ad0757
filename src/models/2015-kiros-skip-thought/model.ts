import { z } from "zod";
import { multiplyDimensions, PAD, type Tensor } from "../../core/index.js";
import { bidirectional, embedding, gru, linear, recurrent, unitVectors } from "../../nn/index.js";
import { concat, equal, matmul, not, reshape, slice, squeeze, transpose } from "../../ops/index.js";
import type { ModelCard, SentenceSizes, Tensors } from "../contract.js";
import { shifted, tokenLoss } from "../loss.js";

const configuration = z.object({
  embedding: z.int().min(1).max(4096).default(128).describe("features of a word"),
  hidden: z.int().min(2).max(4096).default(256).describe("features of a sentence"),
  encoder: z
    .enum(["forward", "both"])
    .default("forward")
    .describe(
      "which way a sentence is read: from its first word, or from both ends, half of the features each",
    ),
});

/** The sentences that are written: the one before, and the one after. */
const SIDES = ["before", "after"] as const;

/**
 * Skip-Thought (Kiros et al. 2015). Numbers in comments are the paper's equations; the card beside this file lists them with every
 * departure. Axes: S words of a sentence, T of its neighbours, B batch, N sentences that it is compared with, E features of a word, H
 * of a sentence, V vocabulary.
 */
export const skipThought: ModelCard<z.output<typeof configuration>, SentenceSizes> = {
  id: "skip-thought",
  title: "Skip-Thought Vectors",
  paper: "Kiros et al. 2015",
  year: 2015,
  task: "sentence-vectors",
  attention: ["none"],
  configuration,
  parts: [
    {
      id: "words",
      title: "Word vectors, of what is read and of what is written",
      scopes: ["words"],
      equations: ["x_s = E[word s]"],
      from: ["sentence", "target"],
      gives: "[S, B, embedding]",
    },
    {
      id: "encoder",
      title: "Encoder: a GRU",
      scopes: ["encoder"],
      equations: ["h_i = GRU(x_S, h_{S−1})  (1–4)"],
      from: ["words"],
      gives: "[B, hidden]",
    },
    {
      id: "decoders",
      title: "Decoders of the sentences before and after, told of the sentence at every word",
      scopes: [...SIDES],
      equations: [
        "r_t = σ(W_r x_{t−1} + U_r h_{t−1} + C_r h_i)  (5)",
        "z_t = σ(W_z x_{t−1} + U_z h_{t−1} + C_z h_i)  (6)",
        "h̄_t = tanh(W x_{t−1} + U (r_t ⊙ h_{t−1}) + C h_i)  (7)",
      ],
      from: ["encoder", "words"],
      gives: "[T, 2B, hidden]",
    },
    {
      id: "output",
      title: "Words of both",
      scopes: ["output"],
      equations: ["P(w_t) ∝ exp(v_{w_t} · h_t)  (9)"],
      from: ["decoders"],
      gives: "[T, 2B, vocabulary]",
    },
  ],
  build(scope, { embedding: E, hidden: H, encoder }, { words, written: V }) {
    const look = embedding(scope.at("words"), { vocabulary: words, size: E });
    const encoderScope = scope.at("encoder");
    const read = (() => {
      if (encoder === "forward") {
        const cell = gru(encoderScope, { input: E, hidden: H });
        return (x: Tensor, mask: Tensor) => recurrent(cell, x, { mask }).final.hidden;
      }
      const both = bidirectional(encoderScope, gru, { input: E, hidden: Math.floor(H / 2) });
      return (x: Tensor, mask: Tensor) => {
        const { forward, backward } = both(x, { mask });
        return concat([forward.final.hidden, backward.final.hidden], -1);
      };
    })();
    const size = encoder === "both" ? 2 * Math.floor(H / 2) : H;
    const decoders = SIDES.map((side) => ({
      cell: gru(scope.at(side), { input: E, hidden: H }),
      told: linear(scope.at(`${side}.told`), { input: size, output: 3 * H, bias: false }),
    }));
    const output = linear(scope.at("output"), { input: H, output: V });

    /** (1–4): a sentence [S, B] as one vector, [B, H]. */
    const encode = (sentence: Tensor): Tensor => read(look(sentence), not(equal(sentence, PAD)));

    return {
      objective({ sentence, target }: Tensors, mode) {
        const vector = encode(sentence!);
        const { read: before, written } = shifted(target!); // [T − 1, 2, B]
        const [steps, , batch] = written.shape;
        const said = decoders.map(
          ({ cell, told }, side) =>
            // (5–8): what a decoder is told of the sentence is the same at every word.
            recurrent(cell, look(squeeze(slice(before, 1, side, 1), 1)), { constant: told(vector) }).outputs,
        );
        const rows = [steps!, multiplyDimensions(2, batch!)];
        const { loss, losses } = tokenLoss(output, concat(said, 1), reshape(written, rows), mode); // (9), (10)
        return { loss, losses: reshape(losses, written.shape) };
      },
      once({ sentence, known }) {
        const vector = encode(sentence!);
        return {
          outputs: {
            vector,
            cosines: matmul(unitVectors(vector), transpose(unitVectors(encode(known!)))), // [B, N]
          },
        };
      },
    };
  },
};
