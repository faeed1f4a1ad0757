import { z } from "zod";
import { type MechanismName, mechanisms, weightsOver } from "../../attention/index.js";
import { type Dimension, multiplyDimensions, subtractDimensions, type Tensor } from "../../core/index.js";
import { dropout, embedding, layerNorm, linear, lstm, type Mode, normal, sinusoids } from "../../nn/index.js";
import {
  add,
  cast,
  concat,
  div,
  less,
  mul,
  range,
  reduceSum,
  relu,
  reshape,
  scan,
  slice,
  tanh,
  unsqueeze,
} from "../../ops/index.js";
import type { ClipSizes, ModelCard } from "../contract.js";
import { imageEncoder } from "../image-encoder.js";
import { shifted, tokenLoss } from "../loss.js";
import { targetWordsPart } from "../parts.js";
import { repeated } from "../repeat.js";

const size = z.int().min(1).max(4096);

const configuration = z.object({
  attention: z
    .enum(["temporal", "mean"])
    .default("temporal")
    .describe("temporal weighs the frames anew for each word; mean takes all alike"),
  channels: size.default(16).describe("channels of the convolutions that read a frame"),
  features: size.default(96).describe("features of a frame"),
  embedding: size.default(64).describe("features of a word"),
  hidden: size.default(128).describe("features of the decoder"),
  score: z
    .enum(Object.keys(mechanisms) as [MechanismName, ...MechanismName[]])
    .default("additive")
    .describe("how a frame is scored"),
  alignment: size
    .default(64)
    .describe("features in which state and frame are compared, where the score has them"),
  dropout: z
    .number()
    .min(0)
    .max(0.9)
    .default(0)
    .describe("share of what words are read from that is dropped"),
});

/** Features of the waves that tell when a frame is. */
const WAVES = 32;

/**
 * Describing videos by exploiting temporal structure (Yao et al. 2015). Numbers in comments are the paper's equations; the card
 * beside this file lists them with every departure. Axes: B batch, F frames, T target, D features, E embedding, H hidden, V vocabulary.
 */
