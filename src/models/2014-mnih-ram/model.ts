import { z } from "zod";
import { gazePicker, glimpses, placeOf, windowsAt } from "../../attention/index.js";
import { multiplyDimensions, type Tensor } from "../../core/index.js";
import { linear, type Mode, normal, orthogonal, uniform } from "../../nn/index.js";
import {
  add,
  argMax,
  cast,
  crossEntropy,
  equal,
  exp,
  fill,
  mul,
  neg,
  reduceMean,
  relu,
  reshape,
  scan,
  slice,
  stopGradient,
  sub,
  tanh,
  transpose,
} from "../../ops/index.js";
import { assertOneClass, type ClassificationSizes, type ModelCard } from "../contract.js";
import { gazeOptions, inside, reinforcement, retina } from "../gazes.js";
import { repeated } from "../repeat.js";

const size = z.int().min(1).max(4096);

const configuration = z.object({
  glimpses: z.int().min(2).max(100).default(6).describe("glimpses of an image"),
  patch: size.default(128).describe("features of what a glimpse shows"),
  place: size.default(128).describe("features of where a glimpse lies"),
  hidden: size.default(256).describe("features of a glimpse and of the core"),
  ...gazeOptions,
});

/**
 * The recurrent attention model (Mnih et al. 2014). Letters in comments are the paper's; the card beside this file lists them with
 * every departure. Axes: B batch, T glimpses, K scales, C channels, S cells along a side, H hidden.
 */
