import { z } from "zod";
import {
  glimpses,
  type Look,
  placeOf,
  placePicker,
  samplePlace,
  weightsOver,
  windowsAt,
} from "../../attention/index.js";
import { type Dimension, multiplyDimensions, type Tensor } from "../../core/index.js";
import { type BoltzmannMachine, byParameter, contrast, type Mode, normal, zeros } from "../../nn/index.js";
import {
  add,
  cast,
  concat,
  constant,
  div,
  expand,
  extent,
  fill,
  floor,
  gather,
  less,
  logSoftmax,
  matmul,
  maximum,
  minimum,
  mul,
  neg,
  oneHot,
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
  transpose,
  unsqueeze,
} from "../../ops/index.js";
import { assertOneClass, type ClassificationSizes, type ModelCard, type Tensors } from "../contract.js";

const size = z.int().min(1).max(4096);

const configuration = z
  .object({
    glimpses: z.int().min(1).max(100).default(6).describe("fixations of an image"),
    grid: z.int().min(1).max(32).default(7).describe("rows, and columns, of the places that can be fixated"),
    side: z.int().min(1).max(256).default(8).describe("side of the retina's squares, in cells"),
    scales: z
      .int()
      .min(1)
      .max(6)
      .default(3)
      .describe("squares of the retina, each twice as large as the one before"),
    hidden: size.default(400).describe("hidden units"),
    factors: size.default(256).describe("factors through which glimpse, place and hidden units meet"),
    generative: z
      .number()
      .min(0)
      .max(100)
      .default(0.03)
      .describe("how much the likelihood of glimpse and class counts beside that of the class"),
    fixations: z
      .enum(["chosen", "random"])
      .default("chosen")
      .describe("whether training fixates where the controller would, or anywhere"),
  })
  .refine(({ glimpses, grid }) => glimpses <= grid ** 2, {
    path: ["glimpses"],
    message: "must be at most the number of places, since none is fixated twice",
  });

/** Below this log p is no longer told apart: a few lost images would be most of what the controller learns. */
const LEAST = Math.log(0.01);

/**
 * A third-order Boltzmann machine that combines foveal glimpses (Larochelle & Hinton 2010). Letters in comments are the paper's; the
 * card beside this file lists them with every departure. Axes: B batch, T glimpses, D cells of a glimpse, F factors, H hidden units,
 * L classes, G places of the grid.
 */
