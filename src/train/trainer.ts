import {
  multiplyDimensions,
  PAD,
  Random,
  RegardError,
  resolveDimension,
  typedArray,
  UsageError,
} from "../core/index.js";
import { Batches, type Splits, tokenBatch } from "../data/index.js";
import { tokensValue } from "../decode/index.js";
import { type Model, modelById, type SizesOf, type TaskId } from "../models/index.js";
import { Mode, Scope } from "../nn/index.js";
import { input, inputAttributes } from "../ops/index.js";
import type { Backend, Session, Value } from "../session/index.js";
import {
  assertWords,
  Evaluator,
  type Scoring,
  type Task,
  tasks,
  type Validation,
  type Vocabularies,
  type WatchedTrace,
} from "../task/index.js";
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
  ) {}

  /** Builds and loads everything a run needs. @throws UsageError for settings that do not fit the model or data */
  static async create<Example>(
    settings: RunSettings,
    data: Splits<Example>,
    vocabularies: Vocabularies,
    backend: Backend,
  ): Promise<Trainer<Example>> {
    const { model, scope, sizes, ...built } = buildModel(settings, vocabularies);
    const task = built.task as Task<Example>;
    if (data.train.length < settings.batch)
      throw new UsageError(
        `a batch of ${settings.batch} ${task.examples} is more than the ${data.train.length} there are for training; give a smaller --batch or more data.`,
      );
    assertWords(vocabularies, settings.vocabulary.atLeast);
    const known: (readonly (readonly number[])[])[] = new Array(data.train.length);
    const targetsOf = (index: number) => {
      known[index] ??= task
        .targets(data.train[index]!)
        .map((words) => vocabularies.target.encode(words, { start: true }));
      return known[index];
    };
    const optimizer = makeOptimizer(settings.optimizer);
    const mode = Mode.training({ labelSmoothing: settings.labelSmoothing });
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
          return mean * 1000 + task.sourceLength(example);
        }),
        settings.batch,
        settings.seed,
      ),
      training,
      evaluator,
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
    const { settings } = this;
    const examples = this.batches.at(this.#step);
    const target = tokenBatch(this.#targetsOf(examples));
    const source = await this.task.read(
      examples.map((index) => this.data.train[index]!),
      this.vocabularies,
      { seed: settings.seed, step: this.#step, augment: settings.images?.augment ?? [] },
    );
    const learningRate = settings.learningRate * scheduleFactor(settings.schedule, this.#step, progress);
    const results = await this.training.run(
      {
        ...this.state.feeds,
        ...this.#noise(
          new Map([
            ["batch", examples.length],
            ["target", target.length],
          ]),
        ),
        source,
        target: tokensValue(target),
      },
      this.state.into,
    );
    this.#step++;
    const loss = results.loss!.data[0]!;
    const { gradientNorm, skipped } = this.state.update({
      loss,
      step: this.#step - this.#skipped,
      learningRate,
      clip: settings.clip,
    });
    this.#skippedInARow = skipped ? this.#skippedInARow + 1 : 0;
    if (skipped) this.#skipped++;
    if (this.#skippedInARow >= MOST_SKIPPED)
      throw new RegardError(
        `the loss or gradient was not finite for ${MOST_SKIPPED} steps in a row, up to step ${this.#step}; lower --learning-rate (it is ${settings.learningRate}).`,
      );
    let tokens = 0;
    for (let index = target.count; index < target.data.length; index++)
      if (target.data[index] !== PAD) tokens++;
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

  /** The noise that the step draws: a function of (seed, input, step). */
  #noise(sizes: ReadonlyMap<string, number>): Record<string, Value> {
    const found: Record<string, Value> = {};
    for (const tensor of this.training.inputs) {
      const { name, role } = inputAttributes(tensor)!;
      if (role.kind !== "noise") continue;
      const shape = tensor.shape.map((dimension) => resolveDimension(dimension, sizes));
      const random = new Random(this.settings.seed, `noise ${name}`, this.#step);
      const data = typedArray(
        tensor.dtype,
        shape.reduce((a, b) => a * b, 1),
      );
      for (let index = 0; index < data.length; index++)
        data[index] = role.distribution === "normal" ? random.normal() : random.uniform();
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
