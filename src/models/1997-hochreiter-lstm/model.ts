import { z } from "zod";
import { type Looks, stepGates } from "../../attention/index.js";
import { type Cell, type CellState, linear, lstm as lstmCell, recurrent } from "../../nn/index.js";
import type { BitsSizes, ModelCard, Tensors } from "../contract.js";
import { bitLoss } from "../loss.js";

const configuration = z.object({
  hidden: z.int().min(1).max(4096).default(256).describe("features of each layer"),
  layers: z.int().min(1).max(8).default(3).describe("layers, each of which reads the one below"),
});

/**
 * Long short-term memory (Hochreiter & Schmidhuber 1997) over rows of bits: what has no memory but its state. Marks in comments
 * are sections of the paper; the card beside this file lists them with every departure. Axes: T steps, B batch, H hidden.
 */
export const lstm: ModelCard<z.output<typeof configuration>, BitsSizes> = {
  id: "lstm",
  title: "Long Short-Term Memory",
  paper: "Hochreiter & Schmidhuber 1997",
  year: 1997,
  task: "bit-sequences",
  attention: ["none"],
  configuration,
  parts: [
    {
      id: "layers",
      title: "LSTM layers",
      scopes: ["layers"],
      equations: ["c_t = f ∘ c_{t−1} + i ∘ g", "h_t = o ∘ tanh(c_t), layer on layer"],
      from: ["source"],
      gives: "[T, B, hidden]",
    },
    {
      id: "output",
      title: "Output bits",
      scopes: ["output"],
      equations: ["p(y_t) = σ(W h_t)"],
      from: ["layers"],
      gives: "[T, B, output bits]",
    },
  ],
  build(scope, { hidden: H, layers }, { source, target }) {
    // Section 4: cells with gates that let in and let out; Section 3.2: what they keep, error flows back through unchanged.
    const cells = Array.from({ length: layers }, (_, layer) =>
      lstmCell(scope.at(`layers.${layer}`), { input: layer === 0 ? source : H, hidden: H }),
    );
    const output = linear(scope.at("output"), { input: H, output: target });

    const stateOf = (state: Tensors, layer: number): CellState => ({
      hidden: state[`hidden${layer}`]!,
      cell: state[`cell${layer}`]!,
    });
    const named = ({ hidden, cell }: CellState, layer: number) => [
      [`hidden${layer}`, hidden],
      [`cell${layer}`, cell!],
    ];

    return {
      steps: {
        begin: (inputs) => ({
          memory: {},
          state: Object.fromEntries(
            cells.flatMap((cell, layer) => named(cell.initial(inputs.source!.shape[1]!), layer)),
          ),
        }),
        step(_memory, state, fed) {
          let below = fed.source!;
          const looks: Looks[] = [];
          const next = cells.flatMap((cell, layer) => {
            const { state: after, gates } = cell.step(stateOf(state, layer), cell.project(below));
            below = after.hidden;
            looks.push(stepGates(`layer ${layer + 1}`, gates));
            return named(after, layer);
          });
          return {
            outputs: { logits: output(below) },
            state: Object.fromEntries(next),
            looks: Object.assign({}, ...looks),
          };
        },
      },
      objective(batch, mode) {
        const read = cells.reduce(
          (below, cell: Cell) => recurrent(cell, below).outputs,
          batch.source!, // [T, B, source]
        );
        return bitLoss(output(read), batch.target!, batch.counted!, mode);
      },
    };
  },
};
