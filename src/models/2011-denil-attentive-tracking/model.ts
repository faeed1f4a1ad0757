import { z } from "zod";
import {
  GAZE_CELLS,
  type GazeLevels,
  gazeLevels,
  gazesAt,
  type Look,
  type LookAxis,
  samplePlace,
  weightsOver,
} from "../../attention/index.js";
import { multiplyDimensions, type Tensor } from "../../core/index.js";
import { gibbs, type Mode, normal, type Phase, phase, restrictedBoltzmannMachine } from "../../nn/index.js";
import {
  add,
  concat,
  constant,
  div,
  expand,
  fill,
  matmul,
  maximum,
  minimum,
  mul,
  reduceMean,
  reduceSum,
  reshape,
  scan,
  sigmoid,
  slice,
  softmax,
  softplus,
  square,
  squeeze,
  sub,
  unsqueeze,
} from "../../ops/index.js";
import type { ModelCard, Tensors, TrackingSizes } from "../contract.js";
import { boxLosses } from "../loss.js";
import { estimateOf, particleWeights, resampled, rootShares } from "./particles.js";

/** How a gaze is chosen without anything learnt, and what what is learnt is compared with. */
const BASELINES = ["fixed", "circular", "random"] as const;

const configuration = z.object({
  policy: z
    .enum(["hedge", "exp3", ...BASELINES])
    .default("hedge")
    .describe(
      "how the gaze of each frame is chosen: learnt from what all gazes would earn, from what the chosen one earns, or not learnt",
    ),
  gazes: z.int().min(2).max(8).default(2).describe("gazes along each side of what is followed"),
  hidden: z.int().min(1).max(4096).default(500).describe("hidden units, the features of a gaze"),
  particles: z.int().min(2).max(1000).default(100).describe("particles of the filter"),
  likeness: z
    .number()
    .min(0.001)
    .max(1)
    .default(0.05)
    .describe("distance of features, from 0 to 1, at which a particle counts little: σ"),
  spread: z
    .number()
    .min(0)
    .max(28)
    .default(2)
    .describe("how far particles are moved by chance, in pixels of the template"),
  drift: z
    .number()
    .min(0)
    .max(28)
    .default(0.5)
    .describe("how much their velocity changes by chance, in pixels of the template a frame"),
  rate: z.number().min(0).max(1000).default(20).describe("how fast the policy learns: η"),
  exploration: z.number().min(0).max(1).default(0.1).describe("share of gazes that exp3 draws alike: γ"),
  glances: z.int().min(1).max(256).default(8).describe("gazes of a frame that training learns features of"),
  chains: z.int().min(1).max(4096).default(100).describe("Gibbs chains that training keeps"),
  penalty: z
    .number()
    .min(0)
    .max(1)
    .default(0.001)
    .describe("how much the squares of the weights of features count"),
});

/** Pixels along a side of what is followed, as gazes see it: boxes of other sizes are scaled to it. */
const TEMPLATE = 28;

/** Where gazes look, in pixels from the middle of the template, row by row: evenly, as near to its edge as a gaze's sharp middle fits. */
const middlesOf = (count: number): number[] => {
  const at = Array.from({ length: count }, (_, index) => ((index + 0.5) / count - 0.5) * (TEMPLATE - 2));
  return at.flatMap((y) => at.flatMap((x) => [x, y]));
};

/**
 * Attentive tracking (Denil, Bazzani, Larochelle & de Freitas 2011). Letters in comments are the paper's; the card beside this file
 * lists them with every departure. Axes: B batch, T frames, N particles, K gazes, H hidden units, D cells of a gaze, R filters side by side,
 * the first that of the policy that is asked for, the others those of the baselines.
 */
