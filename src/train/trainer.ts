import type { BlockStore, StoredTensor } from "../core/index.js";
import {
  BlocksInMemory,
  countOf,
  multiplyDimensions,
  Random,
  RegardError,
  resolveDimension,
  type Tensor,
  typedArray,
  UsageError,
} from "../core/index.js";
import { Batches, type Splits, type WordVectors } from "../data/index.js";
import {
  type Learner,
  type LearnerGiven,
  type LearnerPlace,
  type Model,
  modelById,
} from "../models/index.js";
import { Mode, type Parameter, Scope, TOKENS } from "../nn/index.js";
import { inputAttributes } from "../ops/index.js";
import {
  type Backend,
  neededBy,
  type Session,
  scalar,
  sizesOf,
  type Value,
  type Values,
} from "../session/index.js";
import {
  type AnyTask,
  Evaluator,
  fittingData,
  type Scoring,
  type Task,
  taskOf,
  type Use,
  type Validation,
  type WatchedTrace,
  watched,
} from "../task/index.js";
import { CandidateWords } from "./candidates.js";
import { checked } from "./checked.js";
import { alone, type Group, shareOf } from "./group.js";
import { makeOptimizer } from "./optimizer.js";
import { scheduleFactor } from "./schedule.js";
import type { RunSettings } from "./settings.js";
import { MOST_SKIPPED, TrainingState, trainingStep } from "./step.js";
import {
  type BegunTable,
  beginTables,
  beginWithLearnt,
  type Learnt,
  type TakenOver,
  vocabularyTables,
} from "./tables.js";

/** What one training step reports. */
export interface StepReport {
  /** Steps done, this one included. */
  readonly step: number;
  /** What is minimised, in nats a decision, such as a token. */
  readonly loss: number;
  /** Global norm of the gradient before clipping; absent where there is none. */
  readonly gradientNorm?: number;
  readonly learningRate: number;
  /** Decisions that the targets ask for, such as tokens that are no padding. */
  readonly tokens: number;
  /** True where the loss or the gradient was not finite and nothing was changed. */
  readonly skipped: boolean;
  /** What the model reports beside the loss, such as a reward; the mean over the batch. */
  readonly report: Readonly<Record<string, number>>;
}

/** Validation examples whose attention is kept at every validation. */
const TRACED = 3;

/** A model as settings describe it, with its parameters declared in a scope. */
export interface BuiltModel {
  readonly task: AnyTask;
  readonly sizes: unknown;
  readonly model: Model;
  readonly scope: Scope;
}

/**
 * The model of a run, with its parameters declared and no values.
 * @param prepared what the model's task prepared
 */
export function buildModel(
  settings: Pick<RunSettings, "model" | "configuration" | "images">,
  prepared: unknown,
): BuiltModel {
  const card = modelById(settings.model);
  const configuration = checked(`model ${card.id}, option`, card.configuration, settings.configuration);
  const task = taskOf(card);
  const sizes = task.sizes(prepared, settings.images);
  const scope = Scope.root();
  return { task, sizes, model: card.build(scope, configuration, sizes), scope };
}

/** What takes a step: the graph that gives the gradient, or a model's own loops. */
type Training =
  | { readonly session: Session }
  | { readonly learn: Learn; readonly stores: readonly BlockStore[] };
type Learn = Awaited<ReturnType<Learner["begin"]>>;

/** Begins a learner; what it keeps is given back where it does not come to its first step. */
async function begin(
  learner: Learner,
  place: LearnerPlace,
  seed: number,
  given: LearnerGiven,
): Promise<Training> {
  const stores: BlockStore[] = [];
  const blocks = (bytes: number) => {
    const store = given.blocks(bytes);
    stores.push(store);
    return store;
  };
  try {
    return { learn: await learner.begin(place, seed, { ...given, blocks }), stores };
  } catch (error) {
    for (const store of stores) store.close();
    throw error;
  }
}

/** Examples that a learner is told of at a time. */
const EXAMPLES_OF_PART = 10_000;

const arraysOf = (values: Values) =>
  Object.fromEntries(Object.entries(values).map(([name, { data }]) => [name, data]));

/** What examples of a step are collated for. */
const trainingUse = ({ seed, targets, images }: RunSettings, step: number): Use => ({
  kind: "train",
  seed,
  step,
  targets,
  augment: images?.augment ?? [],
});

/** What surrounds a training. */
export interface TrainerSurroundings {
  /** The processes that train it together, each of which has a trainer with the same settings and data; one alone if left out. */
  readonly group?: Group;
  /** Hears a sentence on what is done before the first step, where that takes long. */
  readonly tell?: (sentence: string) => void;
  /** Where what may be more than memory holds is kept, in blocks of so many bytes; memory if left out. */
  readonly blocks?: (bytes: number) => BlockStore;
}

