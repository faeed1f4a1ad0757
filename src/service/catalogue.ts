import { z } from "zod";
import { type DataKind, datasets, type Splits } from "../data/index.js";
import { stepsOf, unrolled } from "../decode/index.js";
import { modelById, models } from "../models/index.js";
import { Mode } from "../nn/index.js";
import { input } from "../ops/index.js";
import { type ImageOptions, taskOf, taskOfModel, tasks, trainingDefaults } from "../task/index.js";
import { buildModel, checked, type RunSettings, settingsSchema } from "../train/index.js";
import type { DataSizes, ModelInfo, RunDetail, RunEvent, RunSummary, StartRequest } from "./protocol.js";
import { examplesOfSplit, splitNamesOf } from "./shared.js";

/** The models there are, with their options as JSON schemas. */
export const modelInfos = (): ModelInfo[] =>
  models.map((card) => ({
    id: card.id,
    title: card.title,
    paper: card.paper,
    task: card.task,
    takes: taskOf(card).takes,
    usual: trainingDefaults(card).data === datasets[0]!.id,
    examples: taskOf(card).examples,
    attention: card.attention,
    defaults: trainingDefaults(card),
    schema: z.toJSONSchema(card.configuration, { io: "input" }) as unknown as ModelInfo["schema"],
    sizes: z.toJSONSchema(taskOf(card).sizing.options, { io: "input" }) as unknown as ModelInfo["sizes"],
  }));

/** Examples that sizes are given with. */
const EXAMPLES = 40;

/** What a dataset holds, in numbers and a few examples. */
export function sizesOf(kind: DataKind, data: Splits<unknown>): DataSizes {
  const task = tasks.find(({ takes }) => takes === kind)!;
  const prepared = task.prepare(data, { vocabulary: {} });
  const { size } = data;
  return {
    kind,
    train: data.train.length,
    validation: data.validation.length,
    splits: splitNamesOf(data),
    noun: task.examples,
    about: `${task.describe(prepared)}${size ? `; images of ${size[1]} × ${size[0]}` : ""}`,
    sizes: task.sizing.of(data, prepared),
    notes: data.notes ?? [],
    examples: task.identity
      ? examplesOfSplit(data, Object.keys(data.tests)[0] ?? "validation")
          .slice(0, EXAMPLES)
          .map((example) => task.title(example))
      : [],
  };
}

/** Settings of a run from what a client asks for. @throws UsageError naming the option that is wrong */
export function settingsOf(
  request: StartRequest,
  place: { data: string; from?: string | undefined; to?: string | undefined },
  images?: ImageOptions,
): RunSettings {
  const card = modelById(request.model);
  const defaults = trainingDefaults(card);
  return checked("option", settingsSchema, {
    model: card.id,
    configuration: checked(`model ${card.id}, option`, card.configuration, request.configuration),
    data: place.data,
    ...(images && { images }),
    dataOptions: { from: place.from, to: place.to, skipBad: request.skipBad },
    ...(request.vocabulary && { vocabulary: request.vocabulary }),
    seed: request.seed,
    batch: request.batch ?? defaults.batch,
    targets: defaults.targets,
    optimizer: defaults.optimizer,
    learningRate: request.learningRate ?? defaults.learningRate,
    schedule: { name: "cosine", warmup: 100 },
    clip: defaults.clip,
    labelSmoothing: request.labelSmoothing ?? defaults.labelSmoothing,
    validateEvery: request.validateEvery,
    budget: request.budget,
  });
}

/** What can be asked of a run. @param prepared what its task prepared */
export function askable(
  { model, images, configuration }: Pick<RunSettings, "model" | "images" | "configuration">,
  prepared: unknown,
): Pick<RunDetail, "prepared" | "form" | "can" | "words"> {
  const task = taskOfModel(model);
  return {
    prepared: task.describe(prepared),
    words: task.words,
    form: task.form(prepared, images),
    can: {
      beam: task.drive.kind === "tokens",
      sample: drawsByChance({ model, configuration, images }, prepared),
    },
  };
}

/** Whether a model's use can be drawn by chance, as hard attention's places can. */
function drawsByChance(
  settings: Pick<RunSettings, "model" | "images" | "configuration">,
  prepared: unknown,
): boolean {
  const { task, model, sizes } = buildModel(settings, prepared);
  const mode = Mode.sampling();
  const inputs = task.inputs(sizes);
  if (task.drive.kind !== "tokens") unrolled(model, task.drive, inputs, mode);
  else {
    const { memory, state } = stepsOf(model).begin(inputs, mode);
    stepsOf(model).step(memory, state, { previous: input("previous", "int32", ["batch"]) }, mode);
  }
  return mode.noise.size > 0;
}

/** A line of a run's records as an event; undefined for lines of no known kind. */
function eventOf(line: Readonly<Record<string, unknown>>): RunEvent | undefined {
  if ("validation" in line) return { kind: "validation", ...line } as unknown as RunEvent;
  if ("traces" in line) return { kind: "traces", ...line } as unknown as RunEvent;
  if ("loss" in line) return { kind: "metric", ...line } as unknown as RunEvent;
  return undefined;
}

/** The lines of a run's records as events, in the order of their steps. */
export const eventsOf = (lines: readonly Readonly<Record<string, unknown>>[]): RunEvent[] =>
  lines
    .flatMap((line) => eventOf(line) ?? [])
    .sort((a, b) => ("step" in a && "step" in b ? a.step - b.step : 0));

/** What a list of runs shows of one. */
export function summaryOf(
  run: Pick<RunSummary, "id" | "created" | "state"> & {
    problem?: string | undefined;
    notes?: string | undefined;
    settings: RunSettings;
  },
  events: readonly RunEvent[],
): RunSummary {
  const { id, created, state, problem, notes, settings } = run;
  const metrics = events.flatMap((event) => (event.kind === "metric" ? [event] : []));
  const validations = events.flatMap((event) => (event.kind === "validation" ? [event] : []));
  const last = events.flatMap((event) => ("step" in event ? [event] : [])).at(-1);
  return {
    id,
    model: settings.model,
    task: modelById(settings.model).task,
    scores: taskOfModel(settings.model).scores,
    groupsMistakes: taskOfModel(settings.model).diagnose !== undefined,
    data: settings.data,
    state,
    ...(problem !== undefined && { problem }),
    created,
    ...(notes && { notes }),
    step: last?.step ?? 0,
    seconds: last?.seconds ?? 0,
    losses: thinned(metrics.map(({ loss }) => loss)),
    validations: thinned(validations.map(({ step, validation }) => ({ step, loss: validation.loss }))),
    ...(validations.length > 0 && { validation: validations.at(-1)!.validation }),
  };
}

/** Losses a line is drawn from, at most. */
const SPARK = 60;

/** Every so many values, so that few enough are left. */
function thinned<Value>(values: readonly Value[], most = SPARK): Value[] {
  if (values.length <= most) return [...values];
  return Array.from(
    { length: most },
    (_, index) => values[Math.round((index * (values.length - 1)) / (most - 1))]!,
  );
}
