import { z } from "zod";
import { type FilterGrid, filterGrid, type Look, readBy, writeBy } from "../../attention/index.js";
import type { Tensor } from "../../core/index.js";
import { type CellState, linear, lstm, normal } from "../../nn/index.js";
import {
  add,
  concat,
  exp,
  fill,
  mul,
  reduceMean,
  reduceSum,
  reshape,
  scan,
  sigmoid,
  square,
  sub,
  transpose,
  unsqueeze,
} from "../../ops/index.js";
import type { GenerationSizes, ModelCard, Tensors } from "../contract.js";
import { pixelLosses } from "../loss.js";

const size = z.int().min(1).max(4096);
const filtersAlong = z.int().min(2).max(64);

const configuration = z.object({
  steps: z.int().min(1).max(256).default(10).describe("steps in which an image is drawn"),
  attention: z
    .enum(["windows", "none"])
    .default("windows")
    .describe("whether it reads and writes by windows, or the whole image"),
  read: filtersAlong.default(5).describe("filters along a side of the window that reads"),
  write: filtersAlong.default(5).describe("filters along a side of the window that writes"),
  hidden: size.default(256).describe("features of the encoder, and of the decoder"),
  latent: size.default(10).describe("latent numbers that are drawn at each step"),
});

/** What a window over a whole image is called as a look. */
const look = (over: string, { window }: FilterGrid): Look => ({
  kind: "windows",
  over,
  axes: ["batch", "window", "side"],
  value: window,
});

/**
 * DRAW (Gregor et al. 2015). Numbers in comments are the paper's equations; the card beside this file lists them with every
 * departure. Axes: B batch, T steps, C channels, H hidden, Z latent, N filters along a side.
 */
