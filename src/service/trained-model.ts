import { DEFAULT_BEAM, type Decoded, type Decoding, WIDEST_BEAM } from "../decode/index.js";
import { Walker, type WalkStep } from "../explain/index.js";
import type { Model } from "../models/index.js";
import { type Backend, constants, type Value, type Values } from "../session/index.js";
import { Evaluator, fittingExamples, type Task, type Vocabularies } from "../task/index.js";
import { buildModel, type RunSettings, type StoredTensor, storedParameters } from "../train/index.js";
import type { Evaluation, Requests, Writing } from "./protocol.js";
import { byStep, forcedRow, tokenOf, tokensByStep } from "./shared.js";

/** Words a step tells of besides the one it wrote. */
const ALTERNATIVES = 6;

export interface TrainedModelOptions {
  readonly settings: RunSettings;
  readonly prepared: unknown;
  readonly step: number;
  readonly tensors: Readonly<Record<string, StoredTensor>>;
  readonly backend: Backend;
}

/** What is loaded when it is first needed, and let go with the model. */
interface Loaded {
  release(): Promise<void>;
}

/** What was written of one source, and how. */
export interface Written {
  readonly steps: readonly WalkStep[];
  /** Of the beam, best first; none where places were drawn. */
  readonly hypotheses: readonly Decoded[];
  readonly decoding: Decoding;
}

/** What all trained models share, whatever they read. */
export abstract class TrainedModel<Example, Prepared extends Vocabularies, Sizes> {
  readonly vocabularies: Prepared;
  readonly step: number;
  protected readonly settings: RunSettings;
  protected readonly model: Model;
  protected readonly sizes: Sizes;
  protected readonly parameters: Values;
  protected readonly backend: Backend;
  readonly #loaded = new Map<string, Promise<Loaded>>();

  protected constructor(
    readonly record: Task<Example, Prepared, Sizes>,
    { settings, prepared, step, tensors, backend }: TrainedModelOptions,
  ) {
    const { model, sizes, scope } = buildModel(settings, prepared);
    this.vocabularies = prepared as Prepared;
    this.step = step;
    this.settings = settings;
    this.model = model;
    this.sizes = sizes as Sizes;
    this.parameters = storedParameters(scope.parameters, tensors);
    this.backend = backend;
  }

  get task(): string {
    return this.record.id;
  }

  /** What has a name, loaded when it is first asked for. */
  protected once<Kind extends Loaded>(name: string, load: () => Promise<Kind>): Promise<Kind> {
    const known = this.#loaded.get(name) ?? load();
    this.#loaded.set(name, known);
    // What could not be loaded is tried again when it is asked for again.
    known.catch(() => this.#loaded.delete(name));
    return known as Promise<Kind>;
  }

  protected evaluation(): Promise<Evaluator<Example, Prepared>> {
    return this.once("evaluator", () =>
      Evaluator.load(this.record, this.model, this.sizes, this.vocabularies, this.backend, {
        beam: WIDEST_BEAM,
        fixed: this.parameters,
      }),
    );
  }

  /** @param sampling whether places are drawn, by a model that can */
  protected walking(sampling = false): Promise<Walker> {
    return this.once(sampling ? "sampler" : "walker", () =>
      Walker.load(this.model, this.record.inputs(this.sizes), this.backend, {
        alternatives: ALTERNATIVES,
        sampling,
        values: constants(this.parameters),
      }),
    );
  }

  /**
   * What the model writes of one source, step by step, with everything in view: the best hypothesis, or, from the first
   * step on that a reader changed, the likeliest tokens after the changes.
   * @param source as the model reads it
   * @param places of it that can be looked at
   * @throws UsageError for words that cannot be written, and attention that does not fit
   */
  protected async writing(
    source: Value,
    places: number,
    { beam = DEFAULT_BEAM, words = {}, attention = {}, sample }: Partial<Writing>,
  ): Promise<Written> {
    const evaluator = await this.evaluation();
    const { target } = this.vocabularies;
    const forced = byStep(attention, (row, step) => forcedRow(row, places, step));
    const changes = byStep(words, (word) => tokenOf(target, word));
    const changed = [...changes.keys(), ...forced.keys()];
    const changedAt = changed.length > 0 ? Math.min(...changed) : undefined;
    // Places that are drawn are drawn step by step, so there is no beam to keep.
    const hypotheses =
      sample === undefined ? (await evaluator.writeValues(this.parameters, { source }, { beam }))[0]! : [];
    const kept = hypotheses[0] ? [...tokensByStep(hypotheses[0])] : [];
    const walker = await this.walking(sample !== undefined);
    const steps = await walker.walk(
      this.parameters,
      { source },
      {
        tokens: new Map([
          ...kept.filter(([step]) => step < (changedAt ?? Number.POSITIVE_INFINITY)),
          ...changes,
        ]),
        attention: forced,
        ...(sample !== undefined && { sample }),
      },
      { longest: evaluator.longestOf({ source }) },
    );
    const decoding = {
      beam: sample === undefined ? beam : 1,
      ...(changedAt !== undefined && { changedAt }),
      ...(sample !== undefined && { sample }),
    };
    return { hypotheses, steps, decoding };
  }

  /** Scores the examples of a split. */
  protected async scored(
    wanted: readonly Example[],
    { split, beam }: Requests["evaluate"],
  ): Promise<Evaluation> {
    const { fitting: examples, notes } = fittingExamples(
      this.record,
      wanted,
      this.vocabularies,
      this.settings.dataOptions.maxLength,
    );
    const scoring = {
      evaluator: await this.evaluation(),
      parameters: this.parameters,
      prepared: this.vocabularies,
    };
    const { metrics, breakdown } = await this.record.report(scoring, examples, { beam });
    return {
      model: this.settings.model,
      step: this.step,
      split,
      sentences: examples.length,
      decoding: { beam },
      notes,
      metrics,
      ...(breakdown && { breakdown }),
    };
  }

  async release(): Promise<void> {
    for (const loaded of this.#loaded.values())
      await loaded.then(
        (one) => one.release(),
        () => {},
      );
  }
}