export const attentiveTracking: ModelCard<z.output<typeof configuration>, TrackingSizes> = {
  id: "attentive-tracking",
  title: "Learning where to attend with deep architectures for image tracking",
  paper: "Denil, Bazzani, Larochelle & de Freitas 2011",
  year: 2011,
  task: "tracking",
  attention: ["glimpses", "spatial"],
  configuration,
  training: { learningRate: 0.1, batch: 8, optimizer: { name: "sgd", momentum: 0.3 } },
  parts: [
    {
      id: "particles",
      title: "Particles: where it may be, and how fast it goes",
      scopes: [],
      equations: ["x_t = x_{t−1} + v_{t−1} + N(0, σ_x²)", "v_t = v_{t−1} + N(0, σ_v²)"],
      from: ["box", "weights"],
      gives: "[B, N, 4]",
    },
    {
      id: "policy",
      title: "Policy: which part of it to look at",
      scopes: [],
      equations: ["hedge: p_t(k) ∝ exp(η G_{t−1}(k))", "exp3: (1 − γ) p_t(k) + γ / K"],
      from: ["reward"],
      gives: "[B, K]",
    },
    {
      id: "gaze",
      title: "Gaze: sharp in its middle, coarse around it",
      scopes: [],
      equations: ["v = [8 × 8 cells of 1 pixel, 48 of 2 × 2, 20 of 4 × 4]"],
      from: ["frames", "particles", "policy"],
      gives: "[B, N, 132]",
    },
    {
      id: "features",
      title: "Features: hidden units of a restricted Boltzmann machine",
      scopes: ["features"],
      equations: ["E(v, h) = −vᵀW h − bᵀv − cᵀh", "h = σ(vᵀW + c)"],
      from: ["gaze"],
      gives: "[B, N, hidden]",
    },
    {
      id: "weights",
      title: "Weights: how like the first frame it is",
      scopes: [],
      equations: ["d² = 1 − Σ √(ĥ q̂), ĥ and q̂ shares of the features", "w_n ∝ exp(−d_n² / 2σ²)"],
      from: ["features"],
      gives: "[B, N]",
    },
    {
      id: "reward",
      title: "Reward of a gaze: how well it tells particles apart",
      scopes: [],
      equations: [
        "r_t(k) = Σ_n w_n(k)²",
        "hedge: G_t = G_{t−1} + r_t",
        "exp3: G_t = G_{t−1} + r_t / p_t, of the chosen gaze",
      ],
      from: ["weights"],
      gives: "[B, K]",
    },
  ],
  build(scope, { policy, gazes, hidden: H, particles: N, ...configuration }) {
    const { dtype } = scope;
    const K = gazes ** 2;
    const R = 1 + BASELINES.length;
    const machine = restrictedBoltzmannMachine(scope.at("features"), {
      visible: GAZE_CELLS,
      hidden: H,
      drawn: true,
      initialise: normal(0.1),
    });
    const middles = constant(middlesOf(gazes), { dtype, shape: [K, 2] });
    const first = constant([1, ...new Array<number>(K - 1).fill(0)], { dtype, shape: [1, K] });

    /** Roots of the shares of features, of gazes at places [B, M, 2] of what `unit` scales: [B, M, H]. */
    const features = (levels: GazeLevels, places: Tensor, unit: Tensor): Tensor => {
      const [batch, count] = places.shape;
      const seen = gazesAt(levels, places, unit);
      const inputs = machine.inputs(reshape(seen, [multiplyDimensions(batch!, count!), GAZE_CELLS]));
      return rootShares(reshape(sigmoid(inputs), [batch!, count!, H]));
    };

    /**
     * How much each particle counts when it is looked at each of M parts of what is followed.
     * @param places of particles, [B, M or 1, N, 2]
     * @param parts [B or 1, M, 2]: where to look, in pixels of the template from its middle
     * @param template [B, M, H]: what there should be
     * @returns [B, M, N]
     */
    const weigh = (
      levels: GazeLevels,
      places: Tensor,
      parts: Tensor,
      template: Tensor,
      unit: Tensor,
    ): Tensor => {
      const [batch, count] = template.shape;
      const at = add(places, unsqueeze(mul(parts, unsqueeze(unit, 1)), 2)); // [B, M, N, 2]
      const M = count as number;
      const found = features(levels, reshape(at, [batch!, M * N, 2]), unit);
      const alike = matmul(reshape(found, [batch!, M, N, H]), unsqueeze(template, 3)); // [B, M, N, 1]
      return particleWeights(sub(1, squeeze(alike, 3)), configuration.likeness);
    };

    /** How likely each gaze is, [B, K]. */
    const choose = (gains: Tensor, turn: Tensor): Tensor => {
      const learnt = () => softmax(mul(gains, configuration.rate));
      switch (policy) {
        case "hedge":
          return learnt();
        case "exp3":
          return add(mul(learnt(), 1 - configuration.exploration), configuration.exploration / K);
        case "fixed":
          return add(mul(gains, 0), first);
        case "circular":
          return turn;
        case "random":
          return add(mul(gains, 0), 1 / K);
      }
    };

    const begin = ({ frames, first: box }: Tensors) => {
      const batch = box!.shape[0]!;
      const size = slice(box!, 1, 2, 2);
      const unit = div(size, TEMPLATE); // width and height of a pixel of the template, [B, 2]
      const middle = slice(box!, 1, 0, 2);
      const levels = gazeLevels(squeeze(slice(frames!, 0, 0, 1), 0));
      const parts = add(unsqueeze(middle, 1), mul(middles, unsqueeze(unit, 1))); // [B, K, 2]
      const still = concat([middle, mul(middle, 0)], 1); // x, y and velocity
      return {
        memory: { size, unit, template: features(levels, parts, unit) },
        state: {
          particles: expand(unsqueeze(unsqueeze(still, 1), 1), [batch, R, N, 4]),
          gains: fill(0, { dtype, shape: [batch, K] }),
          turn: expand(first, [batch, K]),
        },
      };
    };

    type Started = ReturnType<typeof begin>;

    /**
     * What a step draws, the same for all films of a batch and for all filters: so a film is followed alike whatever is read beside it, and
     * policies differ by where they look alone.
     */
    const chances = (mode: Mode, lead: readonly [] | readonly [steps: string | number]) => ({
      motion: mode.chance("motion", [...lead, N, 4], "normal"),
      choice: mode.chance("choice", [...lead, 2], "uniform"),
      resampling: mode.chance("resampling", [...lead, 1], "uniform"),
    });

    const advance = (
      { size, unit, template }: Started["memory"],
      { particles, gains, turn }: Started["state"],
      frame: Tensor,
      { motion, choice, resampling }: ReturnType<typeof chances>,
    ) => {
      const batch = gains.shape[0]!;
      const levels = gazeLevels(frame);
      // Where particles go, as shares of the frame.
      const scale = concat([mul(unit, configuration.spread), mul(unit, configuration.drift)], 1); // [B, 4]
      const push = mul(motion, unsqueeze(scale, 1)); // [B, N, 4]
      const velocity = slice(particles, 3, 2, 2);
      const carried = concat([add(slice(particles, 3, 0, 2), velocity), velocity], 3);
      const pushed = add(carried, unsqueeze(push, 1));
      // What is followed stays in the frame, at least with its middle.
      const within = maximum(minimum(slice(pushed, 3, 0, 2), 1), 0);
      const moved = concat([within, slice(pushed, 3, 2, 2)], 3); // [B, R, N, 4]
      const uniform = (index: number) => expand(slice(choice, 0, index, 1), [batch]);

      const wide = expand(unsqueeze(size, 1), [batch, N, 2]);
      const own = squeeze(slice(moved, 1, 0, 1), 1); // [B, N, 4]
      const windows = concat([slice(own, 2, 0, 2), wide], 2); // [B, N, 4]
      const places = slice(windows, 2, 0, 2);

      const shares = choose(gains, turn);
      const chosen = samplePlace(shares, uniform(0));
      const all = weigh(levels, unsqueeze(places, 1), unsqueeze(middles, 0), template, unit); // [B, K, N]
      const weights = matmul(unsqueeze(chosen, 1), all); // [B, 1, N]

      // fixed, circular, random
      const drawn = samplePlace(add(mul(gains, 0), 1 / K), uniform(1));
      const others = concat(
        [expand(unsqueeze(first, 0), [batch, 1, K]), unsqueeze(turn, 1), unsqueeze(drawn, 1)],
        1,
      );
      const otherPlaces = slice(slice(moved, 1, 1, R - 1), 3, 0, 2);
      const otherWeights = weigh(
        levels,
        otherPlaces,
        matmul(others, middles),
        matmul(others, template),
        unit,
      );

      const every = concat([weights, otherWeights], 1); // [B, R, N]
      const followed = concat(
        [unsqueeze(concat([places, slice(own, 2, 2, 2)], 2), 1), slice(moved, 1, 1, R - 1)],
        1,
      );
      const estimates = slice(estimateOf(followed, every), 2, 0, 2); // [B, R, 2]
      const boxes = concat([estimates, expand(unsqueeze(size, 1), [batch, R, 2])], 2); // [B, R, 4]
      const box = slice(boxes, 1, 0, 1); // [B, 1, 4]

      // A box that is put elsewhere takes its particles along.
      const aside = sub(slice(box, 2, 0, 2), slice(estimates, 1, 0, 1)); // [B, 1, 2]
      const apart = concat([aside, fill(0, { dtype, shape: [batch, 1, 2] })], 2);
      const shift = concat([apart, fill(0, { dtype, shape: [batch, R - 1, 4] })], 1);
      const kept = add(resampled(followed, every, resampling), unsqueeze(shift, 2));

      const rewards = reduceSum(square(all), { axes: 2 }); // [B, K]
      const earned = policy === "exp3" ? div(mul(chosen, rewards), shares) : rewards;
      return {
        state: {
          particles: kept,
          gains: add(gains, earned),
          turn: concat([slice(turn, 1, K - 1, 1), slice(turn, 1, 0, K - 1)], 1),
        },
        outputs: {
          box: squeeze(box, 1),
          gaze: chosen,
          ...Object.fromEntries(
            BASELINES.flatMap((name, index) => [
              [`box.${name}`, squeeze(slice(boxes, 1, 1 + index, 1), 1)],
              [`gaze.${name}`, squeeze(slice(others, 1, index, 1), 1)],
            ]),
          ),
        } as Tensors,
        box,
        windows,
        shares,
        chosen,
      };
    };

    const looksOf = (
      {
        box,
        windows,
        shares,
        chosen,
      }: Pick<ReturnType<typeof advance>, "box" | "windows" | "shares" | "chosen">,
      axes: readonly LookAxis[],
    ): Record<string, Look> => {
      const windowsOver = (value: Tensor): Look => ({
        kind: "windows",
        over: "frame",
        axes: [...axes, "window", "side"],
        value,
      });
      return {
        box: windowsOver(box),
        particles: windowsOver(windows),
        gaze: weightsOver("gazes", shares, { axes: [...axes, "place"], used: chosen }),
      };
    };

    /**
     * What gazes around the first box see, in every frame, [·, D]: what follows it reads, and what is beside it.
     * @param frames [T, B, height, width]
     */
    const seen = (frames: Tensor, box: Tensor, mode: Mode): Tensor => {
      const [steps, batch, height, width] = frames.shape;
      const G = configuration.glances;
      const rows = multiplyDimensions(steps!, batch!);
      const every = (of: Tensor) => reshape(expand(unsqueeze(of, 0), [steps!, batch!, 2]), [rows, 2]);
      const size = slice(box, 1, 2, 2);
      const around = sub(mul(mode.chance("glance", [steps!, batch!, G, 2], "uniform"), 2), 1);
      // Up to a whole box aside.
      const aside = reshape(mul(around, reshape(size, [1, batch!, 1, 2])), [rows, G, 2]);
      const places = add(unsqueeze(every(slice(box, 1, 0, 2)), 1), aside);
      const levels = gazeLevels(reshape(frames, [rows, height!, width!]));
      const cells = gazesAt(levels, places, every(div(size, TEMPLATE)));
      return reshape(cells, [multiplyDimensions(rows, G), GAZE_CELLS]);
    };

    return {
      grids: { gazes: [gazes, gazes] },
      steps: {
        begin: (inputs) => begin(inputs),
        step(memory, state, { frames }, mode) {
          const found = advance(
            memory as Started["memory"],
            state as Started["state"],
            frames!,
            chances(mode, []),
          );
          return { outputs: found.outputs, state: found.state, looks: looksOf(found, ["batch"]) };
        },
      },
      objective({ frames, first: start, boxes, known }, mode) {
        const { memory, state } = begin({ frames: frames!, first: start! });
        const { outputs } = scan(
          { initial: state, sequences: { frames: frames!, ...chances(mode, [frames!.shape[0]!]) } },
          (before, { frames: frame, ...drawn }) => {
            const { state: next, outputs: put, ...found } = advance(memory, before, frame, drawn);
            return { states: next, outputs: { ...found, put: put.box! } };
          },
        );
        return {
          ...learnt(seen(frames!, start!, mode), mode),
          losses: boxLosses(outputs.put, boxes!, known!),
          looks: looksOf(outputs, ["step", "batch"]),
        };
      },
    };

    /**
     * Features are learnt by stochastic maximum likelihood: chains that go on from step to step give the negative phase. What is told is how
     * badly a gaze is known again from its features, in nats a cell.
     */
    function learnt(cells: Tensor, mode: Mode) {
      const positive = phase(machine, cells);
      let negative: Phase<Tensor> | undefined;
      mode.carry("chains", [configuration.chains, GAZE_CELLS], 0.5, (chains) => {
        negative = gibbs(machine, chains, { steps: 1, mode, name: "chain" });
        return negative.visible;
      });
      const gradients = machine.gradients(positive, negative!);
      const weight = scope.parameters.find(({ name }) => name === "features.weight")!;
      const below = machine.below(positive.hidden);
      return {
        loss: reduceMean(sub(softplus(below), mul(below, cells))),
        gradients: {
          ...gradients,
          [weight.name]: add(gradients[weight.name]!, mul(weight.tensor, configuration.penalty)),
        },
      };
    }
  },
};
