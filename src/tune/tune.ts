import { RegardError, type Tensor, UsageError } from "../core/index.js";
import { Batches, type TextTokenizer } from "../data/index.js";
import { ForeignError, type ForeignGraph, signaturesOf } from "../foreign/index.js";
import type { Parameter } from "../nn/index.js";
import { type ImportedGraph, importModel, lower } from "../onnx/index.js";
import { input, inputAttributes, logSoftmax, mul, neg, oneHot, reduceMean, reduceSum } from "../ops/index.js";
import type { Backend, Session, Value, Values } from "../session/index.js";
import {
  adamw,
  MOST_SKIPPED,
  makeOptimizer,
  scheduleFactor,
  TrainingState,
  trainingStep,
} from "../train/index.js";
import { classesOf, HEAD, LOGITS, trainable, withHead, withWeights } from "./head.js";
import { type Sizes, TextReader } from "./reader.js";
import { assertKnown, type LabelledText, labelsOf } from "./texts.js";

export interface TuneOptions {
  readonly tokenizer: TextTokenizer;
  readonly backend: Backend;
  /** The output that classes are told apart by; the one with the fewest axes, two at least, if left out. */
  readonly output?: string | undefined;
  /** Whether the file's own weights stay as they are and the layer of classes alone learns. */
  readonly freeze?: boolean | undefined;
  /** How far it goes: steps, passes over the texts, or minutes. */
  readonly budget: Budget;
  readonly batch?: number | undefined;
  /** 0.00005, or 0.001 where the layer of classes alone learns, if left out. */
  readonly learningRate?: number | undefined;
  readonly seed?: number | undefined;
  /** Tokens of a text, or of two, at most; what is longer is cut. */
  readonly longest?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Hears of each step, counted from 1, with the share of the budget that is used. */
  onStep?(step: { readonly step: number; readonly loss: number; readonly progress: number }): unknown;
  /** Hears of the share of the validation texts that are told right, after each pass. */
  onValidation?(found: { readonly step: number; readonly accuracy: number; readonly best: boolean }): unknown;
}

export type Budget = { readonly steps: number } | { readonly epochs: number } | { readonly minutes: number };

export interface Tuned {
  /** The file with what was learnt, and an output `regard.classes` with the share of each class. */
  readonly bytes: Uint8Array;
  readonly labels: readonly string[];
  readonly steps: number;
  /** The step that validated best, whose weights these are; absent where there was no validation. */
  readonly best?: { readonly step: number; readonly accuracy: number };
  /** Numbers that learnt. */
  readonly trained: number;
  /** Times that texts were cut. */
  readonly cut: number;
  /** The share of texts that are told right. */
  accuracy(texts: readonly LabelledText[]): Promise<number>;
  release(): Promise<void>;
}

/** What is usual: texts of a step, tokens of a text at most, and the seed. */
export const [BATCH, LONGEST, SEED] = [16, 128, 1];
/** The share of the budget over which the learning rate rises. */
const WARMUP = 0.1;
/** The largest global norm of the gradient. */
const CLIP = 1;

/**
 * Fine-tunes somebody else's file to tell classes of texts apart: a layer of classes is put on one of its outputs, the graph becomes
 * Regard's own tensors, and AdamW changes the layer's weights and, unless they are frozen, the file's. The weights that validated best
 * are kept; a signal ends it with these. A file that was tuned before goes on with its classes.
 * @throws ForeignError for a graph whose gradient cannot be taken, or that reads what no text fills
 * @throws UsageError for texts and labels that do not fit, and where the loss is not finite any more
 */
