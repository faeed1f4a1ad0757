import { z } from "zod";
import { type Look, transformerLayers, weightsOver } from "../../attention/index.js";
import { PAD, type Tensor } from "../../core/index.js";
import { dropout, embedding, layerNorm, linear, type Mode, normal, type Scope } from "../../nn/index.js";
import { add, equal, gather, gelu, not, slice, squeeze, tanh, unsqueeze } from "../../ops/index.js";

const size = z.int().min(1).max(4096);

/** What can be set of BERT's encoder, whatever it is trained on. */
export const encoderOptions = z
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

/** Tokens as they are read: [B, N], which place each has, [N] or [B, N], and which of the two texts it is of, [B, N]. */
interface Laid {
  readonly tokens: Tensor;
  readonly places: Tensor;
  readonly texts: Tensor;
}

/**
 * BERT's encoder, whose parameters have the same names whatever it is trained on, so that a run can begin with those of another. Axes: B batch,
 * N words, F features, V vocabulary.
 * @param sizes words of the vocabulary, and places that words may have
 */
export function encoder(
  scope: Scope,
  { features: F, inner, heads, layers, dropout: rate }: z.output<typeof encoderOptions>,
  sizes: { readonly words: number; readonly places: number },
) {
  const first = normal(SPREAD);
  const words = embedding(scope.at("words"), { vocabulary: sizes.words, size: F, initialise: first });
  const positions = scope.parameter("place.position", [sizes.places, F], first, "position");
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
  const pooled = linear(scope.at("follows.pooled"), { input: F, output: F });
  return {
    /** The vectors of words, [V, F]. */
    table: words.table,
    /** Words as they are after all layers, [B, N, F], and where every head looked. */
    read(laid: Laid, mode: Mode) {
      const known = unsqueeze(unsqueeze(not(equal(laid.tokens, PAD)), 1), 1); // [B, 1, 1, N]
      const sum = add(add(words(laid.tokens), gather(positions, laid.places)), gather(texts, laid.texts));
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
    },
    /** What the first token says of both texts, [B, F], of what was read. */
    pool: (x: Tensor): Tensor => tanh(pooled(squeeze(slice(x, 1, 0, 1), 1))),
  };
}
