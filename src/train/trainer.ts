import {
  countOf,
  multiplyDimensions,
  PAD,
  Random,
  RegardError,
  resolveDimension,
  type Tensor,
  typedArray,
  UsageError,
} from "../core/index.js";
import { Batches, type Splits, type TokenBatch, tokenBatch } from "../data/index.js";
import { tokensValue } from "../decode/index.js";
import { type Model, modelById, type SizesOf, type TaskId } from "../models/index.js";
import { Mode, Scope, TOKENS } from "../nn/index.js";
import { input, inputAttributes } from "../ops/index.js";
import { type Backend, neededBy, type Session, scalar, type Value } from "../session/index.js";
import {
  assertWords,
  Evaluator,
  fittingData,
  type Scoring,
  type Task,
  tasks,
  type Validation,
  type Vocabularies,
  type WatchedTrace,
} from "../task/index.js";
import { alone, type Group, shareOf } from "./group.js";
import { makeOptimizer } from "./optimizer.js";
import type { StoredTensor } from "./safetensors.js";
import { scheduleFactor } from "./schedule.js";
import { checked, type RunSettings } from "./settings.js";
import { TrainingState, trainingStep } from "./step.js";

/** What one training step reports. */
export interface StepReport {
  /** Steps done, this one included. */
  readonly step: number;
  /** Cross-entropy in nats a token. */
  readonly loss: number;
  /** Global norm of the gradient before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Target tokens that are not padding. */
  readonly tokens: number;
  /** True where the loss or the gradient was not finite and nothing was changed. */
  readonly skipped: boolean;
}

/** Validation examples whose attention is kept at every validation. */
const TRACED = 3;
/** Steps in a row that may be skipped before training is given up. */
const MOST_SKIPPED = 10;

/** A model as settings describe it, with its parameters declared in a scope. */
export interface BuiltModel {
  readonly task: Task;
  readonly sizes: SizesOf[TaskId];
  readonly model: Model;
  readonly scope: Scope;
}

export function buildModel(
  settings: Pick<RunSettings, "model" | "configuration" | "images">,
  vocabularies: Vocabularies,
): BuiltModel {
  const card = modelById(settings.model);
  const configuration = checked(`model ${card.id}, option`, card.configuration, settings.configuration);
  const task = tasks[card.task];
  const sizes = task.sizes(vocabularies, settings.images);
  const scope = Scope.root();
  return { task, sizes, model: card.build(scope, configuration, sizes), scope };
}

/** A model in training: its state, its data and the sessions that move it. Runs wherever a backend does. */
export class Trainer<Example = unknown> {
  #step = 0;
  #skippedInARow = 0;
  #skipped = 0;

  private constructor(
    readonly settings: RunSettings,
    readonly task: Task<Example>,
    readonly data: Splits<Example>,
    readonly vocabularies: Vocabularies,
    readonly state: TrainingState,
    /** The targets of a training example, from START to END. */
    private readonly targetsOf: (index: number) => readonly (readonly number[])[],
    private readonly batches: Batches,
    private readonly training: Session,
    private readonly evaluator: Evaluator<Example>,
    readonly group: Group,
  ) {}

