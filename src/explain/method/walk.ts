import { type Look, lookedAtSource } from "../../attention/index.js";
import { gradient } from "../../autodiff/index.js";
import {
  countOf,
  END,
  prefixed,
  Random,
  resolveDimension,
  START,
  type Tensor,
  typedArray,
  UsageError,
  unprefixed,
} from "../../core/index.js";
import { grown, type Probe, probesOf, splice, stepsOf, WRITTEN, weighedIn } from "../../decode/index.js";
import type { Model, Tensors } from "../../models/index.js";
import { Mode } from "../../nn/index.js";
import { crossEntropy, input, inputAttributes, logSoftmax, neg, reduceSum, topK } from "../../ops/index.js";
import {
  type Backend,
  type LoadOptions,
  neededBy,
  type Session,
  type Value,
  type Values,
} from "../../session/index.js";

/** One step of a walk: what was written, what else could have been, and what it looked at. */
export interface WalkStep {
  readonly token: number;
  /** Of the token, in nats. */
  readonly logProbability: number;
  /** The likeliest tokens, best first. */
  readonly alternatives: readonly { readonly token: number; readonly logProbability: number }[];
  /**
   * Attention over the source places, END included, the mean of looks and heads where there are several; absent where the
   * model has none.
   */
  readonly weights?: readonly number[];
  /**
   * The gradient of the token's log-probability that reaches each weight: the place's features times the gradient that
   * reaches the context, summed over features. Positive where more attention would make the token likelier. Of several looks
   * and heads the sum: a mean is moved by moving all that it is of alike.
   */
  readonly salience?: readonly number[];
  /** Every look of the step by name, a batch of one. */
  readonly looks: Values;
  /** What looks over a grid or the source weighed, as `weighingTensors` names it, a batch of one. */
  readonly weighed: Values;
}

/** What a walk does otherwise than the model alone would. */
export interface WalkChoices {
  /** Tokens to write, by step; the likeliest token elsewhere. */
  readonly tokens?: ReadonlyMap<number, number>;
  /** Attention to use instead of the model's own, by step: a weight for each source place, END included. */
  readonly attention?: ReadonlyMap<number, readonly number[]>;
  /** What is looked at instead, by the name of one look and the step: [heads, places]. */
  readonly looks?: Readonly<Record<string, ReadonlyMap<number, readonly number[]>>>;
  /** The seed by which a walker that samples draws the places of hard attention, and words at a temperature. */
  readonly sample?: number;
  /** Draws words by p^(1 / temperature) in place of the likeliest; for a walker that was loaded to draw words. */
  readonly temperature?: number;
}

const MEMORY = "memory.";
const STATE = "state.";
const NEXT = "next.";
const LOOK = "look.";
const SALIENCE = "salience.";
const WEIGHED = "weighed.";

/**
 * Decodes one sentence step by step with everything in view: alternatives, attention, and the gradient that reaches the
 * attention. Any token can be chosen and any look forced, and the walk goes on from there.
 */
export class Walker {
  private constructor(
    private readonly encoder: Session,
    private readonly stepper: Session,
    private readonly width: number,
    /** Names of what it draws by. */
    private readonly noise: readonly string[],
    /** What each look is, by name. */
    readonly looks: Readonly<Record<string, Look>>,
    private readonly probes: Readonly<Record<string, Probe>>,
  ) {}

