import {
  encodeTrace,
  lookOfRows,
  meanOfLooks,
  type Places,
  rowOf,
  rowsOf,
  type Trace,
  type TraceLook,
} from "../attention/index.js";
import { pngUrl } from "../core/index.js";
import { agreementOf, verdictOf, verdictSentence } from "../explain/index.js";
import {
  type Absences,
  absencesOf,
  areShares,
  CLASSES_OUTPUT,
  cellsName,
  type Forcing,
  ForeignError,
  type ForeignGraph,
  ForeignModel,
  feedsOf,
  formOf,
  type Given,
  LABELS_KEY,
  lookOfWeights,
  lookOverWords,
  type Measure,
  measureOf,
  numbersOf,
  numbersText,
  openGraph,
  placesOf,
  type ReadBeside,
  type ReadInput,
  type ReadingOptions,
  ROLLOUT_LOOK,
  type Run,
  readInputs,
  roleText,
  rollout,
  shapeText,
} from "../foreign/index.js";
import type { ForeignValue, OpenedModel } from "../session/index.js";
import type { Block, Field, FieldValue } from "../task/index.js";
import { ABLATION_LOOK, EFFECT_LOOK, INPUT_SALIENCE_LOOK, SALIENCE_LOOK } from "./look-names.js";
import type { Answer, Explanation } from "./protocol.js";
import { byStep } from "./shared.js";

/** What a file that somebody else wrote has, in words and as data. */
export interface ForeignAbout {
  readonly file: string;
  readonly producer: string;
  readonly nodes: number;
  readonly inputs: readonly {
    readonly name: string;
    readonly type: string;
    readonly shape: string;
    readonly filled: string;
  }[];
  readonly outputs: readonly { readonly name: string; readonly type: string; readonly shape: string }[];
  readonly attention: readonly { readonly name: string; readonly node: string; readonly value: string }[];
}

/** How a file is asked. */
export interface ForeignRequest {
  /** Weights instead of the file's own, by the name of the attention and the row: for every head, or [heads, places]. */
  readonly looks?: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
  /** Heads, from 0, that hand on nothing, by the name of the attention. */
  readonly silenced?: Readonly<Record<string, readonly number[]>>;
  /** Whether pieces of words are put together. */
  readonly words?: boolean;
  /** What effects are measured by: the name of an output, or `name:5` for its sixth number. */
  readonly output?: string;
}

/** What stands for an output as a whole. */
const RECEIVED_LOOK = "attention";
const WORDS = "words";
const TOKENS = "tokens";
/** Classes that are told of. */
const SHOWN_CLASSES = 5;

/** Any ONNX file and what one can ask of it: what it gives, where it looks, and what that depends on. */
export class ForeignSubject {
  readonly #model: ForeignModel;
  readonly #inputs: readonly ReadInput[];
  readonly #options: ReadingOptions;

  private constructor(model: ForeignModel, options: ReadingOptions) {
    this.#model = model;
    this.#options = options;
    this.#inputs = readInputs(model.inputs, model.graph.name, options);
  }

  /**
   * @param name what the file is called, for messages
   * @param beside reads what the file keeps in others beside it
   * @throws ForeignError where it is no file that can be opened
   */
  static open(
    bytes: Uint8Array,
    name: string,
    open: (bytes: Uint8Array) => Promise<OpenedModel>,
    { beside, ...options }: ReadingOptions & { readonly beside?: ReadBeside | undefined } = {},
  ): ForeignSubject {
    return new ForeignSubject(new ForeignModel(openGraph(bytes, name, beside), open), options);
  }