  /**
   * Builds and loads everything a run needs. Examples that are too long are left out, as `data.notes` says.
   * @param group the processes that train it together, each of which has a trainer with the same settings and data
   * @throws UsageError for settings that do not fit the model or data
   */
  static async create<Example>(
    settings: RunSettings,
    given: Splits<Example>,
    vocabularies: Vocabularies,
    backend: Backend,
    group: Group = alone,
  ): Promise<Trainer<Example>> {
    shareOf(settings.batch, group);
    const { model, scope, sizes, ...built } = buildModel(settings, vocabularies);
    const task = built.task as Task<Example>;
    assertWords(vocabularies, settings.vocabulary.atLeast);
    const data = fittingData(task, given, vocabularies, settings.dataOptions.maxLength);
    if (data.train.length < settings.batch)
      throw new UsageError(
        `a batch of ${settings.batch} ${task.examples} is more than the ${data.train.length} there are for training; give a smaller --batch or more data.`,
      );
    const known: (readonly (readonly number[])[])[] = new Array(data.train.length);
    const targetsOf = (index: number) => {
      known[index] ??= task
        .targets(data.train[index]!)
        .map((words) => vocabularies.target.encode(words, { start: true }));
      return known[index];
    };
    const optimizer = makeOptimizer(settings.optimizer);
    const mode = Mode.training({ labelSmoothing: settings.labelSmoothing, shares: group.size });
    const { loss, gradients, report } = model.objective(
      {
        source: task.source(sizes),
        target: input("target", "int32", ["target", multiplyDimensions(settings.targets, "batch")]),
      },
      mode,
    );
    const { parameters } = scope;
    const { buffers } = mode;
    const program = trainingStep({
      loss,
      parameters,
      ...(gradients && { gradients }),
      buffers,
      ...(report && { extra: report }),
    });
    const training = await backend.load(program);
    const evaluator = await Evaluator.load(task, model, sizes, vocabularies, backend, { beam: 1 });
    return new Trainer(
      settings,
      task,
      data,
      vocabularies,
      TrainingState.initial(parameters, optimizer, settings.seed, buffers),
      targetsOf,
      new Batches(
        data.train.map((example, index) => {
          if (task.mixesLengths) return 0;
          const lengths = targetsOf(index).map((target) => target.length);
          const mean = lengths.reduce((a, b) => a + b, 0) / lengths.length;
          return mean * 1000 + task.sourceLength(example, vocabularies);
        }),
        settings.batch,
        settings.seed,
      ),
      training,
      evaluator,
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
    const whole = tokenBatch(this.#targetsOf(batch));
    const tokens = whole.data.reduce(
      (count, token, index) => count + (index >= whole.count && token !== PAD ? 1 : 0),
      0,
    );
    const share = shareOf(batch.length, group);
    const source = await this.task.read(
      batch.slice(share.from, share.to).map((index) => this.data.train[index]!),
      this.vocabularies,
      { seed: settings.seed, step: this.#step, augment: settings.images?.augment ?? [] },
    );
    const learningRate = settings.learningRate * scheduleFactor(settings.schedule, this.#step, progress);
    const results = await this.training.run(
      neededBy(this.training, {
        ...this.state.feeds,
        ...this.#noise(batch.length, whole.length),
        source,
        target: tokensValue(columnsOf(whole, batch.length, share)),
        ...(group.size > 1 && { [TOKENS]: scalar(tokens / group.size) }),
      }),
      this.state.into,
    );
    const summed = Float64Array.of(results.loss!.data[0]!);
    for (const values of [summed, ...this.state.written]) await group.sum(values);
    const loss = summed[0]! / group.size;
    this.#step++;
    const { gradientNorm, skipped } = this.state.update({
      loss,
      step: this.#step - this.#skipped,
      learningRate,
      clip: settings.clip,
      shares: group.size,
    });
    this.#skippedInARow = skipped ? this.#skippedInARow + 1 : 0;
    if (skipped) this.#skipped++;
    // All of a group know it; the first says so.
    if (this.#skippedInARow >= MOST_SKIPPED && group.rank === 0)
      throw new RegardError(
        `the loss or gradient was not finite for ${MOST_SKIPPED} steps in a row, up to step ${this.#step}; lower --learning-rate (it is ${settings.learningRate}).`,
      );
    return { step: this.#step, loss, gradientNorm, learningRate, tokens, skipped };
  }

  /**
   * What is written for the examples of a step: one target of every example, then another of each, as many as the settings
   * say; which ones is a function of (seed, step). Where an example has fewer, some come again.
   */
  #targetsOf(examples: readonly number[]): (readonly number[])[] {
    const random = new Random(this.settings.seed, "targets", this.#step);
    const orders = examples.map((index) => {
      const all = this.targetsOf(index);
      return all.length === 1 ? all : random.shuffle([...all]);
    });
    return Array.from({ length: this.settings.targets }, (_, round) =>
      orders.map((order) => order[round % order.length]!),
    ).flat();
  }

  /** The noise that the step draws: this process's share of what is a function of (seed, input, step) for the whole batch. */
  #noise(batch: number, target: number): Record<string, Value> {
    const found: Record<string, Value> = {};
    const { from, to } = shareOf(batch, this.group);
    const sized = (count: number, tensor: Tensor) =>
      tensor.shape.map((dimension) =>
        resolveDimension(
          dimension,
          new Map([
            ["batch", count],
            ["target", target],
          ]),
        ),
      );
    for (const tensor of this.training.inputs) {
      const { name, role } = inputAttributes(tensor)!;
      if (role.kind !== "noise") continue;
      const [whole, shape] = [sized(batch, tensor), sized(to - from, tensor)];
      const axis = whole.findIndex((size, index) => size !== shape[index]);
      // What belongs to one example at a time; where no axis has the batch's examples, all belongs to all.
      const each = axis < 0 ? countOf(whole) : countOf(whole.slice(axis + 1));
      const [first, last, examples] = axis < 0 ? [0, 1, 1] : [from, to, batch];
      const random = new Random(this.settings.seed, `noise ${name}`, this.#step);
      const [draw, words] =
        role.distribution === "normal" ? [() => random.normal(), 2] : [() => random.uniform(), 1];
      const data = typedArray(tensor.dtype, countOf(shape));
      for (let index = 0; index < data.length; ) {
        random.skip(first * each * words);
        for (const end = index + (last - first) * each; index < end; index++) data[index] = draw();
        random.skip((examples - last) * each * words);
      }
      found[name] = { dtype: tensor.dtype, shape, data };
    }
    return found;
  }

  get #scoring(): Scoring<Example> {
    return { evaluator: this.evaluator, parameters: this.state.parameters, vocabularies: this.vocabularies };
  }

  /** Scores the model on the validation examples. */
  validate(examples: readonly Example[] = this.data.validation): Promise<Validation> {
    return this.task.validate(this.#scoring, examples);
  }

  /** The attention over a few fixed validation examples, to watch it form; none where the model has no attention. */
  trace(): Promise<WatchedTrace[]> {
    return this.task.traces(this.#scoring, this.data.validation.slice(0, TRACED));
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
    await this.training.release();
    await this.evaluator.release();
  }
}

/** The columns of a share of a batch, where the batch stands in `tokens` once or several times side by side. */
function columnsOf(
  { length, count, data }: TokenBatch,
  batch: number,
  { from, to }: { from: number; to: number },
): TokenBatch {
  if (to - from === batch) return { length, count, data };
  const parts: Int32Array[] = [];
  for (let start = 0; start < data.length; start += batch)
    parts.push(data.subarray(start + from, start + to));
  const found = new Int32Array(parts.length * (to - from));
  parts.forEach((part, index) => {
    found.set(part, index * part.length);
  });
  return { length, count: found.length / length, data: found };
}
