import { z } from "zod";
import {
  type KeysAndValues,
  type Look,
  type LookAxis,
  type Looks,
  transformerLayers,
  weightsOver,
} from "../../attention/index.js";
import { PAD, type Tensor } from "../../core/index.js";
import { dropout, embedding, layerNorm, type Mode, normal, sinusoids, zeros } from "../../nn/index.js";
import {
  add,
  cast,
  concat,
  equal,
  fill,
  gather,
  less,
  lessEqual,
  matmul,
  mul,
  not,
  range,
  reduceSum,
  relu,
  transpose,
  unsqueeze,
} from "../../ops/index.js";
import type { ModelCard, Tensors, TranslationSizes } from "../contract.js";
import { shifted, tokenLoss } from "../loss.js";
import { sourceWordsPart, targetWordsPart } from "../parts.js";

const size = z.int().min(1).max(4096);

const configuration = z
  .object({
    features: size.default(128).describe("features of a word, and of what each layer gives"),
    inner: size.default(512).describe("features inside the layers that take each word by itself"),
    heads: z.int().min(1).max(64).default(4).describe("heads of each attention"),
    layers: z.int().min(1).max(24).default(2).describe("layers of the encoder, and of the decoder"),
    dropout: z.number().min(0).lt(1).default(0.1).describe("share of features dropped in training"),
    norm: z
      .enum(["before", "after"])
      .default("before")
      .describe("where features are normalised: before each layer, or after it as in the paper"),
    tied: z.boolean().default(true).describe("whether words are written by the vectors they are read by"),
  })
  .refine(({ features, heads }) => features % heads === 0, {
    path: ["heads"],
    message: "must divide the features, so that each head has as many",
  });

/**
 * The Transformer (Vaswani et al. 2017). Marks in comments are the paper's sections and equations; the card beside this file
 * lists them with every departure. Axes: S source, T target, B batch, F features, H heads, V target vocabulary; W words
 * written so far.
 */