export const ram: ModelCard<z.output<typeof configuration>, ClassificationSizes> = {
  id: "ram",
  title: "Recurrent Models of Visual Attention",
  paper: "Mnih, Heess, Graves & Kavukcuoglu 2014",
  year: 2014,
  task: "classification",
  attention: ["glimpses"],
  configuration,
  training: { learningRate: 0.001, batch: 128 },
  parts: [
    {
      id: "retina",
      title: "Retina: squares of growing size and equal resolution",
      scopes: [],
      equations: ["ρ(x_t, l_{t−1}), K squares around l_{t−1}, each twice the one before  (3.1)"],
      from: ["image", "location"],
      gives: "[B, K, side, side, channels]",
    },
    {
      id: "glimpse",
      title: "Glimpse network",
      scopes: ["glimpse"],
      equations: [
        "h_g = relu(Linear(ρ(x_t, l_{t−1})))",
        "h_l = relu(Linear(l_{t−1}))",
        "g_t = relu(Linear(h_g) + Linear(h_l))  (4)",
      ],
      from: ["retina", "location"],
      gives: "[B, hidden]",
    },
    {
      id: "core",
      title: "Core: a recurrent network",
      scopes: ["core"],
      equations: ["h_t = relu(Linear(h_{t−1}) + Linear(g_t))  (4)"],
      from: ["glimpse"],
      gives: "[B, hidden]",
    },
    {
      id: "location",
      title: "Location network: where to look next",
      scopes: ["location"],
      equations: ["l_t ~ N(tanh(Linear(h_t)), σ²)"],
      from: ["core"],
      gives: "[B, 2]",
    },
    {
      id: "class",
      title: "Action network: the class",
      scopes: ["class"],
      equations: ["p(a) = softmax(Linear(h_T))"],
      from: ["core"],
      gives: "[B, classes]",
    },
    {
      id: "baseline",
      title: "Baseline: the reward that is expected",
      scopes: ["baseline"],
      equations: ["b_t = Linear(h_t)  (2)"],
      from: ["core"],
      gives: "[T, B]",
    },
  ],
  build(scope, { glimpses: T, hidden: H, ...configuration }, sizes) {
    assertOneClass(sizes, ram.id);
    const { side, deviation } = configuration;
    const { sides, seen, look } = retina(configuration, sizes);
    const patch = linear(scope.at("glimpse.patch"), { input: seen, output: configuration.patch });
    // A place is two numbers beside the many of a patch: weights as small as those of a patch would hardly tell places apart.
    const place = linear(scope.at("glimpse.place"), {
      input: 2,
      output: configuration.place,
      initialise: uniform(Math.SQRT1_2),
    });
    const fromPatch = linear(scope.at("glimpse.what"), { input: configuration.patch, output: H });
    const fromPlace = linear(scope.at("glimpse.where"), {
      input: configuration.place,
      output: H,
      bias: false,
    });
    const fromGlimpse = linear(scope.at("core.glimpse"), { input: H, output: H });
    const fromBefore = linear(scope.at("core.before"), {
      input: H,
      output: H,
      bias: false,
      initialise: orthogonal,
    });
    const locate = linear(scope.at("location"), { input: H, output: 2, initialise: normal(0.01) });
    const classify = linear(scope.at("class"), { input: H, output: sizes.classes });
    const learnt = reinforcement(scope.at("baseline"), H, configuration);

    /** Images with their channels first, no features, and the first place: drawn over all the image, or its centre. */
    const begin = ({ image }: { image?: Tensor }, mode: Mode, copies = 1) => {
      const rows = multiplyDimensions(copies, image!.shape[0]!);
      const memory = repeated({ image: transpose(image!, [0, 3, 1, 2]) }, rows); // [B, C, height, width]
      const nothing = (features: number) => fill(0, { dtype: scope.dtype, shape: [rows, features] });
      const location = mode.sampling
        ? sub(mul(mode.chance("first", [rows, 2], "uniform"), 2), 1)
        : nothing(2);
      return { memory, state: { hidden: nothing(H), location } };
    };

    /** One glimpse of windows: what is seen there moves the core, which says around which place to look next. */
    const advance = (image: Tensor, hidden: Tensor, windows: Tensor) => {
      const patches = glimpses(image, windows, side); // [B, C, K, S, S]: ρ
      const what = relu(patch(reshape(patches, [hidden.shape[0]!, seen])));
      const where = relu(place(placeOf(windows)));
      const glimpse = relu(add(fromPatch(what), fromPlace(where))); // g_t
      const next = relu(add(fromBefore(hidden), fromGlimpse(glimpse))); // h_t
      // The location network learns by reinforcement alone, and teaches nothing to what it reads.
      return { patches, hidden: next, mean: tanh(locate(stopGradient(next))) };
    };

    return {
      steps: {
        count: T,
        begin: (inputs, mode) => begin(inputs, mode),
        step(memory, { hidden, location }, _, mode) {
          const windows = windowsAt(location!, sides);
          const found = advance(memory.image!, hidden!, windows);
          const picker = gazePicker(mode, "gaze", found.mean.shape, deviation);
          return {
            // What the retina saw, [B, K, S, S, C], is there for people.
            outputs: { logits: classify(found.hidden), seen: transpose(found.patches, [0, 2, 3, 4, 1]) },
            state: { hidden: found.hidden, location: inside(picker.pick(found.mean, picker.chances)) },
            looks: { glimpse: look(windows, ["batch", "window", "side"]) },
          };
        },
      },
      objective({ image, label }, mode) {
        const copies = mode.draws(configuration.copies);
        const { memory, state } = begin({ image: image! }, mode, copies);
        const rows = state.hidden.shape[0]!;
        const picker = gazePicker(mode, "gaze", [T, rows, 2], deviation);
        const { states, outputs } = scan(
          { initial: state, sequences: picker.chances, length: T },
          ({ hidden, location }, chances) => {
            const windows = windowsAt(location, sides);
            const { patches: _, ...found } = advance(memory.image, hidden, windows);
            const drawn = picker.pick(found.mean, chances);
            return {
              states: { hidden: found.hidden, location: inside(drawn) },
              outputs: { ...found, drawn, windows },
            };
          },
        );
        const logits = classify(states.hidden); // [B, classes]
        const labels = repeated({ label: label! }, rows).label;
        const { losses } = crossEntropy(logits, labels);
        const right = cast(equal(argMax(logits), labels), logits.dtype);
        const reward = configuration.reward === "right" ? right : exp(neg(losses)); // R
        // (2), (3): after the last gaze nothing is looked at, so nothing is learnt from it.
        const gazes = (values: Tensor) => slice(values, 0, 0, T - 1); // [T − 1, B, …]
        const learning = learnt(reduceMean(losses), {
          states: gazes(outputs.hidden!),
          drawn: gazes(outputs.drawn!),
          means: gazes(outputs.mean!),
          reward,
        });
        const looks = { glimpse: look(outputs.windows, ["step", "batch", "window", "side"]) };
        const each = reduceMean(reshape(losses, [copies, image!.shape[0]!]), { axes: 0 });
        return { ...learning, losses: each, looks };
      },
    };
  },
};
