import { z } from "zod";
import { gazePicker, glimpses, placeOf, windowsAt } from "../../attention/index.js";
import { type Dimension, multiplyDimensions, type Tensor } from "../../core/index.js";
import { type CellState, linear, lstm, normal, uniform } from "../../nn/index.js";
import {
  add,
  argMax,
  cast,
  concat,
  constant,
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
  squeeze,
  stack,
  stopGradient,
  tanh,
  transpose,
  unsqueeze,
} from "../../ops/index.js";
import type { ClassificationSizes, ModelCard, Tensors } from "../contract.js";
import { gazeOptions, inside, reinforcement, retina } from "../gazes.js";
import { repeated } from "../repeat.js";

const size = z.int().min(1).max(4096);

const configuration = z.object({
  glimpses: z.int().min(1).max(100).default(4).describe("glimpses of each thing that is named"),
  ...gazeOptions,
  side: gazeOptions.side.default(12),
  scales: gazeOptions.scales.default(2),
  patch: size.default(128).describe("features of what a glimpse shows, before it is joined with where"),
  hidden: size.default(128).describe("features of a glimpse and of each recurrent layer"),
  context: z.boolean().default(true).describe("whether gazes begin from a coarse view of the whole image"),
  coarse: z.int().min(1).max(256).default(12).describe("side of the coarse view, in cells"),
});

/**
 * The deep recurrent attention model (Ba et al. 2014). Letters in comments are the paper's; the card beside this file lists them with every
 * departure. Axes: B batch, N things that are named in order, T glimpses of all of them, K scales, C channels, S cells along a side, H hidden.
 */