  /**
   * @param options.alternatives how many tokens each step tells of
   * @param options.sampling whether the places of hard attention are drawn, in place of the likeliest
   * @param options.drawing whether words may be drawn
   */
  static async load(
    model: Model,
    inputs: Tensors,
    backend: Backend,
    options: { alternatives: number; sampling?: boolean; drawing?: boolean } & LoadOptions,
  ): Promise<Walker> {
    const mode = options.sampling ? Mode.sampling() : Mode.plain();
    const modelSteps = stepsOf(model);
    const { memory, state } = modelSteps.begin(inputs, mode);
    const placeholders = (prefix: string, tensors: Readonly<Record<string, Tensor>>) =>
      Object.fromEntries(
        Object.entries(tensors).map(([name, { dtype, shape }]) => [
          name,
          input(prefix + name, dtype, grown(shape, WRITTEN)),
        ]),
      );
    const step = modelSteps.step(
      placeholders(MEMORY, memory),
      placeholders(STATE, state),
      { previous: input("previous", "int32", ["batch"]) },
      mode,
    );
    const looks = step.looks ?? {};
    const names = Object.keys(looks);
    // Of hard attention it is the place that was chosen whose part is forced, and which the gradient reaches.
    const probes = probesOf(looks, []);
    const given = { logits: step.outputs.logits!, ...prefixed(NEXT, step.state) };
    const weighed = prefixed(WEIGHED, weighedIn(model, looks, given, ["source"]));
    const spliced = splice({ ...given, ...weighed }, looks, probes);
    const { logits, ...rest } = spliced.tensors as Tensors & { readonly logits: Tensor };
    const width = Math.min(options.alternatives, logits.shape.at(-1) as number);
    const best = topK(logSoftmax(logits), width);
    const logProbability = neg(crossEntropy(logits, input("chosen", "int32", ["batch"])).losses);
    const weighing = names.filter((name) => looks[name]!.kind === "weights");
    const slopes = gradient(
      reduceSum(logProbability),
      weighing.map((name) => probes[name]!.nudge),
    );
    const program: Record<string, Tensor> = {
      tokens: best.indices,
      ...(options.drawing && { all: logSoftmax(logits) }),
      logProbabilities: best.values,
      logProbability,
      ...rest,
      ...Object.fromEntries(
        names.map((name) => {
          const { used } = looks[name]!;
          // A place that was drawn is what was looked at; otherwise all that could have been tells more.
          return [LOOK + name, (options.sampling && used) || spliced.looks[name]!.value];
        }),
      ),
      ...Object.fromEntries(weighing.map((name, index) => [SALIENCE + name, slopes[index]!])),
    };
    const encoder = await backend.load({ ...prefixed(MEMORY, memory), ...prefixed(STATE, state) }, options);
    const stepper = await backend.load(program, options);
    return new Walker(encoder, stepper, width, [...mode.noise.keys()], looks, probes);
  }

  /**
   * Walks until END is written. A walk that no choice changes writes what a `GreedyDecoder` does.
   * @param inputs what the model reads of one example, by name
   * @param longest tokens after which the walk ends all the same, END not counted
   * @throws UsageError for a look that there is not, or a row of another size
   */
  async walk(
    parameters: Values,
    inputs: Values,
    choices: WalkChoices,
    { longest }: { longest: number },
  ): Promise<WalkStep[]> {
    for (const name of Object.keys(choices.looks ?? {}))
      if (!this.probes[name])
        throw new UsageError(
          `the model has no look "${name}" to change; it has ${Object.keys(this.probes).join(", ") || "none"}.`,
        );
    const encoded = await this.encoder.run(neededBy(this.encoder, { ...parameters, ...inputs }));
    const random = new Random(choices.sample ?? 0, "walk");
    const { temperature } = choices;
    const attended = Object.keys(lookedAtSource(this.looks));
    let carried: Values = encoded;
    const steps: WalkStep[] = [];
    let previous = START;
    while (steps.length <= longest && previous !== END) {
      const forced = choices.attention?.get(steps.length);
      const given = choices.tokens?.get(steps.length);
      const chance = random.uniform();
      const known: Values = {
        ...parameters,
        ...encoded,
        ...carried,
        previous: int32(previous),
        ...Object.fromEntries(
          this.noise.map((name) => [
            name,
            { dtype: "float32" as const, shape: [1], data: Float32Array.of(chance) },
          ]),
        ),
      };
      const probing = this.#probing({ ...inputs, ...known }, steps.length, forced, choices.looks ?? {});
      const run = (chosen: number) =>
        this.stepper.run(neededBy(this.stepper, { ...known, ...probing, chosen: int32(chosen) }));
      // What to take the gradient of is known only once the likeliest token is, unless it was given.
      let results = await run(given ?? END);
      const token =
        given ??
        (temperature === undefined
          ? results.tokens!.data[0]!
          : drawn(results.all!.data, temperature, new Random(choices.sample ?? 0, "words", steps.length)));
      if (token !== END && steps.length === longest) break;
      if (given === undefined && token !== END) results = await run(token);
      const [looks, saliences] = [unprefixed(LOOK, results), unprefixed(SALIENCE, results)];
      steps.push({
        token,
        logProbability: results.logProbability!.data[0]!,
        alternatives: Array.from({ length: this.width }, (_, rank) => ({
          token: results.tokens!.data[rank]!,
          logProbability: results.logProbabilities!.data[rank]!,
        })),
        ...(attended.length > 0 && {
          weights: forced ?? meanRow(attended.map((name) => looks[name]!)),
          salience: sumRow(attended.map((name) => saliences[name]!)),
        }),
        looks,
        weighed: unprefixed(WEIGHED, results),
      });
      carried = prefixed(STATE, unprefixed(NEXT, results));
      previous = token;
    }
    return steps;
  }

