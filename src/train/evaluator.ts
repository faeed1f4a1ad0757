import type { AlignmentTrace } from "../attention/index.js";
import { type Pair, tokenBatch } from "../data/index.js";
import { type Decoded, Decoder, decodeByBeam, decodeGreedily, tokensValue } from "../decode/index.js";
import {
  type AlignmentCounts,
  addCounts,
  attentionCoverage,
  attentionEntropy,
  attentionMovement,
  attentionUniformity,
  countAlignment,
  linksOf,
  NO_COUNTS,
} from "../explain/index.js";
import type { Translator } from "../models/index.js";
import { input } from "../ops/index.js";
import type { Backend, Session, Value, Values } from "../session/index.js";
import { encodePair, type Vocabularies } from "./vocabularies.js";

/** What teacher-forced scoring of pairs finds. */
export interface Scores {
  /** Cross-entropy in nats a token. */
  readonly loss: number;
  /** Comparison of the attention with the gold alignment; nothing proposed where either is missing. */
  readonly alignment: AlignmentCounts;
  /** Means over sentences, where the model has attention. */
  readonly attention?: {
    /** In nats. */
    readonly entropy: number;
    /** Share of the source words that are looked at. */
    readonly coverage: number;
    /** Share of the greatest possible entropy. */
    readonly uniformity: number;
    /** How far attention moves from one word to the next, 0 to 1. */
    readonly movement: number;
  };
}

/** Sentences scored or translated at a time. */
const BATCH = 64;

/** Scores and translates with a model whose parameters are given anew each time. */
export class Evaluator {
  private constructor(
    private readonly scoring: Session,
    private readonly decoder: Decoder,
    private readonly vocabularies: Vocabularies,
  ) {}

  /** @param options.beam the widest beam that will be asked for */
  static async load(
    translator: Translator,
    vocabularies: Vocabularies,
    backend: Backend,
    options: { beam: number },
  ): Promise<Evaluator> {
    const { sequenceLoss, weights } = translator.train(
      input("source", "int32", ["source", "batch"]),
      input("target", "int32", ["target", "batch"]),
    );
    const scoring = await backend.load({ sequenceLoss, ...(weights && { weights }) });
    // A beam needs one candidate more than its width, since the best may be the end mark.
    const width = options.beam > 1 ? options.beam + 1 : 1;
    const decoder = await Decoder.load(translator, backend, { width, vocabulary: vocabularies.target.size });
    return new Evaluator(scoring, decoder, vocabularies);
  }

  /** Scores pairs against their own targets. */
  async score(parameters: Values, pairs: readonly Pair[]): Promise<Scores> {
    let [total, tokens, attending, entropy, coverage, uniformity, movement] = [0, 0, 0, 0, 0, 0, 0];
    let alignment = NO_COUNTS;
    for (const part of parts(pairs)) {
      const { sequenceLoss, weights, encoded } = await this.#force(parameters, part);
      part.forEach((pair, column) => {
        total += sequenceLoss!.data[column]!;
        tokens += encoded[column]!.target.length - 1;
        if (!weights) return;
        attending++;
        const rows = this.#weightsOfWords(weights, pair, column);
        entropy += attentionEntropy(rows);
        coverage += attentionCoverage(rows, pair.source.length);
        uniformity += attentionUniformity(rows);
        movement += attentionMovement(rows);
        if (pair.links)
          alignment = addCounts(alignment, countAlignment(linksOf(rows, pair.source.length), pair.links));
      });
    }
    return {
      loss: total / tokens,
      alignment,
      ...(attending > 0 && {
        attention: {
          entropy: entropy / attending,
          coverage: coverage / attending,
          uniformity: uniformity / attending,
          movement: movement / attending,
        },
      }),
    };
  }

  /** The attention over each pair while its own target is written; none where the model has no attention. */
  async trace(parameters: Values, pairs: readonly Pair[]): Promise<AlignmentTrace[]> {
    const { weights } = await this.#force(parameters, pairs);
    if (!weights) return [];
    return pairs.map((pair, column) => {
      const source = this.vocabularies.source.segment(pair.source).pieces;
      const target = this.vocabularies.target.segment(pair.target).pieces;
      return {
        kind: "alignment",
        source,
        target,
        weights: target.map((_, row) => Array.from(weightsAt(weights, row, column)).slice(0, source.length)),
      };
    });
  }

  /**
   * Attention of target words over source words and the source's end, [target, source + 1]. Pieces of a source word add
   * up, pieces of a target word are averaged, so that a row still adds up to 1.
   */
  #weightsOfWords(weights: Value, pair: Pair, column: number): number[][] {
    const source = this.vocabularies.source.segment(pair.source).wordOf;
    const target = this.vocabularies.target.segment(pair.target).wordOf;
    const rows = pair.target.map(() => new Array<number>(pair.source.length + 1).fill(0));
    const pieces = pair.target.map(() => 0);
    for (const word of target) pieces[word]!++;
    target.forEach((word, row) => {
      const places = weightsAt(weights, row, column);
      for (let place = 0; place <= source.length; place++)
        rows[word]![source[place] ?? pair.source.length]! += places[place]! / pieces[word]!;
    });
    return rows;
  }

  /** Runs pairs with their own targets as what was written before. */
  async #force(parameters: Values, pairs: readonly Pair[]) {
    const encoded = pairs.map((pair) => encodePair(pair, this.vocabularies));
    const source = tokenBatch(encoded.map((pair) => pair.source));
    const target = tokenBatch(encoded.map((pair) => pair.target));
    const { sequenceLoss, weights } = await this.scoring.run({
      ...parameters,
      source: tokensValue(source),
      target: tokensValue(target),
    });
    return { sequenceLoss, weights, encoded };
  }

  /**
   * Translates sources, given in words; the best hypotheses of each, best first. A beam of 1 takes the likeliest word
   * each time. `onProgress` hears how many are done.
   */
  async translate(
    parameters: Values,
    sources: readonly (readonly string[])[],
    options: { beam: number; onProgress?: (done: number) => void },
  ): Promise<Decoded[][]> {
    const found: Decoded[][] = new Array(sources.length);
    // Sources of like length together, so that little is padded.
    const order = sources
      .map((_, index) => index)
      .sort((a, b) => sources[a]!.length - sources[b]!.length || a - b);
    let done = 0;
    for (const part of parts(order)) {
      const encoded = part.map((index) => this.vocabularies.source.encode(sources[index]!));
      const source = tokenBatch(encoded);
      const longest = 2 * source.length + 10;
      const results =
        options.beam === 1
          ? (await decodeGreedily(this.decoder, parameters, source, { longest })).map((best) => [best])
          : await decodeByBeam(this.decoder, parameters, source, { longest, width: options.beam });
      part.forEach((index, row) => {
        found[index] = results[row]!;
      });
      done += part.length;
      options.onProgress?.(done);
    }
    return found;
  }

  async release(): Promise<void> {
    await this.scoring.release();
    await this.decoder.release();
  }
}

function* parts<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += BATCH) yield items.slice(start, start + BATCH);
}

/** Attention of one target word over the places of one source: a row of weights [T, B, S]. */
function weightsAt(weights: Value, row: number, column: number): ArrayLike<number> {
  const [, batch, places] = weights.shape;
  const start = (row * batch! + column) * places!;
  return weights.data.subarray(start, start + places!);
}
