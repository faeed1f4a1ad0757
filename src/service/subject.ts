import {
  encodeTrace,
  heldLooks,
  type Look,
  lookedAtSource,
  lookOfRows,
  meanOfLooks,
  type Places,
  rowsOf,
  scoringOf,
  type Trace,
  type TraceLook,
  type Weighed,
  type Weighing,
  weighingNamed,
} from "../attention/index.js";
import { END, START, toBase64, UsageError } from "../core/index.js";
import { type Splits, tokenBatch, type Vocabulary, type WordVectors } from "../data/index.js";
import {
  DEFAULT_BEAM,
  type Decoded,
  type Decoding,
  lookedWhileReading,
  type PlainDrive,
  START_MARK,
  tokensValue,
  WIDEST_BEAM,
} from "../decode/index.js";
import {
  attentionEntropy,
  EFFECT,
  Effects,
  meanInterval,
  Prober,
  SALIENCE,
  verdictOf,
  verdictSentence,
  Walker,
  type WalkStep,
} from "../explain/index.js";
import type { Model, Tensors } from "../models/index.js";
import { type Backend, constants, neededBy, type Value, type Values } from "../session/index.js";
import {
  type AnyTask,
  countOfPlaces,
  type Diagnosis,
  Evaluator,
  exampleOf,
  type FrozenEncoder,
  firstPlaces,
  fittingExamples,
  type Shown,
  tracedLook,
  tracedWeighing,
  type Variants,
  withSlots,
} from "../task/index.js";
import {
  buildModel,
  type RunSettings,
  type StoredTensor,
  storedParameters,
  type VocabularyTable,
  vectorsOf,
  vocabularyTables,
} from "../train/index.js";
import { ATTENTION_LOOK, EFFECT_LOOK, SALIENCE_LOOK } from "./look-names.js";
import type {
  Answer,
  Asked,
  Evaluation,
  Example,
  Explanation,
  Requests,
  SplitExplanation,
  VectorsOfRun,
  Writing,
} from "./protocol.js";
import {
  agreementsOf,
  byStep,
  decodedOfSteps,
  examplesOfSplit,
  forcedRow,
  hypothesisAnswers,
  splitNamesOf,
  stepAnswers,
  tokenOf,
  tokensByStep,
} from "./shared.js";

/** Words a step tells of besides the one it wrote. */
const ALTERNATIVES = 6;
/** Examples that are shown of a split. */
const SHOWN = 24;

export interface SubjectOptions {
  readonly settings: RunSettings;
  /** What the run's task prepared of its training data. */
  readonly prepared: unknown;
  readonly step: number;
  readonly tensors: Readonly<Record<string, StoredTensor>>;
  readonly backend: Backend;
  /** What its images go through, where it has such a network. */
  readonly encoder?: FrozenEncoder | undefined;
}

/** How an output is to come about, in part. */
export type Request = Partial<Writing> & {
  readonly effect?: boolean;
  readonly reading?: boolean | undefined;
  /** Leave unknown words as they are. */
  readonly keepUnknown?: boolean;
};

/** What is loaded when it is first needed, and let go with the model. */
interface Loaded {
  release(): Promise<void>;
}

/** What a model gave for one example, however it is driven. */
interface Given {
  readonly output: unknown;
  readonly shown: Shown;
  /** Where it looked while it gave it, attention first. */
  readonly looks: readonly TraceLook[];
  /** Names of the looks that may be changed. */
  readonly changeable: readonly string[];
  /** Of the looks that weigh, where it is known without more. */
  readonly salience: () => Promise<readonly TraceLook[]>;
  /** What was decided, as targets of one example. */
  readonly taken: Values;
  /** How many of the steps decided something that is not the end. */
  readonly decided: number;
  readonly steps: readonly WalkStep[];
  readonly hypotheses: readonly Decoded[];
  readonly decoding?: Decoding;
}

/** A trained model and everything one can ask of it, whatever it reads. */
// biome-ignore lint/suspicious/noExplicitAny: examples are those of the model's task.
export class Subject<Example_ = any> {
  readonly task: AnyTask;
  readonly step: number;
  readonly settings: RunSettings;
  readonly prepared: unknown;
  readonly model: Model;
  readonly #sizes: unknown;
  readonly #inputs: Tensors;
  readonly #parameters: Values;
  readonly #tables: readonly VocabularyTable[];
  readonly #backend: Backend;
  readonly #encoder: FrozenEncoder | undefined;
  readonly #loaded = new Map<string, Promise<Loaded>>();

