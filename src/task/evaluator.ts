import { attentionOf } from "../attention/index.js";
import { countOf, RegardError, resolveDimension, typedArray, unprefixed } from "../core/index.js";
import {
  type Decoded,
  Decoder,
  decodeByBeam,
  GreedyDecoder,
  type Probe,
  type Unrolled,
  unrolled,
} from "../decode/index.js";
import type { Model, Tensors } from "../models/index.js";
import { Mode } from "../nn/index.js";
import { inputAttributes } from "../ops/index.js";
import {
  type Backend,
  constants,
  neededBy,
  type Session,
  type Value,
  type Values,
} from "../session/index.js";
import type { Task } from "./contract.js";
import type { LookAbout } from "./traced.js";

/** Examples scored or decoded at a time. */
const BATCH = 64;

/** What a model makes of an example and its first target. */
export interface Forced<Example> {
  readonly example: Example;
  /** Cross-entropy of the target in nats. */
  readonly loss: number;
  /** What the target asks for: its tokens, the end included, or one class. */
  readonly decisions: number;
  /** The tokens of the target, START and END apart, where tokens are written. */
  readonly tokens?: readonly number[];
  /** Attention of each token over the places of the source, [token, place]; absent where the model has none. */
  readonly weights?: readonly ArrayLike<number>[];
}

/** What a model gives for an example that it does not write tokens for. */
export interface Predicted<Example> {
  readonly example: Example;
  /** [steps, …], or […] where it runs all at once. */
  readonly outputs: Values;
  /** Where it looked, of the same axes, by name. */
  readonly looks: Values;
}

/** Scores and runs a model whose parameters are given anew each time, unless they are fixed. */
export class Evaluator<Example, Prepared> {
  #greedy: Promise<GreedyDecoder> | undefined;
  #forced: ForcedRun | undefined;

  private constructor(
    private readonly task: Task<Example, Prepared>,
    private readonly prepared: Prepared,
    private readonly scoring: Session,
    /** Where the task writes tokens: loads what writes the likeliest, when it is first asked to. */
    private readonly loadGreedy: (() => Promise<GreedyDecoder>) | undefined,
    /** What writes by beams, where they were asked for. */
    private readonly decoder: Decoder | undefined,
    private readonly predictor: Session | undefined,
    /** Loads what runs with a look forced, which few ask for. */
    private readonly loadForced: () => Promise<ForcedRun>,
    /** Rows and columns of the places that looks go over, by name, where they form a grid. */
    readonly grids: NonNullable<Model["grids"]>,
    /** What the looks of `predict` are, by name. */
    readonly looks: Readonly<Record<string, LookAbout>>,
  ) {}

  /**
   * @param options.beam the widest beam that will be asked for
   * @param options.fixed parameters with which it will always run: it writes up to twice as fast
   */
  static async load<Example, Prepared, Sizes>(
    task: Task<Example, Prepared, Sizes>,
    model: Model,
    sizes: Sizes,
    prepared: Prepared,
    backend: Backend,
    options: { beam: number; fixed?: Values },
  ): Promise<Evaluator<Example, Prepared>> {
    const inputs = task.inputs(sizes);
    const { losses, looks } = model.objective({ ...inputs, ...task.targets(sizes, "batch") }, Mode.plain());
    const weights = attentionOf(looks)?.value;
    const scoring = await backend.load({ losses, ...(weights && { weights }) });
    const { drive } = task;
    const load = { ...(options.fixed && { values: constants(options.fixed) }) };
    const greedy =
      drive.kind === "tokens"
        ? () => GreedyDecoder.load(model, inputs, drive.longest, backend, load)
        : undefined;
    const decoder =
      drive.kind === "tokens" && options.beam > 1
        ? // A beam needs one candidate more than its width, since the best may be the end mark.
          await Decoder.load(model, inputs, backend, { width: options.beam + 1, ...load })
        : undefined;
    const run = drive.kind === "tokens" ? undefined : unrolled(model, drive, inputs, Mode.plain());
    const predictor = run && (await backend.load(programOf(run), load));
    const loadForced = async () => {
      if (drive.kind === "tokens") throw new RegardError(WRITES(task.id));
      const probed = unrolled(model, drive, inputs, Mode.plain(), { probed: true });
      return { session: await backend.load(programOf(probed), load), probes: probed.probes, inputs };
    };
    return new Evaluator(
      task as Task<Example, Prepared>,
      prepared,
      scoring,
      greedy,
      decoder,
      predictor,
      loadForced,
      model.grids ?? {},
      Object.fromEntries(
        Object.entries(run?.looks ?? {}).map(([name, { used, ...about }]) => [
          name,
          { ...about, ...(used && { hard: true }) },
        ]),
      ),
    );
  }

