// Trains, then translates, and prints the resident memory in MiB along the way as one JSON object.
// Run with: node --expose-gc test/memory.mjs STEPS
import { datasets } from "../dist/data/index.js";
import { nodeBackend } from "../dist/session/node.js";
import { Evaluator, translation } from "../dist/task/index.js";
import { buildModel, settingsSchema, Trainer } from "../dist/train/index.js";

const steps = Number(process.argv[2]);
const resident = () => {
  global.gc();
  return process.memoryUsage().rss / 2 ** 20;
};

const settings = settingsSchema.parse({
  model: "rnnsearch",
  configuration: { embedding: 24, hidden: 24, alignment: 24, maxout: 24 },
  data: "bilingual",
  seed: 1,
  batch: 16,
  optimizer: { name: "adam" },
  learningRate: 0.003,
  schedule: { name: "constant", warmup: 10 },
  budget: { steps },
});
const data = await datasets[0].load(1);
const vocabularies = translation.prepare(data, { vocabulary: {} });
const trainer = await Trainer.create(settings, data, vocabularies, nodeBackend);
const training = [];
for (let step = 0; step < steps; step++) {
  await trainer.train(step / steps);
  if ((step + 1) % (steps / 10) === 0) training.push(resident());
}
const parameters = Object.fromEntries(
  Object.entries(trainer.state.parameters).map(([name, value]) => [
    name,
    { ...value, data: value.data.slice() },
  ]),
);
await trainer.release();

const { model, sizes } = buildModel(settings, vocabularies);
const evaluator = await Evaluator.load(translation, model, sizes, vocabularies, nodeBackend, { beam: 2 });
const predicting = [];
for (let index = 0; index < steps; index++) {
  await evaluator.write(parameters, [data.train[index]], { beam: 2 });
  if ((index + 1) % (steps / 10) === 0) predicting.push(resident());
}
await evaluator.release();
process.stdout.write(JSON.stringify({ training, predicting }));
