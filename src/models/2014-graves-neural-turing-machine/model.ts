import { z } from "zod";
import { address, readMemory, weightsOver, writeMemory } from "../../attention/index.js";
import { type Dimension, type Tensor, UsageError } from "../../core/index.js";
import { affine, glorotUniform, type Initialiser, linear, lstm, type Scope } from "../../nn/index.js";
import {
  add,
  concat,
  expand,
  fill,
  reshape,
  scan,
  sigmoid,
  softmax,
  softplus,
  split,
  tanh,
} from "../../ops/index.js";
import type { BitsSizes, ModelCard, Tensors } from "../contract.js";
import { bitLoss } from "../loss.js";

const size = (largest: number) => z.int().min(1).max(largest);

const configuration = z.object({
  controller: z.enum(["lstm", "feed-forward"]).default("lstm").describe("the network that moves the heads"),
  hidden: size(4096).default(100).describe("features of the controller"),
  places: size(4096).default(128).describe("places of the memory"),
  content: size(1024).default(20).describe("features of a place of the memory"),
  reads: size(16).default(1).describe("heads that read"),
  writes: size(16).default(1).describe("heads that write"),
  shift: z.int().min(0).max(16).default(1).describe("places a head can move at a step, either way"),
  // Where β is below about 1 the softmax over many places is all but uniform whatever the key, and hardly ever learnt by.
  strength: z
    .number()
    .min(-20)
    .max(20)
    .default(4)
    .describe("first bias of the strength of addressing by content"),
});

/** Heads begin at the first place, as good as wholly: heads that begin everywhere take many times as long to learn to move. */
const atFirstPlace: Initialiser = ([heads, places]) =>
  Float64Array.from({ length: heads! * places! }, (_, index) => (index % places! === 0 ? 10 : 0));

/** What every place of the memory holds before the first step, in each feature. */
const BLANK = 1e-6;

/** The network that moves the heads. Its state, if it has one, is that of a recurrent cell. */
interface Controller {
  /** The input's share of what it adds up, for all steps at once: [..., I] to [..., width]. */
  project(x: Tensor): Tensor;
  readonly width: number;
  step(state: Tensors, projected: Tensor): { hidden: Tensor; state: Tensors };
  initial(batch: Dimension): Tensors;
}

const controllers: Record<
  z.output<typeof configuration>["controller"],
  (scope: Scope, sizes: { input: number; hidden: number }) => Controller
> = {
  lstm(scope, sizes) {
    const cell = lstm(scope, sizes);
    return {
      project: cell.project,
      width: 4 * sizes.hidden,
      step(state, projected) {
        const { state: next } = cell.step({ hidden: state.hidden!, cell: state.cell! }, projected);
        return { hidden: next.hidden, state: next };
      },
      initial: cell.initial,
    };
  },
  "feed-forward"(scope, { input, hidden }) {
    return {
      project: linear(scope.at("input"), { input, output: hidden }),
      width: hidden,
      step: (_state, projected) => ({ hidden: tanh(projected), state: {} }),
      initial: () => ({}),
    };
  },
};

/**
 * The Neural Turing Machine (Graves, Wayne & Danihelka 2014). Numbers in comments are the paper's equations; the card beside this
 * file lists them with every departure. Axes: T steps, B batch, H features of the controller, R reading and S writing heads,
 * N places of the memory, W features of a place.
 */
