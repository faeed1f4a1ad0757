import { z } from "zod";
import { weightsOver } from "../../attention/index.js";
import { PAD, type Tensor, UsageError } from "../../core/index.js";
import {
  constantly,
  convolutional,
  embedding,
  layerNorm,
  linear,
  normal,
  type Scope,
  zeros,
} from "../../nn/index.js";
import {
  add,
  cast,
  crossEntropy,
  div,
  equal,
  exp,
  greater,
  log,
  matmul,
  maximum,
  mul,
  not,
  reduceMax,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  slice,
  softmax,
  squeeze,
  stopGradient,
  sub,
  transpose,
  unsqueeze,
  where,
} from "../../ops/index.js";
import type { ModelCard, QuestionSizes } from "../contract.js";
import { type ImageEncoder, imageEncoder } from "../image-encoder.js";

const size = z.int().min(1).max(4096);

const configuration = z.object({
  attention: z
    .enum(["spatial", "none", "blind"])
    .default("spatial")
    .describe("spatial looks at places; none takes all places alike; blind reads the question alone"),
  hops: z.int().min(1).max(2).default(2).describe("how often it looks, where it looks"),
  match: z
    .enum(["max", "soft", "sum"])
    .default("sum")
    .describe(
      "how a place matches the words: the best of them, nearly the best (log Σ exp), or all together",
    ),
  words: z
    .enum(["what", "where"])
    .default("what")
    .describe("what words are matched with: what a place shows, or that and where it is"),
  encoder: z
    .enum(["patches", "convolutions"])
    .default("patches")
    .describe("patches are read each by itself; convolutions see what is around a place as well"),
  patch: size.default(10).describe("side of a patch in pixels"),
  features: size.default(96).describe("features of a place"),
  evidence: size.default(128).describe("features of a word and of the evidence that is gathered"),
});

type Configuration = z.output<typeof configuration>;

/** A score that no other is below, and a sum that is none. */
const [LEAST, TINY] = [-1e9, 1e-9] as const;

/**
 * How well places match a question by how well each of its words matches them, C [B, T, L] where `real` [B, T, 1] is 1, to scores [B, L], and
 * what share each word has in how a place was chosen, [B, T, L]. `max` is the paper's: the best word alone counts, and no other learns.
 * `soft` is log Σ exp, which is near the best word's. `sum` lets every word add what it has to say, so that all of them learn.
 */
const overWords: Readonly<
  Record<"max" | "soft" | "sum", (C: Tensor, real: Tensor) => { scores: Tensor; chosen: Tensor }>
> = {
  max(all, real) {
    const C = masked(all, real);
    const highest = reduceMax(C, { axes: 1, keep: true });
    return { scores: squeeze(highest, 1), chosen: sharesOf(cast(equal(C, highest), C.dtype)) };
  },
  soft(all, real) {
    const C = masked(all, real);
    const highest = stopGradient(reduceMax(C, { axes: 1, keep: true }));
    const above = exp(sub(C, highest));
    const total = reduceSum(above, { axes: 1, keep: true });
    return { scores: squeeze(add(log(total), highest), 1), chosen: div(above, total) };
  },
  sum(C, real) {
    const each = mul(C, real);
    // What lifts a place is what a word says of it more than of places on the average.
    const lift = relu(sub(each, reduceMean(each, { axes: 2, keep: true })));
    return { scores: reduceSum(each, { axes: 1 }), chosen: sharesOf(lift) };
  },
};

/** A score that no other is below, where there is no word. */
const masked = (C: Tensor, real: Tensor): Tensor => where(greater(real, 0.5), C, LEAST);

/** Numbers from 0 on as shares of their sum over words; 0 where all are. */
const sharesOf = (x: Tensor): Tensor => div(x, maximum(reduceSum(x, { axes: 1, keep: true }), TINY));

/** Square parts of an image, each read without the others, [B, P, features]. @throws UsageError where they do not fill the image */
function patchEncoder(
  scope: Scope,
  { patch, features }: Configuration,
  { image }: QuestionSizes,
): ImageEncoder {
  const [height, width, channels] = image;
  if (height % patch !== 0 || width % patch !== 0)
    throw new UsageError(
      `images of ${width} × ${height} pixels do not divide into patches of ${patch}; set patch to a side that divides both, or encoder to convolutions.`,
    );
  const [rows, columns] = [height / patch, width / patch];
  const look = convolutional(scope.at("patch"), {
    input: channels,
    output: features,
    kernel: patch,
    stride: patch,
    padding: 0,
  });
  const combine = linear(scope.at("combine"), { input: features, output: features });
  const encode = (images: Tensor): Tensor =>
    relu(
      combine(reshape(relu(look(mul(sub(images, 0.5), 4))), [images.shape[0]!, rows * columns, features])),
    );
  return Object.assign(encode, { features, rows, columns });
}

/**
 * The spatial memory network (Xu & Saenko 2015). Numbers in comments are the paper's equations; the card beside this file lists them with
 * every departure. Axes: B batch, T words of a question, L places of an image row by row, M features of a place, N features of words and
 * evidence, A answers.
 */
