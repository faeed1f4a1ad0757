import { RegardError } from "../core/index.js";
import { appendOutputs, ELEMENT } from "../onnx/index.js";
import type { ForeignValue, OpenedModel, Value } from "../session/index.js";
import { ForeignError } from "./error.js";
import { type FoundAttention, findAttention } from "./find.js";
import type { ForeignGraph } from "./graph.js";
import { type Signature, signaturesOf } from "./inputs.js";
import { salienceGraph, type Target } from "./salience.js";
import { forcedName, forceName, withForcing } from "./splice.js";
import { foreignValue, numbersOf } from "./value.js";

type Feeds = Readonly<Record<string, ForeignValue>>;

/** The weights of one attention in one run, with their axes named: all that are no rows and no places count as heads. */
export interface Weights {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
  readonly rows: number;
  readonly heads: number;
  readonly places: number;
  /** Where the weight of a head in a row for a place lies. */
  at(row: number, head: number, place: number): number;
}

/** What is forced in one attention: weights of some rows, [places] for all heads or [heads, places], and heads that are silenced. */
export interface Forcing {
  readonly rows?: ReadonlyMap<number, readonly number[]>;
  /** Heads whose weights are all 0, so that they hand on nothing. */
  readonly silenced?: ReadonlySet<number>;
}

/** What a run gave. */
export interface Run {
  readonly outputs: Feeds;
  /** Of every attention, in their order. */
  readonly weights: readonly Weights[];
}

/** A graph of somebody else's, ready to run. */
export class ForeignModel {
  readonly inputs: readonly Signature[];
  readonly outputs: readonly Signature[];
  readonly attentions: readonly FoundAttention[];
  readonly #opened = new Map<string, Promise<OpenedModel>>();
  /** Weights of what was run last, and the types they have in the graph. */
  #seen:
    | { readonly feeds: Feeds; readonly weights: readonly Weights[]; readonly types: readonly string[] }
    | undefined;

  constructor(
    readonly graph: ForeignGraph,
    private readonly open: (bytes: Uint8Array) => Promise<OpenedModel>,
  ) {
    const { inputs, outputs } = signaturesOf(graph.model);
    this.inputs = inputs;
    this.outputs = outputs;
    this.attentions = findAttention(graph);
  }

  /** A form of the file, opened when it is first needed. @throws ForeignError where a runtime cannot run it */
  #model(what: string, bytes: () => Uint8Array): Promise<OpenedModel> {
    const known = this.#opened.get(what) ?? this.#opening(bytes());
    this.#opened.set(what, known);
    known.catch(() => this.#opened.delete(what));
    return known;
  }

  async #opening(bytes: Uint8Array): Promise<OpenedModel> {
    try {
      return await this.open(bytes);
    } catch (error) {
      throw new ForeignError(`${this.graph.name} cannot be run: ${sentenceOf(error)}.`);
    }
  }

  /**
   * What the graph gives, to the bit: the file itself is run, since a runtime that also hands out weights may join fewer operations
   * and so round otherwise.
   * @throws ForeignError where it cannot run on these values
   */
  async outputsOf(feeds: Feeds): Promise<Feeds> {
    return this.#tried(await this.#model("plain", () => this.graph.bytes), feeds);
  }

  /** The weights of every attention. @throws ForeignError where it cannot run on these values */
  async weightsOf(feeds: Feeds): Promise<readonly Weights[]> {
    return this.attentions.length === 0 ? [] : (await this.#see(feeds)).weights;
  }

  async #see(feeds: Feeds) {
    if (this.#seen?.feeds === feeds) return this.#seen;
    const values = this.attentions.map(({ value }) => value);
    const results = await this.#tried(
      await this.#model("seeing", () => appendOutputs(this.graph.apart, values)),
      feeds,
    );
    this.#seen = { feeds, weights: this.#read(results), types: values.map((value) => results[value]!.dtype) };
    return this.#seen;
  }

  readonly #read = (results: Feeds): Weights[] =>
    this.attentions.map(({ value, axis, rowAxis }) => weightsOf(results[value]!, axis, rowAxis));

  /** A run in which weights are forced, by the number of the attention. @throws ForeignError for what does not fit */
  async forced(feeds: Feeds, forcings: ReadonlyMap<number, Forcing>): Promise<Run> {
    // Sizes and types of weights are known once they have been seen.
    const { weights, types } = await this.#see(feeds);
    const model = await this.#model("forcing", () =>
      appendOutputs(
        withForcing(
          this.graph,
          this.attentions,
          types.map((type, index) => ({
            elemType: ELEMENT[type as keyof typeof ELEMENT],
            rank: weights[index]!.shape.length,
          })),
          ELEMENT.bool,
        ),
        this.attentions.map(({ value }) => value),
      ),
    );
    const all: Record<string, ForeignValue> = { ...feeds };
    this.attentions.forEach(({ name, step }, index) => {
      const forcing = forcings.get(index) ?? {};
      const { force, forced } = spliced(weights[index]!, forcing, types[index]!, name, step !== undefined);
      all[forceName(index)] = force;
      all[forcedName(index)] = forced;
    });
    const results = await this.#tried(model, all);
    return {
      outputs: Object.fromEntries(this.outputs.map(({ name }) => [name, results[name]!])),
      weights: this.#read(results),
    };
  }

  /**
   * What every weight adds to a number of an output, to first order, and what every element of an input does; undefined where the input
   * is whole numbers that are looked up nowhere.
   * @throws ForeignError where no gradient can be taken
   */
  async salience(
    feeds: Feeds,
    input: string,
    target: Target,
  ): Promise<{ readonly weights: readonly Weights[]; readonly elements: Float64Array | undefined }> {
    const { bytes, results, read, ...graph } = salienceGraph(
      this.graph,
      feeds,
      this.attentions,
      input,
      target,
    );
    const model = await this.#opening(bytes);
    try {
      const values = await this.#tried(model, graph.feeds);
      const [first, ...others] = read.map((name) => Float64Array.from(numbersOf(values[name]!)));
      return {
        weights: results.map((name, index) =>
          weightsOf(values[name]!, this.attentions[index]!.axis, this.attentions[index]!.rowAxis),
        ),
        elements: first?.map((value, at) => others.reduce((sum, one) => sum + one[at]!, value)),
      };
    } finally {
      await model.release();
    }
  }

  async #tried(model: OpenedModel, feeds: Feeds): Promise<Feeds> {
    try {
      return await model.run(feeds);
    } catch (error) {
      throw new ForeignError(`${this.graph.name} cannot run on this: ${sentenceOf(error)}.`);
    }
  }

  async release(): Promise<void> {
    for (const opened of this.#opened.values())
      await opened.then(
        (one) => one.release(),
        () => {},
      );
  }
}

