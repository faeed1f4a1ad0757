import { z } from "zod";
import { type Look, transformerLayers, weightsOver } from "../../attention/index.js";
import { multiplyDimensions, PAD, type Tensor } from "../../core/index.js";
import { dropout, embedding, layerNorm, linear, type Mode, normal, zeros } from "../../nn/index.js";
import {
  add,
  cast,
  concat,
  crossEntropy,
  equal,
  expand,
  gather,
  gelu,
  matmul,
  maximum,
  mul,
  not,
  range,
  reduceMean,
  reduceSum,
  reshape,
  slice,
  softplus,
  squeeze,
  sub,
  takeAlongAxis,
  tanh,
  transpose,
  unsqueeze,
} from "../../ops/index.js";
import type { MaskedWordSizes, ModelCard, Tensors } from "../contract.js";

const size = z.int().min(1).max(4096);
const configuration = z
  .object({
    features: size.default(64).describe("features of a word"),
    inner: size.default(256).describe("features between the two products that go word by word"),
    heads: z.int().min(1).max(64).default(4).describe("heads of each layer"),
    layers: z.int().min(1).max(48).default(2).describe("layers"),
    dropout: z
      .number()
      .min(0)
      .lt(1)
      .default(0.1)
      .describe("share of what a layer gives that is left out in training"),
  })
  .refine(({ features, heads }) => features % heads === 0, {
    path: ["features"],
    message: "must be a multiple of the heads",
  });

/** The deviation of the first values of tables. The paper's 0.02 is for 768 features; heads of 64 come to look much later with it. */
const SPREAD = 0.1;

/**
 * BERT (Devlin et al. 2018): a Transformer's encoder that guesses masked words from both sides, and whether one text goes on with another. The
 * card beside this file lists every departure. Axes: B batch, N words, P masked words, F features, V vocabulary.
 */
export const bert: ModelCard<z.output<typeof configuration>, MaskedWordSizes> = {
  id: "bert",
  title: "BERT: deep bidirectional transformers",
  paper: "Devlin et al. 2018",
  year: 2018,
  task: "masked-words",
  attention: ["heads"],
  configuration,
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
  build(scope, { features: F, inner, heads, layers, dropout: rate }, { words: V, longest }) {
    const first = normal(SPREAD);
    const words = embedding(scope.at("words"), { vocabulary: V, size: F, initialise: first });
    const places = scope.parameter("place.position", [longest, F], first, "position");
    const texts = scope.parameter("text.table", [2, F], first, "table");
    const normalised = layerNorm(scope.at("embedded"), { features: F });
    const of = transformerLayers(scope.at("layer"), {
      ...{ features: F, inner, heads, dropout: rate },
      norm: "after",
      activation: gelu,
    });
    const stack = Array.from({ length: layers }, (_, index) => ({
      attention: of.attention(`attention.${index + 1}`),
      words: of.wordByWord(`words.${index + 1}`),
    }));
    const change = linear(scope.at("masked.change"), { input: F, output: F });
    const changed = layerNorm(scope.at("masked.norm"), { features: F });
    const bias = scope.parameter("masked.bias", [V], zeros);
    const pooled = linear(scope.at("follows.pooled"), { input: F, output: F });
    const follows = linear(scope.at("follows.output"), { input: F, output: 1 });

    /** Words [N, B] as they are after all layers, [B, N, F], and where every head looked. */
    const read = ({ source, segments }: Tensors, mode: Mode) => {
      const [N] = source!.shape;
      const given = transpose(source!); // [B, N]
      const known = unsqueeze(unsqueeze(not(equal(given, PAD)), 1), 1); // [B, 1, 1, N]
      const sum = add(
        add(words(given), gather(places, range(N!, "int32"))),
        gather(texts, transpose(segments!)),
      );
      let x = dropout(normalised(sum), rate, mode, "embedded.dropped");
      const looks: Record<string, Look> = {};
      stack.forEach(({ attention, words: byWord }, index) => {
        const found = attention.look(x, mode, attention.keep, known);
        looks[`layer ${index + 1}`] = weightsOver("words", found.weights, {
          from: "words",
          axes: ["batch", "head", "query", "place"],
        });
        x = byWord(found.x, mode);
      });
      return { x, looks };
    };

    /** The logits of words [P, B] at places of what was read, [P, B, V], and of whether the second text follows, [B]. */
    const decide = (x: Tensor, masked: Tensor) => {
      const [P, B] = masked.shape as [Tensor["shape"][number], Tensor["shape"][number]];
      const at = expand(unsqueeze(masked, 2), [P, B, F]);
      const picked = takeAlongAxis(transpose(x, [1, 0, 2]), at, 0); // [P, B, F]
      const told = changed(gelu(change(picked)));
      return {
        logits: add(matmul(told, words.table, { transposeRight: true }), bias),
        follows: squeeze(follows(tanh(pooled(squeeze(slice(x, 1, 0, 1), 1)))), 1),
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