export const askAttendAnswer: ModelCard<Configuration, QuestionSizes> = {
  id: "ask-attend-answer",
  title: "Ask, Attend and Answer: Exploring Question-Guided Spatial Attention for Visual Question Answering",
  paper: "Xu & Saenko 2015",
  year: 2015,
  task: "visual-questions",
  attention: ["spatial"],
  configuration,
  parts: [
    {
      id: "encoder",
      title: "Places of the image",
      scopes: ["encoder", "position"],
      equations: ["S = {s_1, …, s_L}, s_i ∈ ℝ^M"],
      from: ["image"],
      gives: "[B, L, features]",
    },
    {
      id: "words",
      title: "Words of the question",
      scopes: ["words"],
      equations: ["V = {v_1, …, v_T}, v_j ∈ ℝ^N"],
      from: ["question"],
      gives: "[B, T, evidence]",
    },
    {
      id: "question",
      title: "The question as a whole",
      scopes: ["question"],
      equations: ["Q = W_Q V + b_Q"],
      from: ["words"],
      gives: "[B, evidence]",
    },
    {
      id: "first",
      title: "First hop: words to places",
      scopes: ["first", "evidence"],
      equations: [
        "C = V (S W_A + b_A)ᵀ",
        "W_att = softmax(Σ_j C_j) or softmax(max_j C_j)",
        "S_att = W_att (S W_E + b_E)",
      ],
      from: ["encoder", "words"],
      gives: "[B, evidence], weights [B, L]",
    },
    {
      id: "second",
      title: "Second hop: evidence to places",
      scopes: ["second"],
      equations: [
        "O_hop1 = S_att + Q",
        "W_att2 = softmax((S W_E + b_E) O_hop1)",
        "S_att2 = W_att2 (S W_E2 + b_E2)",
      ],
      from: ["encoder", "question", "first"],
      gives: "[B, evidence], weights [B, L]",
    },
    {
      id: "answer",
      title: "Answer",
      scopes: ["answer"],
      equations: ["p(answer) = softmax(W_P f(O_hop1 + S_att2) + b_P), f = ReLU"],
      from: ["question", "first", "second"],
      gives: "[B, answers]",
    },
  ],
  build(scope, options, sizes) {
    const { attention, hops, evidence: N } = options;
    const scale = 1 / Math.sqrt(N);
    const sees = attention !== "blind";
    const looks = attention === "spatial";
    const read = !sees
      ? undefined
      : sizes.encoded || options.encoder === "convolutions"
        ? imageEncoder(scope.at("encoder"), sizes, options.features)
        : patchEncoder(scope.at("encoder"), options, sizes);
    const M = read?.features ?? 0;
    const L = read ? read.rows * read.columns : 0;
    const normalise = sees ? layerNorm(scope.at("normalised"), { features: M }) : undefined;
    const [row, column] = looks
      ? ([read!.rows, read!.columns] as const).map((count, axis) =>
          scope.parameter(`position.${["row", "column"][axis]}`, [count, M], normal(0.3), "position"),
        )
      : [];
    /** Where each place is, [L, M]. */
    const position = (): Tensor => reshape(add(unsqueeze(row!, 1), unsqueeze(column!, 0)), [L, M]);
    const words = embedding(scope.at("words"), {
      vocabulary: sizes.source,
      size: N,
      initialise: normal(0.3),
    });
    const share = scope.parameter("question.weight", [sizes.longest], constantly(1));
    const shift = scope.parameter("question.bias", [N], zeros);
    const project = (name: string) => linear(scope.at(name), { input: M, output: N });
    const correlate = looks ? project("first") : undefined; // W_A
    const evidence = sees ? project("evidence") : undefined; // W_E
    const further = looks && hops === 2 ? project("second") : undefined; // W_E2
    const answer = linear(scope.at("answer"), { input: N, output: sizes.answers }); // W_P

    /** Rows [B, N] and places [B, L, N] to products [B, L]. */
    const products = (row: Tensor, places: Tensor): Tensor => squeeze(matmul(places, unsqueeze(row, 2)), 2);
    const pool = (weights: Tensor, values: Tensor): Tensor =>
      squeeze(matmul(unsqueeze(weights, 1), values), 1);

    const once = ({ question, image }: { question?: Tensor; image?: Tensor }) => {
      const tokens = transpose(question!); // [B, T]
      const real = cast(not(equal(tokens, PAD)), scope.dtype);
      const V = words(tokens); // [B, T, N]
      const weight = mul(slice(share, 0, 0, tokens.shape[1]!), real); // [B, T]
      const Q = add(reduceSum(mul(V, unsqueeze(weight, 2)), { axes: 1 }), shift); // (5)
      if (!read) return { outputs: { logits: answer(relu(Q)) } };
      const features = normalise!(read(image!));
      if (!looks)
        return { outputs: { logits: answer(relu(add(reduceMean(evidence!(features), { axes: 1 }), Q))) } };
      const S = add(features, position()); // [B, L, M]
      // Where words know places, "left" looks at the left of the image, and no word needs to lead to what is named.
      const known = options.words === "where" ? S : features;
      const C = mul(matmul(V, correlate!(known), { transposeRight: true }), scale); // (1), [B, T, L]
      const { scores, chosen } = overWords[options.match](C, unsqueeze(real, 2));
      const first = softmax(scores); // (2)
      const gathered = evidence!(S);
      const found = add(pool(first, gathered), Q); // (3), (4): O_hop1
      const decided = reduceSum(mul(chosen, unsqueeze(first, 1)), { axes: 2 }); // [B, T]
      const hop1 = weightsOver("image", first);
      if (!further) return { outputs: { logits: answer(relu(found)), decided }, looks: { hop1 } };
      const second = softmax(mul(products(found, gathered), scale)); // (6)
      const logits = answer(relu(add(found, pool(second, further(S))))); // (7), (8)
      return { outputs: { logits, decided }, looks: { hop1, hop2: weightsOver("image", second) } };
    };

    return {
      ...(read && { grids: { image: [read.rows, read.columns] as const } }),
      once: (inputs) => once(inputs),
      objective({ answer: right, ...inputs }) {
        const { outputs, ...where } = once(inputs);
        const { losses } = crossEntropy(outputs.logits, right!);
        return { loss: reduceMean(losses), losses, ...where };
      },
    };
  },
};
