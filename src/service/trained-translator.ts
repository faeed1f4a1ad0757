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
import { type TextVocabularies, textVocabularies, translation } from "../task/index.js";
import type { Evaluation, Explanation, Requests, Seen, SplitExplanation } from "./protocol.js";
import {
  agreementsOf,
  byStep,
  decodedOfSteps,
  examplesOfSplit,
  forcedRow,
  hypothesisAnswers,
  spellOf,
  splitNamesOf,
  stepAnswers,
  tokenOf,
  tokensByStep,
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

/** A trained translator and everything one can ask of it. */
export class TrainedTranslator extends TrainedModel<Pair, "translation"> {
  declare readonly vocabularies: TextVocabularies;

  constructor(options: TrainedModelOptions) {
    super(translation, { ...options, vocabularies: textVocabularies(options.vocabularies) });
  }

  #removing(): Promise<Removal> {
    return this.once("removal", () => Removal.load(this.model, this.backend));
  }

  /** Decodes, with words or attention changed where asked for. @throws UsageError for an input it cannot take */
  async see({ text, beam, words: changes, attention, effect }: Requests["see"]): Promise<Seen> {
    const started = performance.now();
    const words = inputWords(text);
    const { source, target } = this.vocabularies;
    const read = source.segment(words);
    const [hypotheses] = await (await this.evaluation()).write(
      this.parameters,
      [{ source: words, target: [] }],
      { beam },
    );
    const changed = Object.keys(changes).length > 0 || Object.keys(attention).length > 0;
    const chosen = changed ? byStep(changes, (word) => tokenOf(target, word)) : tokensByStep(hypotheses![0]!);
    const steps = await (await this.walking()).walk(
      this.parameters,
      await translation.read([{ source: words, target: [] }], this.vocabularies),
      {
        tokens: chosen,
        attention: byStep(attention, (row, step) => forcedRow(row, read.tokens.length + 1, step)),
      },
      { longest: longestFor(words) },
    );
    const effects = effect
      ? await (await this.#removing()).effects(
          this.parameters,
          read.tokens,
          steps.map(({ token }) => token),
        )
      : undefined;
    const { output, pieces, trace } = translationOf(decodedOfSteps(steps), this.vocabularies, words);
    const unknown = read.pieces.filter((_, index) => read.tokens[index] === UNKNOWN);
    return {
      output,
      source: [...read.pieces, END_MARK],
      steps: stepAnswers(steps, target, effects, trace && pieces),
      ...(trace && { trace }),
      ...(!trace && {
        gates: await readGates(this.model, this.backend, this.parameters, source, words),
      }),
      hypotheses: hypothesisAnswers(hypotheses!, this.vocabularies),
      unknown,
      milliseconds: performance.now() - started,
    };
  }

  /** Attention, salience and causal effect of one sentence, and how they agree. `pair` is the sentence in the data. */
  async explain(text: string, pair?: Pair): Promise<Explanation> {
    const words = pair?.source ?? inputWords(text);
    const read = this.vocabularies.source.segment(words);
    const [hypotheses] = await (await this.evaluation()).write(
      this.parameters,
      [{ source: words, target: [] }],
      { beam: 1 },
    );
    const best = hypotheses![0]!;
    // Where the data knows the right alignment, it is of the data's own translation: that one is explained.
    const gold = pair?.links && this.vocabularies.source.kind === "word" ? pair : undefined;
    const tokens = gold ? this.vocabularies.target.segment(gold.target).tokens : best.tokens;
    const steps = await (await this.walking()).walk(
      this.parameters,
      await translation.read([{ source: words, target: [] }], this.vocabularies),
      { tokens: tokensByStep({ ...best, tokens, finished: true }) },
      { longest: tokens.length },
    );
    const written = steps.filter(({ token }) => token !== END);
    const effect = await (await this.#removing()).effects(
      this.parameters,
      read.tokens,
      written.map(({ token }) => token),
    );
    const places = read.tokens.length;
    const rows = (of: (step: WalkStep) => readonly number[] | undefined) =>
      written.every((step) => of(step)) ? written.map((step) => of(step)!.slice(0, places)) : undefined;
    const attention = rows(({ weights }) => weights);
    const salience = rows((step) => step.salience);
    const agreements = agreementsOf(attention, salience, effect);
    return {
      output: gold ? detokenise(gold.target) : detokenise(this.vocabularies.target.decode(best.tokens)),
      source: read.pieces,
      target: written.map(({ token }) => surfaceOf(spellOf(this.vocabularies.target, token))),
      ...(attention && { attention }),
      ...(salience && { salience }),
      effect,
      ...(gold && { gold: gold.links! }),
      agreements,
      ...(agreements[0] &&
        written.length > 0 && {
          verdict: {
            verdict: verdictOf(agreements[0]),
            sentence: verdictSentence(agreements[0], written.length),
          },
        }),
    };
  }

  /** The agreements over many pairs, and the pairs in which attention and cause disagree most. */
  async explainPairs(pairs: readonly Pair[]): Promise<SplitExplanation> {
    const found: { text: string; explanation: Explanation }[] = [];
    for (const pair of pairs) {
      // Without its links, so that what the model writes is explained and not what the data has.
      const { links: _, ...plain } = pair;
      found.push({ text: detokenise(pair.source), explanation: await this.explain("", plain) });
    }
    const names = found[0]?.explanation.agreements ?? [];
    const entropies = found.flatMap(({ explanation: { attention } }) =>
      attention && attention.length > 0 ? [attentionEntropy(attention)] : [],
    );
    return {
      examples: found.length,
      agreements: names.map(({ of, with: other }, index) => {
        const all = found.map(({ explanation }) => explanation.agreements[index]!);
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

const longestFor = (words: readonly string[]): number => 2 * words.length + 10;

/** The pair of a text in the data, where it is one. */
export function pairOfText(data: ParallelData, text: string): Pair | undefined {
  const wanted = readingOf(text);
  for (const split of splitNamesOf(data))
    for (const pair of examplesOfSplit(data, split)) if (readingOf(pair.source) === wanted) return pair;
  return undefined;
}