  /** Runs examples with their first targets as what was written before. What is drawn for each example is drawn for it alone. */
  async *force(parameters: Values, examples: readonly Example[]): AsyncGenerator<Forced<Example>> {
    for (const [number, part] of [...partsOf(examples)].entries()) {
      const { values, decisions } = await this.task.collate(part, this.prepared, { kind: "score" });
      const { losses, weights } = await this.scoring.run(
        neededBy(this.scoring, { ...parameters, ...values }, ({ shape }) => ({
          step: shape.includes("batch") ? number : 0,
        })),
      );
      for (const [column, example] of part.entries())
        yield {
          example,
          loss: sumOfColumn(losses!, column),
          decisions: decisions[column]!,
          ...(this.loadGreedy && { tokens: tokensOf(values.target!, column, decisions[column]!) }),
          ...(weights && {
            weights: Array.from({ length: decisions[column]! }, (_, row) => weightsAt(weights, row, column)),
          }),
        };
    }
  }

  /**
   * What the model writes for examples; the best hypotheses of each, best first. A beam of 1 takes the likeliest token
   * each time. `onProgress` hears how many are done.
   * @throws RegardError where it does not write tokens
   */
  async write(
    parameters: Values,
    examples: readonly Example[],
    options: { beam: number; onProgress?: (done: number) => void },
  ): Promise<Decoded[][]> {
    const found: Decoded[][] = new Array(examples.length);
    await this.#byLength(examples, options, async (part) => {
      const { values } = await this.task.collate(
        part.map((index) => examples[index]!),
        this.prepared,
        { kind: "ask" },
      );
      const results = await this.writeValues(parameters, values, options);
      part.forEach((index, row) => {
        found[index] = results[row]!;
      });
    });
    return found;
  }

  /** What the model writes for inputs that have been collated, as `write`. */
  async writeValues(parameters: Values, inputs: Values, { beam }: { beam: number }): Promise<Decoded[][]> {
    if (!this.loadGreedy) throw new RegardError(`a model for ${this.task.id} writes no tokens; use predict.`);
    const longest = this.longestOf(inputs);
    if (beam === 1) {
      this.#greedy ??= this.loadGreedy();
      const found = await (await this.#greedy).decode(parameters, inputs, { longest });
      return found.map((best) => [best]);
    }
    if (!this.decoder)
      throw new RegardError(`a beam of ${beam} is asked for, but none was loaded; load it with that beam.`);
    return decodeByBeam(this.decoder, parameters, inputs, { longest, width: beam });
  }

  /** Tokens after which what is written of inputs is cut. */
  longestOf(inputs: Values): number {
    const { drive } = this.task;
    if (drive.kind !== "tokens") return 0;
    // The first axis of a text is its length, and named after it.
    return resolveDimension(
      drive.longest,
      new Map(Object.entries(inputs).map(([name, { shape }]) => [name, shape[0]!])),
    );
  }

  /**
   * What the model gives for examples, and where it looked, in their order.
   * @param options.forced a look by name, and for an example by its index what is looked at in all steps in place of what the model would
   * @throws RegardError where it writes tokens
   */
  async predict(
    parameters: Values,
    examples: readonly Example[],
    options: {
      onProgress?: (done: number) => void;
      forced?: { readonly look: string; of(index: number): ArrayLike<number> };
    } = {},
  ): Promise<Predicted<Example>[]> {
    const { forced } = options;
    if (forced) this.#forced ??= await this.loadForced();
    const predictor = forced ? this.#forced!.session : this.predictor;
    if (!predictor) throw new RegardError(WRITES(this.task.id));
    const found: Predicted<Example>[] = new Array(examples.length);
    const axis = this.task.drive.kind === "once" ? 0 : 1;
    await this.#byLength(examples, options, async (part) => {
      const { values } = await this.task.collate(
        part.map((index) => examples[index]!),
        this.prepared,
        { kind: "ask" },
      );
      const results = await predictor.run(
        neededBy(predictor, {
          ...parameters,
          ...values,
          ...(forced &&
            forcedValues(this.#forced!.probes, forced.look, part.map(forced.of), {
              sizes: sizesOf(this.#forced!.inputs, values),
              axis,
            })),
        }),
      );
      part.forEach((index, row) => {
        const { outputs, looks } = partedResults(results, row, axis);
        found[index] = { example: examples[index]!, outputs, looks };
      });
    });
    return found;
  }

  /** Examples of like length together, so that little is padded. */
  async #byLength(
    examples: readonly Example[],
    { onProgress }: { onProgress?: (done: number) => void },
    run: (part: readonly number[]) => Promise<void>,
  ): Promise<void> {
    const length = examples.map((example) => this.task.length?.(example, this.prepared) ?? 0);
    const order = examples.map((_, index) => index).sort((a, b) => length[a]! - length[b]! || a - b);
    let done = 0;
    for (const part of partsOf(order)) {
      await run(part);
      done += part.length;
      onProgress?.(done);
    }
  }

  async release(): Promise<void> {
    await this.scoring.release();
    await (await this.#greedy)?.release();
    await this.decoder?.release();
    await this.predictor?.release();
    await this.#forced?.session.release();
  }
}

