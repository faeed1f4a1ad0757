import { z } from "zod";
import { filterGrid, type Look, readBy } from "../../attention/index.js";
import type { Tensor } from "../../core/index.js";
import { type CellState, linear, lstm, normal } from "../../nn/index.js";
import { crossEntropy, fill, reduceMean, reshape, scan, transpose } from "../../ops/index.js";
import { assertOneClass, type ClassificationSizes, type ModelCard } from "../contract.js";

const configuration = z.object({
  glimpses: z.int().min(1).max(100).default(8).describe("glimpses of an image"),
  read: z.int().min(2).max(64).default(12).describe("filters along a side of the window that reads"),
  hidden: z.int().min(1).max(4096).default(256).describe("features of the LSTM"),
});

/**
 * The reading part of DRAW as a classifier (Gregor et al. 2015, section 4.1): an LSTM moves the window, which can be differentiated, and
 * names the class in the end. Axes: B batch, T glimpses, C channels, H hidden, N filters along a side.
 */
export const drawClassifier: ModelCard<z.output<typeof configuration>, ClassificationSizes> = {
  id: "draw-classifier",
  title: "DRAW's reader as a classifier",
  paper: "Gregor, Danihelka, Graves, Rezende & Wierstra 2015",
  year: 2015,
  task: "classification",
  attention: ["glimpses"],
  configuration,
  training: { learningRate: 0.001, batch: 128, clip: 5 },
  parts: [
    {
      id: "read",
      title: "What is read: Gaussian filters over a window",
      scopes: ["read"],
      equations: ["r_t = γ F_Y x F_Xᵀ  (27)", "F by (g̃_X, g̃_Y, log σ², log δ̃, log γ) = W h_{t−1}  (21)"],
      from: ["image", "core"],
      gives: "[B, C · N²]",
    },
    {
      id: "core",
      title: "An LSTM",
      scopes: ["core"],
      equations: ["h_t = LSTM(h_{t−1}, r_t)"],
      from: ["read"],
      gives: "[B, hidden]",
    },
    {
      id: "class",
      title: "The class",
      scopes: ["class"],
      equations: ["p = softmax(W h_T)"],
      from: ["core"],
      gives: "[B, classes]",
    },
  ],
  build(scope, { glimpses: T, read: N, hidden: H }, sizes) {
    assertOneClass(sizes, drawClassifier.id);
    const { classes, image } = sizes;
    const [height, width, C] = image;
    const numbers = linear(scope.at("read"), { input: H, output: 5, initialise: normal(0.01) });
    const core = lstm(scope.at("core"), { input: C * N * N, hidden: H });
    const classify = linear(scope.at("class"), { input: H, output: classes });

    const look = (windows: Tensor, axes: Look["axes"]): Look => ({
      kind: "windows",
      over: "image",
      axes,
      value: windows,
    });

    const begin = (given: Tensor) => {
      const rows = given.shape[0]!;
      const nothing = fill(0, { dtype: scope.dtype, shape: [rows, H] });
      return {
        memory: { image: transpose(given, [0, 3, 1, 2]) },
        state: { hidden: nothing, cell: nothing } as Record<string, Tensor>,
      };
    };

    const advance = (x: Tensor, before: CellState) => {
      const grid = filterGrid(numbers(before.hidden), [height, width], N);
      const patch = readBy(grid, x, N); // (27)
      const read = reshape(patch, [x.shape[0]!, C * N * N]);
      return { patch, window: grid.window, state: core.step(before, core.project(read)).state };
    };

    return {
      steps: {
        count: T,
        begin: ({ image: given }) => begin(given!),
        step(memory, state) {
          const { patch, window, state: after } = advance(memory.image!, state as CellState);
          return {
            // What was read, [B, 1, N, N, C], is there for people.
            outputs: {
              logits: classify(after.hidden),
              seen: transpose(reshape(patch, [patch.shape[0]!, C, 1, N, N]), [0, 2, 3, 4, 1]),
            },
            state: { ...after },
            looks: { glimpse: look(window, ["batch", "window", "side"]) },
          };
        },
      },
      objective({ image: given, label }) {
        const { memory, state } = begin(given!);
        const { states, outputs } = scan({ initial: state, length: T }, (before) => {
          const { window, state: after } = advance(memory.image, before as CellState);
          return { states: { ...after } as Record<string, Tensor>, outputs: { window } };
        });
        const { losses } = crossEntropy(classify(states.hidden!), label!);
        return {
          loss: reduceMean(losses),
          losses,
          looks: { glimpse: look(outputs.window, ["step", "batch", "window", "side"]) },
        };
      },
    };
  },
};