export async function tune(
  graph: ForeignGraph,
  train: readonly LabelledText[],
  validation: readonly LabelledText[],
  options: TuneOptions,
): Promise<Tuned> {
  const { backend, tokenizer, freeze = false, seed = SEED, signal, budget } = options;
  const known = classesOf(graph.model);
  const labels = known ?? labelsOf(train);
  assertKnown(train, labels, "training");
  assertKnown(validation, labels, "validation");
  const reader = new TextReader(graph, tokenizer, options.longest ?? LONGEST);
  const batch = Math.min(options.batch ?? BATCH, train.length);
  const whole = known ? graph : withClasses(graph, reader, batch, labels, options);
  const { imported, sizes } = importedFor(whole, reader, batch, options.longest ?? LONGEST);
  const rows = sizes.batch === "batch" ? batch : sizes.batch;
  const logits = imported.value(LOGITS)!;
  const loss = lossOf(logits, sizes.batch, labels.length);
  const parameters = parametersOf(whole, imported, loss, freeze);
  const learning = new Set(parameters.map(({ name }) => name));
  const values = Object.fromEntries(
    [...imported.stored].flatMap(([name, { data }]) => (learning.has(name) ? [] : [[name, data] as const])),
  );
  const state = TrainingState.initial(parameters, makeOptimizer(adamw()), seed, []);
  const training = await backend.load(trainingStep({ loss, parameters }), { values });
  const scoring = await backend.load({ logits }, { values });
  const accuracy = (texts: readonly LabelledText[], weights: Values) =>
    shareRight({ scoring, reader, sizes, rows, labels }, texts, weights);
  const batches = new Batches(
    train.map(({ texts }) => reader.count(texts)),
    rows,
    seed,
  );
  const { perEpoch } = batches;
  const learningRate = options.learningRate ?? (freeze ? 1e-3 : 5e-5);
  let best: { step: number; accuracy: number; weights: Values } | undefined;
  let [step, skipped, validated] = [0, 0, -1];
  const validate = async () => {
    if (validation.length === 0 || validated === step) return;
    validated = step;
    const found = await accuracy(validation, state.parameters);
    const better = found > (best?.accuracy ?? -1);
    if (better) best = { step, accuracy: found, weights: copyOf(state.parameters) };
    await options.onValidation?.({ step, accuracy: found, best: better });
  };
  const started = performance.now();
  const progress = (): number =>
    "minutes" in budget
      ? (performance.now() - started) / (60_000 * budget.minutes)
      : step / ("steps" in budget ? budget.steps : Math.ceil(budget.epochs * perEpoch));
  for (let used = 0; used < 1 && !signal?.aborted; used = progress()) {
    const texts = batches.at(step).map((index) => train[index]!);
    const results = await training.run(
      { ...reader.feeds(texts, sizes), labels: labelsValue(texts, labels, rows), ...state.feeds },
      state.into,
    );
    const value = results.loss!.data[0]!;
    step++;
    const update = state.update({
      loss: value,
      step,
      learningRate:
        learningRate *
        Math.min(1, (used + 1e-3) / WARMUP) *
        scheduleFactor({ name: "linear", warmup: 0 }, step, used),
      clip: CLIP,
    });
    skipped = update.skipped ? skipped + 1 : 0;
    if (skipped === MOST_SKIPPED)
      throw new UsageError(
        `the loss or gradient was not finite for ${MOST_SKIPPED} steps in a row, up to step ${step}; lower the learning rate (it is ${learningRate}).`,
      );
    await options.onStep?.({ step, loss: value, progress: Math.min(1, progress()) });
    if (step % perEpoch === 0) await validate();
  }
  if (!signal?.aborted || !best) await validate();
  const weights = best?.weights ?? copyOf(state.parameters);
  return {
    bytes: withWeights(
      whole,
      Object.fromEntries(Object.entries(weights).map(([name, { data }]) => [nameOf(name), data])),
    ),
    labels,
    steps: step,
    ...(best && { best: { step: best.step, accuracy: best.accuracy } }),
    trained: state.layout.count,
    cut: reader.cut,
    accuracy(texts) {
      assertKnown(texts, labels, "test");
      return accuracy(texts, weights);
    },
    async release() {
      await training.release();
      await scoring.release();
    },
  };
}

/** Names of imported weights, and those that they have in the file. */
const keyOf = (name: string): string => `stored.${name}`;
const nameOf = (key: string): string => key.slice("stored.".length);

const copyOf = (values: Values): Values =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]): [string, Value] => [
      name,
      { ...value, data: value.data.slice() },
    ]),
  );

/** The mean of −log p of the right class. @param batch the size of the axis that texts are along */
function lossOf(logits: Tensor, batch: number | string, classes: number): Tensor {
  const labels = input("labels", "int32", [batch]);
  return neg(reduceMean(reduceSum(mul(oneHot(labels, classes), logSoftmax(logits)), { axes: -1 })));
}