/** A model in training: its state, its data and the sessions that move it. Runs wherever a backend does. */
export class Trainer<Example = unknown, Prepared = unknown> {
  #step = 0;
  #skippedInARow = 0;
  #skipped = 0;

  private constructor(
    readonly settings: RunSettings,
    readonly task: Task<Example, Prepared>,
    private readonly model: Model,
    readonly data: Splits<Example>,
    readonly prepared: Prepared,
    readonly state: TrainingState,
    private readonly parameters: readonly Parameter[],
    private readonly batches: Batches,
    private readonly training: Training,
    /** The words that steps score where they do not score all. */
    private readonly candidates: CandidateWords | undefined,
    private readonly evaluator: Evaluator<Example, Prepared>,
    /** Names of what the model reports beside the loss. */
    private readonly reported: readonly string[],
    readonly group: Group,
  ) {}

  /**
   * Builds and loads everything a run needs. Examples that are too long are left out, as `data.notes` says.
   * @param prepared what the task prepared
   * @throws UsageError for settings that do not fit the model or data
   */
  static async create<Example, Prepared>(
    settings: RunSettings,
    given: Splits<Example>,
    prepared: Prepared,
    backend: Backend,
    { group = alone, tell = () => {}, blocks = () => new BlocksInMemory() }: TrainerSurroundings = {},
  ): Promise<Trainer<Example, Prepared>> {
    shareOf(settings.batch, group);
    const { model, scope, sizes, ...built } = buildModel(settings, prepared);
    const task = built.task as Task<Example, Prepared>;
    const data = fittingData(task, given, prepared, settings.dataOptions.maxLength);
    if (data.train.length < settings.batch)
      throw new UsageError(
        `a batch of ${settings.batch} ${task.examples} is more than the ${data.train.length} there are for training; give a smaller --batch or more data.`,
      );
    const optimizer = makeOptimizer(settings.optimizer);
    const { softmax, labelSmoothing } = settings;
    const mode = Mode.training({ labelSmoothing, shares: group.size, someWords: softmax !== undefined });
    const { loss, gradients, report } = model.objective(
      { ...task.inputs(sizes), ...task.targets(sizes, multiplyDimensions(settings.targets, "batch")) },
      mode,
    );
    if (softmax && group.size > 1)
      throw new UsageError(
        `--softmax is ${softmax.kind}, where each step changes rows of its own, which ${group.size} processes do not share; start one.`,
      );
    const { parameters } = scope;
    const { buffers, candidates: scored } = mode;
    if (softmax && !(scored && task.writes))
      throw new UsageError(
        `--softmax is ${softmax.kind}, but ${settings.model} writes no words that it could leave out; leave out --softmax.`,
      );
    const { learner } = model;
    if (learner && group.size > 1)
      throw new UsageError(
        `${settings.model} learns by loops over one memory, which ${group.size} processes do not share; start one.`,
      );
    if (learner && settings.optimizer.name !== learner.optimizer)
      throw new UsageError(
        `${settings.model} learns by loops of its own, whose rule is ${learner.optimizer} and not ${settings.optimizer.name}; leave out --optimizer.`,
      );
    const parts = async function* () {
      for (let from = 0; from < data.train.length; from += EXAMPLES_OF_PART) {
        const part = data.train.slice(from, from + EXAMPLES_OF_PART);
        yield arraysOf((await task.collate(part, prepared, trainingUse(settings, 0))).values);
      }
    };
    const program = learner
      ? {}
      : trainingStep({
          loss,
          parameters,
          ...(gradients && { gradients }),
          buffers,
          ...(report && { extra: report }),
          // A step that scores some words changes these alone.
          byRows: softmax !== undefined,
        });
    const state = TrainingState.initial(parameters, optimizer, settings.seed, buffers, {
      workspace: learner?.workspace,
      program,
    });
    const training: Training = learner
      ? await begin(learner, state.place, settings.seed, { all: parts, tell, blocks })
      : { session: await backend.load(program) };
    const evaluator = await Evaluator.load(task, model, sizes, prepared, backend, { beam: 1 });
    const batches = new Batches(
      Float64Array.from(data.train, (example) => task.order?.(example, prepared) ?? 0),
      settings.batch,
      settings.seed,
    );
    const writtenBy = (example: Example) => (task.writes?.(example, prepared) ?? []).flat();
    const candidates =
      softmax &&
      scored &&
      new CandidateWords(
        softmax,
        {
          vocabulary: scored.vocabulary,
          stepsPerEpoch: batches.perEpoch,
          wordsOf: (step) => batches.at(step).flatMap((index) => writtenBy(data.train[index]!)),
          counts: () => countsOf(data.train.map(writtenBy), scored.vocabulary),
        },
        settings.seed,
      );
    return new Trainer(
      settings,
      task,
      model,
      data,
      prepared,
      state,
      parameters,
      batches,
      training,
      candidates,
      evaluator,
      Object.keys(report ?? {}).filter((name) => name !== "loss"),
      group,
    );
  }

