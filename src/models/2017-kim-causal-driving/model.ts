import { z } from "zod";
import { weightsOver } from "../../attention/index.js";
import { multiplyDimensions, type Tensor } from "../../core/index.js";
import { convolutional, glorotUniform, linear, lstm, type Mode } from "../../nn/index.js";
import {
  abs,
  add,
  log,
  matmul,
  mul,
  neg,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  scan,
  slice,
  softmax,
  squeeze,
  sub,
  tanh,
  unsqueeze,
} from "../../ops/index.js";
import type { ModelCard, SteeringSizes } from "../contract.js";

const size = z.int().min(1).max(4096);

const configuration = z.object({
  attention: z
    .enum(["soft", "none"])
    .default("soft")
    .describe("attention over places of a frame, or every place alike"),
  context: z
    .enum(["concat", "sum"])
    .default("concat")
    .describe("what the LSTM reads: weighted features of all places side by side, or their sum"),
  first: size.default(16).describe("channels of the first convolution"),
  features: size.default(32).describe("channels of the second and third convolution"),
  hidden: size.default(64).describe("units of the LSTM"),
  score: size.default(32).describe("features in which a place and the state are compared"),
  entropy: z
    .number()
    .min(0)
    .max(100)
    .default(0)
    .describe("how much the entropy of the attention counts: what is above 0 sharpens it"),
});

/** Below it a logarithm is not taken. */
const TINY = 1e-9;

/**
 * Interpretable learning for self-driving cars by visualizing causal attention (Kim & Canny 2017). Letters are the paper's; the card beside this
 * file lists departures. Axes: T frames, B stretches, L places of a frame row by row, D features of a place, H units of the LSTM.
 */