export const videoTemporal: ModelCard<z.output<typeof configuration>, ClipSizes> = {
  id: "video-temporal",
  title: "Describing Videos by Exploiting Temporal Structure",
  paper: "Yao, Torabi, Cho, Ballas, Pal, Larochelle & Courville 2015",
  year: 2015,
  task: "video-captioning",
  attention: ["temporal"],
  configuration,
  parts: [
    {
      id: "encoder",
      title: "Each frame with the one before it and the one after it",
      scopes: ["encoder", "frame"],
      equations: ["v_i = ReLU(W CNN([x_{i−1}; x_i; x_{i+1}]))"],
      from: ["source", "length"],
      gives: "[B, F, features]",
    },
    {
      id: "annotations",
      title: "Features of frames, and when they are",
      scopes: ["time", "annotations"],
      equations: ["V = {v_1, …, v_n}  (section 3.1)", "v_i ← norm(v_i + W_p waves(i))"],
      from: ["encoder"],
      gives: "[B, F, features]",
    },
    {
      id: "start",
      title: "First decoder state",
      scopes: ["start"],
      equations: ["c_0 = tanh(W_c 1/n Σ_i v_i)", "h_0 = tanh(W_h 1/n Σ_i v_i)"],
      from: ["annotations"],
      gives: "[B, hidden]",
    },
    targetWordsPart("t"),
    {
      id: "attention",
      title: "Temporal attention",
      scopes: ["attention"],
      equations: [
        "e_i(t) = wᵀ tanh(W_a [h_{t−1}; E y_{t−1}] + U_a v_i)",
        "α_i(t) = exp(e_i(t)) / Σ_j exp(e_j(t))",
        "φ_t(V) = Σ_i α_i(t) v_i",
        "mean: φ(V) = 1/n Σ_i v_i",
      ],
      from: ["annotations", "target words", "decoder"],
      gives: "weights [T, B, F], context [T, B, features]",
    },
    {
      id: "decoder",
      title: "Decoder: an LSTM",
      scopes: ["decoder", "context"],
      equations: ["h_t = LSTM([E y_{t−1}; φ_t(V)], h_{t−1})  (2–7)"],
      from: ["start", "target words", "attention"],
      gives: "[T, B, hidden]",
    },
    {
      id: "output",
      title: "Words",
      scopes: ["output"],
      equations: ["p(y_t) = softmax(U_p tanh(W_p h_t + E y_{t−1} + A_p φ_t(V)) + d)  (8)"],
      from: ["decoder", "target words", "attention"],
      gives: "[T, B, vocabulary]",
    },
  ],
  build(scope, configuration, { target: V, frame }) {
    const { attention, channels, features: D, embedding: E, hidden: H } = configuration;
    const [height, width] = frame;
    const read =
      width === undefined
        ? undefined
        : imageEncoder(scope.at("encoder"), { image: [height, width, 9], encoded: false }, channels);
    const taken = read ? read.rows * read.columns * read.features : 3 * height;
    const asFrame = linear(scope.at("frame"), { input: taken, output: D });
    const time = linear(scope.at("time"), { input: WAVES, output: D, bias: false });
    const normalise = layerNorm(scope.at("annotations"), { features: D });
    const startHidden = linear(scope.at("start.hidden"), { input: D, output: H });
    const startCell = linear(scope.at("start.cell"), { input: D, output: H });
    const attend =
      attention === "temporal"
        ? mechanisms[configuration.score](scope.at("attention"), {
            query: H + E,
            key: D,
            hidden: configuration.alignment,
          })
        : undefined;
    const words = embedding(scope.at("target"), { vocabulary: V, size: E, initialise: normal(1) });
    const decoder = lstm(scope.at("decoder"), { input: E, hidden: H });
    const contextToGates = linear(scope.at("context"), { input: D, output: 4 * H, bias: false });
    const outputState = linear(scope.at("output.state"), { input: H, output: E });
    const outputContext = linear(scope.at("output.context"), { input: D, output: E, bias: false });
    const outputVocabulary = linear(scope.at("output.vocabulary"), { input: E, output: V });

    /** Each frame with the one before it and the one after it, [B, F, …] to [B, F, …, 3 · last]; beyond the clip all is 0. */
    const stacked = (frames: Tensor): Tensor => {
      const others = subtractDimensions(frames.shape[1]!, 1);
      const nothing = mul(slice(frames, 1, 0, 1), 0);
      const before = concat([nothing, slice(frames, 1, 0, others)], 1);
      const after = concat([slice(frames, 1, 1, others), nothing], 1);
      return concat([before, frames, after], frames.shape.length - 1);
    };

    const begin = ({ source, length }: { source?: Tensor; length?: Tensor }) => {
      const [B, F] = source!.shape as [Dimension, Dimension];
      const real = less(range(F, "int32"), unsqueeze(length!, 1)); // [B, F]
      const counted = cast(real, source!.dtype);
      // What stands in place of frames that a clip does not have is never seen, not even by its last one.
      const frames = stacked(mul(source!, reshape(counted, [B, F, ...frame.map(() => 1)])));
      const rows = multiplyDimensions(B, F);
      const seen = reshape(frames, [rows, ...frames.shape.slice(2)]);
      const found = relu(asFrame(read ? reshape(read(seen), [rows, taken]) : seen));
      const when = time(sinusoids(range(F, source!.dtype), WAVES)); // [F, D]
      const annotations = normalise(add(reshape(found, [B, F, D]), when));
      const alike = div(counted, reduceSum(counted, { axes: 1, keep: true })); // [B, F]
      const mean = reduceSum(mul(annotations, unsqueeze(alike, 2)), { axes: 1 }); // [B, D]
      return {
        memory: attend ? { annotations, keys: attend.keys(annotations), real } : { mean },
        state: { hidden: tanh(startHidden(mean)), cell: tanh(startCell(mean)) },
      };
    };

    type Encoded = ReturnType<typeof begin>;

    /** (2–7): looks at the frames, and moves the state. */
    const advance = (
      memory: Encoded["memory"],
      { hidden, cell }: Encoded["state"],
      word: Tensor,
      projected: Tensor,
    ) => {
      const { annotations, keys, real, mean } = memory as Readonly<Record<string, Tensor>>;
      const looked = attend?.(concat([hidden, word], 1), annotations!, real, keys);
      const context = looked?.context ?? mean!;
      const { state } = decoder.step({ hidden, cell }, add(projected, contextToGates(context)));
      return {
        context,
        state: { hidden: state.hidden, cell: state.cell! },
        ...(looked && { weights: looked.weights }),
      };
    };

    /** (8) */
    const readOut = (word: Tensor, hidden: Tensor, context: Tensor, mode: Mode): Tensor => {
      const told = tanh(add(add(word, outputState(hidden)), outputContext(context)));
      return dropout(told, configuration.dropout, mode, "output");
    };

    return {
      steps: {
        begin,
        step(memory, state, { previous }, mode) {
          const word = words(previous!);
          const found = advance(
            memory as Encoded["memory"],
            state as Encoded["state"],
            word,
            decoder.project(word),
          );
          return {
            outputs: { logits: outputVocabulary(readOut(word, found.state.hidden, found.context, mode)) },
            state: found.state,
            ...(found.weights && { looks: { attention: weightsOver("source", found.weights) } }),
          };
        },
      },
      objective(batch, mode) {
        const { read: before, written: next } = shifted(batch.target!);
        const encoded = begin(batch);
        const memory = repeated(encoded.memory as Readonly<Record<string, Tensor>>, next.shape[1]!);
        const state = repeated(encoded.state, next.shape[1]!);
        const written = words(before); // [T − 1, B, E]
        const { outputs } = scan(
          { initial: state, sequences: { word: written, projected: decoder.project(written) } },
          (carried, { word, projected }) => {
            const { state: after, ...found } = advance(
              memory as Encoded["memory"],
              carried,
              word!,
              projected!,
            );
            return { states: after, outputs: { ...found, hidden: after.hidden } };
          },
        );
        const { weights } = outputs as { weights?: Tensor }; // [T − 1, B, F]
        return {
          ...tokenLoss(outputVocabulary, readOut(written, outputs.hidden, outputs.context, mode), next, mode),
          ...(weights && {
            looks: { attention: weightsOver("source", weights, { axes: ["step", "batch", "place"] }) },
          }),
        };
      },
    };
  },
};