export const draw: ModelCard<z.output<typeof configuration>, GenerationSizes> = {
  id: "draw",
  title: "DRAW: A Recurrent Neural Network For Image Generation",
  paper: "Gregor, Danihelka, Graves, Rezende & Wierstra 2015",
  year: 2015,
  task: "generation",
  attention: ["glimpses"],
  configuration,
  training: { learningRate: 0.001, batch: 128, clip: 5 },
  parts: [
    {
      id: "read",
      title: "What is read: the image, and what of it is not drawn yet",
      scopes: ["read"],
      equations: [
        "x̂_t = x − σ(c_{t−1})  (3)",
        "r_t = γ [F_Y x F_Xᵀ; F_Y x̂_t F_Xᵀ]  (4, 27)",
        "F by (g̃_X, g̃_Y, log σ², log δ̃, log γ) = W h_{t−1}^dec  (21)",
      ],
      from: ["image", "canvas", "decoder"],
      gives: "[B, 2 · C · N²]",
    },
    {
      id: "encoder",
      title: "Encoder: an LSTM",
      scopes: ["encoder"],
      equations: ["h_t^enc = LSTM(h_{t−1}^enc, [r_t; h_{t−1}^dec])  (5)"],
      from: ["read", "decoder"],
      gives: "[B, hidden]",
    },
    {
      id: "latent",
      title: "Latent numbers",
      scopes: ["mean", "deviation"],
      equations: [
        "z_t ~ N(W h_t^enc, exp(W h_t^enc)²)  (1, 2, 6)",
        "KL_t = ½ Σ (μ² + σ² − log σ² − 1)  (11)",
      ],
      from: ["encoder"],
      gives: "[B, latent]",
    },
    {
      id: "decoder",
      title: "Decoder: an LSTM",
      scopes: ["decoder"],
      equations: ["h_t^dec = LSTM(h_{t−1}^dec, z_t)  (7)"],
      from: ["latent"],
      gives: "[B, hidden]",
    },
    {
      id: "canvas",
      title: "Canvas: the sum of what is written",
      scopes: ["write", "patch"],
      equations: ["c_t = c_{t−1} + F̂_Yᵀ w_t F̂_X / γ̂  (8, 28, 29)", "p(x = 1) = σ(c_T)  (9)"],
      from: ["decoder"],
      gives: "[B, C, height, width]",
    },
  ],
  build(scope, { steps: T, attention, read: readers, write: writers, hidden: H, latent: Z }, { image }) {
    const [height, width, C] = image;
    const windows = attention === "windows";
    const seen = 2 * C * (windows ? readers ** 2 : height * width);
    /** Where filters lie begins at the whole image. */
    const grid = (at: string, count: number) => {
      const numbers = linear(scope.at(at), { input: H, output: 5, initialise: normal(0.01) });
      return (hidden: Tensor): FilterGrid => filterGrid(numbers(hidden), [height, width], count);
    };
    const readGrid = windows ? grid("read", readers) : undefined;
    const writeGrid = windows ? grid("write", writers) : undefined;
    const patch = linear(scope.at("patch"), {
      input: H,
      output: C * (windows ? writers ** 2 : height * width),
    });
    const encoder = lstm(scope.at("encoder"), { input: seen + H, hidden: H });
    const decoder = lstm(scope.at("decoder"), { input: Z, hidden: H });
    const [meanOf, deviationOf] = ["mean", "deviation"].map((name) =>
      linear(scope.at(name), { input: H, output: Z }),
    ) as [ReturnType<typeof linear>, ReturnType<typeof linear>];

    const begin = ({ image: given, prior }: Tensors) => {
      const rows = given!.shape[0]!;
      return {
        memory: { image: transpose(given!, [0, 3, 1, 2]), prior: unsqueeze(prior!, 1) },
        state: {
          canvas: fill(0, { dtype: scope.dtype, shape: [rows, C, height, width] }),
          ...prefixedState("encoder", encoder.initial(rows)),
          ...prefixedState("decoder", decoder.initial(rows)),
        } as Record<string, Tensor>,
      };
    };

    /** One step. @param chance standard normal numbers [B, Z] */
    const advance = (memory: Tensors, state: Tensors, chance: Tensor) => {
      const x = memory.image!;
      const rows = x.shape[0]!;
      const before = state["decoder.hidden"]!;
      const left = sub(x, sigmoid(state.canvas!)); // (3)
      const reading = readGrid?.(before);
      const flat = (y: Tensor) => reshape(y, [rows, seen / 2]);
      const r = concat(
        [x, left].map((one) => flat(reading ? readBy(reading, one, readers) : one)),
        1,
      ); // (4)
      const encoded = encoder.step(
        cellState("encoder", state),
        encoder.project(concat([r, before], 1)),
      ).state; // (5)
      const [mean, logDeviation] = [meanOf(encoded.hidden), deviationOf(encoded.hidden)]; // (1, 2)
      const drawn = add(mean, mul(exp(logDeviation), chance));
      const divergence = reduceSum(
        sub(sub(add(square(mean), exp(mul(logDeviation, 2))), mul(logDeviation, 2)), 1),
        { axes: 1 },
      );
      // Where there is no image to be read, what is drawn is drawn from the prior.
      const z = add(mul(drawn, sub(1, memory.prior!)), mul(chance, memory.prior!)); // (6), (12)
      const decoded = decoder.step(cellState("decoder", state), decoder.project(z)).state; // (7)
      const writing = writeGrid?.(decoded.hidden);
      const written = reshape(patch(decoded.hidden), [
        rows,
        C,
        writing ? writers : height,
        writing ? writers : width,
      ]);
      const canvas = add(state.canvas!, writing ? writeBy(writing, written, [height, width]) : written); // (8)
      return {
        canvas,
        divergence: mul(divergence, 0.5), // (11), of one step
        state: { canvas, ...prefixedState("encoder", encoded), ...prefixedState("decoder", decoded) },
        looks: {
          ...(reading && { read: look("image", reading) }),
          ...(writing && { write: look("canvas", writing) }),
        },
      };
    };

    return {
      steps: {
        count: T,
        begin: (inputs) => begin(inputs),
        step(memory, state, _, mode) {
          const rows = memory.image!.shape[0]!;
          const {
            canvas,
            divergence,
            state: after,
            looks,
          } = advance(memory, state, mode.deviates("latent", [rows, Z]));
          return { outputs: { canvas: transpose(canvas, [0, 2, 3, 1]), divergence }, state: after, looks };
        },
      },
      objective(batch, mode) {
        const { memory, state } = begin(batch);
        const rows = memory.image.shape[0]!;
        const { states, outputs } = scan(
          // The bound holds for latent numbers that are drawn, in scoring as in training.
          { initial: state, sequences: { chance: mode.chance("latent", [T, rows, Z], "normal") } },
          (before, { chance }) => {
            const { divergence, state: after, looks } = advance(memory, before, chance);
            const windowsOf = Object.fromEntries(
              Object.entries(looks).map(([name, { value }]) => [name, value]),
            );
            return { states: after, outputs: { divergence, ...windowsOf } as Tensors };
          },
        );
        const drawn = transpose(states.canvas!, [0, 2, 3, 1]);
        const reconstruction = pixelLosses(drawn, batch.target!); // (9)
        const divergence = reduceSum(outputs.divergence!, { axes: 0 }); // (11)
        const losses = add(reconstruction, divergence); // (10)
        return {
          loss: reduceMean(losses),
          report: { divergence: reduceMean(divergence), reconstruction: reduceMean(reconstruction) },
          losses,
        };
      },
    };
  },
};

const prefixedState = (name: string, { hidden, cell }: CellState): Record<string, Tensor> => ({
  [`${name}.hidden`]: hidden,
  [`${name}.cell`]: cell!,
});

const cellState = (name: string, state: Tensors): CellState => ({
  hidden: state[`${name}.hidden`]!,
  cell: state[`${name}.cell`]!,
});
