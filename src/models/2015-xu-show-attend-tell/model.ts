import { z } from "zod";
import { type MechanismName, mechanisms, placePicker, weightsOver } from "../../attention/index.js";
import { type Dimension, PAD, type Tensor } from "../../core/index.js";
import { embedding, layerNorm, linear, lstm, type Mode, normal } from "../../nn/index.js";
import {
  add,
  cast,
  concat,
  div,
  equal,
  gather,
  log,
  maximum,
  mul,
  neg,
  not,
  reduceMean,
  reduceSum,
  reshape,
  scan,
  scatterAdd,
  sigmoid,
  square,
  stopGradient,
  sub,
  tanh,
  unsqueeze,
  where,
} from "../../ops/index.js";
import type { CaptioningSizes, ModelCard } from "../contract.js";
import { imageEncoder, imageEncoderPart } from "../image-encoder.js";
import { shifted, tokenLoss } from "../loss.js";
import { targetWordsPart } from "../parts.js";
import { repeated } from "../repeat.js";

const size = z.int().min(1).max(4096);
const share = z.number().min(0).max(100);

const configuration = z.object({
  attention: z
    .enum(["soft", "hard"])
    .default("soft")
    .describe("soft weighs all places; hard draws one and learns by reinforcement"),
  features: size.default(128).describe("features of a place of the image"),
  embedding: size.default(128).describe("features of a word"),
  hidden: size.default(128).describe("features of the decoder"),
  score: z
    .enum(Object.keys(mechanisms) as [MechanismName, ...MechanismName[]])
    .default("additive")
    .describe("how a place is scored"),
  alignment: size
    .default(64)
    .describe("features in which state and place are compared, where the score has them"),
  doublyStochastic: share
    .default(0)
    .describe("soft: how much it counts that each place gets as much attention as any other over a caption"),
  expected: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe(
      "hard: the share of captions that are trained on the expected place in place of one that is drawn",
    ),
  reinforcement: share.default(0.3).describe("hard: how much the reward of a place counts"),
  entropy: share.default(0).describe("hard: how much it counts that places stay open"),
});

/** What is kept of the sums of rewards from step to step (section 4.1). */
const BASELINE_KEPT = 0.99;
/** Keeps the logarithm of a weight finite. */
const TINY = 1e-8;

/**
 * Show, Attend and Tell (Xu et al. 2015). Numbers in comments are the paper's equations; the card beside this file lists
 * them with every departure. Axes: B batch, T target, L places, D features, E embedding, H hidden, V vocabulary.
 */
