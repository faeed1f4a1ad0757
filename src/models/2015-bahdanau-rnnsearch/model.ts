import { z } from "zod";
import { type MechanismName, mechanisms, readingLooks, weightsOver } from "../../attention/index.js";
import { PAD, type Tensor } from "../../core/index.js";
import { bidirectional, embedding, gatesOf, gru, linear, maxout } from "../../nn/index.js";
import { add, equal, not, scan, tanh, transpose } from "../../ops/index.js";
import type { ModelCard, TranslationSizes } from "../contract.js";
import { shifted, tokenLoss } from "../loss.js";
import { sourceWordsPart, targetWordsPart } from "../parts.js";

const configuration = z.object({
  embedding: z.int().min(1).max(4096).default(128).describe("features of a word"),
  hidden: z
    .int()
    .min(1)
    .max(4096)
    .default(128)
    .describe("features of each encoder direction and of the decoder"),
  alignment: z
    .int()
    .min(1)
    .max(4096)
    .default(128)
    .describe("features in which state and annotation are compared"),
  maxout: z.int().min(1).max(4096).default(128).describe("features of the output layer after maxout"),
  attention: z
    .enum(Object.keys(mechanisms) as [MechanismName, ...MechanismName[]])
    .default("additive")
    .describe("how a place is scored"),
});

/**
 * RNNsearch (Bahdanau, Cho & Bengio 2015). Numbers in comments are the paper's equations; the card beside this file
 * lists them with every departure. Axes: S source, T target, B batch, E embedding, H hidden, V target vocabulary.
 */
