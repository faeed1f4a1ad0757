import type { AlignmentTrace } from "../attention/index.js";
import { PAD, RegardError, UsageError } from "../core/index.js";
import { Batches, type Pair, type ParallelData } from "../data/index.js";
import { tokensValue } from "../decode/index.js";
import { alignmentErrorRate, type Collapse, collapseOf } from "../explain/index.js";
import type { Translator } from "../models/index.js";
import { type Parameter, Scope } from "../nn/index.js";
import { input } from "../ops/index.js";
import type { Backend, Session, Value } from "../session/index.js";
import { Evaluator } from "./evaluator.js";
import { makeOptimizer } from "./optimizer.js";
import type { StoredTensor } from "./safetensors.js";
import { scheduleFactor } from "./schedule.js";
import { checked, modelById, type RunSettings } from "./settings.js";
import { TrainingState, trainingStep } from "./step.js";
import { encodePair, type Vocabularies } from "./vocabularies.js";

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

export interface Validation {
  /** Cross-entropy in nats a token. */
  readonly loss: number;
  /** Share of sentences that are translated exactly as in the data. */
  readonly exact: number;
  /** Alignment error rate of the attention, where there is attention and a gold alignment. */
  readonly aer?: number;
  /** In which way the attention has collapsed; undefined where it has not. */
  readonly collapse?: Collapse | undefined;
}

/** Sentences translated at a validation; the loss is over all. */
const DECODED_AT_VALIDATION = 200;
/** Validation sentences whose attention is kept at every validation. */
const TRACED = 3;
/** Steps in a row that may be skipped before training is given up. */
const MOST_SKIPPED = 10;

/** A model as settings describe it, with its parameters declared. */
export function buildModel(
  settings: Pick<RunSettings, "model" | "configuration">,
  vocabularies: Vocabularies,
): { translator: Translator; parameters: readonly Parameter[] } {
  const card = modelById(settings.model);
  const configuration = checked(`model ${card.id}, option`, card.configuration, settings.configuration);
  const scope = Scope.root();
  const translator = card.build(scope, configuration, {
    source: vocabularies.source.size,
    target: vocabularies.target.size,
  });
  return { translator, parameters: scope.parameters };
}

/** A model in training: its state, its data and the sessions that move it. Runs wherever a backend does. */
export class Trainer {
  #step = 0;
  #skippedInARow = 0;
  #skipped = 0;

  private constructor(
    readonly settings: RunSettings,
    readonly data: ParallelData,
    readonly vocabularies: Vocabularies,
    readonly state: TrainingState,
    private readonly batches: Batches,
    private readonly training: Session,
    private readonly evaluator: Evaluator,
  ) {}

  /** Builds and loads everything a run needs. @throws UsageError for settings that do not fit the model or data */
  static async create(
    settings: RunSettings,
    data: ParallelData,
    vocabularies: Vocabularies,
    backend: Backend,
  ): Promise<Trainer> {
    if (data.train.length < settings.batch)
      throw new UsageError(
        `a batch of ${settings.batch} pairs is more than the ${data.train.length} there are for training; give a smaller --batch or more data.`,
      );
    const { translator, parameters } = buildModel(settings, vocabularies);
    const optimizer = makeOptimizer(settings.optimizer);
    const source = input("source", "int32", ["source", "batch"]);
    const target = input("target", "int32", ["target", "batch"]);
    const { loss } = translator.train(source, target, { labelSmoothing: settings.labelSmoothing });
    const program = trainingStep({ loss, parameters, optimizer, clip: settings.clip });
    const training = await backend.load(program);
    const evaluator = await Evaluator.load(translator, vocabularies, backend, { beam: 1 });
    const pairs = data.train.map((pair) => encodePair(pair, vocabularies));
    return new Trainer(
      settings,
      data,
      vocabularies,
      TrainingState.initial(parameters, optimizer, settings.seed),
      new Batches(pairs, settings.batch, settings.seed),
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
    const { source, target } = this.batches.at(this.#step);
    const learningRate = settings.learningRate * scheduleFactor(settings.schedule, this.#step, progress);
    const scalar = (value: number): Value => ({ dtype: "float32", shape: [], data: Float32Array.of(value) });
    const results = await this.training.run(
      {
        ...this.state.feeds,
        source: tokensValue(source),
        target: tokensValue(target),
        learningRate: scalar(learningRate),
        step: scalar(this.#step + 1),
      },
      this.state.into,
    );
    this.#step++;
    const loss = results.loss!.data[0]!;
    const gradientNorm = results.gradientNorm!.data[0]!;
    const skipped = !(Number.isFinite(loss) && Number.isFinite(gradientNorm));
    if (!skipped) this.state.advance();
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

  /** Scores the model on the validation pairs. */
  async validate(pairs: readonly Pair[] = this.data.validation): Promise<Validation> {
    const { parameters } = this.state;
    const { loss, alignment, attention } = await this.evaluator.score(parameters, pairs);
    const sample = pairs.slice(0, DECODED_AT_VALIDATION);
    const found = await this.evaluator.translate(
      parameters,
      sample.map(({ source }) => source),
      { beam: 1 },
    );
    const exact = found.filter(
      ([best], index) =>
        best!.tokens.join() === this.vocabularies.target.segment(sample[index]!.target).tokens.join(),
    ).length;
    return {
      loss,
      exact: exact / sample.length,
      ...(alignment.sure > 0 && { aer: alignmentErrorRate(alignment) }),
      ...(attention && { collapse: collapseOf(attention) }),
    };
  }

  /** The attention over a few fixed validation pairs, to watch it form; none where the model has no attention. */
  trace(): Promise<AlignmentTrace[]> {
    return this.evaluator.trace(this.state.parameters, this.data.validation.slice(0, TRACED));
  }

  /** Everything that resuming needs: parameters by name, what the optimizer remembers, and counters. */
  snapshot(): { tensors: Record<string, StoredTensor>; metadata: Record<string, string> } {
    const tensors: Record<string, StoredTensor> = { ...this.state.parameters };
    for (const [name, data] of Object.entries(this.state.arrays))
      if (name !== "parameters")
        tensors[`optimizer.${name}`] = { dtype: this.state.layout.dtype, shape: [data.length], data };
    return { tensors, metadata: { step: String(this.#step), skipped: String(this.#skipped) } };
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