export const causalDriving: ModelCard<z.output<typeof configuration>, SteeringSizes> = {
  id: "causal-driving",
  title: "Interpretable Learning for Self-Driving Cars by Visualizing Causal Attention",
  paper: "Kim & Canny 2017",
  year: 2017,
  task: "road-steering",
  attention: ["spatial"],
  configuration,
  training: { learningRate: 0.001, batch: 8 },
  parts: [
    {
      id: "encoder",
      title: "Convolutions",
      scopes: ["convolution1", "convolution2", "convolution3"],
      equations: ["X_t = relu(conv(relu(conv(relu(conv(I_t))))))"],
      from: ["frames"],
      gives: "[B, L, D]",
    },
    {
      id: "attention",
      title: "Spatial attention",
      scopes: ["attention"],
      equations: ["e_{t,i} = vᵀ relu(W_x x_{t,i} + W_h h_{t−1} + b)", "α_t = softmax(e_t)"],
      from: ["encoder", "lstm"],
      gives: "[B, L]",
    },
    {
      id: "lstm",
      title: "LSTM over frames",
      scopes: ["lstm", "begin"],
      equations: [
        "y_t = [α_{t,1} x_{t,1}; …; α_{t,L} x_{t,L}] or Σ_i α_{t,i} x_{t,i}",
        "h_t, c_t = LSTM(y_t, h_{t−1}, c_{t−1})",
        "h_0, c_0 = tanh(W mean_i x_{1,i})",
      ],
      from: ["encoder", "attention"],
      gives: "[B, H]",
    },
    {
      id: "output",
      title: "Steering",
      scopes: ["output"],
      equations: ["û_t = W_2 relu(W_1 h_t)"],
      from: ["lstm"],
      gives: "[B]",
    },
  ],
  build(scope, { attention, context, first, features: D, hidden, score, entropy }, { frame }) {
    const halved = (length: number) => Math.ceil(length / 2);
    const [rows, columns] = frame.map((side) => halved(halved(side))) as [number, number];
    const L = rows * columns;
    const layer = (name: string, input: number, output: number, kernel: number, stride: number) =>
      convolutional(scope.at(name), { input, output, kernel, stride, padding: (kernel - 1) / 2 });
    const layers = [
      layer("convolution1", 3, first, 5, 2),
      layer("convolution2", first, D, 5, 2),
      layer("convolution3", D, D, 3, 1),
    ];
    const attended = attention === "soft";
    const place = attended ? linear(scope.at("attention.place"), { input: D, output: score }) : undefined;
    const state = attended
      ? linear(scope.at("attention.state"), { input: hidden, output: score, bias: false })
      : undefined;
    const vector = attended
      ? scope.at("attention").parameter("vector", [score, 1], glorotUniform)
      : undefined;
    const cell = lstm(scope.at("lstm"), { input: context === "concat" ? L * D : D, hidden });
    const begins = {
      hidden: linear(scope.at("begin.hidden"), { input: D, output: hidden }),
      cell: linear(scope.at("begin.cell"), { input: D, output: hidden }),
    };
    const inner = linear(scope.at("output.inner"), { input: hidden, output: hidden });
    const outer = linear(scope.at("output.outer"), { input: hidden, output: 1 });

    /** Frames [N, H, W, 3] as features of places, [N, L, D]. */
    const encode = (frames: Tensor): Tensor =>
      reshape(
        layers.reduce((x, each) => relu(each(x)), mul(sub(frames, 0.5), 2)),
        [frames.shape[0]!, L, D],
      );

    /** The state before the first frame, from its features. */
    const initial = (features: Tensor) => {
      const mean = reduceMean(features, { axes: 1 });
      return { hidden: tanh(begins.hidden(mean)), cell: tanh(begins.cell(mean)) };
    };

    /** One frame of features [B, L, D]. Weights are told of where there are some. */
    const advance = (features: Tensor, before: { hidden: Tensor; cell: Tensor }) => {
      const weights =
        attended &&
        softmax(
          squeeze(matmul(relu(add(place!(features), unsqueeze(state!(before.hidden), 1))), vector!), 2),
        );
      // Of as many places as there are, each would weigh 1 without attention: the scale that the cell's first weights are made for.
      const scaled = weights ? mul(features, unsqueeze(mul(weights, L), 2)) : features;
      const read =
        context === "concat" ? reshape(scaled, [features.shape[0]!, L * D]) : reduceMean(scaled, { axes: 1 });
      const next = cell.step(before, cell.project(read)).state as { hidden: Tensor; cell: Tensor };
      return { weights, next };
    };
    const steer = (hidden: Tensor): Tensor => squeeze(outer(relu(inner(hidden))), -1);

    return {
      grids: { image: [rows, columns] },
      steps: {
        begin({ frames }) {
          const first = squeeze(slice(frames!, 0, 0, 1), 0);
          return { memory: {}, state: initial(encode(first)) };
        },
        step(_memory, before, { frames }) {
          const { weights, next } = advance(encode(frames!), before as { hidden: Tensor; cell: Tensor });
          return {
            outputs: { steering: steer(next.hidden) },
            state: next,
            ...(weights && { looks: { attention: weightsOver("image", weights) } }),
          };
        },
      },
      objective({ frames, steering, known }, mode: Mode) {
        const [steps, batch, ...pixels] = frames!.shape;
        const features = reshape(encode(reshape(frames!, [multiplyDimensions(steps!, batch!), ...pixels])), [
          steps!,
          batch!,
          L,
          D,
        ]);
        const { outputs } = scan(
          {
            initial: initial(squeeze(slice(features, 0, 0, 1), 0)),
            sequences: { features },
            length: steps!,
          },
          (before, slices) => {
            const { weights, next } = advance(slices.features, before);
            return { states: next, outputs: { hidden: next.hidden, ...(weights && { weights }) } };
          },
        );
        const losses = mul(abs(sub(steer(outputs.hidden!), steering!)), known!);
        const loss = mode.perToken(reduceSum(losses), reduceSum(known!));
        const weights = (outputs as { weights?: Tensor }).weights;
        if (!weights) return { loss, losses };
        const looks = { attention: weightsOver("image", weights, { axes: ["step", "batch", "place"] }) };
        if (entropy === 0) return { loss, losses, looks };
        const spread = mul(neg(reduceSum(mul(weights, log(add(weights, TINY))), { axes: 2 })), known!);
        const sharpness = mul(mode.perToken(reduceSum(spread), reduceSum(known!)), entropy / L);
        return { loss: add(loss, sharpness), report: { loss }, losses, looks };
      },
    };
  },
};
