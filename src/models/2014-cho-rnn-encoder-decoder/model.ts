import { z } from "zod";
import { readingLooks } from "../../attention/index.js";
import { PAD, type Tensor } from "../../core/index.js";
import { embedding, gatesOf, gru, linear, maxout, recurrent } from "../../nn/index.js";
import { add, equal, not, tanh } from "../../ops/index.js";
import type { ModelCard, TranslationSizes } from "../contract.js";
import { shifted, tokenLoss } from "../loss.js";
import { sourceWordsPart, targetWordsPart } from "../parts.js";

const configuration = z.object({
  embedding: z.int().min(1).max(4096).default(128).describe("features of a word"),
  hidden: z
    .int()
    .min(1)
    .max(4096)
    .default(256)
    .describe("features of encoder and decoder, and of the summary"),
  maxout: z.int().min(1).max(4096).default(128).describe("features of the output layer after maxout"),
});

/**
 * The RNN Encoder–Decoder (Cho et al. 2014): the whole source in one vector. Marks in comments are the paper's; the card
 * beside this file lists them with every departure. Axes: S source, T target, B batch, E embedding, H hidden.
 */
export const rnnEncoderDecoder: ModelCard<z.output<typeof configuration>, TranslationSizes> = {
  id: "rnn-encoder-decoder",
  title: "Learning Phrase Representations using RNN Encoder–Decoder for Statistical Machine Translation",
  paper: "Cho et al. 2014",
  year: 2014,
  task: "translation",
  attention: ["none"],
  configuration,
  parts: [
    sourceWordsPart("Source word vectors", "x_j = E_x[word j]"),
    {
      id: "encoder",
      title: "Encoder: a GRU",
      scopes: ["encoder"],
      equations: ["h_j = GRU(x_j, h_{j−1})  (3)"],
      from: ["source words"],
      gives: "[S, B, hidden]",
    },
    {
      id: "summary",
      title: "One vector for the whole sentence",
      scopes: ["summary"],
      equations: ["c = tanh(V h_N)  (A.1.1)"],
      from: ["encoder"],
      gives: "[B, hidden]",
    },
    targetWordsPart("t"),
    {
      id: "decoder",
      title: "Decoder: a GRU that sees the summary at every step",
      scopes: ["start", "decoder", "context"],
      equations: ["h'_0 = tanh(V' c)  (A.1.2)", "h'_t = GRU([y_{t−1}; c], h'_{t−1})  (5)"],
      from: ["summary", "target words"],
      gives: "[T, B, hidden]",
    },
    {
      id: "output",
      title: "Maxout and words",
      scopes: ["output"],
      equations: ["s'_t = O_h h'_t + O_y y_{t−1} + O_c c", "p(y_t) = softmax(W maxout(s'_t))  (A.1.2)"],
      from: ["decoder", "target words", "summary"],
      gives: "[T, B, vocabulary]",
    },
  ],
  build(scope, { embedding: E, hidden: H, maxout: L }, vocabularies) {
    const sourceWords = embedding(scope.at("source"), { vocabulary: vocabularies.source, size: E });
    const targetWords = embedding(scope.at("target"), { vocabulary: vocabularies.target, size: E });
    const encoder = gru(scope.at("encoder"), { input: E, hidden: H });
    const summarise = linear(scope.at("summary"), { input: H, output: H });
    const start = linear(scope.at("start"), { input: H, output: H });
    const decoder = gru(scope.at("decoder"), { input: E, hidden: H });
    const summaryToGates = linear(scope.at("context"), { input: H, output: 3 * H, bias: false });
    const outputState = linear(scope.at("output.state"), { input: H, output: 2 * L });
    const outputWord = linear(scope.at("output.word"), { input: E, output: 2 * L, bias: false });
    const outputSummary = linear(scope.at("output.summary"), { input: H, output: 2 * L, bias: false });
    const outputVocabulary = linear(scope.at("output.vocabulary"), { input: L, output: vocabularies.target });

    const begin = ({ source }: { source?: Tensor }) => {
      const reading = recurrent(encoder, sourceWords(source!), { mask: not(equal(source!, PAD)) }); // (3)
      const summary = tanh(summarise(reading.final.hidden)); // A.1.1: c = tanh(V h_N)
      const state = { hidden: tanh(start(summary)) }; // A.1.2: h'_0 = tanh(V' c)
      return { memory: { summary }, state, looks: readingLooks(gatesOf("encoder", reading)) };
    };

    /** A.1.2: s'_t = O_h h'_t + O_y y_{t−1} + O_c c, then maxout; the logits of y_t are linear in it. */
    const readOut = (hidden: Tensor, word: Tensor, summary: Tensor): Tensor =>
      maxout(add(add(outputState(hidden), outputWord(word)), outputSummary(summary)));

    return {
      steps: {
        begin,
        step({ summary }, { hidden }, { previous }) {
          const word = targetWords(previous!);
          // (5): h'_t = f(h'_{t−1}, y_{t−1}, c)
          const projected = add(decoder.project(word), summaryToGates(summary!));
          const { state } = decoder.step({ hidden: hidden! }, projected);
          return {
            outputs: { logits: outputVocabulary(readOut(state.hidden, word, summary!)) },
            state: { hidden: state.hidden },
          };
        },
      },
      objective(batch, mode) {
        const { memory, state } = begin(batch);
        const { read, written } = shifted(batch.target!);
        const words = targetWords(read); // [T − 1, B, E]
        const { outputs } = recurrent(decoder, words, {
          initial: state,
          constant: summaryToGates(memory.summary),
        });
        return tokenLoss(outputVocabulary, readOut(outputs, words, memory.summary), written, mode);
      },
    };
  },
};