  /** Steps done. */
  get step(): number {
    return this.#step;
  }

  get stepsPerEpoch(): number {
    return this.batches.perEpoch;
  }

  /** Steps whose loss or gradient was not finite. */
  get skipped(): number {
    return this.#skipped;
  }

  /**
   * Takes one optimizer step.
   * @param progress how much of the run is over, 0 to 1
   * @throws RegardError where too many steps in a row are not finite
   */
  async train(progress: number): Promise<StepReport> {
    const { settings, group } = this;
    const batch = this.batches.at(this.#step);
    // All know the whole batch, so that its noise, and how its loss is weighed, do not depend on who computes what of it.
    const { values, decisions } = await this.task.collate(
      batch.map((index) => this.data.train[index]!),
      this.prepared,
      trainingUse(settings, this.#step),
    );
    const tokens = decisions.reduce((sum, count) => sum + count, 0);
    const share = shareOf(batch.length, group);
    const learningRate = settings.learningRate * scheduleFactor(settings.schedule, this.#step, progress);
    if ("learn" in this.training) return this.#learnt(this.training.learn, values, learningRate, tokens);
    const { session } = this.training;
    const results = await session.run(
      neededBy(session, {
        ...this.state.feeds,
        ...this.#noise(session, batch.length, sizesOf(session.inputs, values)),
        ...shared(session, values, batch.length, share),
        ...this.candidates?.at(this.#step, values.target!.data as Int32Array),
        ...(group.size > 1 && { [TOKENS]: scalar(tokens / group.size) }),
      }),
      this.state.into,
    );
    const summed = Float64Array.from(["loss", ...this.reported], (name) => results[name]!.data[0]!);
    for (const values of [summed, ...this.state.written]) await group.sum(values);
    const [loss, ...others] = summed.map((sum) => sum / group.size) as unknown as [number, ...number[]];
    const report = Object.fromEntries(this.reported.map((name, index) => [name, others[index]!]));
    this.#step++;
    const { gradientNorm, skipped } = this.state.update({
      loss,
      step: this.#step - this.#skipped,
      learningRate,
      clip: settings.clip,
      shares: group.size,
      results,
    });
    this.#skippedInARow = skipped ? this.#skippedInARow + 1 : 0;
    if (skipped) this.#skipped++;
    // All of a group know it; the first says so.
    if (this.#skippedInARow >= MOST_SKIPPED && group.rank === 0)
      throw new RegardError(
        `the loss or gradient was not finite for ${MOST_SKIPPED} steps in a row, up to step ${this.#step}; lower --learning-rate (it is ${settings.learningRate}).`,
      );
    return { step: this.#step, loss, gradientNorm, learningRate, tokens, skipped, report };
  }

  /** A step of what learns by loops of its own; parameters that are no longer finite end the run. */
  #learnt(learn: Learn, values: Values, learningRate: number, tokens: number): StepReport {
    const { loss, decisions } = learn({
      batch: arraysOf(values),
      step: this.#step,
      stepsPerEpoch: this.stepsPerEpoch,
      learningRate,
    });
    this.#step++;
    if (!Number.isFinite(loss))
      throw new RegardError(
        `the loss is no longer finite at step ${this.#step}; lower --learning-rate (it is ${this.settings.learningRate}).`,
      );
    // It learns after every decision, so there is no gradient of the step.
    return {
      step: this.#step,
      loss: loss / Math.max(1, decisions),
      learningRate,
      tokens,
      skipped: false,
      report: {},
    };
  }

  /**
   * The noise that the step draws: this process's share of what is a function of (seed, input, step) for the whole batch.
   * @param bindings sizes by name of the whole batch
   */
  #noise(session: Session, batch: number, bindings: ReadonlyMap<string, number>): Record<string, Value> {
    const found: Record<string, Value> = {};
    const { from, to } = shareOf(batch, this.group);
    const sized = (count: number, tensor: Tensor) =>
      tensor.shape.map((dimension) => resolveDimension(dimension, new Map([...bindings, ["batch", count]])));
    for (const tensor of session.inputs) {
      const { name, role } = inputAttributes(tensor)!;
      if (role.kind !== "noise") continue;
      const [whole, shape] = [sized(batch, tensor), sized(to - from, tensor)];
      const axis = whole.findIndex((size, index) => size !== shape[index]);
      // What belongs to one example at a time; where no axis has the batch's examples, all belongs to all.
      const each = axis < 0 ? countOf(whole) : countOf(whole.slice(axis + 1));
      const [first, last, examples] = axis < 0 ? [0, 1, 1] : [from, to, batch];
      const random = new Random(this.settings.seed, `noise ${name}`, this.#step);
      const words = role.distribution === "normal" ? 2 : 1;
      const data = typedArray(tensor.dtype, countOf(shape)) as Float32Array | Float64Array;
      const taken = (last - first) * each;
      for (let index = 0; index < data.length; index += taken) {
        random.skip(first * each * words);
        random.fill(role.distribution ?? "uniform", data, index, index + taken);
        random.skip((examples - last) * each * words);
      }
      found[name] = { dtype: tensor.dtype, shape, data };
    }
    return found;
  }

  get #scoring(): Scoring<Example, Prepared> {
    return { evaluator: this.evaluator, parameters: this.state.parameters, prepared: this.prepared };
  }

  /** Puts vectors into the model's tables of words, before it trains. @throws UsageError where they fit none */
  beginWith(vectors: WordVectors): BegunTable[] {
    return beginTables(
      vocabularyTables(this.parameters, this.prepared),
      vectors,
      (name) => this.state.parameters[name]!.data as Float32Array,
    );
  }

  /** Takes over what a model of another run learnt, before it trains. @throws UsageError where they do not fit */
  beginFrom(learnt: Learnt): TakenOver {
    return beginWithLearnt(
      this.parameters,
      this.prepared,
      learnt,
      (name) => this.state.parameters[name]!.data as Float32Array,
    );
  }

  /** Scores the model on the validation examples. */
  validate(examples: readonly Example[] = this.data.validation): Promise<Validation> {
    return this.task.validate(this.#scoring, examples);
  }

  /** The attention over a few fixed validation examples, to watch it form; none where the model has no attention. */
  trace(): Promise<WatchedTrace[]> {
    return watched(this.task, this.model, this.#scoring, this.data.validation.slice(0, TRACED));
  }

  /** Makes all processes of the group go on from where process 0 is. */
  async align(): Promise<void> {
    const counters = Float64Array.of(this.#step, this.#skipped, this.#skippedInARow);
    for (const values of [counters, ...Object.values(this.state.tensors).map(({ data }) => data)])
      await this.group.spread(values);
    [this.#step, this.#skipped, this.#skippedInARow] = counters as unknown as [number, number, number];
  }

  /** Everything that resuming needs: parameters by name, what the optimizer remembers, and counters. */
  snapshot(): { tensors: Record<string, StoredTensor>; metadata: Record<string, string> } {
    return {
      tensors: { ...this.state.tensors },
      metadata: { step: String(this.#step), skipped: String(this.#skipped) },
    };
  }

  /** Takes up where a snapshot was made. @throws RegardError where it is of another model */
  restore(tensors: Readonly<Record<string, StoredTensor>>, metadata: Readonly<Record<string, string>>): void {
    this.state.restore(tensors);
    this.#step = Number(metadata.step);
    this.#skipped = Number(metadata.skipped);
  }

  async release(): Promise<void> {
    if ("session" in this.training) await this.training.session.release();
    else for (const store of this.training.stores) store.close();
    await this.evaluator.release();
  }
}

/** How often each word is in sentences, by its number. */
function countsOf(sentences: Iterable<readonly number[]>, vocabulary: number): Int32Array {
  const counts = new Int32Array(vocabulary);
  for (const words of sentences) for (const word of words) counts[word]!++;
  return counts;
}

/** This process's share of the values of a batch. */
function shared(
  { inputs }: Session,
  values: Values,
  batch: number,
  share: { from: number; to: number },
): Values {
  if (share.to - share.from === batch) return values;
  return Object.fromEntries(
    inputs.flatMap((tensor) => {
      const { name } = inputAttributes(tensor)!;
      const value = values[name];
      if (!value) return [];
      const axis = tensor.shape.findIndex((one) => String(one).split("*").includes("batch"));
      return [[name, axis < 0 ? value : shareOfValue(value, axis, batch, share)]];
    }),
  );
}

/** A share of a value along the axis of its examples, where these stand once or several times side by side. */
function shareOfValue(
  { dtype, shape, data }: Value,
  axis: number,
  batch: number,
  { from, to }: { from: number; to: number },
): Value {
  const inner = countOf(shape.slice(axis + 1));
  const parts = data.length / (batch * inner);
  const size = (to - from) * inner;
  const found = typedArray(dtype, parts * size);
  for (let part = 0; part < parts; part++) {
    const start = (part * batch + from) * inner;
    found.set(data.subarray(start, start + size) as never, part * size);
  }
  const examples = (shape[axis]! / batch) * (to - from);
  return { dtype, shape: shape.map((one, index) => (index === axis ? examples : one)), data: found };
}