/** What a runtime says is wrong, in one sentence, without where in its own code it found out. */
const sentenceOf = (error: unknown): string =>
  withoutPlaces((error as Error).message.split("\n").slice(0, LINES).join(" "))
    .replace(/^.*?(?:Non-zero status code returned while running |Status Message: )/, "")
    .replace(/\s*\.?\s*$/, "")
    .slice(0, 400);

/** Lines of what a runtime says that tell what is wrong. */
const LINES = 4;

/** A place in the runtime's code: a file, a line and what stands before the brackets of a function's types. */
const PLACE = /[\w./]+\.(?:cc|h|cpp):\d+ (?:[\w:<>~*& ]*\w\(|\w+ )/;

function withoutPlaces(message: string): string {
  let text = message;
  for (let found = PLACE.exec(text); found; found = PLACE.exec(text)) {
    let end = found.index + found[0].length;
    if (found[0].endsWith("("))
      for (let open = 1; open > 0 && end < text.length; end++)
        open += text[end] === "(" ? 1 : text[end] === ")" ? -1 : 0;
    const rest = text.slice(end).replace(/^(?: const)?\s*(?:\[ONNXRuntimeError\] : \d+ : \w+ : )?/, "");
    text = text.slice(0, found.index) + rest;
  }
  return text;
}

/** Axes of weights by what they mean: places run along the softmax, rows along the last of the others. @throws RegardError */
function weightsOf(value: Value | ForeignValue, softmax: number, rowAxis?: number): Weights {
  const { shape } = value;
  const rank = shape.length;
  const axis = softmax < 0 ? softmax + rank : softmax;
  if (!(axis >= 0 && axis < rank))
    throw new RegardError(`weights of shape [${shape.join(", ")}] have no axis ${softmax}.`);
  const along = shape.map((_, index) => index).filter((index) => index !== axis);
  const query = rowAxis ?? along.at(-1);
  const others = along.filter((index) => index !== query);
  const strides = shape.map((_, index) => shape.slice(index + 1).reduce((a, b) => a * b, 1));
  const heads = others.reduce((product, index) => product * shape[index]!, 1);
  /** Where the first weight of each head lies. */
  const starts = Array.from({ length: heads }, (_, head) => {
    let [rest, at] = [head, 0];
    for (const index of [...others].reverse()) {
      at += (rest % shape[index]!) * strides[index]!;
      rest = Math.floor(rest / shape[index]!);
    }
    return at;
  });
  const [byRow, byPlace] = [query === undefined ? 0 : strides[query]!, strides[axis]!];
  return {
    shape,
    data: numbersOf(value),
    rows: query === undefined ? 1 : shape[query]!,
    heads,
    places: shape[axis]!,
    at: (row, head, place) => starts[head]! + row * byRow + place * byPlace,
  };
}

/** What is fed to force weights: a single "no" where nothing is. @throws ForeignError for rows that there are not, or of another size */
function spliced(
  { shape, rows, heads, places, at }: Weights,
  { rows: forcedRows = new Map(), silenced = new Set() }: Forcing,
  type: string,
  name: string,
  /** Whether all that is fed is read, also where nothing is forced: step by step. */
  whole: boolean,
): { readonly force: ForeignValue; readonly forced: ForeignValue } {
  if (forcedRows.size === 0 && silenced.size === 0 && !whole) {
    const one = shape.map(() => 1);
    return { force: foreignValue("bool", one, [0]), forced: foreignValue(type, one, [0]) };
  }
  const count = rows * heads * places;
  const [force, forced] = [new Uint8Array(count), new Float64Array(count)];
  for (const [row, numbers] of forcedRows) {
    if (!(Number.isInteger(row) && row >= 0 && row < rows))
      throw new ForeignError(`look "${name}" has ${rows} rows, so there is none with the number ${row}.`);
    if (numbers.length !== places && numbers.length !== places * heads)
      throw new ForeignError(
        `look "${name}" at row ${row} has ${numbers.length} numbers, but takes ${places}, or ${places * heads} of all its heads; give as many.`,
      );
    for (let head = 0; head < heads; head++)
      for (let place = 0; place < places; place++) {
        force[at(row, head, place)] = 1;
        forced[at(row, head, place)] = numbers[(head * places + place) % numbers.length]!;
      }
  }
  for (const head of silenced) {
    if (!(Number.isInteger(head) && head >= 0 && head < heads))
      throw new ForeignError(`look "${name}" has ${heads} heads, so there is none with the number ${head}.`);
    for (let row = 0; row < rows; row++)
      for (let place = 0; place < places; place++) {
        force[at(row, head, place)] = 1;
        forced[at(row, head, place)] = 0;
      }
  }
  return { force: foreignValue("bool", shape, force), forced: foreignValue(type, shape, forced) };
}
