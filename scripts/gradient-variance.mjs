import { gradient } from "../dist/autodiff/index.js";
import { Random, resolveDimension, typedArray, UsageError } from "../dist/core/index.js";
import { tokenBatch } from "../dist/data/index.js";
import { tokensValue } from "../dist/decode/index.js";
import { Mode } from "../dist/nn/index.js";
import { concat, input, inputAttributes, reshape } from "../dist/ops/index.js";
import { nodeBackend, openOnnx } from "../dist/session/node.js";
import { buildModel, storedParameters } from "../dist/train/index.js";
import { openRunData, openRunEncoder } from "../dist/train/run-data.node.js";
import { RunFolder } from "../dist/train/run-folder.node.js";

// npm run bench -- gradient-variance RUN: how much the gradient that hard attention estimates varies with the places that
// are drawn, on one batch, with the baseline it learned, with one for all words and without: the trace of its covariance
// over the square of its mean's length.

const DRAWS = 40;
const IMAGES = 16;

const path = process.argv[2];
if (path === undefined) throw new UsageError("name a run: npm run bench -- gradient-variance runs/hard");
const folder = await RunFolder.open(path);
const { settings, vocabularies } = folder;
const { task, sizes, model, scope } = buildModel(settings, vocabularies);
const mode = Mode.training();
const { loss } = model.objective(
  { source: task.source(sizes), target: input("target", "int32", ["target", "batch"]) },
  mode,
);
const [earned, times] = ["attention.earned", "attention.times"];
if (!mode.buffers.some(({ name }) => name === earned))
  throw new UsageError(`${path} has no hard attention; train one with --set attention=hard.`);
const slopes = gradient(
  loss,
  scope.parameters.map(({ tensor }) => tensor),
);
const flat = concat(
  slopes.map((slope, index) => reshape(slope, [scope.parameters[index].shape.reduce((a, b) => a * b, 1)])),
  0,
);
const session = await nodeBackend.load({ flat });
const { step, tensors } = await folder.bestCheckpoint(() => {});
const data = await openRunData(settings, { encoder: await openRunEncoder(path, settings, openOnnx) });
const examples = data.validation.slice(0, IMAGES);
const target = tokenBatch(
  examples.map((example) => vocabularies.target.encode(task.targets(example)[0], { start: true })),
);
const names = new Map([
  ["batch", target.count],
  ["target", target.length],
]);
const noise = (draw) =>
  Object.fromEntries(
    session.inputs.flatMap((tensor) => {
      const { name, role } = inputAttributes(tensor);
      if (role.kind !== "noise") return [];
      const shape = tensor.shape.map((dimension) => resolveDimension(dimension, names));
      const random = new Random(settings.seed, `variance ${name}`, draw);
      const values = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.uniform());
      // Every image's places are drawn: none has its expected value, which varies not at all.
      const all = name.endsWith("expected") ? values.map(() => 1) : values;
      return [[name, { dtype: tensor.dtype, shape, data: typedArray(tensor.dtype, all) }]];
    }),
  );
const sum = (values) => values.reduce((a, b) => a + b, 0);
const average = sum(tensors[earned].data) / sum(tensors[times].data);
const everywhere = (value) => ({
  dtype: "float32",
  shape: tensors[earned].shape,
  data: new Float32Array(tensors[earned].data.length).fill(value),
});
const feeds = {
  ...storedParameters(scope.parameters, tensors),
  source: await task.read(examples, vocabularies),
  target: tokensValue(target),
};
for (const [label, buffers] of [
  ["a baseline for each word", storedParameters(mode.buffers, tensors)],
  [`one baseline, ${average.toFixed(3)}`, { [earned]: everywhere(average), [times]: everywhere(1) }],
  ["no baseline", { [earned]: everywhere(0), [times]: everywhere(1) }],
]) {
  const total = new Float64Array(
    scope.parameters.reduce((n, { shape }) => n + shape.reduce((a, b) => a * b, 1), 0),
  );
  const squares = new Float64Array(total.length);
  for (let draw = 0; draw < DRAWS; draw++) {
    const { flat: found } = await session.run({
      ...feeds,
      ...noise(draw),
      ...buffers,
    });
    found.data.forEach((slope, index) => {
      total[index] += slope;
      squares[index] += slope ** 2;
    });
  }
  let [variance, length] = [0, 0];
  total.forEach((each, index) => {
    const mean = each / DRAWS;
    length += mean ** 2;
    variance += (squares[index] / DRAWS - mean ** 2) * (DRAWS / (DRAWS - 1));
  });
  process.stdout.write(
    `${label}: trace of the covariance ${variance.toExponential(3)}, squared length of the mean ${length.toExponential(3)}, ratio ${(variance / length).toFixed(2)} over ${DRAWS} draws at step ${step}\n`,
  );
}
await session.release();