/** What of a file learns: those weights that the loss depends on, or the layer of classes alone. */
function parametersOf(
  { model }: ForeignGraph,
  { stored }: ImportedGraph,
  loss: Tensor,
  freeze: boolean,
): Parameter[] {
  const used = new Set(lower({ loss }).inputs.map((tensor) => inputAttributes(tensor)!.name));
  return trainable(model).flatMap(({ name }): Parameter[] => {
    const found = stored.get(keyOf(name));
    if (!found || !used.has(keyOf(name)) || (freeze && !HEAD.includes(name))) return [];
    const shape = found.tensor.shape as readonly number[];
    return [
      {
        name: keyOf(name),
        shape,
        tensor: found.tensor,
        initialise: () => Float64Array.from(found.data),
        kind: shape.length >= 2 ? "weight" : "bias",
      },
    ];
  });
}

/**
 * A graph for any number of texts of any length or, where its shapes then are not known, for a fixed number of a fixed length.
 * @throws ForeignError where neither is imported, naming what stands in the way
 */
function importedFor(
  { model, name }: ForeignGraph,
  reader: TextReader,
  batch: number,
  longest: number,
): { readonly imported: ImportedGraph; readonly sizes: Sizes } {
  const { sizes } = reader;
  const fixed: Sizes = {
    batch: sizes.batch === "batch" ? batch : sizes.batch,
    length: sizes.length === "length" ? longest : sizes.length,
  };
  try {
    return { imported: importModel(model, { shapes: reader.shapes(sizes) }), sizes };
  } catch (error) {
    if (!(error instanceof RegardError)) throw error;
  }
  try {
    return { imported: importModel(model, { shapes: reader.shapes(fixed) }), sizes: fixed };
  } catch (error) {
    if (!(error instanceof RegardError)) throw error;
    throw new ForeignError(`${name} cannot be tuned: ${error.message}`);
  }
}

/** A file with a layer of classes on the output that was asked for. @throws ForeignError where there is no such output */
function withClasses(
  graph: ForeignGraph,
  reader: TextReader,
  batch: number,
  labels: readonly string[],
  { output: wanted, longest = LONGEST, seed = SEED }: TuneOptions,
): ForeignGraph {
  const { name } = graph;
  const { imported } = importedFor(graph, reader, batch, longest);
  const outputs = signaturesOf(graph.model)
    .outputs.filter(({ dtype }) => dtype === "float32")
    .flatMap((output) => {
      const { shape } = imported.outputs[output.name]!;
      const features = shape[shape.length === 3 ? 2 : 1];
      return shape.length >= 2 && typeof features === "number"
        ? [{ output: output.name, rank: shape.length, features }]
        : [];
    })
    .sort((a, b) => a.rank - b.rank);
  const found = wanted === undefined ? outputs[0] : outputs.find(({ output }) => output === wanted);
  if (!found)
    throw new ForeignError(
      `${name} gives ${wanted === undefined ? "no output" : `no output "${wanted}"`} of single precision with a known number of features; it gives ${outputs.map(({ output }) => `"${output}"`).join(", ") || "none"}.`,
    );
  return withHead(graph, { ...found, mask: reader.mask }, labels, seed);
}

/** The share of texts whose likeliest class is theirs. */
async function shareRight(
  {
    scoring,
    reader,
    sizes,
    rows,
    labels,
  }: {
    readonly scoring: Session;
    readonly reader: TextReader;
    readonly sizes: Sizes;
    readonly rows: number;
    readonly labels: readonly string[];
  },
  texts: readonly LabelledText[],
  weights: Values,
): Promise<number> {
  let right = 0;
  for (let from = 0; from < texts.length; from += rows) {
    const some = texts.slice(from, from + rows);
    const { logits } = await scoring.run({ ...reader.feeds(some, sizes), ...weights });
    some.forEach(({ label }, row) => {
      const scores = logits!.data.subarray(row * labels.length, (row + 1) * labels.length);
      if (labels[scores.indexOf(Math.max(...scores))] === label) right++;
    });
  }
  return right / texts.length;
}

const labelsValue = (texts: readonly LabelledText[], labels: readonly string[], rows: number): Value => ({
  dtype: "int32",
  shape: [rows],
  data: Int32Array.from({ length: rows }, (_, row) => labels.indexOf((texts[row] ?? texts[0]!).label)),
});