export const dram: ModelCard<z.output<typeof configuration>, ClassificationSizes> = {
  id: "dram",
  title: "Multiple Object Recognition with Visual Attention",
  paper: "Ba, Mnih & Kavukcuoglu 2014",
  year: 2014,
  task: "classification",
  attention: ["glimpses"],
  configuration,
  training: { data: "digit-sums", learningRate: 0.001, batch: 128 },
  parts: [
    {
      id: "context",
      title: "Context network: the image, coarse",
      scopes: ["context"],
      equations: ["r⁽²⁾₀ = tanh(Linear(relu(Linear(I_coarse))))  (3.1)"],
      from: ["image"],
      gives: "[B, hidden]",
    },
    {
      id: "emission",
      title: "Emission network: where to look next",
      scopes: ["emission"],
      equations: ["l_n ~ N(tanh(Linear(r⁽²⁾_{n−1})), σ²)"],
      from: ["context", "second"],
      gives: "[B, 2]",
    },
    {
      id: "retina",
      title: "Retina: squares of growing size and equal resolution",
      scopes: [],
      equations: ["x_n: K squares around l_n, each twice the one before"],
      from: ["image", "emission"],
      gives: "[B, K, side, side, channels]",
    },
    {
      id: "glimpse",
      title: "Glimpse network: what ⊙ where",
      scopes: ["glimpse"],
      equations: ["g_n = relu(Linear(relu(Linear(x_n)))) ⊙ relu(1 + Linear(l_n))"],
      from: ["retina", "emission"],
      gives: "[B, hidden]",
    },
    {
      id: "first",
      title: "First recurrent layer: what has been seen",
      scopes: ["first"],
      equations: ["r⁽¹⁾_n = LSTM(g_n, r⁽¹⁾_{n−1})"],
      from: ["glimpse"],
      gives: "[B, hidden]",
    },
    {
      id: "second",
      title: "Second recurrent layer: where to look",
      scopes: ["second"],
      equations: ["r⁽²⁾_n = LSTM(r⁽¹⁾_n, r⁽²⁾_{n−1})"],
      from: ["first", "context"],
      gives: "[B, hidden]",
    },
    {
      id: "class",
      title: "Classification network",
      scopes: ["class"],
      equations: ["p(y) = softmax(Linear(r⁽¹⁾_N))"],
      from: ["first"],
      gives: "[B, classes]",
    },
    {
      id: "baseline",
      title: "Baseline: the reward that is expected",
      scopes: ["baseline"],
      equations: ["b_n = Linear(r⁽²⁾_{n−1})"],
      from: ["context", "second"],
      gives: "[T, B]",
    },
  ],
  build(scope, { hidden: H, coarse, ...configuration }, sizes) {
    const [height, width, channels] = sizes.image;
    const { side, deviation } = configuration;
    const things = sizes.things ?? 1;
    const T = things * configuration.glimpses;
    const { sides, seen, look } = retina(configuration, sizes);
    const patch = linear(scope.at("glimpse.patch"), { input: seen, output: configuration.patch });
    const fromPatch = linear(scope.at("glimpse.what"), { input: configuration.patch, output: H });
    const fromPlace = linear(scope.at("glimpse.where"), { input: 2, output: H, initialise: uniform(1) });
    const first = lstm(scope.at("first"), { input: H, hidden: H });
    const second = lstm(scope.at("second"), { input: H, hidden: H });
    const emit = linear(scope.at("emission"), { input: H, output: 2, initialise: normal(0.01) });
    const classify = linear(scope.at("class"), { input: H, output: sizes.classes });
    const learnt = reinforcement(scope.at("baseline"), H, configuration);
    const context = configuration.context ? contextNetwork() : undefined;

    /** 3.1: what a coarse view of the whole image tells of where to look, [B, H]. Cells are square, as large as the longer side asks for. */
    function contextNetwork() {
      const view = linear(scope.at("context.view"), { input: channels * coarse ** 2, output: H });
      const state = linear(scope.at("context.state"), { input: H, output: H });
      const side = Math.max(height, width);
      return (image: Tensor) => {
        const whole = constant([0.5, 0.5, side / width, side / height], { dtype: scope.dtype });
        const windows = add(fill(0, { dtype: scope.dtype, shape: [image.shape[0]!, 1, 4] }), whole);
        const cells = reshape(glimpses(image, windows, coarse), [image.shape[0]!, channels * coarse ** 2]);
        return tanh(state(relu(view(cells))));
      };
    }

    /** Images with their channels first, nothing seen, and what the context network says of where to look. */
    const begin = ({ image }: { image?: Tensor }, copies = 1) => {
      const read = transpose(image!, [0, 3, 1, 2]); // [B, C, height, width]
      const rows: Dimension = multiplyDimensions(copies, image!.shape[0]!);
      const [seen, looking] = [first.initial(rows), second.initial(rows)];
      const from = context ? repeated({ hidden: context(read) }, rows) : looking;
      return {
        memory: repeated({ image: read }, rows),
        state: stateOf(seen, { ...looking, ...from }),
      };
    };

    /**
     * One glimpse: the second layer says around which place to look, and what is seen there moves the first, which moves the second. The second
     * learns by reinforcement alone, and teaches nothing to the first.
     */
    const advance = (image: Tensor, state: Tensors, place: (mean: Tensor) => Tensor) => {
      const mean = tanh(emit(state.looking!));
      const drawn = place(mean);
      const windows = windowsAt(inside(drawn), sides);
      const patches = glimpses(image, windows, side); // [B, C, K, S, S]: x_n
      const what = relu(fromPatch(relu(patch(reshape(patches, [mean.shape[0]!, seen])))));
      const where = relu(add(fromPlace(placeOf(windows)), 1));
      const after = first.step(layer(state, "seen"), first.project(mul(what, where))).state; // r⁽¹⁾_n
      const above = second.step(layer(state, "looking"), second.project(stopGradient(after.hidden))).state; // r⁽²⁾_n
      return { mean, drawn, windows, patches, state: stateOf(after, above) };
    };

    return {
      steps: {
        count: T,
        begin: (inputs) => begin(inputs),
        step(memory, state, _, mode) {
          const picker = gazePicker(mode, "gaze", [state.looking!.shape[0]!, 2], deviation);
          const found = advance(memory.image!, state, (mean) => picker.pick(mean, picker.chances));
          return {
            // What the retina saw, [B, K, S, S, C], is there for people.
            outputs: { logits: classify(found.state.seen), seen: transpose(found.patches, [0, 2, 3, 4, 1]) },
            state: found.state,
            looks: { glimpse: look(found.windows, ["batch", "window", "side"]) },
          };
        },
      },
      objective({ image, label }, mode) {
        const copies = mode.draws(configuration.copies);
        const { memory, state } = begin({ image: image! }, copies);
        const rows = state.seen.shape[0]!;
        const picker = gazePicker(mode, "gaze", [T, rows, 2], deviation);
        const { outputs } = scan(
          { initial: state, sequences: picker.chances, length: T },
          (before, chances) => {
            const { patches: _, ...found } = advance(memory.image, before, (mean) =>
              picker.pick(mean, chances),
            );
            const { state: after, ...told } = found;
            return { states: after, outputs: { ...told, seen: after.seen, before: before.looking } };
          },
        );
        // The first layer after the last glimpse of each thing, [N, B, H].
        const named = ofThings(outputs.seen!, (glimpsed, last) => squeeze(slice(glimpsed, 1, last, 1), 1));
        const decisions = multiplyDimensions(things, rows);
        const logits = classify(reshape(named, [decisions, H]));
        const labels = reshape(ordered(repeated({ label: label! }, rows).label), [decisions]);
        const found = crossEntropy(logits, labels).losses;
        const right = cast(equal(argMax(logits), labels), logits.dtype);
        const [losses, hits] = [found, right].map((each) => reshape(each, [things, rows])) as [
          Tensor,
          Tensor,
        ];
        const earned = configuration.reward === "right" ? hits : exp(neg(losses));
        const learning = learnt(reduceMean(losses), {
          states: outputs.before!,
          drawn: outputs.drawn!,
          means: outputs.mean!,
          reward: ofGlimpses(toCome(earned)),
        });
        const looks = { glimpse: look(outputs.windows!, ["step", "batch", "window", "side"]) };
        const each = reduceMean(reshape(losses, [things, copies, image!.shape[0]!]), { axes: 1 });
        return { ...learning, losses: label!.shape.length === 1 ? squeeze(each, 0) : each, looks };
      },
    };

    /** Values of glimpses, [T, B, …], by the thing that they are of, [N, glimpses, B, …]. */
    function ofThings(values: Tensor, take: (values: Tensor, last: number) => Tensor): Tensor {
      const each = configuration.glimpses;
      return take(reshape(values, [things, each, ...values.shape.slice(1)]), each - 1);
    }

    /** Labels [B], of one thing, or [B, N], as [N, B]. */
    function ordered(labels: Tensor): Tensor {
      return labels.shape.length === 1 ? unsqueeze(labels, 0) : transpose(labels);
    }

    /**
     * What can still be earned when each thing is begun, [N, B]: a thing earns where it and all before it are right, and earlier ones no later
     * gaze can change.
     */
    function toCome(earned: Tensor): Tensor {
      const all: Tensor[] = [];
      for (let thing = 0; thing < things; thing++) {
        const own = squeeze(slice(earned, 0, thing, 1), 0);
        all.push(thing === 0 ? own : mul(all[thing - 1]!, own));
      }
      for (let thing = things - 2; thing >= 0; thing--) all[thing] = add(all[thing]!, all[thing + 1]!);
      return stack(all, 0);
    }

    /** What is of things, [N, B], for each of their glimpses, [T, B]. */
    function ofGlimpses(values: Tensor): Tensor {
      const each = new Array<Tensor>(configuration.glimpses).fill(unsqueeze(values, 1));
      return reshape(concat(each, 1), [T, values.shape[1]!]);
    }
  },
};

/** What both layers carry, by name: `seen` is the first's, `looking` the second's. */
const stateOf = (first: CellState, second: CellState) => ({
  seen: first.hidden,
  seenCell: first.cell!,
  looking: second.hidden,
  lookingCell: second.cell!,
});

const layer = (state: Tensors, name: "seen" | "looking"): CellState => ({
  hidden: state[name]!,
  cell: state[`${name}Cell`]!,
});