/** A whole run whose looks can be forced. */
interface ForcedRun {
  readonly session: Session;
  readonly probes: Readonly<Record<string, Probe>>;
  readonly inputs: Tensors;
}

/** What the named axes of inputs are, from their values. */
const sizesOf = (inputs: Tensors, values: Values): ReadonlyMap<string, number> =>
  new Map(
    Object.entries(inputs).flatMap(([name, { shape }]) =>
      shape.flatMap((size, axis): [string, number][] =>
        typeof size === "string" ? [[size, values[name]!.shape[axis]!]] : [],
      ),
    ),
  );

const WRITES = (task: string): string => `a model for ${task} writes tokens; use write.`;

/**
 * What is fed for one look to be forced in all steps, and no other to be changed.
 * @param rows of each example, what it looks at in all steps, padded as the batch is
 * @param options.sizes what the named axes of inputs are
 * @param options.axis the axis of examples: 1 behind that of steps, 0 where all is run at once
 */
function forcedValues(
  probes: Readonly<Record<string, Probe>>,
  look: string,
  rows: readonly ArrayLike<number>[],
  { sizes, axis }: { readonly sizes: ReadonlyMap<string, number>; readonly axis: number },
): Values {
  const fed: Record<string, Value> = {};
  for (const [name, { force, forced, nudge }] of Object.entries(probes))
    for (const [tensor, filled] of [
      [force, name === look ? 1 : 0],
      [forced, 0],
      [nudge, 0],
    ] as const) {
      const shape = tensor.shape.map((size) => resolveDimension(size, sizes));
      const data = typedArray(tensor.dtype, countOf(shape)).fill(filled as never);
      fed[inputAttributes(tensor)!.name] = { dtype: tensor.dtype, shape, data };
    }
  const { shape, data } = fed[inputAttributes(probes[look]!.forced)!.name]!;
  const steps = countOf(shape.slice(0, axis));
  const inner = countOf(shape.slice(axis + 1));
  rows.forEach((row, example) => {
    for (let step = 0; step < steps; step++)
      for (let index = 0; index < inner; index++)
        data[(step * rows.length + example) * inner + index] = row[step * inner + index] ?? 0;
  });
  return fed;
}

const OUTPUT = "output.";
const LOOK = "look.";

/** A run of a model as a program: outputs and looks under names of their own. */
const programOf = ({ outputs, looks }: Pick<Unrolled, "outputs" | "looks">): Tensors => ({
  ...Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [OUTPUT + name, tensor])),
  ...Object.fromEntries(Object.entries(looks).map(([name, { value }]) => [LOOK + name, value])),
});

/** What such a program gave for one example of a batch. */
function partedResults(results: Values, row: number, axis: number): { outputs: Values; looks: Values } {
  const part = (prefix: string): Values =>
    Object.fromEntries(
      Object.entries(unprefixed(prefix, results)).map(([name, value]) => [name, exampleOf(value, row, axis)]),
    );
  return { outputs: part(OUTPUT), looks: part(LOOK) };
}

/** One example of a batch along an axis, which goes. */
export function exampleOf({ dtype, shape, data }: Value, row: number, axis: number): Value {
  const [before, size, after] = [shape.slice(0, axis), shape[axis]!, shape.slice(axis + 1)];
  const inner = countOf(after);
  const outer = countOf(before);
  const found = typedArray(dtype, outer * inner);
  for (let index = 0; index < outer; index++) {
    const start = (index * size + row) * inner;
    found.set(data.subarray(start, start + inner) as never, index * inner);
  }
  return { dtype, shape: [...before, ...after], data: found };
}

function* partsOf<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += BATCH) yield items.slice(start, start + BATCH);
}

/** What the steps of one example cost together: a column of losses [T, B], or one of [B]. */
function sumOfColumn({ data, shape }: Value, column: number): number {
  const batch = shape.at(-1)!;
  let sum = 0;
  for (let start = 0; start < data.length; start += batch) sum += data[start + column]!;
  return sum;
}

/** The tokens of a column of targets [T, B], from START to END, without both. */
const tokensOf = ({ data, shape }: Value, column: number, decisions: number): number[] =>
  Array.from({ length: Math.max(0, decisions - 1) }, (_, row) => data[(row + 1) * shape[1]! + column]!);

/** Attention of one target token over the places of one source: a row of weights [T, B, P]. */
function weightsAt(weights: Value, row: number, column: number): ArrayLike<number> {
  const [, batch, places] = weights.shape;
  const start = (row * batch! + column) * places!;
  return weights.data.subarray(start, start + places!);
}
