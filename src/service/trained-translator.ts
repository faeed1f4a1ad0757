import { END, UNKNOWN, UsageError } from "../core/index.js";
import { detokenise, type Pair, type ParallelData, readingOf, surfaceOf, tokenise } from "../data/index.js";
import { END_MARK, readGates, translationOf } from "../decode/index.js";
import {
  attentionEntropy,
  meanInterval,
  Removal,
  verdictOf,
  verdictSentence,
  type WalkStep,
} from "../explain/index.js";
import type { TranslationSizes } from "../models/index.js";
import { type TextVocabularies, translation } from "../task/index.js";
import type { Evaluation, Explanation, Requests, Seen, SplitExplanation, Writing } from "./protocol.js";
import {
  agreementsOf,
  decodedOfSteps,
  examplesOfSplit,
  hypothesisAnswers,
  spellOf,
  splitNamesOf,
  stepAnswers,
} from "./shared.js";
import { TrainedModel, type TrainedModelOptions } from "./trained-model.js";

/** Words that are taken at once; memory grows with their number. */
export const LONGEST_INPUT = 500;

/** The words of a text. @throws UsageError where there are none, or too many */
export function inputWords(text: string): string[] {
  const words = tokenise(text);
  if (words.length === 0) throw new UsageError("the input is empty; give a sentence.");
  if (/^\S+\.(?:jpe?g|png|webp|gif|tiff?|avif|bmp|svg)$/i.test(text.trim()))
    throw new UsageError(
      `this model reads sentences, but "${text.trim()}" is the name of an image; give a sentence, or a model that reads images.`,
    );
  if (words.length > LONGEST_INPUT)
    throw new UsageError(
      `the input has ${words.length} words but a model takes at most ${LONGEST_INPUT}; give it in parts.`,
    );
  return words;
}

/** A sentence whose translation is to be explained, and how it is written. */
export type ExplainOptions = { readonly text: string } & Partial<Writing>;

/** A trained translator and everything one can ask of it. */
export class TrainedTranslator extends TrainedModel<Pair, TextVocabularies, TranslationSizes> {
  constructor(options: TrainedModelOptions) {
    super(translation, options);
  }

  #removing(): Promise<Removal> {
    return this.once("removal", () => Removal.load(this.model, this.backend));
  }

  /** Decodes, with words or attention changed where asked for. @throws UsageError for an input it cannot take */
  async see({ text, effect, ...request }: Omit<Requests["see"], "run">): Promise<Seen> {
    const started = performance.now();
    const words = inputWords(text);
    const { source, target } = this.vocabularies;
    const { read, steps, hypotheses, decoding } = await this.#written(words, request);
    const effects = effect ? await this.#effects(read.tokens, steps) : undefined;
    const { output, pieces, trace } = translationOf(decodedOfSteps(steps), this.vocabularies, words);
    const unknown = read.pieces.filter((_, index) => read.tokens[index] === UNKNOWN);
    return {
      output,
      decoding,
      source: [...read.pieces, END_MARK],
      steps: stepAnswers(steps, target, effects, trace && pieces),
      ...(trace && { trace }),
      ...(!trace && {
        gates: await readGates(this.model, this.backend, this.parameters, source, words),
      }),
      hypotheses: hypothesisAnswers(hypotheses, (one) => translationOf(one, this.vocabularies, words).output),
      unknown,
      milliseconds: performance.now() - started,
    };
  }

  /** What is written of the words of a sentence. */
  async #written(words: readonly string[], request: Partial<Writing>) {
    const read = this.vocabularies.source.segment(words);
    const { values } = await translation.collate([{ source: words, target: [] }], this.vocabularies, {
      kind: "ask",
    });
    return { read, ...(await this.writing(values.source!, read.tokens.length + 1, request)) };
  }

  async #effects(source: readonly number[], steps: readonly WalkStep[]): Promise<number[][]> {
    const tokens = steps.map(({ token }) => token);
    return (await this.#removing()).effects(this.parameters, source, tokens);
  }

  /**
   * Attention, salience and causal effect of what `see` shows of a sentence, and how they agree.
   * @param pair the sentence in the data, where it is there
   */
  explain({ text, ...request }: ExplainOptions, pair?: Pair): Promise<Explanation> {
    return this.#explained(inputWords(text), request, pair);
  }

  async #explained(
    words: readonly string[],
    request: Partial<Writing>,
    pair: Pair | undefined,
  ): Promise<Explanation> {
    const { target } = this.vocabularies;
    const { read, steps, decoding } = await this.#written(words, request);
    const written = steps.filter(({ token }) => token !== END);
    const effect = await this.#effects(read.tokens, written);
    const places = read.tokens.length;
    const rows = (of: (step: WalkStep) => readonly number[] | undefined) =>
      written.length > 0 && written.every((step) => of(step))
        ? written.map((step) => of(step)!.slice(0, places))
        : undefined;
    const attention = rows(({ weights }) => weights);
    const salience = rows((step) => step.salience);
    const agreements = agreementsOf(attention, salience, effect);
    const { output, pieces } = translationOf(decodedOfSteps(steps), this.vocabularies, words);
    const known = this.#aligned(pair, read.tokens);
    const tokens = steps.map(({ token }) => token);
    return {
      output,
      decoding,
      source: read.pieces,
      target: pieces.slice(0, written.length).map(surfaceOf),
      ...(attention && { attention }),
      ...(salience && { salience }),
      effect,
      ...(known && {
        reference: known.tokens.map((token) => spellOf(target, token)),
        ...(known.tokens.join() === tokens.join() && { gold: known.links }),
      }),
      agreements,
      ...(agreements[0] && {
        verdict: {
          verdict: verdictOf(agreements[0]),
          sentence: verdictSentence(agreements[0], written.length),
        },
      }),
    };
  }

  /** The tokens of a pair's own translation, with its links, where those are known and it is the pair of what was read. */
  #aligned(pair: Pair | undefined, read: readonly number[]) {
    const { source, target } = this.vocabularies;
    if (!pair?.links || source.kind !== "word" || target.kind !== "word") return undefined;
    if (source.segment(pair.source).tokens.join() !== read.join()) return undefined;
    const tokens = [...target.segment(pair.target).tokens, END];
    return tokens.includes(UNKNOWN) ? undefined : { tokens, links: pair.links };
  }

  /** The agreements over many pairs, and the pairs in which attention and cause disagree most. */
  async explainPairs(pairs: readonly Pair[], { beam }: { beam: number }): Promise<SplitExplanation> {
    const found: { text: string; explanation: Explanation }[] = [];
    for (const { source } of pairs)
      found.push({
        text: detokenise(source),
        explanation: await this.#explained(source, { beam }, undefined),
      });
    // Where nothing was written there is nothing to agree.
    const told = found.filter(({ explanation }) => explanation.agreements.length > 0);
    const names = told[0]?.explanation.agreements ?? [];
    const entropies = found.flatMap(({ explanation: { attention } }) =>
      attention && attention.length > 0 ? [attentionEntropy(attention)] : [],
    );
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

  /** Scores the first `sentences` pairs of a split. */
  evaluate(data: ParallelData, request: Requests["evaluate"]): Promise<Evaluation> {
    return this.scored(examplesOfSplit(data, request.split).slice(0, request.sentences), request);
  }
}

/** The pair of a text in the data, where it is one. */
export function pairOfText(data: ParallelData, text: string): Pair | undefined {
  const wanted = readingOf(text);
  for (const split of splitNamesOf(data))
    for (const pair of examplesOfSplit(data, split)) if (readingOf(pair.source) === wanted) return pair;
  return undefined;
}