export const fovealRbm: ModelCard<z.output<typeof configuration>, ClassificationSizes> = {
  id: "foveal-rbm",
  title: "Learning to combine foveal glimpses with a third-order Boltzmann machine",
  paper: "Larochelle & Hinton 2010",
  year: 2010,
  task: "classification",
  attention: ["glimpses"],
  configuration,
  training: { learningRate: 0.01, batch: 100, clip: 100 },
  parts: [
    {
      id: "controller",
      title: "Controller: where to look next",
      scopes: ["controller"],
      equations: ["f(s, i, j) ≈ log p(y | x_1:k+1), linear in s = [h, visited, log p(y | x_1:k)]"],
      from: ["hidden", "class"],
      gives: "[B, places]",
    },
    {
      id: "retina",
      title: "Retina: sharp in its middle, coarse around it",
      scopes: [],
      equations: ["x_k = x(i_k, j_k)"],
      from: ["image", "controller"],
      gives: "[B, cells]",
    },
    {
      id: "hidden",
      title: "Hidden units: glimpses added up, each by a matrix of its place",
      scopes: ["glimpse", "hidden"],
      equations: ["W^(k) = P diag(z(i_k, j_k)) F", "a_k = a_{k−1} + W^(k) x_k", "h = σ(c + a_k)"],
      from: ["retina", "controller"],
      gives: "[B, hidden]",
    },
    {
      id: "class",
      title: "Class units",
      scopes: ["class"],
      equations: ["p(y = l | x_1:k) ∝ exp(d_l + Σ_j softplus(c_j + U_jl + a_kj))"],
      from: ["hidden"],
      gives: "[B, classes]",
    },
  ],
  build(scope, { glimpses: T, grid, side, scales, hidden: H, factors: F, ...configuration }, sizes) {
    assertOneClass(sizes, fovealRbm.id);
    const [height, width, channels] = sizes.image;
    const L = sizes.classes;
    const D = scales * side * side * channels;
    const G = grid ** 2;
    // Factors are products of three: each side must begin large enough for its product with the others to matter.
    const filters = scope.parameter("glimpse.filters", [D, F], normal(Math.sqrt(1 / D))); // F
    const pool = scope.parameter("glimpse.pool", [F, H], normal(0.1 * Math.sqrt(1 / F))); // P
    // Around 1: places differ from the beginning, else where a glimpse was is lost.
    const places = scope.parameter(
      "glimpse.places",
      [G, F],
      (shape, random) => normal(0.3)(shape, random).map((value) => 1 + value),
      "position",
    ); // z
    const visibleBias = scope.parameter("glimpse.bias", [D], zeros); // b
    const hiddenBias = scope.parameter("hidden.bias", [H], zeros); // c
    const classWeight = scope.parameter("class.weight", [L, H], normal(0.1)); // U
    const classBias = scope.parameter("class.bias", [L], zeros); // d
    // s: hidden units, which places were fixated, and what the class is taken for.
    const controllerWeight = scope.parameter("controller.weight", [H + G + L, G], zeros);
    const controllerBias = scope.parameter("controller.bias", [G], zeros);

    const sides = Array.from({ length: scales }, (_, scale) => {
      const pixels = side * 2 ** scale;
      return [pixels / width, pixels / height] as const;
    });
    /** The middle of each place, x and y: −1 at the left or upper edge of the image and 1 at the right or lower. */
    const middles = constant(
      Array.from({ length: G }, (_, place) =>
        [place % grid, Math.floor(place / grid)].map((at) => (2 * at + 1) / grid - 1),
      ).flat(),
      { dtype: scope.dtype, shape: [G, 2] },
    );
    /** The place that windows lie in, int32 [B], wherever they were put. */
    const placeIn = (windows: Tensor): Tensor => {
      const at = floor(mul(add(placeOf(windows), 1), grid / 2)); // [B, 2]
      const [column, row] = [0, 1].map((axis) =>
        squeeze(slice(maximum(minimum(at, grid - 1), 0), 1, axis, 1), 1),
      );
      return cast(add(mul(row!, grid), column!), "int32");
    };

    /** P diag(z) F x, rows by rows: cells [N, D] and z [N, F] to [N, H]. */
    const combine = (cells: Tensor, where: Tensor): Tensor =>
      matmul(mul(matmul(cells, filters), where), pool);
    /** What adds up in the hidden units for each class, from what glimpses brought [N, H]: [N, L, H]. */
    const hiddenInputs = (sum: Tensor): Tensor => add(unsqueeze(add(sum, hiddenBias), 1), classWeight);
    /** log p(y = l | x_1:k) up to what all classes share, from [N, H]: [N, L]. */
    const classify = (sum: Tensor): Tensor =>
      add(reduceSum(softplus(hiddenInputs(sum)), { axes: 2 }), classBias);

    const begin = (image: Tensor, rows: Dimension) => {
      const nothing = (features: number) => fill(0, { dtype: scope.dtype, shape: [rows, features] });
      return {
        memory: { image: transpose(image, [0, 3, 1, 2]) }, // [B, C, height, width]
        state: { sum: nothing(H), visited: nothing(G), logits: classify(nothing(H)) },
      };
    };

    type State = ReturnType<typeof begin>["state"];
    type Picker = ReturnType<typeof placePicker>;

    /** One fixation: the controller says where, the retina what, and the glimpse is added to those before. */
    const advance = (
      image: Tensor,
      { sum, visited, logits }: State,
      picker: Picker,
      chances: Tensors,
      random: boolean,
    ) => {
      const features = concat([sigmoid(add(sum, hiddenBias)), visited, logSoftmax(logits)], 1); // s, [B, H + G + L]
      const scores = add(matmul(features, controllerWeight), controllerBias); // f(s, ·), [B, G]
      // A glimpse that was had tells nothing new, but would count twice.
      const weights = softmax(random ? mul(scores, 0) : scores, { mask: less(visited, 0.5) });
      const fixation = picker.pick(weights, chances);
      const windows = windowsAt(matmul(fixation, middles), sides);
      const place = placeIn(windows);
      const patches = glimpses(image, windows, side); // [B, C, K, S, S]
      const cells = reshape(patches, [sum.shape[0]!, D]); // x_k
      const next = add(sum, combine(cells, gather(places, place))); // a_k
      const there = oneHot(place, G, scope.dtype);
      return {
        state: { sum: next, visited: maximum(visited, there), logits: classify(next) },
        features,
        scores,
        weights,
        fixation,
        windows,
        patches,
        cells,
        there,
      };
    };

    const looks = ({ windows, weights, fixation }: Tensors, axes: Look["axes"]) => ({
      glimpse: { kind: "windows", over: "image", axes: [...axes, "window", "side"], value: windows! } as Look,
      fixation: weightsOver("fixations", weights!, { axes: [...axes, "place"], used: fixation }),
    });

    return {
      grids: { fixations: [grid, grid] },
      steps: {
        count: T,
        begin: ({ image }) => begin(image!, image!.shape[0]!),
        step(memory, state, _, mode) {
          const picker = placePicker(mode, "fixation", [state.sum!.shape[0]!]);
          const { state: next, ...found } = advance(
            memory.image!,
            state as State,
            picker,
            picker.chances,
            false,
          );
          return {
            // What the retina saw, [B, K, S, S, C], is there for people.
            outputs: { logits: next.logits, seen: transpose(found.patches, [0, 2, 3, 4, 1]) },
            state: next,
            looks: looks(found, ["batch"]),
          };
        },
      },
      objective({ image, label }, mode) {
        const rows = image!.shape[0]!;
        const { memory, state } = begin(image!, rows);
        const picker = placePicker(mode, "fixation", [T, rows]);
        const random = mode.training && configuration.fixations === "random";
        const { outputs } = scan(
          { initial: state, sequences: picker.chances, length: T },
          (before, chances) => {
            const {
              state: next,
              patches: _,
              ...found
            } = advance(memory.image, before, picker, chances, random);
            return {
              states: next,
              outputs: { ...found, before: before.sum, after: next.sum, logits: next.logits },
            };
          },
        );
        return learnt(outputs, label!, mode);
      },
    };

    /**
     * The hybrid-sequential cost, Σ_k −log p(y | x_1:k) − α log p(y, x_k | x_1:k−1), and its gradients: of the first term exact, of the second
     * by one step of contrastive divergence in the machine that glimpses before leave for (y, x_k). Beside it the controller is
     * regressed on log p(y | x_1:k). All fixations at once, as rows of N = T · B: nothing goes back through time.
     */
    function learnt(run: Tensors, label: Tensor, mode: Mode) {
      const rows = label.shape[0]!;
      const N = multiplyDimensions(T, rows);
      const flat = (name: string) => reshape(run[name]!, [N, run[name]!.shape[2]!]);
      const [cells, there, logits] = [flat("cells"), flat("there"), flat("logits")];
      const truth = oneHot(expand(label, [T, rows]), L, scope.dtype); // [T, B, L]
      const y = reshape(truth, [N, L]);
      const where = matmul(there, places); // z, [N, F]
      const right = reduceSum(mul(logSoftmax(run.logits!), truth), { axes: 2 }); // log p(y | x_1:k), [T, B]

      // −log p(y | x_1:k): a class that is right pulls its hidden units on, and all classes push theirs off as far as they are held likely.
      const pull = sub(y, softmax(logits)); // [N, L]
      const pulled = mul(unsqueeze(pull, 2), sigmoid(hiddenInputs(flat("after")))); // [N, L, H]
      const each = reduceSum(pulled, { axes: 1 }); // [N, H]
      // A glimpse is in the sum of its own step and of all later ones.
      const onward = reshape(matmul(laterSums(T, each), reshape(each, [T, multiplyDimensions(rows, H)])), [
        N,
        H,
      ]);

      // −log p(y, x_k | x_1:k−1): what glimpses before brought is part of the hidden units' bias, and held.
      const machine: BoltzmannMachine<{ readonly y: Tensor; readonly cells: Tensor }> = {
        inputs: (visible) =>
          add(
            add(add(flat("before"), hiddenBias), matmul(visible.y, classWeight)),
            combine(visible.cells, where),
          ),
        visible(hidden, draw) {
          const back = mul(matmul(hidden, pool, { transposeRight: true }), where); // [N, F]
          const classes = softmax(add(matmul(hidden, classWeight, { transposeRight: true }), classBias));
          return {
            y: samplePlace(classes, draw("class", [N])),
            cells: sigmoid(add(matmul(back, filters, { transposeRight: true }), visibleBias)),
          };
        },
      };
      const { positive, negative } = contrast(machine, { y, cells }, { steps: 1, mode, name: "contrast" });

      // Both terms are of products of hidden units and a glimpse, so that one sum over all of them gives each side of the factors its gradient.
      const alpha = configuration.generative;
      const units = concat([add(onward, mul(positive.hidden, alpha)), mul(negative.hidden, -alpha)], 0); // [2N, H]
      const glimpse = concat([cells, negative.visible.cells], 0); // [2N, D]
      const twice = (x: Tensor) => concat([x, x], 0);
      const [fromBelow, fromAbove] = [
        matmul(glimpse, filters), // F x
        matmul(units, pool, { transposeRight: true }), // Pᵀ h
      ];
      const changed = (of: (phase: typeof positive) => Tensor) => mul(sub(of(positive), of(negative)), alpha);
      const total = (x: Tensor) => reduceSum(x, { axes: 0 });
      const product = (left: Tensor, other: Tensor) => matmul(left, other, { transposeLeft: true });
      const likelihood: (readonly [Tensor, Tensor])[] = [
        [filters, product(glimpse, mul(twice(where), fromAbove))],
        [pool, product(mul(twice(where), fromBelow), units)],
        [places, product(twice(there), mul(fromAbove, fromBelow))],
        [visibleBias, total(changed(({ visible }) => visible.cells))],
        [
          hiddenBias,
          total(
            add(
              each,
              changed(({ hidden }) => hidden),
            ),
          ),
        ],
        [
          classWeight,
          add(
            total(pulled),
            mul(sub(product(y, positive.hidden), product(negative.visible.y, negative.hidden)), alpha),
          ),
        ],
        [
          classBias,
          total(
            add(
              pull,
              changed(({ visible }) => visible.y),
            ),
          ),
        ],
      ];

      // The controller: a squared error of the fixation that was made, which is a gradient by hand as well.
      const target = maximum(reshape(right, [N]), LEAST);
      const missed = sub(reduceSum(mul(flat("scores"), there), { axes: 1 }), target); // [N]
      const slopes = mul(unsqueeze(missed, 1), there); // [N, G]
      const regression: (readonly [Tensor, Tensor])[] = [
        [controllerWeight, product(flat("features"), slopes)],
        [controllerBias, total(slopes)],
      ];

      const mean = (x: Tensor) => div(x, extent(N, x.dtype));
      const losses = neg(squeeze(slice(right, 0, T - 1, 1), 0)); // [B], after the last fixation
      return {
        loss: neg(reduceMean(right)),
        gradients: byParameter([
          ...likelihood.map(([parameter, sum]) => [parameter, neg(mean(sum))] as const),
          ...regression.map(([parameter, sum]) => [parameter, mean(sum)] as const),
        ]),
        report: {
          last: reduceMean(losses),
          reconstruction: reduceMean(square(sub(cells, negative.visible.cells))),
          controller: reduceMean(square(missed)),
        },
        losses,
        looks: looks(run, ["step", "batch"]),
      };
    }
  },
};

/** Sums of each step and all later ones, as a matrix [T, T]. */
const laterSums = (steps: number, like: Tensor): Tensor =>
  constant(
    Array.from({ length: steps ** 2 }, (_, index) => (index % steps >= Math.floor(index / steps) ? 1 : 0)),
    { dtype: like.dtype, shape: [steps, steps] },
  );