  constructor({ settings, prepared, step, tensors, backend, encoder }: SubjectOptions) {
    const { task, model, sizes, scope } = buildModel(settings, prepared);
    this.task = task;
    this.step = step;
    this.settings = settings;
    this.prepared = prepared;
    this.model = model;
    this.#sizes = sizes;
    this.#inputs = task.inputs(sizes);
    this.#parameters = storedParameters(scope.parameters, tensors);
    this.#tables = vocabularyTables(scope.parameters, prepared);
    this.#backend = backend;
    this.#encoder = encoder;
    if (settings.images?.encoder && !encoder)
      throw new UsageError(
        "this run reads its images through an encoder of its own, which is not at hand here; ask from the command line or its studio.",
      );
  }

  /** What has a name, loaded when it is first asked for. */
  #once<Kind extends Loaded>(name: string, load: () => Promise<Kind>): Promise<Kind> {
    const known = this.#loaded.get(name) ?? load();
    this.#loaded.set(name, known);
    // What could not be loaded is tried again when it is asked for again.
    known.catch(() => this.#loaded.delete(name));
    return known as Promise<Kind>;
  }

  #evaluation(): Promise<Evaluator<Example_, unknown>> {
    return this.#once("evaluator", () =>
      Evaluator.load(this.task, this.model, this.#sizes, this.prepared, this.#backend, {
        beam: WIDEST_BEAM,
        fixed: this.#parameters,
      }),
    );
  }

  /** @param sampling whether places are drawn, by a model that can. @param drawing whether words are */
  #walking(sampling: boolean, drawing: boolean): Promise<Walker> {
    return this.#once(drawing ? "writer" : sampling ? "sampler" : "walker", () =>
      Walker.load(this.model, this.#inputs, this.#backend, {
        alternatives: ALTERNATIVES,
        ...{ sampling, drawing },
        values: constants(this.#parameters),
      }),
    );
  }

  #probing(drive: PlainDrive, sampling: boolean): Promise<Prober> {
    const { likelihood } = this.task;
    const targets = this.task.targets(this.#sizes, "batch");
    return this.#once(sampling ? "drawing prober" : "prober", () =>
      Prober.load(
        this.model,
        drive,
        this.#inputs,
        likelihood && ((outputs) => likelihood(outputs, targets)),
        this.#backend,
        { sampling, values: constants(this.#parameters) },
      ),
    );
  }

  #effects(): Promise<Effects> {
    return this.#once("effects", () =>
      Effects.load(
        this.model,
        this.#inputs,
        this.task.targets(this.#sizes, "batch"),
        this.#backend,
        this.task.likelihood,
      ),
    );
  }

  /**
   * Vectors of the words of its vocabulary: those that the model is made to give, or a table.
   * @param table the name of one; the model's own, or its first, where absent
   * @throws UsageError where there are none, or none of the name
   */
  async vectors(
    table?: string,
  ): Promise<{ readonly table: string; readonly tables: readonly string[]; readonly vectors: WordVectors }> {
    const tables = this.#tables.map(({ name }) => name);
    if (tables.length === 0)
      throw new UsageError(
        `the model ${this.settings.model} has no vectors of words; take a run of another model.`,
      );
    const found = table === undefined ? this.#tables[0]! : this.#tables.find(({ name }) => name === table);
    if (!found) throw new UsageError(`the run has no table "${table}"; it has ${tables.join(", ")}.`);
    const { vectors: given } = this.model;
    let values = this.#parameters[found.name]!.data as Float32Array;
    if (table === undefined && given) {
      const session = await this.#backend.load({ given });
      values = (await session.run(neededBy(session, this.#parameters))).given!.data as Float32Array;
      await session.release();
    }
    return { table: found.name, tables, vectors: vectorsOf(found.vocabulary, values) };
  }

  /** What was given, as an example. @throws UsageError for what the model cannot read */
  async exampleOf(asked: Asked, data: () => Promise<Splits<Example_>>): Promise<Example_> {
    if ("fields" in asked)
      return this.given(this.task.example(asked.fields, this.prepared, this.settings.images));
    const examples = examplesOfSplit(await data(), asked.split);
    const found = examples[asked.index];
    if (found === undefined)
      throw new UsageError(
        `split "${asked.split}" has ${examples.length} ${this.task.examples}, so there is none with the number ${asked.index}.`,
      );
    const { changed } = asked;
    if (!changed || Object.keys(changed).length === 0) return found;
    if (!this.task.changed)
      throw new UsageError(
        `an example of the data is asked about as it is by a model for ${this.task.id}; give what is to be read whole.`,
      );
    return this.task.changed(found, changed, this.prepared, this.settings.images) as Example_;
  }

  /** An example that is not of the data, as the model reads it. */
  given(example: Example_): Example_ {
    return this.#encoder ? (this.#encoder.encode(example as never) as Example_) : example;
  }

  async #values(example: Example_): Promise<Values> {
    return (await this.task.collate([example], this.prepared, { kind: "ask" })).values;
  }

  /** What the model gives for an example, with everything in view. */
  #give(example: Example_, values: Values, request: Request): Promise<Given> {
    const { drive } = this.task;
    return drive.kind === "tokens"
      ? this.#written(example, values, request)
      : this.#run(drive, example, values, request);
  }

  /**
   * What the model writes, step by step: the best hypothesis, or, from the first step on that a reader changed, the likeliest
   * tokens after the changes.
   * @throws UsageError for words that cannot be written, and attention that does not fit
   */
  async #written(
    example: Example_,
    values: Values,
    { beam = DEFAULT_BEAM, words = {}, looks = {}, temperature, keepUnknown, ...request }: Request,
  ): Promise<Given> {
    const sample = request.sample ?? (temperature === undefined ? undefined : 1);
    const evaluator = await this.#evaluation();
    const { target } = this.prepared as { target: Vocabulary };
    const { [ATTENTION_LOOK]: attended = {}, ...others } = looks;
    const places = await this.#placesOf(example);
    const source = places.source;
    const forced = byStep(attended, (row, step) => forcedRow(row, countOfPlaces(source), step));
    const changes = byStep(words, (word) => tokenOf(target, word));
    const forcedLooks = Object.fromEntries(
      Object.entries(others).map(([name, rows]) => [name, byStep(rows, (row) => row)]),
    );
    const changed = [
      ...changes.keys(),
      ...forced.keys(),
      ...Object.values(forcedLooks).flatMap((rows) => [...rows.keys()]),
    ];
    const changedAt = changed.length > 0 ? Math.min(...changed) : undefined;
    // Places that are drawn are drawn step by step, so there is no beam to keep.
    const hypotheses =
      sample === undefined ? (await evaluator.writeValues(this.#parameters, values, { beam }))[0]! : [];
    const kept = hypotheses[0] ? [...tokensByStep(hypotheses[0])] : [];
    const walker = await this.#walking(sample !== undefined, temperature !== undefined);
    const steps = await walker.walk(
      this.#parameters,
      values,
      {
        tokens: new Map([
          ...kept.filter(([step]) => step < (changedAt ?? Number.POSITIVE_INFINITY)),
          ...changes,
        ]),
        attention: forced,
        looks: forcedLooks,
        ...(sample !== undefined && { sample }),
        ...(temperature !== undefined && { temperature }),
      },
      { longest: evaluator.longestOf(values) },
    );
    const output = decodedOfSteps(steps);
    const shown = await this.task.show(example, output, this.prepared, { model: this.model, keepUnknown });
    const tokens = steps.map(({ token }) => token);
    const rows = (of: (step: WalkStep) => readonly number[] | undefined) =>
      steps.length > 0 && steps.every((step) => of(step)) ? steps.map((step) => of(step)!) : undefined;
    const over = "source";
    const attention = rows(({ weights }) => weights);
    const salience = rows((step) => step.salience);
    return {
      output,
      shown,
      looks: [
        ...(attention
          ? [
              {
                ...lookOfRows(attention, { name: ATTENTION_LOOK, over, kind: "weights" }),
                ...weighedBy(lookedAtSource(walker.looks), (name) =>
                  steps.map(({ weighed }) => weighingNamed(weighed, name)),
                ),
              },
            ]
          : []),
        ...headLooks(walker.looks, steps),
      ],
      changeable: [...(attention ? [ATTENTION_LOOK] : []), ...headNames(walker.looks)],
      salience: async () =>
        salience
          ? [lookOfRows(salience, { name: SALIENCE_LOOK, over, kind: "weights", unit: SALIENCE.unit })]
          : [],
      taken: { target: tokensValue(tokenBatch([[START, ...tokens]])) },
      decided: tokens.filter((token) => token !== END).length,
      steps,
      hypotheses,
      decoding: {
        beam: sample === undefined ? beam : 1,
        ...(changedAt !== undefined && { changedAt }),
        ...(sample !== undefined && { sample }),
        ...(temperature !== undefined && { temperature }),
      },
    };
  }

  /** What the model gives that does not write tokens. @throws UsageError for looks that do not fit */
  async #run(
    drive: PlainDrive,
    example: Example_,
    values: Values,
    { looks = {}, sample, temperature }: Request,
  ): Promise<Given> {
    if (temperature !== undefined)
      throw new UsageError(
        `the temperature is ${temperature}, but the model writes no words that could be drawn; leave it out.`,
      );
    const prober = await this.#probing(drive, sample !== undefined);
    const choices = {
      looks: Object.fromEntries(
        Object.entries(looks).map(([name, rows]) => [name, byStep(rows, (row) => row)]),
      ),
      ...(sample !== undefined && { sample }),
    };
    const { task, prepared } = this;
    const found = await prober.run(this.#parameters, values, choices);
    const axis = drive.kind === "once" ? 0 : 1;
    const one = (all: Values): Values =>
      Object.fromEntries(Object.entries(all).map(([name, value]) => [name, exampleOf(value, 0, axis)]));
    const output = task.read!(one(found.outputs), example, prepared);
    const shown = await task.show(example, output, prepared, { model: this.model });
    const taken = task.taken!(output, example, prepared);
    const entries = Object.entries(prober.looks);
    const traced = (all: Values, used: Values = {}, about: Partial<TraceLook> = {}): TraceLook[] =>
      entries.flatMap(([name, look]) =>
        all[name]
          ? [
              {
                ...tracedLook(
                  name,
                  look,
                  exampleOf(all[name], 0, look.axes.indexOf("batch")),
                  drive.kind === "once" ? undefined : shown.steps.length,
                  used[name] && exampleOf(used[name], 0, look.axes.indexOf("batch")),
                ),
                ...about,
              },
            ]
          : [],
      );
    const weighing = (name: string) => {
      const all = weighingNamed(found.weighed, name);
      const rows = drive.kind === "once" ? 1 : shown.steps.length;
      return Array.from(
        { length: rows },
        (_, row) => all && rowOfWeighing(all, drive.kind === "once" ? undefined : row),
      );
    };
    return {
      output,
      shown,
      looks: traced(found.looks, found.used).map((look) => ({
        ...look,
        ...weighedBy({ [look.name]: prober.looks[look.name]! }, weighing),
      })),
      changeable: entries.map(([name]) => name),
      salience: async () => {
        const slopes = await prober.salience(this.#parameters, values, taken, choices);
        return traced(slopes, {}, { unit: SALIENCE.unit }).map((look) => ({
          ...look,
          name: entries.length > 1 ? `${SALIENCE_LOOK} of ${look.name}` : SALIENCE_LOOK,
        }));
      },
      taken,
      decided: shown.steps.length,
      steps: [],
      hypotheses: [],
    };
  }

  #placesOf(example: Example_): Promise<Readonly<Record<string, Places>>> {
    return this.task.places(example, this.prepared, this.model);
  }

  /** The causal effect of every place on every decision, as a look. */
  async #effectLook(
    values: Values,
    { taken, shown }: Given,
    decided?: number,
  ): Promise<{ look: TraceLook; variants: Variants }> {
    const variants = this.task.variants(values, this.model);
    const rows = await (await this.#effects()).effects(this.#parameters, variants.values, taken);
    const look = lookOfRows(rows.slice(0, decided), {
      name: EFFECT_LOOK,
      over: variants.over,
      kind: "weights",
      unit: EFFECT.unit,
      // Where what is decided is no step, such as one thing at the end, it is that which depends on the places.
      ...(rows.length !== shown.steps.length &&
        rows.length === decisionsOf(shown).length && { from: OUTPUT_PLACES }),
    });
    return { look: rows.length === 0 ? { ...look, shape: [0, 1, variants.count] } : look, variants };
  }

  /** Runs an example, with words or looks changed where asked for. @throws UsageError for what does not fit */
  async ask(example: Example_, request: Request = {}): Promise<Answer> {
    const started = performance.now();
    const values = await this.#values(example);
    const given = await this.#give(example, values, request);
    const { shown, looks, decoding } = given;
    const reading = await this.#readingLooks(example, values, request.reading ?? looks.length === 0);
    const effect = request.effect ? [(await this.#effectLook(values, given)).look] : [];
    const all = [...looks, ...(await given.salience()), ...effect, ...reading];
    return {
      output: shown.output,
      ...(decoding && { decoding }),
      steps: stepAnswers(shown, given.steps, (this.prepared as { target?: Vocabulary }).target),
      blocks: shown.blocks,
      trace: encodeTrace(await this.#trace(example, shown, all)),
      changeable: given.changeable,
      hypotheses: await this.#hypotheses(example, given.hypotheses, request),
      ...(shown.right !== undefined && { right: shown.right }),
      references: shown.references,
      unknown: [...new Set(shown.unknown)],
      milliseconds: performance.now() - started,
    };
  }

  async #hypotheses(example: Example_, hypotheses: readonly Decoded[], { keepUnknown }: Request) {
    const outputs: string[] = [];
    for (const one of hypotheses)
      outputs.push(
        (await this.task.show(example, one, this.prepared, { model: this.model, keepUnknown })).output,
      );
    return hypothesisAnswers(hypotheses, outputs);
  }

  /** Looks of the layers that read the input: those that weigh always, gates where they are asked for. */
  async #readingLooks(example: Example_, values: Values, gates: boolean): Promise<TraceLook[]> {
    const { looks, values: found } = await lookedWhileReading(
      this.model,
      this.#inputs,
      this.#backend,
      this.#parameters,
      values,
      (look) => gates || look.kind !== "gates",
    );
    const places = await this.#placesOf(example);
    const read = Object.entries(looks).map(([name, look]) => {
      const rows = look.from === undefined ? undefined : places[look.from];
      return tracedLook(
        name,
        look,
        exampleOf(found[name]!, 0, look.axes.indexOf("batch")),
        // The end of a text is not among what gates are told of.
        rows?.kind === "tokens" && look.kind === "gates" ? rows.labels.length - 1 : undefined,
      );
    });
    return [...read, ...heldLooks(read)];
  }

  async #trace(example: Example_, shown: Shown, looks: readonly TraceLook[]): Promise<Trace> {
    const places = await this.#placesOf(example);
    const output: Record<string, Places> = {
      ...(looks.some(({ from }) => from === OUTPUT_PLACES) && {
        [OUTPUT_PLACES]: { kind: "tokens", labels: decisionsOf(shown) },
      }),
      // What was written by then: the start, and every token but the last.
      ...(looks.some(({ over }) => over === WRITTEN_PLACES) && {
        [WRITTEN_PLACES]: {
          kind: "tokens",
          labels: [START_MARK, ...shown.steps.map(({ label }) => label)].slice(0, shown.steps.length),
        },
      }),
    };
    return {
      places: withSlots({ ...places, ...output }, looks),
      steps: shown.steps.map(({ piece: _, looked: __, ...step }) => step),
      looks,
    };
  }

  /**
   * Attention, salience and causal effect of what `ask` shows, and how they agree.
   * @param known the example in the data, where it is there
   */
  async explain(example: Example_, request: Request = {}, known?: Example_): Promise<Explanation> {
    return (await this.#explained(example, request, known)).explanation;
  }

  async #explained(example: Example_, request: Request, known?: Example_) {
    const values = await this.#values(example);
    const given = await this.#give(example, values, request);
    const { shown, decoding, decided, output } = given;
    const { look: effect, variants } = await this.#effectLook(values, given, decided);
    const firstRows = (look: TraceLook): TraceLook => cut(look, decided, variants);
    // Of heads, the mean is what is explained.
    const mean = given.looks.filter(({ name }) => name === ATTENTION_LOOK);
    const looks = (mean.length > 0 ? mean : given.looks).map(firstRows);
    const salience = (await given.salience()).map(firstRows);
    const further =
      (await this.task.further?.(
        { evaluator: await this.#evaluation(), parameters: this.#parameters, prepared: this.prepared },
        example,
      )) ?? [];
    const whole = await this.#trace(example, { ...shown, steps: shown.steps.slice(0, decided) }, [
      ...(decided > 0 ? looks : []),
      ...further.map(({ look }) => look),
      ...(decided > 0 ? salience : []),
      effect,
    ]);
    const trace: Trace = {
      ...whole,
      places: Object.fromEntries(
        Object.entries(whole.places).map(([name, places]) => [
          name,
          name === variants.over ? firstPlaces(places, variants.count) : places,
        ]),
      ),
    };
    const rows = (look: TraceLook | undefined) =>
      look && decided > 0 ? rowsOf(look).map((row) => Array.from(row)) : undefined;
    const attended = attendedOf(looks, variants, effect.shape[0]);
    const causes = rows(effect) ?? [];
    const agreements = agreementsOf(
      rows(attended),
      rows(salience.find(({ over, shape }) => over === variants.over && shape[0] === effect.shape[0])),
      causes,
    );
    const truth = known && this.task.truth?.(known, example, output, this.prepared);
    const { words } = this.task;
    const explanation: Explanation = {
      output: shown.output,
      ...(decoding && { decoding }),
      pieces: shown.steps.slice(0, decided).map(({ label }) => label),
      trace: encodeTrace(trace),
      further: Object.fromEntries(further.map(({ look, about }) => [look.name, about])),
      ...(truth && { truth }),
      agreements,
      ...(agreements[0] && {
        verdict: {
          verdict: verdictOf(agreements[0]),
          sentence: verdictSentence(agreements[0], causes.length, words),
        },
      }),
    };
    return { explanation, attention: rows(attended) };
  }

  /** The agreements over many examples, and those in which attention and cause disagree most. */
  async explainMany(examples: readonly Example_[], { beam }: { beam: number }): Promise<SplitExplanation> {
    const found: { text: string; explanation: Explanation; entropy: number | undefined }[] = [];
    for (const example of examples) {
      const { explanation, attention } = await this.#explained(example, { beam });
      found.push({
        text: this.task.title(example),
        explanation,
        entropy: attention && attention.length > 0 ? attentionEntropy(attention) : undefined,
      });
    }
    // Where nothing was written there is nothing to agree.
    const told = found.filter(({ explanation }) => explanation.agreements.length > 0);
    const names = told[0]?.explanation.agreements ?? [];
    const entropies = found.flatMap(({ entropy }) => entropy ?? []);
    return {
      examples: found.length,
      decoding: { beam },
      agreements: names.map(({ of, with: other }, index) => {
        const all = told.map(({ explanation }) => explanation.agreements[index]!);
        const correlations = all.flatMap(({ correlation }) => correlation ?? []);
        return {
          of,
          with: other,
          ...(correlations.length > 0 && { correlation: meanInterval(correlations) }),
          sameGreatest: meanInterval(all.map(({ sameGreatest }) => sameGreatest)),
        };
      }),
      ...(entropies.length > 0 && { entropy: meanInterval(entropies) }),
      worst: found
        .flatMap(({ text, explanation: { output, agreements } }) =>
          agreements[0] ? [{ text, output, sameGreatest: agreements[0].sameGreatest }] : [],
        )
        .sort((a, b) => a.sameGreatest - b.sameGreatest)
        .slice(0, 10),
    };
  }

  /** The example of the data that models read as this one, where it is there. */
  knownIn(data: Splits<Example_>, example: Example_): Example_ | undefined {
    const { identity } = this.task;
    if (!identity) return undefined;
    const wanted = identity(example);
    for (const split of splitNamesOf(data))
      for (const one of examplesOfSplit(data, split)) if (identity(one) === wanted) return one;
    return undefined;
  }

  /** Scores the first examples of a split. */
  async evaluate(
    data: Splits<Example_>,
    { split, beam, sentences }: Requests["evaluate"],
  ): Promise<Evaluation> {
    const { fitting: examples, notes } = fittingExamples(
      this.task,
      examplesOfSplit(data, split).slice(0, sentences),
      this.prepared,
      this.settings.dataOptions.maxLength,
    );
    const { metrics, breakdown } = await this.task.report(
      { evaluator: await this.#evaluation(), parameters: this.#parameters, prepared: this.prepared },
      examples,
      { beam },
    );
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

  /** The worst mistakes over examples, grouped by why they are wrong. @throws UsageError where its task has no such groups */
  async diagnose(
    examples: readonly Example_[],
    split: string,
    { beam, onProgress }: { beam: number; onProgress?: (done: number) => void },
  ): Promise<Diagnosis> {
    const { diagnose } = this.task;
    if (!diagnose)
      throw new UsageError(
        `model ${this.settings.model} is for ${this.task.id}, whose mistakes are not put into groups; regard explain takes any model.`,
      );
    const [evaluator, effects] = [await this.#evaluation(), await this.#effects()];
    return diagnose({
      evaluator,
      parameters: this.#parameters,
      prepared: this.prepared,
      model: this.model,
      examples,
      split,
      beam,
      read: (example) => this.#values(example),
      places: (example) => this.#placesOf(example),
      effects: (variants, tokens) =>
        effects.effects(this.#parameters, variants, {
          target: tokensValue(tokenBatch([[START, ...tokens]])),
        }),
      onProgress,
    });
  }

  async release(): Promise<void> {
    for (const loaded of this.#loaded.values())
      await loaded.then(
        (one) => one.release(),
        () => {},
      );
  }
}

/** Requests that a run's model answers. */
export type ModelQuestion = "ask" | "explain" | "explainSplit" | "evaluate" | "vectors" | "diagnose";

/** The answer of a run's model to a request. @param data what the run was trained on, read once it is needed */
export async function answerOf(
  subject: Subject,
  data: () => Promise<Splits<unknown>>,
  name: ModelQuestion,
  request: never,
): Promise<unknown> {
  switch (name) {
    case "ask": {
      const { input, run: _, ...rest } = request as Requests["ask"];
      return subject.ask(await subject.exampleOf(input, data), rest);
    }
    case "explain": {
      const { input, run: _, ...rest } = request as Requests["explain"];
      const example = await subject.exampleOf(input, data);
      // Where the data is gone there is no more to say of it than the input itself says.
      const known = await data().then(
        (all) => subject.knownIn(all, example),
        () => undefined,
      );
      return subject.explain(example, rest, known);
    }
    case "explainSplit": {
      const { split, examples, beam } = request as Requests["explainSplit"];
      return subject.explainMany(examplesOfSplit(await data(), split).slice(0, examples), { beam });
    }
    case "evaluate":
      return subject.evaluate(await data(), request as Requests["evaluate"]);
    case "vectors": {
      const { table, count } = request as Requests["vectors"];
      const { vectors, ...about } = await subject.vectors(table);
      const words = vectors.words.slice(0, count);
      const { buffer, byteOffset } = vectors.values;
      return {
        ...about,
        words,
        size: vectors.size,
        values: toBase64(new Uint8Array(buffer, byteOffset, 4 * words.length * vectors.size)),
      } satisfies VectorsOfRun;
    }
    case "diagnose": {
      const { split, examples, beam } = request as Requests["diagnose"];
      return subject.diagnose(examplesOfSplit(await data(), split).slice(0, examples), split, { beam });
    }
  }
}

/** Names of looks that attention is no more than the mean of: those of heads, and of other places than the source. */
const headNames = (looks: Readonly<Record<string, Look>>): string[] =>
  Object.entries(looks).flatMap(([name, { axes, over }]) =>
    axes.includes("head") || over !== "source" ? [name] : [],
  );

/** What one look weighed, to be part of it in a trace; nothing where it is not known, or of several that are shown as one. */
function weighedBy(
  looks: Readonly<Record<string, Look>>,
  rowsOf: (name: string) => readonly (Weighing<Value> | undefined)[],
): { weighed?: Weighed } {
  const [only, ...others] = Object.entries(looks);
  if (!only || others.length > 0) return {};
  const [name, { value }] = only;
  const rows = rowsOf(name).flatMap((row) => row ?? []);
  const weighed = tracedWeighing(rows, scoringOf(value)?.mechanism);
  return weighed ? { weighed } : {};
}

/** What a step weighed of what all did, of the first example. */
function rowOfWeighing(all: Weighing<Value>, step: number | undefined): Weighing<Value> {
  const one = (value: Value) => exampleOf(step === undefined ? value : exampleOf(value, step, 0), 0, 0);
  const { by, values, pooled, scores } = all;
  return {
    ...{ by: one(by), values: one(values) },
    ...(pooled && { pooled: one(pooled) }),
    ...(scores && { scores: one(scores) }),
  };
}

/** What each head looked at in the steps of a walk. Places that were not there yet have nothing. */
const headLooks = (looks: Readonly<Record<string, Look>>, steps: readonly WalkStep[]): TraceLook[] =>
  headNames(looks).flatMap((name) => {
    const { axes, over, kind } = looks[name]!;
    const rows = steps.map((step) => step.looks[name]!);
    const last = rows.at(-1);
    if (!last) return [];
    const places = last.shape.at(-1)!;
    const heads = axes.includes("head") ? last.shape[axes.indexOf("head")]! : 1;
    const data = new Float32Array(rows.length * heads * places);
    rows.forEach((row, step) => {
      const own = row.shape.at(-1)!;
      for (let head = 0; head < heads; head++)
        for (let place = 0; place < own; place++)
          data[(step * heads + head) * places + place] = row.data[head * own + place]!;
    });
    return [{ name, over, kind, shape: [rows.length, heads, places], data }];
  });

/** What was decided, where that is not what the steps say. */
const decisionsOf = ({ output, decisions = [output] }: Shown): readonly string[] => decisions;

/** The name of the places that stand for a whole output. */
const OUTPUT_PLACES = "output";
/** The name of the places that are the tokens written so far. */
const WRITTEN_PLACES = "target";

/** A few examples of a split, as people choose them. */
export const cardsOf = async <Kind>(task: AnyTask, data: Splits<Kind>, split: string): Promise<Example[]> =>
  Promise.all(
    (splitNamesOf(data).includes(split) ? examplesOfSplit(data, split) : [])
      .slice(0, SHOWN)
      .map(async (example, index) => ({ index, ...(await task.card(example)) })),
  );

/** The first rows of a look, and of its places those that have an effect of their own, where these are the same. */
function cut(look: TraceLook, rows: number, { over, count }: Variants): TraceLook {
  if (look.from !== undefined || look.kind === "windows") return look;
  const [have, heads, places] = look.shape;
  const kept = look.over === over ? Math.min(count, places) : places;
  const height = Math.min(rows, have);
  if (height === have && kept === places) return look;
  const part = (values: Float32Array) => {
    const found = new Float32Array(height * heads * kept);
    for (let row = 0; row < height * heads; row++)
      found.set(values.subarray(row * places, row * places + kept), row * kept);
    return found;
  };
  const { weighed, ...rest } = look;
  return {
    ...rest,
    shape: [height, heads, kept],
    data: part(look.data),
    ...(look.used && { used: part(look.used) }),
    ...(weighed && kept === places && { weighed: firstWeighed(weighed, height, have) }),
  };
}

/** What some first rows weighed, of what all did. */
function firstWeighed({ by, values, pooled, scored, ...rest }: Weighed, rows: number, all: number): Weighed {
  const first = (numbers: Float32Array) => numbers.slice(0, (numbers.length / all) * rows);
  const same = values.length * all === by.length * rest.channels.length;
  return {
    ...rest,
    by: first(by),
    values: same ? values : first(values),
    ...(pooled && { pooled: first(pooled) }),
    ...(scored && { scored: { ...scored, scores: first(scored.scores) } }),
  };
}

/** What was attended to of the places whose effects are known, a row for each decision; undefined where nothing weighs them. */
function attendedOf(
  looks: readonly TraceLook[],
  { over }: Variants,
  decisions: number,
): TraceLook | undefined {
  const found = looks.filter(
    (look) => look.kind === "weights" && look.over === over && look.from === undefined,
  );
  const [first, ...others] = found;
  if (!first || first.shape[0] !== decisions) return undefined;
  return meanOfLooks([first, ...others]);
}