  get form(): readonly Field[] {
    return formOf(this.#inputs, this.#options);
  }

  get about(): ForeignAbout {
    const { graph, outputs, attentions } = this.#model;
    const { producerName, producerVersion = "" } = graph.model;
    return {
      file: graph.name,
      producer: `${producerName} ${producerVersion}`.trim() || "unknown",
      nodes: graph.count,
      inputs: this.#inputs.map((input) => ({
        name: input.name,
        type: input.dtype,
        shape: shapeText(input),
        filled: roleText(input, this.#options),
      })),
      outputs: outputs.map((output) => ({ name: output.name, type: output.dtype, shape: shapeText(output) })),
      attention: attentions.map(({ name, node, value }) => ({ name, node, value })),
    };
  }

  /** What the file gives for what was given, and where it looked. @throws ForeignError for what it cannot read */
  async ask(fields: Readonly<Record<string, FieldValue>>, request: ForeignRequest = {}): Promise<Answer> {
    const started = performance.now();
    const given = feedsOf(this.#inputs, fields, this.#options);
    const { outputs, weights } = await this.#run(given, request);
    const { looks, places } = this.#looksOf(given, weights, request);
    return {
      output: this.#outputText(outputs),
      steps: [],
      blocks: this.#blocksOf(outputs),
      trace: encodeTrace({ places, steps: [], looks }),
      changeable: request.words ? [] : this.#model.attentions.map(({ name }) => name),
      hypotheses: [],
      references: [],
      unknown: [],
      milliseconds: performance.now() - started,
    };
  }

  async #run({ feeds }: Given, { looks = {}, silenced = {} }: ForeignRequest): Promise<Run> {
    const forcings = new Map<number, Forcing>();
    for (const name of new Set([...Object.keys(looks), ...Object.keys(silenced)])) {
      const { attentions } = this.#model;
      const index = attentions.findIndex((one) => one.name === name);
      if (index < 0)
        throw new ForeignError(
          `the file has no look "${name}"; it has ${attentions.map((one) => `"${one.name}"`).join(", ") || "none"}.`,
        );
      forcings.set(index, {
        rows: byStep(looks[name] ?? {}, (row) => row),
        silenced: new Set(silenced[name]),
      });
    }
    if (forcings.size > 0) return this.#model.forced(feeds, forcings);
    return { outputs: await this.#model.outputsOf(feeds), weights: await this.#model.weightsOf(feeds) };
  }

  /** Where it looked: the weights of every attention, and what comes of them over all layers. */
  #looksOf(given: Given, weights: Run["weights"], { words = false }: ForeignRequest) {
    const found = weights.map((one, index) => lookOfWeights(this.#model.attentions[index]!.name, one, given));
    const rolled = rollout(found.map(({ look }) => look));
    const looks = [...found.map(({ look }) => look), ...(rolled ? [rolled] : [])];
    const places: Record<string, Places> = Object.assign({}, ...found.map((one) => one.places));
    const { text } = given;
    if (!words || !text) return { looks, places };
    return {
      looks: looks.map((look) => lookOverWords(look, text.word, TOKENS, WORDS)),
      places: { ...places, [WORDS]: { kind: "tokens" as const, labels: text.words } },
    };
  }

  /** What each output is, in a line. */
  #outputText(outputs: Readonly<Record<string, ForeignValue>>): string {
    return this.#model.outputs
      .map(({ name }) => `${name} ${outputs[name]!.dtype} [${outputs[name]!.shape.join(", ")}]`)
      .join("; ");
  }

  #blocksOf(outputs: Readonly<Record<string, ForeignValue>>): Block[] {
    const tuned = labelsOf(this.#model.graph);
    return this.#model.outputs.map(({ name }): Block => {
      const value = outputs[name]!;
      const numbers = numbersOf(value);
      if (!areShares(numbers)) return { kind: "text", title: name, text: numbersText(value) };
      const labels = name === CLASSES_OUTPUT ? tuned : this.#options.labels;
      const items = Array.from(numbers, (probability, index) => ({
        label: labels?.[index] ?? String(index),
        probability,
      }));
      items.sort((a, b) => b.probability - a.probability);
      return { kind: "classes", title: name, items: items.slice(0, SHOWN_CLASSES) };
    });
  }

  /**
   * What an output depends on: how much attention every place got over all layers and heads, what is lost once the place is taken
   * away, and once each head is silenced.
   * @throws ForeignError for what cannot be read, and an output that there is not
   */
  async explain(
    fields: Readonly<Record<string, FieldValue>>,
    request: ForeignRequest = {},
  ): Promise<
    Explanation & { readonly without: string; readonly measured: string; readonly noGradient?: string }
  > {
    const model = this.#model;
    const given = feedsOf(this.#inputs, fields, this.#options);
    const outputs = await model.outputsOf(given.feeds);
    const weights = await model.weightsOf(given.feeds);
    const measure = measureOf(outputs, model.outputs, request.output);
    const seen = this.#looksOf(given, weights, {});
    const grid = Object.values(seen.places).find((places) => places.kind === "grid");
    const absences = absencesOf(this.#inputs, given, this.#options, grid && [grid.rows, grid.columns]);
    const losses: number[] = [];
    for (let place = 0; place < absences.count; place++)
      losses.push(measure.of(await model.outputsOf(absences.feeds(place))));
    const over = this.#placesOfAbsences(given, absences.count, absences.grid);
    const attended = this.#received(seen.looks, over.name);
    const salience = await this.#salience(given, measure, absences, over.name);
    const effect = lookOfRows([losses], {
      name: EFFECT_LOOK,
      over: over.name,
      kind: "weights",
      unit: measure.unit,
    });
    const heads = await this.#ablation(given, weights, measure);
    const trace: Trace = {
      places: {
        ...seen.places,
        [over.name]: over.places,
        ...heads?.places,
      },
      steps: [{ label: measure.title }],
      looks: [...attended, ...salience.looks, effect, ...(heads ? [heads.look] : [])],
    };
    const rows = (look: TraceLook) => rowsOf(look).map((row) => Array.from(row));
    const agreements = [...attended, ...salience.looks].map((look) => ({
      of: look.name,
      with: "effect",
      ...agreementOf(rows(look), rows(effect)),
    }));
    return {
      output: this.#outputText(outputs),
      pieces: [measure.title],
      trace: encodeTrace(trace),
      further: notesOf(measure, absences.without),
      agreements,
      // A verdict is on attention.
      ...(attended.length > 0 && {
        verdict: {
          verdict: verdictOf(agreements[0]!),
          sentence: verdictSentence(agreements[0]!, 1, {
            decision: "output",
            cause: given.text ? "token" : "place",
          }),
        },
      }),
      without: absences.without,
      ...(salience.missing !== undefined && { noGradient: salience.missing }),
      measured: measure.title,
    };
  }

  #placesOfAbsences(
    given: Given,
    count: number,
    grid: readonly [rows: number, columns: number] | undefined,
  ): { readonly name: string; readonly places: Places } {
    const { image } = given;
    if (!grid || !image) return placesOf(given, count);
    const [rows, columns] = grid;
    const { width, height } = image;
    const places = { kind: "grid", image: { width, height, url: pngUrl(image) }, rows, columns } as const;
    return { name: cellsName(rows, columns), places };
  }

  /** How much attention each place got, on average over heads and layers and all that looked; and the same of rollout. */
  #received(looks: readonly TraceLook[], over: string): TraceLook[] {
    const mean = (some: readonly TraceLook[], name: string): TraceLook[] => {
      const [first, ...others] = some.filter((look) => look.over === over).map(overRows);
      if (!first) return [];
      return [{ ...meanOfLooks([first, ...others]), name }];
    };
    return [
      ...mean(
        looks.filter(({ name }) => name !== ROLLOUT_LOOK),
        RECEIVED_LOOK,
      ),
      ...mean(
        looks.filter(({ name }) => name === ROLLOUT_LOOK),
        ROLLOUT_LOOK,
      ),
    ];
  }

  /**
   * What the weights on each place add to what is measured, to first order, over all layers, heads and rows, and what the place itself
   * adds; or why neither can be told.
   */
  async #salience(
    given: Given,
    { target, title, unit }: Measure,
    absences: Absences,
    over: string,
  ): Promise<{ readonly looks: readonly TraceLook[]; readonly missing?: string }> {
    const { attentions } = this.#model;
    if (!target)
      return { looks: [], missing: `a gradient is of one number; name one, such as --output ${title}:0.` };
    let found: Awaited<ReturnType<ForeignModel["salience"]>>;
    try {
      found = await this.#model.salience(given.feeds, absences.input, target);
    } catch (error) {
      if (error instanceof ForeignError) return { looks: [], missing: error.message };
      throw error;
    }
    const look = (name: string, row: Float32Array) =>
      lookOfRows([row], { name, over, kind: "weights", unit });
    const read = new Float32Array(absences.count);
    found.elements?.forEach((value, element) => {
      const place = absences.placeOf(element);
      if (place !== undefined && place < read.length) read[place]! += value;
    });
    const looks = found.elements ? [look(INPUT_SALIENCE_LOOK, read)] : [];
    const rows = found.weights.flatMap((one, index) => {
      const { look: added } = lookOfWeights(attentions[index]!.name, one, given);
      if (added.over !== over) return [];
      const sums = new Float32Array(added.shape[2]);
      for (let row = 0; row < added.shape[0]; row++)
        for (let head = 0; head < added.shape[1]; head++)
          rowOf(added, row, head).forEach((value, place) => {
            sums[place]! += value;
          });
      return [sums];
    });
    const [first] = rows;
    if (!first) return { looks };
    const sum = first.map((_, place) => rows.reduce((all, row) => all + row[place]!, 0));
    return { looks: [look(SALIENCE_LOOK, sum), ...looks] };
  }

  /** What is lost once each head hands on nothing (Michel et al. 2019), a row for each layer. */
  async #ablation({ feeds }: Given, weights: Run["weights"], measure: Measure) {
    const { attentions } = this.#model;
    const most = Math.max(0, ...weights.map(({ heads }) => heads));
    if (most === 0 || weights.reduce((sum, { heads }) => sum + heads, 0) > MOST_HEADS) return undefined;
    const rows: number[][] = [];
    for (const [index, { heads }] of weights.entries()) {
      const row = new Array<number>(most).fill(0);
      for (let head = 0; head < heads; head++)
        row[head] = measure.of(
          (await this.#model.forced(feeds, new Map([[index, { silenced: new Set([head]) }]]))).outputs,
        );
      rows.push(row);
    }
    const places: Record<string, Places> = {
      heads: { kind: "tokens", labels: Array.from({ length: most }, (_, head) => String(head + 1)) },
      layers: { kind: "tokens", labels: attentions.map(({ name }) => name) },
    };
    return {
      look: lookOfRows(rows, {
        name: ABLATION_LOOK,
        over: "heads",
        from: "layers",
        kind: "weights",
        unit: measure.unit,
      }),
      places,
    };
  }

  release(): Promise<void> {
    return this.#model.release();
  }
}