export const transformer: ModelCard<z.output<typeof configuration>, TranslationSizes> = {
  id: "transformer",
  title: "Attention Is All You Need",
  paper: "Vaswani et al. 2017",
  year: 2017,
  task: "translation",
  attention: ["heads"],
  configuration,
  training: { learningRate: 0.002 },
  parts: [
    sourceWordsPart("Source word vectors", "x_j = √F · E_x[word j] + position j"),
    {
      id: "encoder attention",
      title: "Encoder: self-attention",
      scopes: ["encoder.attention"],
      equations: [
        "head_h = softmax(Q_h K_hᵀ / √d_k) V_h  (1)",
        "x ← x + [head_1; …; head_H] W^O",
        "Q, K and V from all words of the source",
      ],
      from: ["source words", "encoder words"],
      gives: "[B, S, features]",
    },
    {
      id: "encoder words",
      title: "Encoder: each word by itself",
      scopes: ["encoder.words", "encoder.norm"],
      equations: ["x ← x + max(0, x W_1 + b_1) W_2 + b_2  (2)"],
      from: ["encoder attention"],
      gives: "[B, S, features]",
    },
    targetWordsPart("i"),
    {
      id: "decoder attention",
      title: "Decoder: self-attention",
      scopes: ["decoder.attention"],
      equations: ["as (1), Q, K and V from the words written so far"],
      from: ["target words", "decoder words"],
      gives: "[B, T, features]",
    },
    {
      id: "cross attention",
      title: "Decoder: attention to the source",
      scopes: ["decoder.cross"],
      equations: ["as (1), Q from the decoder, K and V from the encoder"],
      from: ["decoder attention", "encoder words"],
      gives: "weights [B, H, T, S] a layer, context [B, T, features]",
    },
    {
      id: "decoder words",
      title: "Decoder: each word by itself",
      scopes: ["decoder.words", "decoder.norm"],
      equations: ["as (2)"],
      from: ["cross attention"],
      gives: "[B, T, features]",
    },
    {
      id: "output",
      title: "Words",
      scopes: ["output"],
      equations: ["p(y_i) = softmax(E_y x_i + b), or W x_i + b"],
      from: ["decoder words"],
      gives: "[T, B, vocabulary]",
    },
  ],
  build(scope, { features: F, inner, heads, layers, dropout: rate, norm, tied }, vocabularies) {
    const vectors = (side: "source" | "target") =>
      embedding(scope.at(side), { vocabulary: vocabularies[side], size: F, initialise: normal(F ** -0.5) });
    const [sourceWords, targetWords] = [vectors("source"), vectors("target")];

    /** Section 3.4, Section 3.5: √F · E[words] + positions, words and positions [B, N] or [B], dropped as section 5.4 says. */
    const embed = (of: typeof sourceWords, words: Tensor, positions: Tensor, mode: Mode, name: string) =>
      dropout(
        add(mul(of(words), Math.sqrt(F)), sinusoids(cast(positions, scope.dtype), F)),
        rate,
        mode,
        `${name}.dropped`,
      );

    const { attention, wordByWord } = transformerLayers(scope, {
      ...{ features: F, inner, heads, dropout: rate, norm },
      activation: relu,
    });

    const numbers = Array.from({ length: layers }, (_, index) => index + 1);
    const encoder = numbers.map((number) => ({
      attention: attention(`encoder.attention.${number}`),
      words: wordByWord(`encoder.words.${number}`),
    }));
    const decoder = numbers.map((number) => ({
      attention: attention(`decoder.attention.${number}`),
      cross: attention(`decoder.cross.${number}`),
      words: wordByWord(`decoder.words.${number}`),
    }));
    const last = (stack: "encoder" | "decoder") =>
      norm === "before" ? layerNorm(scope.at(`${stack}.norm`), { features: F }) : (x: Tensor) => x;
    const [encoderNorm, decoderNorm] = [last("encoder"), last("decoder")];
    const bias = scope.parameter("output.bias", [vocabularies.target], zeros);
    const output = tied
      ? targetWords.table
      : scope.parameter("output.weight", [vocabularies.target, F], normal(F ** -0.5));
    /** Section 3.4: [..., F] to the logits of words, [..., V]. */
    const writing = (table: Tensor, shift: Tensor) => (x: Tensor) =>
      add(matmul(x, table, { transposeRight: true }), shift);
    const write = Object.assign(writing(output, bias), {
      size: vocabularies.target,
      of: (words: Tensor) => writing(gather(output, words), gather(bias, words)),
    });

    /** What the decoder keeps of the source [S, B]. */
    const read = ({ source }: { source?: Tensor }, mode: Mode) => {
      const words = transpose(source!); // [B, S]
      const mask = not(equal(words, PAD));
      // A word's position is how many stand before it: what is masked takes no place.
      const places = range(words.shape[1]!, "int32");
      const before = matmul(cast(mask, scope.dtype), cast(less(unsqueeze(places, 1), places), scope.dtype));
      let x = embed(sourceWords, words, before, mode, "source");
      const looks: Record<string, Look> = {};
      encoder.forEach((layer, index) => {
        const found = layer.attention.look(x, mode, layer.attention.keep, unsqueeze(overPlaces(mask), 1));
        looks[`encoder self-attention ${index + 1}`] = weightsOver("source", found.weights, {
          from: "source",
          axes: ["batch", "head", "query", "place"],
        });
        x = layer.words(found.x, mode);
      });
      const annotations = encoderNorm(x);
      const memory: Record<string, Tensor> = { mask };
      for (const [index, { cross }] of decoder.entries())
        Object.assign(memory, named(cross.keep(annotations), index));
      return { memory, looks };
    };

    /**
     * The decoder over words x [B, T, F] at once, or over one a row, [B, F].
     * @param masks of the words written and of the source, broadcast to the weights over them
     * @param kept what is looked at of the words written, from a layer's own keys and values of x
     */
    const decode = (
      x: Tensor,
      memory: Tensors,
      mode: Mode,
      masks: { readonly written: Tensor; readonly source: Tensor },
      kept: (own: KeysAndValues, layer: number) => KeysAndValues,
    ) => {
      const weights: { self: Tensor; cross: Tensor }[] = [];
      decoder.forEach((layer, index) => {
        const self = layer.attention.look(
          x,
          mode,
          (y) => kept(layer.attention.keep(y), index),
          masks.written,
        );
        const cross = layer.cross.look(self.x, mode, () => keptOf(memory, index), masks.source);
        weights.push({ self: self.weights, cross: cross.weights });
        x = layer.words(cross.x, mode);
      });
      return { x: decoderNorm(x), weights };
    };

    return {
      steps: {
        begin(inputs, mode) {
          const { memory, looks } = read(inputs, mode);
          const batch = memory.mask!.shape[0]!;
          const nothing = fill(0, { dtype: scope.dtype, shape: [batch, heads, 0, F / heads] });
          const state: Record<string, Tensor> = {
            written: fill(0, { dtype: "int32", shape: [batch, 0] }),
          };
          for (const index of decoder.keys())
            Object.assign(state, named({ keys: nothing, values: nothing }, index));
          return { memory, state, looks };
        },
        step(memory, state, { previous }, mode) {
          const batch = previous!.shape[0]!;
          const written = concat([state.written!, fill(1, { dtype: "int32", shape: [batch, 1] })], 1);
          const position = reduceSum(state.written!, { axes: 1 }); // [B]
          const next: Record<string, Tensor> = { written };
          const { x, weights } = decode(
            embed(targetWords, previous!, position, mode, "target"),
            memory,
            mode,
            { written: overPlaces(equal(written, 1)), source: overPlaces(memory.mask!) },
            (own, layer) => {
              const past = keptOf(state, layer);
              const kept = {
                keys: concat([past.keys, own.keys], 2),
                values: concat([past.values, own.values], 2),
              };
              Object.assign(next, named(kept, layer));
              return kept;
            },
          );
          return {
            outputs: { logits: write(x) },
            looks: looksOf(weights, ["batch", "head", "place"]),
            state: next,
          };
        },
      },
      objective(batch, mode) {
        const { memory, looks } = read(batch, mode);
        const { read: given, written: targets } = shifted(batch.target!);
        const words = transpose(given); // [B, T − 1]
        const places = range(words.shape[1]!, "int32");
        // A word looks at itself and those before it; padding comes after all of them.
        const written = lessEqual(places, unsqueeze(places, 1));
        const { x, weights } = decode(
          embed(targetWords, words, places, mode, "target"),
          memory,
          mode,
          { written, source: unsqueeze(overPlaces(memory.mask!), 1) },
          (own) => own,
        );
        return {
          ...tokenLoss(write, transpose(x, [1, 0, 2]), targets, mode),
          looks: { ...looks, ...looksOf(weights, ["batch", "head", "step", "place"]) },
        };
      },
    };
  },
};

/** A mask over places [B, S] as one for the heads of one query, [B, 1, S]. */
const overPlaces = (mask: Tensor): Tensor => unsqueeze(mask, 1);

const named = ({ keys, values }: KeysAndValues, layer: number): Tensors => ({
  [`keys${layer + 1}`]: keys,
  [`values${layer + 1}`]: values,
});

const keptOf = (tensors: Tensors, layer: number): KeysAndValues => ({
  keys: tensors[`keys${layer + 1}`]!,
  values: tensors[`values${layer + 1}`]!,
});

/** Where the layers of the decoder looked. */
const looksOf = (
  weights: readonly { readonly self: Tensor; readonly cross: Tensor }[],
  axes: readonly LookAxis[],
): Looks =>
  Object.fromEntries(
    weights.flatMap(({ self, cross }, index) => [
      [`decoder self-attention ${index + 1}`, weightsOver("target", self, { axes })],
      [`cross-attention ${index + 1}`, weightsOver("source", cross, { axes })],
    ]),
  );
