import { z } from "zod";
import { greatestPlace, type MechanismName, mechanisms, samplePlace } from "../../attention/index.js";
import { PAD, subtractDimensions, type Tensor } from "../../core/index.js";
import { embedding, layerNorm, linear, lstm, normal } from "../../nn/index.js";
import {
  add,
  cast,
  concat,
  div,
  equal,
  gather,
  less,
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
  slice,
  square,
  stopGradient,
  sub,
  tanh,
  unsqueeze,
  where,
} from "../../ops/index.js";
import type { ModelCard } from "../contract.js";
import { imageEncoder, imageEncoderPart } from "../image-encoder.js";
import { tokenLoss } from "../loss.js";
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
export const showAttendTell: ModelCard<z.output<typeof configuration>, "captioning"> = {
  id: "show-attend-tell",
  title: "Show, Attend and Tell: Neural Image Caption Generation with Visual Attention",
  paper: "Xu, Ba, Kiros, Cho, Courville, Salakhutdinov, Zemel & Bengio 2015",
  year: 2015,
  task: "captioning",
  attention: ["spatial"],
  data: ["scenes"],
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
    const position = scope.parameter("position", [L, D], normal(0.1));
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

    const encode = (image: Tensor) => {
      const places = read(image);
      const annotations = normalise(add(places, position)); // [B, L, D]
      const mean = reduceMean(annotations, { axes: 1 }); // [B, D]
      return {
        memory: { annotations, keys: attend.keys(annotations) },
        state: { hidden: tanh(startHidden(mean)), cell: tanh(startCell(mean)) },
      };
    };

    type Encoded = ReturnType<typeof encode>;

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
      outputVocabulary(tanh(add(add(word, outputState(hidden)), outputContext(context)))); // (7)

    return {
      grid: [read.rows, read.columns],
      encode,
      step(memory, state, previous, chance) {
        const word = words(previous);
        const choose = (weights: Tensor) =>
          attention === "soft" ? weights : chance ? samplePlace(weights, chance) : greatestPlace(weights);
        const found = advance(
          memory as Encoded["memory"],
          state as Encoded["state"],
          word,
          decoder.project(word),
          choose,
        );
        return {
          logits: readOut(word, found.state.hidden, found.context),
          state: found.state,
          weights: found.weights,
          ...(attention === "hard" && { used: found.used }),
        };
      },
      train(image, target, options = {}) {
        const encoded = encode(image);
        const memory = repeated(encoded.memory, options.targets);
        const state = repeated(encoded.state, options.targets);
        const batch = target.shape[1]!;
        const steps = subtractDimensions(target.shape[0]!, 1);
        const next = slice(target, 0, 1, steps);
        const written = words(slice(target, 0, 0, steps)); // [T − 1, B, E]
        const sampling = attention === "hard" && options.stochastic === true;
        // Section 4.1: in some captions, half in the paper, the sampled place is replaced by its expected value.
        const expected = sampling
          ? less(scope.at("attention").noise("expected", [batch, 1], "uniform"), configuration.expected)
          : undefined;
        const chances = sampling
          ? { chance: scope.at("attention").noise("place", [steps, batch], "uniform") }
          : undefined;
        const { outputs } = scan(
          {
            initial: state,
            sequences: { word: written, projected: decoder.project(written), ...chances } as Record<
              string,
              Tensor
            >,
          },
          (before, { word, projected, chance }) => {
            const { state: after, ...found } = advance(memory, before, word!, projected!, (weights) => {
              if (attention === "soft") return weights;
              if (!chance) return greatestPlace(weights);
              return where(expected!, weights, samplePlace(weights, chance));
            });
            return { states: after, outputs: { ...found, hidden: after.hidden } };
          },
        );
        const logits = readOut(written, outputs.hidden, outputs.context);
        const found = tokenLoss(logits, next, options);
        const { weights, used } = outputs; // [T − 1, B, L]
        const real = cast(not(equal(next, PAD)), logits.dtype); // [T − 1, B]
        const result = { ...found, weights };
        if (attention === "soft") {
          if (configuration.doublyStochastic === 0) return result;
          // (14): λ Σ_i (1 − Σ_t α_ti)²
          const seen = reduceSum(mul(weights, unsqueeze(real, 2)), { axes: 0 }); // [B, L]
          const penalty = reduceMean(reduceSum(square(sub(1, seen)), { axes: 1 }));
          return {
            ...result,
            loss: add(found.loss, mul(penalty, configuration.doublyStochastic)),
            crossEntropy: found.loss,
          };
        }
        if (!sampling) return result;
        // (10–12): the reward of a place is the log-probability of the word written from it, against what drawn places
        // have earned with that word of late. A word seldom written has the average of all words beside its own.
        const drawn = mul(real, reshape(sub(1, cast(expected!, real.dtype)), [1, batch])); // [T − 1, B]
        const reward = stopGradient(neg(found.tokenLosses));
        const count = reduceSum(real);
        const kept = (name: string, values: Tensor) =>
          scope
            .at("attention")
            .buffer(name, [sizes.target], 0, (value) =>
              add(mul(value, BASELINE_KEPT), scatterAdd(next, values, sizes.target)),
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
        return { ...result, loss: sub(found.loss, div(bonus, count)), crossEntropy: found.loss };
      },
    };
  },
};
