import type { z } from "zod";
import { multiplyDimensions, PAD, type Tensor } from "../../core/index.js";
import { layerNorm, linear, type Mode, zeros } from "../../nn/index.js";
import {
  add,
  cast,
  concat,
  crossEntropy,
  equal,
  expand,
  gelu,
  matmul,
  maximum,
  mul,
  not,
  range,
  reduceMean,
  reduceSum,
  reshape,
  softplus,
  squeeze,
  sub,
  takeAlongAxis,
  transpose,
  unsqueeze,
} from "../../ops/index.js";
import type { MaskedWordSizes, ModelCard, Tensors } from "../contract.js";
import { encoder, encoderOptions } from "./encoder.js";

/**
 * BERT (Devlin et al. 2018): a Transformer's encoder that guesses masked words from both sides, and whether one text goes on with another. The
 * card beside this file lists every departure. Axes: B batch, N words, P masked words, F features, V vocabulary.
 */
export const bert: ModelCard<z.output<typeof encoderOptions>, MaskedWordSizes> = {
  id: "bert",
  title: "BERT: deep bidirectional transformers",
  paper: "Devlin et al. 2018",
  year: 2018,
  task: "masked-words",
  attention: ["heads"],
  configuration: encoderOptions,
  parts: [
    {
      id: "words",
      title: "Words, their places, and which text they are of",
      scopes: ["words", "place", "text", "embedded"],
      equations: ["x = LayerNorm(E[word] + P[place] + S[text])"],
      from: ["source", "segments"],
      gives: "[B, N, features]",
    },
    {
      id: "layers",
      title: "Layers of heads, each word to all",
      scopes: ["layer"],
      equations: ["softmax(Q Kᵀ / √d) V", "GELU(x W_1 + b_1) W_2 + b_2"],
      from: ["words"],
      gives: "[B, N, features]",
    },
    {
      id: "masked",
      title: "Masked words",
      scopes: ["masked"],
      equations: ["p(word) = softmax(E LayerNorm(GELU(W x)) + b)"],
      from: ["layers"],
      gives: "[P, B, vocabulary]",
    },
    {
      id: "follows",
      title: "Whether the second text follows the first",
      scopes: ["follows"],
      equations: ["σ(w tanh(W x_0))"],
      from: ["layers"],
      gives: "[B]",
    },
  ],
  build(scope, options, { words: V, longest }) {
    const F = options.features;
    const { table, read: readLaid, pool } = encoder(scope, options, { words: V, places: longest });
    const change = linear(scope.at("masked.change"), { input: F, output: F });
    const changed = layerNorm(scope.at("masked.norm"), { features: F });
    const bias = scope.parameter("masked.bias", [V], zeros);
    const follows = linear(scope.at("follows.output"), { input: F, output: 1 });

    /** Words [N, B] as they are after all layers, [B, N, F], and where every head looked. */
    const read = ({ source, segments }: Tensors, mode: Mode) =>
      readLaid(
        {
          tokens: transpose(source!),
          places: range(source!.shape[0]!, "int32"),
          texts: transpose(segments!),
        },
        mode,
      );

    /** The logits of words [P, B] at places of what was read, [P, B, V], and of whether the second text follows, [B]. */
    const decide = (x: Tensor, masked: Tensor) => {
      const [P, B] = masked.shape as [Tensor["shape"][number], Tensor["shape"][number]];
      const at = expand(unsqueeze(masked, 2), [P, B, F]);
      const picked = takeAlongAxis(transpose(x, [1, 0, 2]), at, 0); // [P, B, F]
      const told = changed(gelu(change(picked)));
      return {
        logits: add(matmul(told, table, { transposeRight: true }), bias),
        follows: squeeze(follows(pool(x)), 1),
      };
    };

    return {
      objective(batch, mode) {
        const { x, looks } = read(batch, mode);
        const { masked, answers } = batch;
        const found = decide(x, masked!);
        const [P, B] = answers!.shape as [Tensor["shape"][number], Tensor["shape"][number]];
        const rows = multiplyDimensions(P, B);
        const { losses: each } = crossEntropy(reshape(found.logits, [rows, V]), reshape(answers!, [rows]));
        const asked = cast(not(equal(answers!, PAD)), found.logits.dtype);
        const ofWords = mul(reshape(each, [P, B]), asked);
        // −log σ(x) for a text that follows and −log(1 − σ(x)) for one that does not.
        const ofTexts = mul(
          sub(softplus(found.follows), mul(found.follows, batch.following!)),
          batch.paired!,
        );
        return {
          loss: add(mode.perToken(reduceSum(ofWords), maximum(reduceSum(asked), 1)), reduceMean(ofTexts)),
          losses: concat([ofWords, unsqueeze(ofTexts, 0)], 0),
          looks,
        };
      },
      once(inputs, mode) {
        const { x, looks } = read(inputs, mode);
        const { logits, ...decided } = decide(x, inputs.masked!);
        return { outputs: { logits: transpose(logits, [1, 0, 2]), ...decided }, looks };
      },
    };
  },
};