  /** What is fed to change looks at a step: nothing but what was chosen. */
  #probing(
    known: Values,
    step: number,
    attention: readonly number[] | undefined,
    looks: NonNullable<WalkChoices["looks"]>,
  ): Values {
    const sizes = new Map<string, number>([["batch", 1]]);
    for (const tensor of this.stepper.inputs)
      tensor.shape.forEach((dimension, axis) => {
        const value = known[inputAttributes(tensor)!.name];
        if (value && typeof dimension === "string") sizes.set(dimension, value.shape[axis]!);
      });
    // Sizes of what the encoder read, where the stepper does not read it again.
    for (const [name, { shape }] of Object.entries(known)) if (!sizes.has(name)) sizes.set(name, shape[0]!);
    const attended = lookedAtSource(this.looks);
    const fed: Record<string, Value> = {};
    for (const [name, { force, forced, nudge }] of Object.entries(this.probes)) {
      const shape = forced.shape.map((size) => resolveDimension(size, sizes));
      const data = typedArray(forced.dtype, countOf(shape)) as Float32Array;
      const own = looks[name]?.get(step);
      const given = own ?? (name in attended ? attention : undefined);
      if (own && own.length !== data.length)
        throw new UsageError(
          `look "${name}" at step ${step} has ${own.length} numbers, but the model's has ${data.length}; give as many.`,
        );
      // Attention is that of every head.
      if (given) for (let start = 0; start < data.length; start += given.length) data.set(given, start);
      fed[nameOf(force)] = { dtype: force.dtype, shape: [], data: filled(force, [given ? 1 : 0]) };
      fed[nameOf(forced)] = { dtype: forced.dtype, shape, data };
      fed[nameOf(nudge)] = { dtype: nudge.dtype, shape, data: typedArray(nudge.dtype, data.length) };
    }
    return fed;
  }

  async release(): Promise<void> {
    await this.encoder.release();
    await this.stepper.release();
  }
}

/** A number drawn by p^(1 / temperature). @param logs logarithms of the probabilities */
export function drawn(logs: ArrayLike<number>, temperature: number, random: Random): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < logs.length; index++) most = Math.max(most, logs[index]!);
  const weight = (index: number) => Math.exp((logs[index]! - most) / temperature);
  let total = 0;
  for (let index = 0; index < logs.length; index++) total += weight(index);
  let left = random.uniform() * total;
  for (let index = 0; index < logs.length; index++) {
    left -= weight(index);
    if (left < 0) return index;
  }
  // What rounding leaves is the likeliest's.
  return Array.from(logs).indexOf(most);
}

const nameOf = (tensor: Tensor): string => inputAttributes(tensor)!.name;

const filled = ({ dtype }: Tensor, values: readonly number[]) => {
  const data = typedArray(dtype, values.length);
  data.set(values as never);
  return data;
};

/** Of looks [1, P] or [1, H, P], the sum over heads and looks. */
function sumRow(values: readonly Value[]): number[] {
  const places = values[0]!.shape.at(-1)!;
  const sum = new Array<number>(places).fill(0);
  for (const { data } of values)
    for (let index = 0; index < data.length; index++) sum[index % places]! += data[index]!;
  return sum;
}

/** Of looks [1, P] or [1, H, P], the mean over heads and looks. */
function meanRow(values: readonly Value[]): number[] {
  const sum = sumRow(values);
  const heads = values.reduce((count, { data }) => count + data.length / sum.length, 0);
  return heads === 1 ? sum : sum.map((value) => value / heads);
}

const int32 = (value: number): Value => ({ dtype: "int32", shape: [1], data: Int32Array.of(value) });