export const neuralTuringMachine: ModelCard<z.output<typeof configuration>, BitsSizes> = {
  id: "neural-turing-machine",
  title: "Neural Turing Machines",
  paper: "Graves, Wayne & Danihelka 2014",
  year: 2014,
  task: "bit-sequences",
  attention: ["memory"],
  configuration,
  training: { batch: 32, learningRate: 0.001 },
  parts: [
    {
      id: "controller",
      title: "Controller: an LSTM or a layer",
      scopes: ["controller", "context"],
      equations: ["h_t = controller([x_t; r_{t−1}], h_{t−1})"],
      from: ["source", "read"],
      gives: "[T, B, hidden]",
    },
    {
      id: "addressing",
      title: "Addressing: where each head looks",
      scopes: ["heads", "start"],
      equations: [
        "k, β, g, s, γ = W_h h_t",
        "wᶜ(i) = softmax_i(β cos(k, M_{t−1}(i)))  (5, 6)",
        "wᵍ = g wᶜ + (1 − g) w_{t−1}  (7)",
        "w̃(i) = Σ_j wᵍ(j) s(i − j)  (8)",
        "w_t(i) = w̃(i)^γ / Σ_j w̃(j)^γ  (9)",
      ],
      from: ["controller", "write"],
      gives: "weights [T, B, heads, places]",
    },
    {
      id: "read",
      title: "Reading heads",
      scopes: [],
      equations: ["r_t = Σ_i w_t(i) M_{t−1}(i)  (2)"],
      from: ["addressing", "write"],
      gives: "[T, B, reads · content]",
    },
    {
      id: "write",
      title: "Writing heads",
      scopes: ["writing"],
      equations: ["e, a = W_w h_t", "M_t(i) = M_{t−1}(i) (1 − w_t(i) e) + w_t(i) a  (3, 4)"],
      from: ["controller", "addressing"],
      gives: "memory [T, B, places, content]",
    },
    {
      id: "output",
      title: "Output bits",
      scopes: ["output"],
      equations: ["p(y_t) = σ(W_o [h_t; r_t])"],
      from: ["controller", "read"],
      gives: "[T, B, output bits]",
    },
  ],
  build(
    scope,
    { controller: kind, hidden: H, places: N, content: W, reads: R, writes: S, shift, strength },
    sizes,
  ) {
    const heads = R + S;
    const shifts = 2 * shift + 1;
    if (shifts > N)
      throw new UsageError(
        `a head that moves by up to ${shift} places either way goes round a memory of ${N} more than once; set places to ${shifts} or more, or shift lower.`,
      );
    const controller = controllers[kind](scope.at("controller"), { input: sizes.source, hidden: H });
    const context = linear(scope.at("context"), { input: R * W, output: controller.width, bias: false });
    // What the controller says to a head: key, strength β and power γ, gate, shifts.
    const said = W + 3 + shifts;
    const strongFirst: Initialiser = ([count]) =>
      Float64Array.from({ length: count! }, (_, index) => (index % said === W ? strength : 0));
    const headWeight = scope.parameter("heads.weight", [H, heads * said], glorotUniform);
    const headBias = scope.parameter("heads.bias", [heads * said], strongFirst);
    const writing = linear(scope.at("writing"), { input: H, output: S * 2 * W });
    const output = linear(scope.at("output"), { input: H + R * W, output: sizes.target });
    const start = scope.parameter("start.position", [heads, N], atFirstPlace, "position");

    /** What a batch begins with: a memory of nothing, and heads where training has put them. */
    const initial = (batch: Dimension): Tensors => {
      const [read, write] = split(expand(softmax(start), [batch, heads, N]), [R, S], 1);
      const memory = fill(BLANK, { dtype: scope.dtype, shape: [batch, N, W] });
      return {
        ...controller.initial(batch),
        memory,
        read: read!,
        write: write!,
        context: reshape(readMemory(memory, read!), [batch, R * W]),
      };
    };

    /** From the input's share of the controller's sum, [B, …], to the next state. */
    const advance = ({ memory, read, write, context: before, ...state }: Tensors, projected: Tensor) => {
      const batch = projected.shape[0]!;
      const { hidden, state: next } = controller.step(state, add(projected, context(before!)));
      const [keys, positive, gates, shares] = split(
        reshape(affine(hidden, headWeight, headBias), [batch, heads, said]),
        [W, 2, 1, shifts],
        2,
      );
      const [strengths, powers] = split(softplus(positive!), [1, 1], 2);
      const weights = address(
        {
          keys: tanh(keys!),
          strengths: strengths!,
          gates: sigmoid(gates!),
          shifts: softmax(shares!),
          powers: add(powers!, 1),
        },
        memory!,
        concat([read!, write!], 1),
      );
      const [reading, written] = split(weights, [R, S], 1);
      const [erase, added] = split(reshape(writing(hidden), [batch, S, 2 * W]), [W, W], 2);
      const found = reshape(readMemory(memory!, reading!), [batch, R * W]);
      return {
        hidden,
        state: {
          ...next,
          memory: writeMemory(memory!, written!, sigmoid(erase!), tanh(added!)),
          read: reading!,
          write: written!,
          context: found,
        } as Tensors,
      };
    };

    const logits = (hidden: Tensor, found: Tensor): Tensor => output(concat([hidden, found], -1));

    return {
      steps: {
        begin: ({ source }) => ({ memory: {}, state: initial(source!.shape[1]!) }),
        step(_memory, before, { source }) {
          const { hidden, state } = advance(before, controller.project(source!));
          return {
            outputs: { logits: logits(hidden, state.context!) },
            state,
            looks: {
              read: weightsOver("memory", state.read!, { axes: ["batch", "head", "place"] }),
              write: weightsOver("memory", state.write!, { axes: ["batch", "head", "place"] }),
            },
          };
        },
      },
      objective({ source, target, counted }, mode) {
        const { outputs } = scan(
          { initial: initial(source!.shape[1]!), sequences: { projected: controller.project(source!) } },
          (before, { projected }) => {
            const { hidden, state } = advance(before, projected!);
            const { read, write, context: found } = state;
            return { states: state, outputs: { hidden, found: found!, read: read!, write: write! } };
          },
        );
        const axes = ["step", "batch", "head", "place"] as const;
        return {
          ...bitLoss(logits(outputs.hidden, outputs.found), target!, counted!, mode),
          looks: {
            read: weightsOver("memory", outputs.read, { axes }),
            write: weightsOver("memory", outputs.write, { axes }),
          },
        };
      },
    };
  },
};
