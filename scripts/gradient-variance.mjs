import { multiplyDimensions, UsageError } from "../dist/core/index.js";
import { Batches } from "../dist/data/index.js";
import { Mode } from "../dist/nn/index.js";
import { neededBy } from "../dist/session/index.js";
import { nodeBackend, openOnnx } from "../dist/session/node.js";
import { fittingData } from "../dist/task/index.js";
import { buildModel, storedParameters, trainingStep } from "../dist/train/index.js";
import { openRunData, openRunEncoder } from "../dist/train/run-data.node.js";
import { RunFolder } from "../dist/train/run-folder.node.js";

// npm run bench -- gradient-variance RUN: how much the gradient that a run is trained by varies, at its best checkpoint: on one batch,
// with what is drawn by chance (gazes, places, latent numbers, dropped units), and from batch to batch. The trace of its covariance,
// the square of its mean's length (less what the draws add to it), and the ratio of the two.

const DRAWS = 40;

const path = process.argv[2];
if (path === undefined) throw new UsageError("name a run: npm run bench -- gradient-variance runs/hard");
const folder = await RunFolder.open(path);
const { settings, prepared } = folder;
const { task, sizes, model, scope } = buildModel(settings, prepared);
const mode = Mode.training({ labelSmoothing: settings.labelSmoothing });
const { loss, gradients } = model.objective(
  { ...task.inputs(sizes), ...task.targets(sizes, multiplyDimensions(settings.targets, "batch")) },
  mode,
);
const { parameters } = scope;
const session = await nodeBackend.load(trainingStep({ loss, parameters, gradients }));
const { step, tensors } = await folder.bestCheckpoint(() => {});
const given = await openRunData(settings, { encoder: await openRunEncoder(path, settings, openOnnx) });
const data = fittingData(task, given, prepared, settings.dataOptions.maxLength);
const batches = new Batches(
  data.train.map((example) => task.order?.(example, prepared) ?? 0),
  settings.batch,
  settings.seed,
);
const collated = async (number) => {
  const examples = batches.at(number).map((index) => data.train[index]);
  const { seed, targets, images } = settings;
  const use = { kind: "train", seed, step: number, targets, augment: images?.augment ?? [] };
  return (await task.collate(examples, prepared, use)).values;
};
const stored = {
  ...storedParameters(parameters, tensors),
  ...storedParameters(mode.buffers, tensors),
};

const one = await collated(step);
for (const [label, valuesOf] of [
  ["one batch, other draws", () => one],
  ["other batches and draws", (draw) => collated(step + draw)],
]) {
  const totals = parameters.map(({ shape }) => new Float64Array(shape.reduce((a, b) => a * b, 1)));
  const squares = totals.map(({ length }) => new Float64Array(length));
  for (let draw = 0; draw < DRAWS; draw++) {
    const found = await session.run(
      neededBy(session, { ...stored, ...(await valuesOf(draw)) }, () => ({ step: draw })),
    );
    for (const [index, { name }] of parameters.entries())
      found[`gradient.${name}`].data.forEach((slope, element) => {
        totals[index][element] += slope;
        squares[index][element] += slope ** 2;
      });
  }
  let [variance, length] = [0, 0];
  totals.forEach((total, index) => {
    total.forEach((sum, element) => {
      const mean = sum / DRAWS;
      length += mean ** 2;
      variance += (squares[index][element] / DRAWS - mean ** 2) * (DRAWS / (DRAWS - 1));
    });
  });
  // The mean of so many draws is longer than the mean of all by what is left of their variance.
  const mean = Math.max(0, length - variance / DRAWS);
  process.stdout.write(
    `${label}: trace of the covariance ${variance.toExponential(3)}, squared length of the mean ${mean.toExponential(3)}, ratio ${(variance / mean).toFixed(2)} over ${DRAWS} draws at step ${step}\n`,
  );
}
await session.release();
