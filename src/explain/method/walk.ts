import { attentionOf } from "../../attention/index.js";
import { gradient } from "../../autodiff/index.js";
import { END, Random, rewrite, START, type Tensor } from "../../core/index.js";
import { stepsOf } from "../../decode/index.js";
import type { Model, Tensors } from "../../models/index.js";
import { Mode } from "../../nn/index.js";
import {
  add,
  crossEntropy,
  fill,
  input,
  inputAttributes,
  logSoftmax,
  mul,
  neg,
  reduceSum,
  sub,
  topK,
} from "../../ops/index.js";
import {
  type Backend,
  type LoadOptions,
  neededBy,
  type Session,
  scalar,
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
  /** Attention over the source places, END included; absent where the model has none. */
  readonly weights?: readonly number[];
  /**
   * The gradient of the token's log-probability that reaches each weight: the place's features times the gradient that
   * reaches the context, summed over features. Positive where more attention would make the token likelier.
   */
  readonly salience?: readonly number[];
}

/** What a walk does otherwise than the model alone would. */
export interface WalkChoices {
  /** Tokens to write, by step; the likeliest token elsewhere. */
  readonly tokens?: ReadonlyMap<number, number>;
  /** Attention to use instead of the model's own, by step: a weight for each source place, END included. */
  readonly attention?: ReadonlyMap<number, readonly number[]>;
  /** The seed by which a walker that samples draws the places of hard attention. */
  readonly sample?: number;
}

const MEMORY = "memory.";
const STATE = "state.";
const NEXT = "next.";

/**
 * Decodes one sentence step by step with everything in view: alternatives, attention, and the gradient that reaches the
 * attention. Any token can be chosen and any attention forced, and the walk goes on from there.
 */
export class Walker {
  private constructor(
    private readonly encoder: Session,
    private readonly stepper: Session,
    private readonly width: number,
    /** Names of what it draws by. */
    private readonly noise: readonly string[],
  ) {}

