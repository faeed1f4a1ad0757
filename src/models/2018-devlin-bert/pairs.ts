import type { z } from "zod";
import { addDimensions, END, PAD, START, type Tensor } from "../../core/index.js";
import { linear, type Mode } from "../../nn/index.js";
import {
  add,
  cast,
  concat,
  equal,
  fill,
  minimum,
  not,
  range,
  reduceMean,
  reduceSum,
  sigmoid,
  squeeze,
  transpose,
  unsqueeze,
} from "../../ops/index.js";
import type { ModelCard, SentencePairSizes, Tensors } from "../contract.js";
import { similarityLosses } from "../loss.js";
import { encoder, encoderOptions } from "./encoder.js";

/** Places that words may have: two sentences of 100 words, and the marks around them. Words behind them all have the last. */
const PLACES = 203;

/**
 * BERT that says how alike two sentences are (Devlin et al. 2018, section 3.2): it reads both as one sequence, and what the first mark says of
 * them is weighed. Trained from a run of `bert`, this is its fine-tuning. Axes: B batch, S words of a sentence, N = 2 S + 3 tokens, F features.
 */
export const bertPairs: ModelCard<z.output<typeof encoderOptions>, SentencePairSizes> = {
  id: "bert-pairs",
  title: "BERT, fine-tuned on pairs of sentences",
  paper: "Devlin et al. 2018",
  year: 2018,
  task: "sentence-pairs",
  attention: ["none"],
  training: { learningRate: 0.0005, optimizer: { name: "adamw" }, clip: 1 },
  configuration: encoderOptions,
  parts: [
    {
      id: "words",
      title: "Words, their places, and which sentence they are of",
      scopes: ["words", "place", "text", "embedded"],
      equations: ["x = LayerNorm(E[word] + P[place] + S[sentence])"],
      from: ["first", "second"],
      gives: "[B, N, features]",
    },
    {
      id: "layers",
      title: "Layers of heads, each word to all of both sentences",
      scopes: ["layer"],
      equations: ["softmax(Q Kᵀ / √d) V", "GELU(x W_1 + b_1) W_2 + b_2"],
      from: ["words"],
      gives: "[B, N, features]",
    },
    {
      id: "similarity",
      title: "How alike they are",
      scopes: ["follows", "similarity"],
      equations: ["σ(w tanh(W x_0))"],
      from: ["layers"],
      gives: "[B]",
    },
  ],
  build(scope, options, { words }) {
    const { read, pool } = encoder(scope, options, { words, places: PLACES });
    const output = linear(scope.at("similarity.output"), { input: options.features, output: 1 });
    const similarity = ({ first, second }: Tensors, mode: Mode) => {
      const [a, b] = [transpose(first!), transpose(second!)]; // [B, S]
      const [B, S] = a.shape as [Tensor["shape"][number], Tensor["shape"][number]];
      const mark = (token: number) => fill(token, { dtype: "int32", shape: [B, 1] });
      // The second sentence has the places right behind the words of the first, whatever padding lies between.
      const length = reduceSum(cast(not(equal(a, PAD)), "int32"), { axes: 1, keep: true }); // [B, 1]
      const own = unsqueeze(range(S, "int32"), 0); // [1, S]
      const after = cast(not(equal(b, PAD)), "int32");
      const places = concat(
        [
          mark(0),
          add(add(mark(1), own), fill(0, { dtype: "int32", shape: [B, S] })),
          add(length, 1),
          add(add(length, 2), own),
          add(add(length, 2), reduceSum(after, { axes: 1, keep: true })),
        ],
        1,
      );
      const laid = {
        tokens: concat([mark(START), a, mark(END), b, mark(END)], 1), // [B, N]
        places: minimum(places, PLACES - 1),
        texts: concat(
          [
            fill(0, { dtype: "int32", shape: [B, addDimensions(S, 2)] }),
            fill(1, { dtype: "int32", shape: [B, addDimensions(S, 1)] }),
          ],
          1,
        ),
      };
      return sigmoid(squeeze(output(pool(read(laid, mode).x)), 1));
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