export const rnnsearch: ModelCard<z.output<typeof configuration>, TranslationSizes> = {
  id: "rnnsearch",
  title: "Neural Machine Translation by Jointly Learning to Align and Translate",
  paper: "Bahdanau, Cho & Bengio 2015",
  year: 2015,
  task: "translation",
  attention: ["alignment"],
  configuration,
  parts: [
    sourceWordsPart("Source word vectors", "x_j = E_x[word j]"),
    {
      id: "annotations",
      title: "Annotations: a GRU from each end",
      scopes: ["encoder"],
      equations: ["→h_j = GRU(x_j, →h_{j−1})", "←h_j = GRU(x_j, ←h_{j+1})", "h_j = [→h_j; ←h_j]  (7)"],
      from: ["source words"],
      gives: "[S, B, 2 · hidden]",
    },
    {
      id: "start",
      title: "First decoder state",
      scopes: ["start"],
      equations: ["s_0 = tanh(W_s ←h_1)  (A.2.2)"],
      from: ["annotations"],
      gives: "[B, hidden]",
    },
    {
      id: "attention",
      title: "Attention",
      scopes: ["attention"],
      equations: ["e_ij = a(s_{i−1}, h_j)", "α_ij = softmax_j(e_ij)  (6)", "c_i = Σ_j α_ij h_j  (5)"],
      from: ["annotations", "decoder"],
      gives: "weights [T, B, S], context [T, B, 2 · hidden]",
    },
    targetWordsPart("i"),
    {
      id: "decoder",
      title: "Decoder: a GRU",
      scopes: ["decoder", "context"],
      equations: ["s_i = GRU([y_{i−1}; c_i], s_{i−1})  (4)"],
      from: ["start", "target words", "attention"],
      gives: "[T, B, hidden]",
    },
    {
      id: "output",
      title: "Maxout and words",
      scopes: ["output"],
      equations: ["t_i = maxout(U_o s_{i−1} + V_o y_{i−1} + C_o c_i)", "p(y_i) = softmax(W_o t_i)  (4)"],
      from: ["decoder", "target words", "attention"],
      gives: "[T, B, vocabulary]",
    },
  ],
  build(scope, { embedding: E, hidden: H, alignment, maxout: L, attention }, vocabularies) {
    const sourceWords = embedding(scope.at("source"), {
      vocabulary: vocabularies.source,
      size: E,
    });
    const targetWords = embedding(scope.at("target"), {
      vocabulary: vocabularies.target,
      size: E,
    });
    const annotate = bidirectional(scope.at("encoder"), gru, { input: E, hidden: H });
    const start = linear(scope.at("start"), { input: H, output: H });
    const attend = mechanisms[attention](scope.at("attention"), { query: H, key: 2 * H, hidden: alignment });
    const decoder = gru(scope.at("decoder"), { input: E, hidden: H });
    const contextToGates = linear(scope.at("context"), {
      input: 2 * H,
      output: 3 * H,
      bias: false,
    });
    const outputState = linear(scope.at("output.state"), { input: H, output: 2 * L });
    const outputWord = linear(scope.at("output.word"), { input: E, output: 2 * L, bias: false });
    const outputContext = linear(scope.at("output.context"), {
      input: 2 * H,
      output: 2 * L,
      bias: false,
    });
    const outputVocabulary = linear(scope.at("output.vocabulary"), {
      input: L,
      output: vocabularies.target,
    });

    const begin = ({ source }: { source?: Tensor }) => {
      const real = not(equal(source!, PAD)); // [S, B]
      const { outputs, forward, backward } = annotate(sourceWords(source!), { mask: real }); // (7) h_j = [→h_j; ←h_j]
      const annotations = transpose(outputs, [1, 0, 2]); // [B, S, 2H]
      const memory = { annotations, keys: attend.keys(annotations), mask: transpose(real) };
      // A.2.2: s_0 = tanh(W_s ←h_1); the backward reading ends at the first word.
      return {
        memory,
        state: { hidden: tanh(start(backward.final.hidden)) },
        looks: readingLooks({ ...gatesOf("forward", forward), ...gatesOf("backward", backward) }),
      };
    };

    type Memory = ReturnType<typeof begin>["memory"];

    /** From s_{i−1} and the projected word y_{i−1} to s_i; `projected` is [B, 3H]. */
    const advance = (memory: Memory, hidden: Tensor, projected: Tensor) => {
      // (5), (6): α_i = softmax(a(s_{i−1}, h_j)), c_i = Σ_j α_ij h_j, with the score a of A.1.2 by default
      const { context, weights } = attend(hidden, memory.annotations, memory.mask, memory.keys);
      // (4), A.1.1: s_i = f(s_{i−1}, y_{i−1}, c_i)
      const { state } = decoder.step({ hidden }, add(projected, contextToGates(context)));
      return { context, weights, next: state.hidden };
    };

    /** A.2.2: t_i = maxout(U_o s_{i−1} + V_o E y_{i−1} + C_o c_i); the logits of y_i are W_o t_i. (4) */
    const readOut = (hidden: Tensor, word: Tensor, context: Tensor): Tensor =>
      maxout(add(add(outputState(hidden), outputWord(word)), outputContext(context)));

    return {
      steps: {
        begin,
        step(memory, { hidden }, { previous }) {
          const word = targetWords(previous!);
          const { context, weights, next } = advance(memory as Memory, hidden!, decoder.project(word));
          return {
            outputs: { logits: outputVocabulary(readOut(hidden!, word, context)) },
            state: { hidden: next },
            looks: { attention: weightsOver("source", weights) },
          };
        },
      },
      objective(batch, mode) {
        const { memory, state } = begin(batch);
        const { read, written } = shifted(batch.target!);
        const words = targetWords(read); // [T − 1, B, E]
        const { outputs } = scan(
          { initial: state, sequences: { projected: decoder.project(words) } },
          ({ hidden }, { projected }) => {
            const { context, weights, next } = advance(memory, hidden, projected);
            return { states: { hidden: next }, outputs: { before: hidden, context, weights } };
          },
        );
        const told = readOut(outputs.before, words, outputs.context); // [T − 1, B, L]
        return {
          ...tokenLoss(outputVocabulary, told, written, mode),
          looks: { attention: weightsOver("source", outputs.weights, { axes: ["step", "batch", "place"] }) },
        };
      },
    };
  },
};