  /**
   * @param options.alternatives how many tokens each step tells of
   * @param options.sampling whether the places of hard attention are drawn, in place of the likeliest
   */
  static async load(
    model: Model,
    inputs: Tensors,
    backend: Backend,
    options: { alternatives: number; sampling?: boolean } & LoadOptions,
  ): Promise<Walker> {
    const mode = options.sampling ? Mode.sampling() : Mode.plain();
    const modelSteps = stepsOf(model);
    const { memory, state } = modelSteps.begin(inputs, mode);
    const prefixed = (prefix: string, tensors: Readonly<Record<string, Tensor>>) =>
      Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [prefix + name, tensor]));
    const placeholders = (prefix: string, tensors: Readonly<Record<string, Tensor>>) =>
      Object.fromEntries(
        Object.entries(tensors).map(([name, { dtype, shape }]) => [name, input(prefix + name, dtype, shape)]),
      );
    const step = modelSteps.step(
      placeholders(MEMORY, memory),
      placeholders(STATE, state),
      { previous: input("previous", "int32", ["batch"]) },
      mode,
    );
    const attention = attentionOf(step.looks);
    // Of hard attention it is the place that was chosen whose part is forced, and which the gradient reaches.
    let logits = step.outputs.logits!;
    let next = step.state;
    let weights = attention?.used ?? attention?.value;
    if (weights) {
      // Where `force` is 1 the forced weights take the place of the model's own, in everything made from them.
      const force = input("force", weights.dtype, []);
      const forced = input("forced", weights.dtype, weights.shape);
      const used = add(
        mul(weights, sub(fill(1, { dtype: weights.dtype, shape: [] }), force)),
        mul(forced, force),
      );
      const names = Object.keys(next);
      const replaced = rewrite([logits, ...names.map((name) => next[name]!)], new Map([[weights, used]]));
      logits = replaced[0]!;
      next = Object.fromEntries(names.map((name, index) => [name, replaced[index + 1]!]));
      weights = used;
    }
    const width = Math.min(options.alternatives, logits.shape.at(-1) as number);
    const best = topK(logSoftmax(logits), width);
    const chosen = input("chosen", "int32", ["batch"]);
    const logProbability = neg(crossEntropy(logits, chosen).losses);
    const program: Record<string, Tensor> = {
      tokens: best.indices,
      logProbabilities: best.values,
      logProbability,
      ...prefixed(NEXT, next),
    };
    if (weights) {
      // A place that was drawn is what was looked at; otherwise all that could have been tells more.
      program.weights = options.sampling && attention!.used ? attention!.used : attention!.value;
      program.salience = gradient(reduceSum(logProbability), [weights])[0]!;
    }
    const encoder = await backend.load({ ...prefixed(MEMORY, memory), ...prefixed(STATE, state) }, options);
    const stepper = await backend.load(program, options);
    return new Walker(encoder, stepper, width, [...mode.noise.keys()]);
  }

  /**
   * Walks until END is written. A walk that no choice changes writes what `decodeGreedily` does.
   * @param inputs what the model reads of one example, by name
   * @param longest tokens after which the walk ends all the same, END not counted
   */
  async walk(
    parameters: Values,
    inputs: Values,
    choices: WalkChoices,
    { longest }: { longest: number },
  ): Promise<WalkStep[]> {
    const encoded = await this.encoder.run(neededBy(this.encoder, { ...parameters, ...inputs }));
    // Places of a text are as many as its tokens; those of an image are known.
    const size = this.stepper.inputs.find((tensor) => inputAttributes(tensor)!.name === "forced")?.shape[1];
    const places = typeof size === "number" ? size : (inputs[size ?? ""]?.shape[0] ?? 0);
    const random = new Random(choices.sample ?? 0, "walk");
    let carried: Values = encoded;
    const steps: WalkStep[] = [];
    let previous = START;
    while (steps.length <= longest && previous !== END) {
      const forced = choices.attention?.get(steps.length);
      const given = choices.tokens?.get(steps.length);
      const chance = random.uniform();
      const run = (chosen: number) => {
        const feeds: Record<string, Value> = {
          ...parameters,
          ...encoded,
          ...carried,
          previous: int32(previous),
          chosen: int32(chosen),
          ...Object.fromEntries(
            this.noise.map((name) => [
              name,
              { dtype: "float32" as const, shape: [1], data: Float32Array.of(chance) },
            ]),
          ),
          force: scalar(forced ? 1 : 0),
          forced: {
            dtype: "float32",
            shape: [1, places],
            data: forced ? Float32Array.from(forced) : new Float32Array(places),
          },
        };
        return this.stepper.run(neededBy(this.stepper, feeds));
      };
      // What to take the gradient of is known only once the likeliest token is, unless it was given.
      let results = await run(given ?? END);
      const token = given ?? results.tokens!.data[0]!;
      if (token !== END && steps.length === longest) break;
      if (given === undefined && token !== END) results = await run(token);
      steps.push({
        token,
        logProbability: results.logProbability!.data[0]!,
        alternatives: Array.from({ length: this.width }, (_, rank) => ({
          token: results.tokens!.data[rank]!,
          logProbability: results.logProbabilities!.data[rank]!,
        })),
        ...(results.weights && {
          weights: forced ?? Array.from(results.weights.data),
          salience: Array.from(results.salience!.data),
        }),
      });
      carried = Object.fromEntries(
        Object.entries(results).flatMap(([name, value]) =>
          name.startsWith(NEXT) ? [[STATE + name.slice(NEXT.length), value]] : [],
        ),
      );
      previous = token;
    }
    return steps;
  }

  async release(): Promise<void> {
    await this.encoder.release();
    await this.stepper.release();
  }
}

const int32 = (value: number): Value => ({ dtype: "int32", shape: [1], data: Int32Array.of(value) });
