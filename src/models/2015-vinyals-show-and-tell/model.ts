import { z } from "zod";
import type { Tensor } from "../../core/index.js";
import { type CellState, embedding, linear, lstm, normal, recurrent } from "../../nn/index.js";
import { add, reduceMax, relu } from "../../ops/index.js";
import type { CaptioningSizes, ModelCard } from "../contract.js";
import { imageEncoder, imageEncoderPart } from "../image-encoder.js";
import { shifted, tokenLoss } from "../loss.js";
import { targetWordsPart } from "../parts.js";
import { repeated } from "../repeat.js";

const size = z.int().min(1).max(4096);

const configuration = z.object({
  features: size.default(128).describe("features of a place of the image"),
  detectors: size
    .default(512)
    .describe("features of the whole image: how strong each is where it is strongest"),
  embedding: size.default(128).describe("features of a word, and of the image as the first word"),
  hidden: size.default(256).describe("features of the decoder"),
});

/**
 * Show and Tell (Vinyals et al. 2015): a caption from an image that is seen once. Numbers in comments are the paper's
 * equations. Axes: B batch, T target, L places, E embedding, H hidden, V vocabulary.
 */
export const showAndTell: ModelCard<z.output<typeof configuration>, CaptioningSizes> = {
  id: "show-and-tell",
  title: "Show and Tell: A Neural Image Caption Generator",
  paper: "Vinyals, Toshev, Bengio & Erhan 2015",
  year: 2015,
  task: "captioning",
  attention: ["none"],
  configuration,
  training: { learningRate: 0.001 },
  parts: [
    imageEncoderPart,
    {
      id: "image",
      title: "The image as a word",
      scopes: ["position", "detectors", "image"],
      equations: ["v = max_i ReLU(V (a_i + p_i) + c)", "x_{−1} = W v + b  (10)"],
      from: ["encoder"],
      gives: "[B, embedding]",
    },
    targetWordsPart("t"),
    {
      id: "decoder",
      title: "Decoder: an LSTM",
      scopes: ["decoder"],
      equations: ["h_0 = LSTM(x_{−1})", "h_{t+1} = LSTM(W_e S_t, h_t)  (11)"],
      from: ["image", "target words"],
      gives: "[T, B, hidden]",
    },
    {
      id: "output",
      title: "Words",
      scopes: ["output"],
      equations: ["p_{t+1} = softmax(W_o h_{t+1})  (12)"],
      from: ["decoder"],
      gives: "[T, B, vocabulary]",
    },
  ],
  build(scope, { features, detectors, embedding: E, hidden: H }, sizes) {
    const read = imageEncoder(scope.at("encoder"), sizes, features);
    const places = read.rows * read.columns;
    const position = scope.parameter("position", [places, read.features], normal(0.1), "position");
    const detect = linear(scope.at("detectors"), { input: read.features, output: detectors });
    const asWord = linear(scope.at("image"), { input: detectors, output: E });
    const words = embedding(scope.at("target"), {
      vocabulary: sizes.target,
      size: E,
      initialise: normal(1),
    });
    const decoder = lstm(scope.at("decoder"), { input: E, hidden: H });
    const output = linear(scope.at("output"), { input: H, output: sizes.target });

    const begin = ({ source: image }: { source?: Tensor }) => {
      const found = relu(detect(add(read(image!), position))); // [B, L, detectors]
      const first = asWord(reduceMax(found, { axes: 1 })); // (10)
      const { state } = decoder.step(decoder.initial(image!.shape[0]!), decoder.project(first));
      return { memory: {}, state };
    };

    return {
      steps: {
        begin,
        step(_memory, state, { previous }) {
          const { state: next } = decoder.step(state as CellState, decoder.project(words(previous!)));
          return { outputs: { logits: output(next.hidden) }, state: next };
        },
      },
      objective(batch, mode) {
        const { read: before, written } = shifted(batch.target!);
        const state = repeated(begin(batch).state, written.shape[1]!);
        const { outputs } = recurrent(decoder, words(before), { initial: state }); // (11)
        return tokenLoss(output, outputs, written, mode); // (12)
      },
    };
  },
};
