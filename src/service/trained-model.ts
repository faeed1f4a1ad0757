import { Walker } from "../explain/index.js";
import type { Model, SizesOf, TaskId } from "../models/index.js";
import { type Backend, constants, type Values } from "../session/index.js";
import { Evaluator, type Task, type Vocabularies } from "../task/index.js";
import { buildModel, type RunSettings, type StoredTensor, storedParameters } from "../train/index.js";
import type { Evaluation, Requests } from "./protocol.js";

/** Words a step tells of besides the one it wrote. */
const ALTERNATIVES = 6;
/** The widest beam that can be asked for. */
export const WIDEST_BEAM = 16;

export interface TrainedModelOptions {
  readonly settings: RunSettings;
  readonly vocabularies: Vocabularies;
  readonly step: number;
  readonly tensors: Readonly<Record<string, StoredTensor>>;
  readonly backend: Backend;
}

/** What is loaded when it is first needed, and let go with the model. */
interface Loaded {
  release(): Promise<void>;
}

/** What all trained models share, whatever they read. */
export abstract class TrainedModel<Example, Id extends TaskId> {
  readonly vocabularies: Vocabularies;
  readonly step: number;
  protected readonly settings: RunSettings;
  protected readonly model: Model;
  protected readonly sizes: SizesOf[Id];
  protected readonly parameters: Values;
  protected readonly backend: Backend;
  readonly #loaded = new Map<string, Promise<Loaded>>();

  protected constructor(
    readonly record: Task<Example, Id>,
    { settings, vocabularies, step, tensors, backend }: TrainedModelOptions,
  ) {
    const { model, sizes, scope } = buildModel(settings, vocabularies);
    this.vocabularies = vocabularies;
    this.step = step;
    this.settings = settings;
    this.model = model;
    this.sizes = sizes as SizesOf[Id];
    this.parameters = storedParameters(scope.parameters, tensors);
    this.backend = backend;
  }

  get task(): Id {
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

  protected evaluation(): Promise<Evaluator<Example>> {
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
      Walker.load(this.model, this.record.source(this.sizes), this.backend, {
        alternatives: ALTERNATIVES,
        vocabulary: this.vocabularies.target.size,
        sampling,
        values: constants(this.parameters),
      }),
    );
  }

  /** Scores the examples of a split. */
  protected async scored(
    examples: readonly Example[],
    { split, beam }: Requests["evaluate"],
  ): Promise<Evaluation> {
    const scoring = {
      evaluator: await this.evaluation(),
      parameters: this.parameters,
      vocabularies: this.vocabularies,
    };
    const { metrics, breakdown } = await this.record.report(scoring, examples, { beam });
    return {
      model: this.settings.model,
      step: this.step,
      split,
      sentences: examples.length,
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
