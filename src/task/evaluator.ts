import { attentionOf } from "../attention/index.js";
import { resolveDimension } from "../core/index.js";
import { tokenBatch } from "../data/index.js";
import { type Decoded, Decoder, decodeByBeam, decodeGreedily, tokensValue } from "../decode/index.js";
import type { Model } from "../models/index.js";
import { Mode } from "../nn/index.js";
import { input } from "../ops/index.js";
import {
  type Backend,
  constants,
  neededBy,
  type Session,
  type Value,
  type Values,
} from "../session/index.js";
import type { Task } from "./contract.js";
import type { Vocabularies } from "./vocabularies.js";

/** Examples scored or decoded at a time. */
const BATCH = 64;

/** What a model makes of an example and one of its targets. */
export interface Forced<Example> {
  readonly example: Example;
  /** Cross-entropy of the target in nats. */
  readonly loss: number;
  /** Tokens of the target, its end included. */
  readonly tokens: number;
  /** Attention of each token over the places of the source, [token, place]; absent where the model has none. */
  readonly weights?: readonly ArrayLike<number>[];
}

/** Scores and writes with a model whose parameters are given anew each time, unless they are fixed. */
export class Evaluator<Example> {
  private constructor(
    private readonly task: Task<Example>,
    private readonly scoring: Session,
    private readonly decoder: Decoder,
    private readonly vocabularies: Vocabularies,
    /** Rows and columns of the places of an image that attention weighs. */
    readonly grid: readonly [rows: number, columns: number] | undefined,
  ) {}

  /**
   * @param options.beam the widest beam that will be asked for
   * @param options.fixed parameters with which it will always write: it writes up to twice as fast
   */
  static async load<Example>(
    task: Task<Example>,
    model: Model,
    sizes: Parameters<Task<Example>["source"]>[0],
    vocabularies: Vocabularies,
    backend: Backend,
    options: { beam: number; fixed?: Values },
  ): Promise<Evaluator<Example>> {
    const source = task.source(sizes);
    const { losses, looks } = model.objective(
      { source, target: input("target", "int32", ["target", "batch"]) },
      Mode.plain(),
    );
    const weights = attentionOf(looks)?.value;
    const scoring = await backend.load({ losses, ...(weights && { weights }) });
    // A beam needs one candidate more than its width, since the best may be the end mark.
    const width = options.beam > 1 ? options.beam + 1 : 1;
    const decoder = await Decoder.load(model, source, backend, {
      width,
      vocabulary: vocabularies.target.size,
      ...(options.fixed && { values: constants(options.fixed) }),
    });
    return new Evaluator(task, scoring, decoder, vocabularies, model.grids?.source);
  }

  /**
   * Runs examples with targets of their own as what was written before.
   * @param targets one for each example, in words; the first of its own where absent
   */
  async *force(
    parameters: Values,
    examples: readonly Example[],
    targets?: readonly (readonly string[])[],
  ): AsyncGenerator<Forced<Example>> {
    for (const part of partsOf(examples.map((example, index) => ({ example, index })))) {
      const encoded = part.map(({ example, index }) =>
        this.vocabularies.target.encode(targets?.[index] ?? this.task.targets(example)[0]!, { start: true }),
      );
      const { losses, weights } = await this.scoring.run(
        neededBy(this.scoring, {
          ...parameters,
          source: await this.task.read(
            part.map(({ example }) => example),
            this.vocabularies,
          ),
          target: tokensValue(tokenBatch(encoded)),
        }),
      );
      for (const [column, { example }] of part.entries()) {
        const tokens = encoded[column]!.length - 1;
        yield {
          example,
          loss: sumOfColumn(losses!, column),
          tokens,
          ...(weights && {
            weights: Array.from({ length: tokens }, (_, row) => weightsAt(weights, row, column)),
          }),
        };
      }
    }
  }

  /**
   * What the model writes for examples; the best hypotheses of each, best first. A beam of 1 takes the likeliest token
   * each time. `onProgress` hears how many are done.
   */
  async write(
    parameters: Values,
    examples: readonly Example[],
    options: { beam: number; onProgress?: (done: number) => void },
  ): Promise<Decoded[][]> {
    const found: Decoded[][] = new Array(examples.length);
    // Sources of like length together, so that little is padded.
    const length = examples.map((example) => this.task.sourceLength(example, this.vocabularies));
    const order = examples.map((_, index) => index).sort((a, b) => length[a]! - length[b]! || a - b);
    let done = 0;
    for (const part of partsOf(order)) {
      const source = await this.task.read(
        part.map((index) => examples[index]!),
        this.vocabularies,
      );
      const results = await this.writeSource(parameters, source, options);
      part.forEach((index, row) => {
        found[index] = results[row]!;
      });
      done += part.length;
      options.onProgress?.(done);
    }
    return found;
  }

  /** What the model writes for sources that have been read, as `write`. */
  async writeSource(parameters: Values, source: Value, { beam }: { beam: number }): Promise<Decoded[][]> {
    const longest = this.longestOf(source);
    if (beam > 1) return decodeByBeam(this.decoder, parameters, source, { longest, width: beam });
    return (await decodeGreedily(this.decoder, parameters, source, { longest })).map((best) => [best]);
  }

  /** Tokens after which what is written of a source is cut. */
  longestOf(source: Value): number {
    return resolveDimension(this.task.longest, new Map([["source", source.shape[0]!]]));
  }

  async release(): Promise<void> {
    await this.scoring.release();
    await this.decoder.release();
  }
}

function* partsOf<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += BATCH) yield items.slice(start, start + BATCH);
}

/** What the steps of one example cost together: a column of losses [T, B]. */
function sumOfColumn({ data, shape: [steps, batch] }: Value, column: number): number {
  let sum = 0;
  for (let step = 0; step < steps!; step++) sum += data[step * batch! + column]!;
  return sum;
}

/** Attention of one target token over the places of one source: a row of weights [T, B, P]. */
function weightsAt(weights: Value, row: number, column: number): ArrayLike<number> {
  const [, batch, places] = weights.shape;
  const start = (row * batch! + column) * places!;
  return weights.data.subarray(start, start + places!);
}
