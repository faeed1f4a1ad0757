import { z } from "zod";
import { readingLooks } from "../../attention/index.js";
import { PAD, type Tensor } from "../../core/index.js";
import {
  type Cell,
  type CellState,
  embedding,
  gatesOf,
  linear,
  lstm,
  recurrent,
  type Scope,
} from "../../nn/index.js";
import { equal, not } from "../../ops/index.js";
import type { ModelCard, Tensors, TranslationSizes } from "../contract.js";
import { shifted, tokenLoss } from "../loss.js";
import { sourceWordsPart, targetWordsPart } from "../parts.js";

const configuration = z.object({
  embedding: z.int().min(1).max(4096).default(128).describe("features of a word"),
  hidden: z.int().min(1).max(4096).default(192).describe("features of each layer"),
  layers: z.int().min(1).max(8).default(2).describe("layers of encoder and of decoder"),
});

/**
 * Deep LSTMs from sequence to sequence (Sutskever, Vinyals & Le 2014). Marks in comments are sections of the paper; the
 * card beside this file lists them with every departure. Axes: S source, T target, B batch, E embedding, H hidden.
 */
export const seq2seq: ModelCard<z.output<typeof configuration>, TranslationSizes> = {
  id: "seq2seq",
  title: "Sequence to Sequence Learning with Neural Networks",
  paper: "Sutskever, Vinyals & Le 2014",
  year: 2014,
  task: "translation",
  attention: ["none"],
  configuration,
  parts: [
    sourceWordsPart("Source word vectors, last word first", "x_j = E_x[word S − j + 1]"),
    {
      id: "encoder",
      title: "Encoder: LSTM layers",
      scopes: ["encoder"],
      equations: ["h_j, m_j = LSTM(x_j, h_{j−1}, m_{j−1}), layer on layer"],
      from: ["source words"],
      gives: "[layers, B, hidden], twice",
    },
    targetWordsPart("t"),
    {
      id: "decoder",
      title: "Decoder: LSTM layers that start where the encoder ended",
      scopes: ["decoder"],
      equations: ["h'_t, m'_t = LSTM(y_{t−1}, h'_{t−1}, m'_{t−1}), layer on layer"],
      from: ["encoder", "target words"],
      gives: "[T, B, hidden]",
    },
    {
      id: "output",
      title: "Words",
      scopes: ["output"],
      equations: ["p(y_t) = softmax(W h'_t)"],
      from: ["decoder"],
      gives: "[T, B, vocabulary]",
    },
  ],
  build(scope, { embedding: E, hidden: H, layers }, vocabularies) {
    const stack = (at: Scope): Cell[] =>
      Array.from({ length: layers }, (_, layer) =>
        lstm(at.at(`${layer}`), { input: layer === 0 ? E : H, hidden: H }),
      );
    const sourceWords = embedding(scope.at("source"), { vocabulary: vocabularies.source, size: E });
    const targetWords = embedding(scope.at("target"), { vocabulary: vocabularies.target, size: E });
    const encoder = stack(scope.at("encoder"));
    const decoder = stack(scope.at("decoder"));
    const output = linear(scope.at("output"), { input: H, output: vocabularies.target });

    /** The states of all layers as one record, and back. */
    const pack = (states: readonly CellState[]): Tensors =>
      Object.fromEntries(
        states.flatMap(({ hidden, cell }, layer) => [
          [`hidden${layer}`, hidden],
          [`cell${layer}`, cell!],
        ]),
      );
    const unpack = (state: Tensors, layer: number): CellState => ({
      hidden: state[`hidden${layer}`]!,
      cell: state[`cell${layer}`]!,
    });

    const begin = ({ source }: { source?: Tensor }) => {
      const mask = not(equal(source!, PAD));
      let sequence = sourceWords(source!); // [S, B, E]
      const readings = encoder.map((cell) => {
        // Section 3.3: the source is read from its last word to its first.
        const reading = recurrent(cell, sequence, { mask, reverse: true });
        sequence = reading.outputs;
        return reading;
      });
      // Section 2: the last state of each layer is where that layer of the decoder starts.
      const gates = readings.map((reading, layer) => gatesOf(`layer ${layer + 1}`, reading));
      return {
        memory: {},
        state: pack(readings.map(({ final }) => final)),
        looks: readingLooks(Object.assign({}, ...gates)),
      };
    };

    return {
      steps: {
        begin,
        step(_memory, state, { previous }) {
          let below = targetWords(previous!);
          const states = decoder.map((cell, layer) => {
            const { state: next } = cell.step(unpack(state, layer), cell.project(below));
            below = next.hidden;
            return next;
          });
          return { outputs: { logits: output(below) }, state: pack(states) };
        },
      },
      objective(batch, mode) {
        const { state } = begin(batch);
        const { read, written } = shifted(batch.target!);
        let sequence = targetWords(read); // [T − 1, B, E]
        decoder.forEach((cell, layer) => {
          sequence = recurrent(cell, sequence, { initial: unpack(state, layer) }).outputs;
        });
        return tokenLoss(output, sequence, written, mode);
      },
    };
  },
};
