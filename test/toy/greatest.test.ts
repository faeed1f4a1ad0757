import { afterAll, beforeAll, expect, test } from "vitest";
import { decodeTrace, rowsOf } from "../../src/attention/index.js";
import { type AnyModelCard, models } from "../../src/models/index.js";
import { cardsOf, exportModel, FileSubject, Subject } from "../../src/service/index.js";
import { nodeBackend, openOnnx } from "../../src/session/node.js";
import { type AnyTask, tasks } from "../../src/task/index.js";
import { type RunStore, type Snapshot, settingsSchema, Trainer, trainRun } from "../../src/train/index.js";
import { picturesOf, pictureText } from "../../src/views/index.js";
import { greatestModel, greatestTask, type NumberSet, sets } from "./greatest.js";

// A model of a shape that nothing in the project was written for is trained, asked, changed, explained, drawn and exported by what
// is there for all.

const data = {
  train: sets(1, "train", 500),
  validation: sets(1, "validation", 23),
  tests: { test: sets(1, "test", 19) },
};
const settings = settingsSchema.parse({
  model: greatestModel.id,
  configuration: { hidden: 5 },
  data: "sets",
  seed: 3,
  batch: 16,
  optimizer: { name: "adam" },
  learningRate: 0.03,
  schedule: { name: "cosine", warmup: 10 },
  validateEvery: 200,
  budget: { steps: 600 },
});
const prepared = greatestTask.prepare(data, { vocabulary: {} });
const kept = { lines: [] as unknown[], states: [] as string[], snapshot: undefined as Snapshot | undefined };
let subject: Subject<NumberSet>;

beforeAll(async () => {
  (models as AnyModelCard[]).push(greatestModel);
  (tasks as AnyTask[]).push(greatestTask);
  const trainer = await Trainer.create(settings, data, prepared, nodeBackend);
  const store: RunStore = {
    writeState: (state) => void kept.states.push(state),
    record: (name, line) => void kept.lines.push({ name, ...line }),
    writeCheckpoint(_, snapshot) {
      kept.snapshot = structuredClone(snapshot);
    },
  };
  await trainRun(trainer as never, store, {});
  await trainer.release();
  subject = new Subject({
    settings,
    prepared,
    step: 600,
    tensors: kept.snapshot!.tensors,
    backend: nodeBackend,
  });
}, 60_000);
afterAll(async () => {
  await subject.release();
  (models as AnyModelCard[]).pop();
  (tasks as AnyTask[]).pop();
});

test("it trains, is scored, and where it looks is watched", async () => {
  expect(kept.states).toEqual(["training", "done"]);
  const validations = kept.lines.filter((line) => (line as { validation?: unknown }).validation);
  expect(validations).toHaveLength(3);
  const watched = kept.lines.filter((line) => (line as { name: string }).name === "traces");
  // From before the first step on, often at first, and then at every validation.
  const early = [0, 1, 2, 5, 10, 20, 50, 100];
  expect(watched.map((line) => (line as { step: number }).step)).toEqual([...early, 200, 400, 600]);
  const { metrics } = await subject.evaluate(data, { run: "", split: "test", sentences: 19, beam: 1 });
  expect(metrics.error).toBeLessThan(0.05);
  expect((await cardsOf(greatestTask, data, "test"))[2]!.expected).toEqual([
    String(Math.max(...data.tests.test[2]!.numbers)),
  ]);
});

const numbers = [0.31, 0.92, 0.12];

test("it says what it looked at, and a look that is forced changes the answer", async () => {
  const example = await subject.exampleOf({ fields: { numbers } }, async () => data);
  const answer = await subject.ask(example);
  expect(Number(answer.output)).toBeCloseTo(0.92, 1);
  const trace = decodeTrace(answer.trace);
  const [look] = trace.looks;
  const [row] = rowsOf(look!);
  expect(row!.indexOf(Math.max(...row!))).toBe(1);
  expect(answer.changeable).toEqual(["attention"]);
  const forced = await subject.ask(example, { looks: { attention: { 0: [0, 0, 1, 0, 0, 0, 0] } } });
  expect(Number(forced.output)).toBeCloseTo(0.12, 3);
  await expect(subject.ask(example, { looks: { attention: { 0: [1, 0] } } })).rejects.toThrow(
    'look "attention" at step 0 has 2 numbers, but the model\'s has 7; give as many.',
  );
  await expect(subject.ask(example, { looks: { gaze: { 0: [1] } } })).rejects.toThrow(
    'the model has no look "gaze"; it has attention.',
  );
  const [picture] = picturesOf(trace);
  expect(pictureText(trace, picture!, { colour: false, width: 80 })).toContain("0.92");
});

test("salience is the derivative of the likelihood by the attention, and the effect that of taking a number out", async () => {
  const example = await subject.exampleOf({ fields: { numbers } }, async () => data);
  const explanation = await subject.explain(example);
  const looks = Object.fromEntries(decodeTrace(explanation.trace).looks.map((look) => [look.name, look]));
  // The likelihood is greatest where the answer is what was taken, so that its derivative there is 0.
  for (const value of rowsOf(looks.salience!)[0]!) expect(Math.abs(value)).toBeLessThan(1e-3);
  const [effect] = rowsOf(looks["causal effect"]!);
  expect(effect!.indexOf(Math.max(...effect!))).toBe(1);
  // Without the greatest the next takes its place: by its squared error that is less likely, as its likelihood tells it.
  const without = await subject.ask(
    await subject.exampleOf({ fields: { numbers: [0.31, 0.12] } }, async () => data),
  );
  const whole = await subject.ask(example);
  const squared = (Number(without.output) - Number(whole.output)) ** 2;
  expect(effect![1]! / (squared / (2 * 0.1 ** 2))).toBeCloseTo(1, 2);
});

test("its file answers as it does", async () => {
  const bytes = exportModel({ settings, prepared, tensors: kept.snapshot!.tensors });
  const file = await FileSubject.open(bytes, "greatest.onnx", openOnnx);
  const [one, two] = await Promise.all([
    file.ask({ numbers }),
    subject.exampleOf({ fields: { numbers } }, async () => data).then((example) => subject.ask(example)),
  ]);
  expect(one.output).toBe(two.output);
  const [a, b] = [one, two].map(({ trace }) => decodeTrace(trace).looks[0]!.data);
  expect(a).toBeAllClose(b!, 1e-6);
  await file.release();
});