/** What the looks of an explanation say, by their names. */
function notesOf({ title, unit }: Measure, without: string): Readonly<Record<string, string>> {
  const lost = (when: string) => `what ${title} loses ${when}, in ${unit}`;
  return {
    [RECEIVED_LOOK]: "how much each place was looked at, over all layers, heads and places that look",
    [ROLLOUT_LOOK]: "how much of each place is handed on through all layers",
    [SALIENCE_LOOK]: `what the weights on each place add to ${title}, to first order, over all layers, heads and places that look, in ${unit}`,
    [INPUT_SALIENCE_LOOK]: `what the value read at each place adds to ${title}, to first order, in ${unit}`,
    [EFFECT_LOOK]: lost(without),
    [ABLATION_LOOK]: lost("once the head is silenced"),
  };
}

/** What the classes of a file are called, where it says so: one that was tuned does. */
function labelsOf({ model }: ForeignGraph): readonly string[] | undefined {
  const said = model.metadataProps?.find(({ key }) => key === LABELS_KEY)?.value;
  try {
    const labels: unknown = said === undefined ? undefined : JSON.parse(said);
    return Array.isArray(labels) ? labels.map(String) : undefined;
  } catch {
    return undefined;
  }
}

/** Heads that are silenced one by one at most. */
const MOST_HEADS = 1024;

/** The mean over rows and heads of a look, one row. */
function overRows(look: TraceLook): TraceLook {
  const { from: _, ...mean } = meanOfLooks([look]);
  const [rows, , places] = mean.shape;
  const data = new Float32Array(places);
  for (const row of rowsOf(mean))
    row.forEach((weight, place) => {
      data[place]! += weight / rows;
    });
  return { ...mean, shape: [1, 1, places], data };
}
