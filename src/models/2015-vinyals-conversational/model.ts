import { z } from "zod";
import { type MechanismName, mechanisms, readingLooks, weightsOver } from "../../attention/index.js";
import { PAD, type Tensor } from "../../core/index.js";
import { embedding, gatesOf, linear, lstm, recurrent } from "../../nn/index.js";
import { add, concat, equal, not, scan, tanh, transpose } from "../../ops/index.js";
import type { ModelCard, Tensors, TranslationSizes } from "../contract.js";
import { shifted, tokenLoss } from "../loss.js";
import { sourceWordsPart, targetWordsPart } from "../parts.js";

const configuration = z.object({
  embedding: z.int().min(1).max(4096).default(128).describe("features of a word"),
  hidden: z.int().min(1).max(4096).default(256).describe("features of the reader and of the answerer"),
  attention: z
    .enum(["none", ...(Object.keys(mechanisms) as [MechanismName, ...MechanismName[]])])
    .default("additive")
    .describe("how a word of what was said is scored; none, as in the paper, hands on the last state alone"),
  alignment: z
    .int()
    .min(1)
    .max(4096)
    .default(64)
    .describe("features in which state and word are compared, where the score has them"),
});

/**
 * A neural conversational model (Vinyals & Le 2015): what was said is read word by word, and answered from there. Marks in comments are
 * sections of the paper; the card beside this file lists departures. Axes: S words said, T words answered, B batch, E embedding, H hidden.
 */
export const conversational: ModelCard<z.output<typeof configuration>, TranslationSizes> = {
  id: "conversational",
  title: "A Neural Conversational Model",
  paper: "Vinyals & Le 2015",
  year: 2015,
  task: "conversation",
  attention: ["soft"],
  configuration,
  parts: [
    sourceWordsPart("Words of what was said", "x_j = E_x[word j]"),
    {
      id: "encoder",
      title: "Reader: an LSTM",
      scopes: ["encoder"],
      equations: ["h_j, m_j = LSTM(x_j, h_{j−1}, m_{j−1})"],
      from: ["source words"],
      gives: "[S, B, hidden]",
    },
    targetWordsPart("t"),
    {
      id: "attention",
      title: "Attention over what was said",
      scopes: ["attention", "context"],
      equations: ["α_t = softmax(a(h'_{t−1}, h_j))", "c_t = Σ_j α_{t,j} [h_j; x_j]"],
      from: ["encoder", "decoder"],
      gives: "weights [T, B, S], context [T, B, hidden + embedding]",
    },
    {
      id: "decoder",
      title: "Answerer: an LSTM that starts where the reader ended",
      scopes: ["decoder"],
      equations: ["h'_t, m'_t = LSTM([y_{t−1}; c_t], h'_{t−1}, m'_{t−1})"],
      from: ["encoder", "target words", "attention"],
      gives: "[T, B, hidden]",
    },
    {
      id: "output",
      title: "Words",
      scopes: ["output"],
      equations: ["p(y_t) = softmax(W tanh(U h'_t + V c_t))"],
      from: ["decoder", "attention"],
      gives: "[T, B, vocabulary]",
    },
  ],
  build(scope, { embedding: E, hidden: H, attention, alignment }, vocabularies) {
    const sourceWords = embedding(scope.at("source"), { vocabulary: vocabularies.source, size: E });
    const targetWords = embedding(scope.at("target"), { vocabulary: vocabularies.target, size: E });
    const reader = lstm(scope.at("encoder"), { input: E, hidden: H });
    const answerer = lstm(scope.at("decoder"), { input: E, hidden: H });
    const attends = attention !== "none";
    const attend = attends
      ? mechanisms[attention](scope.at("attention"), { query: H, key: H + E, hidden: alignment })
      : undefined;
    const contextToGates = attends
      ? linear(scope.at("context"), { input: H + E, output: 4 * H, bias: false })
      : undefined;
    const outputState = linear(scope.at("output.state"), { input: attends ? 2 * H + E : H, output: E });
    const outputVocabulary = linear(scope.at("output.vocabulary"), {
      input: E,
      output: vocabularies.target,
    });

    const begin = ({ source }: { source?: Tensor }) => {
      const real = not(equal(source!, PAD)); // [S, B]
      const words = sourceWords(source!);
      const reading = recurrent(reader, words, { mask: real });
      // What was read up to a word, and the word itself, which the state after it holds as well.
      const annotations = transpose(concat([reading.outputs, words], -1), [1, 0, 2]); // [B, S, H + E]
      return {
        memory: (attend
          ? { annotations, keys: attend.keys(annotations), mask: transpose(real) }
          : {}) as Tensors,
        // Section 3: the answer begins from the state in which reading ended.
        state: { hidden: reading.final.hidden, cell: reading.final.cell! },
        looks: readingLooks(gatesOf("reader", reading)),
      };
    };

    /** One word further; `projected` is what it reads of the word before, [B, 4H]. */
    const advance = (
      { annotations, keys, mask }: Tensors,
      before: { readonly hidden: Tensor; readonly cell: Tensor },
      projected: Tensor,
    ) => {
      const looked = attend?.(before.hidden, annotations!, mask, keys);
      const input = looked ? add(projected, contextToGates!(looked.context)) : projected;
      const { hidden, cell } = answerer.step(before, input).state;
      return {
        state: { hidden, cell: cell! },
        told: looked ? concat([hidden, looked.context], -1) : hidden,
        weights: looked?.weights,
      };
    };
    const readOut = (told: Tensor): Tensor => tanh(outputState(told));

    return {
      steps: {
        begin,
        step(memory, { hidden, cell }, { previous }) {
          const before = { hidden: hidden!, cell: cell! };
          const { state, told, weights } = advance(memory, before, answerer.project(targetWords(previous!)));
          return {
            outputs: { logits: outputVocabulary(readOut(told)) },
            state,
            ...(weights && { looks: { attention: weightsOver("source", weights) } }),
          };
        },
      },
      objective(batch, mode) {
        const { memory, state } = begin(batch);
        const { read, written } = shifted(batch.target!);
        const { outputs } = scan(
          { initial: state, sequences: { projected: answerer.project(targetWords(read)) } },
          (before, { projected }) => {
            const { state, told, weights } = advance(memory, before, projected);
            return {
              states: state,
              outputs: { told, ...(weights && { weights }) } as Record<string, Tensor>,
            };
          },
        );
        const { told, weights } = outputs as Readonly<Record<string, Tensor>>;
        return {
          ...tokenLoss(outputVocabulary, readOut(told!), written, mode),
          ...(weights && {
            looks: { attention: weightsOver("source", weights, { axes: ["step", "batch", "place"] }) },
          }),
        };
      },
    };
  },
};