export const showAttendTell: ModelCard<z.output<typeof configuration>, CaptioningSizes> = {
  id: "show-attend-tell",
  title: "Show, Attend and Tell: Neural Image Caption Generation with Visual Attention",
  paper: "Xu, Ba, Kiros, Cho, Courville, Salakhutdinov, Zemel & Bengio 2015",
  year: 2015,
  task: "captioning",
  attention: ["spatial"],
  configuration,
  training: { optimizer: { name: "adamw", decay: 0.05 } },
  parts: [
    imageEncoderPart,
    {
      id: "annotations",
      title: "Annotations: the features of each place",
      scopes: ["position", "annotations"],
      equations: ["a = {a_1, …, a_L}, a_i ∈ ℝ^D  (section 3.1.1)"],
      from: ["encoder"],
      gives: "[B, L, features]",
    },
    {
      id: "start",
      title: "First decoder state",
      scopes: ["start"],
      equations: ["c_0 = f_c(1/L Σ_i a_i)", "h_0 = f_h(1/L Σ_i a_i)"],
      from: ["annotations"],
      gives: "[B, hidden]",
    },
    targetWordsPart("t"),
    {
      id: "attention",
      title: "Attention",
      scopes: ["attention"],
      equations: [
        "e_ti = f_att(a_i, h_{t−1}, E y_{t−1})  (4)",
        "α_ti = softmax_i(e_ti)  (5)",
        "soft: ẑ_t = β_t Σ_i α_ti a_i  (13)",
        "hard: ẑ_t = β_t Σ_i s_ti a_i, s_t ~ α_t  (8, 9)",
        "β_t = σ(f_β(h_{t−1}, E y_{t−1}))",
      ],
      from: ["annotations", "target words", "decoder"],
      gives: "weights [T, B, L], context [T, B, features]",
    },
    {
      id: "decoder",
      title: "Decoder: an LSTM",
      scopes: ["decoder", "context"],
      equations: ["h_t = LSTM([E y_{t−1}; ẑ_t], h_{t−1})  (1–3)"],
      from: ["start", "target words", "attention"],
      gives: "[T, B, hidden]",
    },
    {
      id: "output",
      title: "Words",
      scopes: ["output"],
      equations: ["p(y_t) = softmax(L_o tanh(E y_{t−1} + L_h h_t + L_z ẑ_t))  (7)"],
      from: ["decoder", "target words", "attention"],
      gives: "[T, B, vocabulary]",
    },
  ],
  build(scope, configuration, sizes) {
    const { attention, embedding: E, hidden: H, alignment } = configuration;
    const read = imageEncoder(scope.at("encoder"), sizes, configuration.features);
    const { features: D } = read;
    const L = read.rows * read.columns;
    const normalise = layerNorm(scope.at("annotations"), { features: D });
    const position = scope.parameter("position", [L, D], normal(0.1), "position");
    const startHidden = linear(scope.at("start.hidden"), { input: D, output: H });
    const startCell = linear(scope.at("start.cell"), { input: D, output: H });
    const attend = mechanisms[configuration.score](scope.at("attention"), {
      query: H + E,
      key: D,
      hidden: alignment,
    });
    const gate = linear(scope.at("attention.gate"), { input: H + E, output: 1 });
    const words = embedding(scope.at("target"), {
      vocabulary: sizes.target,
      size: E,
      initialise: normal(1),
    });
    const decoder = lstm(scope.at("decoder"), { input: E, hidden: H });
    const contextToGates = linear(scope.at("context"), { input: D, output: 4 * H, bias: false });
    const outputState = linear(scope.at("output.state"), { input: H, output: E });
    const outputContext = linear(scope.at("output.context"), { input: D, output: E, bias: false });
    const outputVocabulary = linear(scope.at("output.vocabulary"), { input: E, output: sizes.target });

    const begin = ({ source: image }: { source?: Tensor }) => {
      const places = read(image!);
      const annotations = normalise(add(places, position)); // [B, L, D]
      const mean = reduceMean(annotations, { axes: 1 }); // [B, D]
      return {
        memory: { annotations, keys: attend.keys(annotations) },
        state: { hidden: tanh(startHidden(mean)), cell: tanh(startCell(mean)) },
      };
    };

    type Encoded = ReturnType<typeof begin>;

    /** (1–5): looks and moves the state; `choose` makes what the places are weighed by of the weights. */
    const advance = (
      { annotations, keys }: Encoded["memory"],
      { hidden, cell }: Encoded["state"],
      word: Tensor,
      projected: Tensor,
      choose: (weights: Tensor) => Tensor,
    ) => {
      const query = concat([hidden, word], 1);
      const { weights } = attend(query, annotations, undefined, keys); // (4), (5)
      const used = choose(weights);
      const beta = sigmoid(gate(query)); // section 4.2.1
      const context = mul(attend.pool(used, annotations), beta); // (13), or (9) where one place is used
      const { state } = decoder.step({ hidden, cell }, add(projected, contextToGates(context)));
      return { weights, used, context, state: { hidden: state.hidden, cell: state.cell! } };
    };

    const readOut = (word: Tensor, hidden: Tensor, context: Tensor): Tensor =>
      tanh(add(add(word, outputState(hidden)), outputContext(context))); // (7)

    /** (14): λ Σ_i (1 − Σ_t α_ti)² */
    const stochasticPenalty = (weights: Tensor, real: Tensor): Tensor => {
      const seen = reduceSum(mul(weights, unsqueeze(real, 2)), { axes: 0 }); // [B, L]
      const penalty = reduceMean(reduceSum(square(sub(1, seen)), { axes: 1 }));
      return mul(penalty, configuration.doublyStochastic);
    };

    /**
     * (10–12): the reward of a place is the log-probability of the word written from it, against what drawn places have
     * earned with that word of late. A word seldom written has the average of all words beside its own.
     */
    const reinforced = (
      mode: Mode,
      losses: Tensor,
      {
        weights,
        used,
        real,
        expected,
        next,
      }: Readonly<Record<"weights" | "used" | "real" | "expected" | "next", Tensor>>,
    ): Tensor => {
      const rows = next.shape[1]!;
      const drawn = mul(real, reshape(sub(1, cast(expected, real.dtype)), [1, rows])); // [T − 1, B]
      const reward = stopGradient(neg(losses));
      const kept = (name: string, values: Tensor) =>
        mode.carry(`attention.${name}`, [sizes.target], 0, (value) =>
          add(mul(value, BASELINE_KEPT), mode.total(scatterAdd(next, values, sizes.target))),
        );
      const earned = kept("earned", mul(drawn, reward)); // [V]
      const times = kept("times", drawn); // [V]
      const average = div(reduceSum(earned), maximum(reduceSum(times), 1));
      const baseline = gather(div(add(earned, average), add(times, 1)), next); // [T − 1, B]
      const logWeights = log(add(weights, TINY));
      const logPlace = reduceSum(mul(stopGradient(used), logWeights), { axes: 2 });
      const score = reduceSum(mul(mul(drawn, sub(reward, baseline)), logPlace));
      let bonus = mul(score, configuration.reinforcement);
      if (configuration.entropy > 0) {
        const entropies = neg(reduceSum(mul(weights, logWeights), { axes: 2 }));
        bonus = add(bonus, mul(reduceSum(mul(real, entropies)), configuration.entropy));
      }
      return neg(mode.perToken(bonus, reduceSum(real)));
    };

    const hard = attention === "hard";

    return {
      grids: { source: [read.rows, read.columns] },
      steps: {
        begin,
        step(memory, state, { previous }, mode) {
          const word = words(previous!);
          const picker = hard ? placePicker(mode, "attention.place", [word.shape[0]!]) : undefined;
          const { weights, used, ...found } = advance(
            memory as Encoded["memory"],
            state as Encoded["state"],
            word,
            decoder.project(word),
            (all) => picker?.pick(all, picker.chances) ?? all,
          );
          return {
            outputs: { logits: outputVocabulary(readOut(word, found.state.hidden, found.context)) },
            state: found.state,
            looks: { attention: weightsOver("source", weights, picker && { used }) },
          };
        },
      },
      objective(batch, mode) {
        const { read: before, written: next } = shifted(batch.target!);
        const [steps, rows] = next.shape as [Dimension, Dimension];
        const encoded = begin(batch);
        const memory = repeated(encoded.memory, rows);
        const state = repeated(encoded.state, rows);
        const written = words(before); // [T − 1, B, E]
        // Section 4.1: in some captions, half in the paper, the sampled place is replaced by its expected value.
        const expected = mode.happens("attention.expected", [rows, 1], hard ? configuration.expected : 0);
        const picker = hard ? placePicker(mode, "attention.place", [steps, rows]) : undefined;
        const { outputs } = scan(
          {
            initial: state,
            sequences: { word: written, projected: decoder.project(written), ...picker?.chances },
          },
          (carried, { word, projected, ...chance }) => {
            const { state: after, ...found } = advance(memory, carried, word!, projected!, (weights) =>
              picker ? where(expected, weights, picker.pick(weights, chance)) : weights,
            );
            return { states: after, outputs: { ...found, hidden: after.hidden } };
          },
        );
        const told = readOut(written, outputs.hidden, outputs.context);
        const found = tokenLoss(outputVocabulary, told, next, mode);
        const { weights, used } = outputs; // [T − 1, B, L]
        const real = cast(not(equal(next, PAD)), told.dtype); // [T − 1, B]
        const looks = {
          attention: weightsOver("source", weights, {
            axes: ["step", "batch", "place"],
            ...(picker && { used }),
          }),
        };
        let added: Tensor | undefined;
        if (picker?.drawn) added = reinforced(mode, found.losses, { weights, used, real, expected, next });
        else if (!picker && configuration.doublyStochastic > 0) added = stochasticPenalty(weights, real);
        return {
          ...found,
          looks,
          ...(added && { loss: add(found.loss, added), report: { loss: found.loss } }),
        };
      },
    };
  },
};
