// How vectors of sentences say how alike people find two sentences: features |u − v| and u ∘ v of each pair, a softmax over the points 1 to 5 with
// the targets of Tai et al. 2015 (section 4.2), stopped where held-out pairs say; then Pearson's r of the test pairs.
//
//   node scripts/sentence-relatedness.mjs RUN SICK [seed]        RUN: of skip-thought; SICK: a folder as siamese-lstm reads it
import { Random } from "../dist/core/index.js";
import { Passage } from "../dist/data/index.js";
import { openData } from "../dist/data/open.node.js";
import { correlation, rankCorrelation } from "../dist/explain/index.js";
import { linear, Scope } from "../dist/nn/index.js";
import { input, logSoftmax, mul, neg, reduceMean, reduceSum } from "../dist/ops/index.js";
import { nodeBackend } from "../dist/session/node.js";
import { Evaluator } from "../dist/task/index.js";
import { adamw, buildModel, fit as fitted, storedParameters } from "../dist/train/index.js";
import { RunFolder } from "../dist/train/run-folder.node.js";

const [path, sick, seed = "1"] = process.argv.slice(2);
const POINTS = [1, 2, 3, 4, 5];
const [STEPS, EVERY, BATCH] = [3000, 100, 500];

const folder = await RunFolder.open(path);
const { settings, prepared } = folder;
const { tensors } = await folder.bestCheckpoint(() => {});
const { task, sizes, model, scope } = buildModel(settings, prepared);
const parameters = storedParameters(scope.parameters, tensors);
const evaluator = await Evaluator.load(task, model, sizes, prepared, nodeBackend, {
  beam: 1,
  fixed: parameters,
});

const data = await openData("sentence pairs", { data: sick }, { seed: 1 });
const splits = { train: data.train, trial: data.validation, test: data.tests.test };
const texts = [
  ...new Set(
    Object.values(splits).flatMap((pairs) =>
      pairs.flatMap(({ first, second }) => [first.join(" "), second.join(" ")]),
    ),
  ),
];
const unknown = new Set(
  texts.flatMap((text) => text.split(" ")).filter((word) => prepared.words.segment([word]).tokens[0] === 3),
);
const found = await evaluator.predict(
  parameters,
  texts.map((text) => Passage.of(text.split(" "))),
);
const vectorOf = new Map(texts.map((text, index) => [text, found[index].outputs.vector.data]));
const H = found[0].outputs.vector.data.length;
console.error(`${texts.length} sentences, ${H} features, ${unknown.size} words that the run does not know`);

function featuresOf(pairs) {
  const data = new Float32Array(pairs.length * 2 * H);
  for (const [row, { first, second }] of pairs.entries()) {
    const [u, v] = [first, second].map((words) => vectorOf.get(words.join(" ")));
    for (let k = 0; k < H; k++) {
      data[row * 2 * H + k] = Math.abs(u[k] - v[k]);
      data[row * 2 * H + H + k] = u[k] * v[k];
    }
  }
  return data;
}
const known = Object.fromEntries(
  Object.entries(splits).map(([name, pairs]) => [
    name,
    { features: featuresOf(pairs), scores: pairs.map(({ score }) => score), count: pairs.length },
  ]),
);

// Each feature with mean 0 and variance 1 over the pairs of training, so that all are learnt alike fast.
for (let k = 0; k < 2 * H; k++) {
  const { features, count } = known.train;
  let [sum, squares] = [0, 0];
  for (let row = 0; row < count; row++) {
    sum += features[row * 2 * H + k];
    squares += features[row * 2 * H + k] ** 2;
  }
  const mean = sum / count;
  const scale = 1 / Math.sqrt(squares / count - mean ** 2 + 1e-12);
  for (const split of Object.values(known))
    for (let row = 0; row < split.count; row++)
      split.features[row * 2 * H + k] = (split.features[row * 2 * H + k] - mean) * scale;
}

const layers = Scope.root();
const readOut = linear(layers.at("read"), { input: 2 * H, output: POINTS.length });
const features = input("features", "float32", ["batch", 2 * H]);
const targets = input("targets", "float32", ["batch", POINTS.length]);
const scores = readOut(features);
const loss = neg(reduceMean(reduceSum(mul(logSoftmax(scores), targets), { axes: 1 })));

const chosen = (step) => {
  const random = new Random(Number(seed), "pairs", step);
  const rows = Array.from({ length: BATCH }, () => random.integer(known.train.count));
  const x = new Float32Array(BATCH * 2 * H);
  const y = new Float32Array(BATCH * POINTS.length);
  for (const [row, from] of rows.entries()) {
    x.set(known.train.features.subarray(from * 2 * H, (from + 1) * 2 * H), row * 2 * H);
    const score = known.train.scores[from];
    const low = Math.min(4, Math.floor(score));
    y[row * 5 + low - 1] = low + 1 - score;
    y[row * 5 + low] = score - low;
  }
  return {
    features: { dtype: "float32", shape: [BATCH, 2 * H], data: x },
    targets: { dtype: "float32", shape: [BATCH, 5], data: y },
  };
};
function predicted({ features, count }, [weight, bias]) {
  return Array.from({ length: count }, (_, row) => {
    const logits = Array.from(bias);
    for (let k = 0; k < 2 * H; k++)
      for (let c = 0; c < 5; c++) logits[c] += features[row * 2 * H + k] * weight[k * 5 + c];
    const most = Math.max(...logits);
    const weights = logits.map((one) => Math.exp(one - most));
    const sum = weights.reduce((a, b) => a + b, 0);
    return weights.reduce((all, one, c) => all + (one * POINTS[c]) / sum, 0);
  });
}
let best = { r: -1 };
for (const decay of [0, 0.1, 1]) {
  const session = {
    steps: STEPS,
    backend: nodeBackend,
    learningRate: 0.003,
    optimizer: adamw({ decay }),
    seed: Number(seed),
    schedule: { name: "cosine", warmup: 50 },
  };
  for (const steps of [EVERY * 3, EVERY * 10, STEPS]) {
    const { parameters: learnt } = await fitted({ scope: layers, loss }, chosen, { ...session, steps });
    const values = ["read.weight", "read.bias"].map((name) => learnt[name].data);
    const r = correlation(predicted(known.trial, values), known.trial.scores);
    console.error(`decay ${decay}, ${steps} steps: trial r ${r.toFixed(4)}`);
    if (r > best.r) best = { r, values: values.map((one) => one.slice()), decay, steps };
  }
}
const points = predicted(known.test, best.values);
const square =
  points.reduce((sum, one, index) => sum + (one - known.test.scores[index]) ** 2, 0) / points.length;
console.log(
  JSON.stringify({
    pearson: correlation(points, known.test.scores),
    spearman: rankCorrelation(points, known.test.scores),
    squaredError: square,
    trial: best.r,
    decay: best.decay,
    steps: best.steps,
    unknown: unknown.size,
  }),
);
