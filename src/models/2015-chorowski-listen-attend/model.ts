import { z } from "zod";
import { firstPlace, locationAware, weightsOver } from "../../attention/index.js";
import type { Tensor } from "../../core/index.js";
import { embedding, gru, linear, maxout } from "../../nn/index.js";
import { add, scan, tanh } from "../../ops/index.js";
import type { ModelCard, SpeechSizes, Tensors } from "../contract.js";
import { shifted, tokenLoss } from "../loss.js";
import { targetWordsPart } from "../parts.js";
import { convolutionalEncoder, recurrentEncoder } from "./encoder.js";

const size = z.int().min(1).max(4096);
const configuration = z
  .object({
    attention: z
      .enum(["location", "content"])
      .default("location")
      .describe("whether attention sees what it looked at before, or contents alone"),
    encoder: z
      .enum(["recurrent", "convolutional"])
      .default("recurrent")
      .describe("whether a place knows of all the sound, or of half a second around it"),
    hidden: size.default(96).describe("features of each direction of the encoder, and of the decoder"),
    embedding: size.default(32).describe("features of a word"),
    alignment: size
      .default(96)
      .describe("features in which state, place and what was looked at are compared"),
    filters: z.int().min(1).max(512).default(8).describe("filters over what was looked at before"),
    taps: z.int().min(1).max(401).default(25).describe("places that a filter sees, an odd number"),
    smooth: z
      .boolean()
      .default(false)
      .describe("whether weights are shared more evenly, by σ in place of exp"),
    window: z
      .int()
      .min(0)
      .max(10_000)
      .default(0)
      .describe("places on each side of the last that can be looked at; 0 for all"),
    maxout: size.default(64).describe("features of the maxout layer before words"),
  })
  .refine(({ taps }) => taps % 2 === 1, {
    path: ["taps"],
    message: "must be odd, so that a filter has a middle",
  });

/**
 * Attention-based speech recognition (Chorowski et al. 2015). Numbers in comments are the paper's equations; the card beside this file lists
 * them with every departure. Axes: B batch, S places of four frames, F bands of a frame, T words, H hidden.
 */
export const listenAttend: ModelCard<z.output<typeof configuration>, SpeechSizes> = {
  id: "listen-attend",
  title: "Attention-based models for speech recognition",
  paper: "Chorowski et al. 2015",
  year: 2015,
  task: "speech-recognition",
  attention: ["alignment"],
  configuration,
  parts: [
    {
      id: "annotations",
      title: "Annotations: two layers of GRUs from each end, or of places beside each",
      scopes: ["encoder"],
      equations: [
        "h = BiGRU(pairs of BiGRU(pairs of x))",
        "convolutional: h ← norm(h + ReLU(W [h_{j−2} … h_{j+2}]))",
      ],
      from: ["source", "length"],
      gives: "[B, S, 2 · hidden]",
    },
    targetWordsPart("i"),
    {
      id: "attention",
      title: "Location-aware attention",
      scopes: ["attention"],
      equations: [
        "f_i = F ∗ α_{i−1}  (8)",
        "e_ij = wᵀ tanh(W s_{i−1} + V h_j + U f_ij + b)  (9)",
        "α_i = softmax(e_i), or σ(e_i) / Σ_j σ(e_ij)",
        "g_i = Σ_j α_ij h_j  (3)",
      ],
      from: ["annotations", "decoder"],
      gives: "weights [T, B, S], context [T, B, 2 · hidden]",
    },
    {
      id: "decoder",
      title: "Decoder: a GRU",
      scopes: ["start", "decoder", "context"],
      equations: ["s_i = GRU([y_{i−1}; g_i], s_{i−1})  (5)"],
      from: ["target words", "attention"],
      gives: "[T, B, hidden]",
    },
    {
      id: "output",
      title: "Maxout and words",
      scopes: ["output"],
      equations: ["p(y_i) = softmax(W_o maxout(U s_{i−1} + V y_{i−1} + C g_i))  (4)"],
      from: ["decoder", "target words", "attention"],
      gives: "[T, B, vocabulary]",
    },
  ],
  build(scope, { hidden: H, embedding: E, alignment, maxout: L, filters, ...options }, { target, bands }) {
    const encode = (options.encoder === "recurrent" ? recurrentEncoder : convolutionalEncoder)(
      scope.at("encoder"),
      bands,
      H,
    );
    const words = embedding(scope.at("target"), { vocabulary: target, size: E });
    const attend = locationAware(
      scope.at("attention"),
      { query: H, key: 2 * H, hidden: alignment },
      { ...options, filters: options.attention === "location" ? filters : 0 },
    );
    const start = linear(scope.at("start"), { input: encode.summary, output: H });
    const decoder = gru(scope.at("decoder"), { input: E, hidden: H });
    const contextToGates = linear(scope.at("context"), { input: 2 * H, output: 3 * H, bias: false });
    const outputState = linear(scope.at("output.state"), { input: H, output: 2 * L });
    const outputWord = linear(scope.at("output.word"), { input: E, output: 2 * L, bias: false });
    const outputContext = linear(scope.at("output.context"), { input: 2 * H, output: 2 * L, bias: false });
    const outputVocabulary = linear(scope.at("output.vocabulary"), { input: L, output: target });

    const begin = ({ source, length }: Tensors) => {
      const { annotations, summary, mask } = encode(source!, length!);
      return {
        memory: { annotations, keys: attend.keys(annotations), mask },
        state: {
          hidden: tanh(start(summary)),
          // Section 2.1: before the first word, all weight is on the beginning.
          weights: firstPlace(mask, source!.dtype),
        },
      };
    };

    type Memory = ReturnType<typeof begin>["memory"];

    /** From s_{i−1}, α_{i−1} and the projected word y_{i−1}, [B, 3H], to s_i and α_i. */
    const advance = (memory: Memory, hidden: Tensor, before: Tensor, projected: Tensor) => {
      const { context, weights } = attend(hidden, memory.annotations, memory.mask, memory.keys, before);
      const { state } = decoder.step({ hidden }, add(projected, contextToGates(context)));
      return { context, weights, next: state.hidden };
    };

    const readOut = (hidden: Tensor, word: Tensor, context: Tensor): Tensor =>
      maxout(add(add(outputState(hidden), outputWord(word)), outputContext(context)));

    return {
      steps: {
        begin,
        step(memory, { hidden, weights: before }, { previous }) {
          const word = words(previous!);
          const { context, weights, next } = advance(
            memory as Memory,
            hidden!,
            before!,
            decoder.project(word),
          );
          return {
            outputs: { logits: outputVocabulary(readOut(hidden!, word, context)) },
            state: { hidden: next, weights },
            looks: { attention: weightsOver("source", weights) },
          };
        },
      },
      objective(batch, mode) {
        const { memory, state } = begin(batch);
        const { read, written } = shifted(batch.target!);
        const embedded = words(read); // [T − 1, B, E]
        const { outputs } = scan(
          { initial: state, sequences: { projected: decoder.project(embedded) } },
          ({ hidden, weights: before }, { projected }) => {
            const { context, weights, next } = advance(memory, hidden!, before!, projected!);
            return { states: { hidden: next, weights }, outputs: { before: hidden!, context, weights } };
          },
        );
        const told = readOut(outputs.before!, embedded, outputs.context!); // [T − 1, B, L]
        return {
          ...tokenLoss(outputVocabulary, told, written, mode),
          looks: { attention: weightsOver("source", outputs.weights!, { axes: ["step", "batch", "place"] }) },
        };
      },
    };
  },
};
