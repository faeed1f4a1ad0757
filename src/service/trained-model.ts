import { END, UNKNOWN, UsageError } from "../core/index.js";
import { detokenise, type Pair, type ParallelData, tokenise } from "../data/index.js";
import { type Decoded, END_MARK, readGates, translationOf } from "../decode/index.js";
import {
  agreementOf,
  attentionEntropy,
  meanInterval,
  Removal,
  verdictOf,
  verdictSentence,
  Walker,
  type WalkStep,
} from "../explain/index.js";
import type { Translator } from "../models/index.js";
import type { Backend, Values } from "../session/index.js";
import {
  buildModel,
  Evaluator,
  type RunSettings,
  reportOf,
  type StoredTensor,
  storedParameters,
  type Vocabularies,
} from "../train/index.js";
import type {
  Evaluation,
  Explanation,
  NamedAgreement,
  Requests,
  Seen,
  SplitExplanation,
} from "./protocol.js";

/** Words that are taken at once; memory grows with their number. */
export const LONGEST_INPUT = 500;

/** Words a step tells of besides the one it wrote. */
const ALTERNATIVES = 6;
/** The widest beam that can be asked for. */
const WIDEST_BEAM = 16;

export interface TrainedModelOptions {
  readonly settings: RunSettings;
  readonly vocabularies: Vocabularies;
  readonly step: number;
  readonly tensors: Readonly<Record<string, StoredTensor>>;
  readonly backend: Backend;
}

/** The words of a text. @throws UsageError where there are none, or too many */
export function inputWords(text: string): string[] {
  const words = tokenise(text);
  if (words.length === 0) throw new UsageError("the input is empty; give a sentence.");
  if (words.length > LONGEST_INPUT)
    throw new UsageError(
      `the input has ${words.length} words but a model takes at most ${LONGEST_INPUT}; give it in parts.`,
    );
  return words;
}

/** A trained translator and everything one can ask of it. Sessions are loaded when they are first needed. */
export class TrainedModel {
  readonly vocabularies: Vocabularies;
  readonly step: number;
  readonly #settings: RunSettings;
  readonly #translator: Translator;
  readonly #parameters: Values;
  readonly #backend: Backend;
  #evaluator: Promise<Evaluator> | undefined;
  #walker: Promise<Walker> | undefined;
  #removal: Promise<Removal> | undefined;

  constructor({ settings, vocabularies, step, tensors, backend }: TrainedModelOptions) {
    const { translator, parameters } = buildModel(settings, vocabularies);
    this.vocabularies = vocabularies;
    this.step = step;
    this.#settings = settings;
    this.#translator = translator;
    this.#parameters = storedParameters(parameters, tensors);
    this.#backend = backend;
  }

  #evaluation(): Promise<Evaluator> {
    this.#evaluator ??= Evaluator.load(this.#translator, this.vocabularies, this.#backend, {
      beam: WIDEST_BEAM,
    });
    return this.#evaluator;
  }

  #walking(): Promise<Walker> {
    this.#walker ??= Walker.load(this.#translator, this.#backend, {
      alternatives: ALTERNATIVES,
      vocabulary: this.vocabularies.target.size,
    });
    return this.#walker;
  }

  #removing(): Promise<Removal> {
    this.#removal ??= Removal.load(this.#translator, this.#backend);
    return this.#removal;
  }

  /** Decodes, with words or attention changed where asked for. @throws UsageError for an input it cannot take */
  async see({ text, beam, words: changes, attention, effect }: Requests["see"]): Promise<Seen> {
    const started = performance.now();
    const words = inputWords(text);
    const { source, target } = this.vocabularies;
    const read = source.segment(words);
    const [hypotheses] = await (await this.#evaluation()).translate(this.#parameters, [words], { beam });
    const changed = Object.keys(changes).length > 0 || Object.keys(attention).length > 0;
    const chosen = changed
      ? new Map(Object.entries(changes).map(([step, word]) => [Number(step), this.#tokenOf(word)]))
      : tokensByStep(hypotheses![0]!);
    const steps = await (await this.#walking()).walk(
      this.#parameters,
      [...read.tokens, END],
      {
        tokens: chosen,
        attention: new Map(
          Object.entries(attention).map(([step, row]) => [
            Number(step),
            forcedRow(row, read.tokens.length + 1, Number(step)),
          ]),
        ),
      },
      { longest: longestFor(words) },
    );
    const effects = effect
      ? await (await this.#removing()).effects(
          this.#parameters,
          read.tokens,
          steps.map(({ token }) => token),
        )
      : undefined;
    const { output, trace } = translationOf(decodedOfSteps(steps), this.vocabularies, words);
    const unknown = read.pieces.filter((_, index) => read.tokens[index] === UNKNOWN);
    return {
      output,
      source: [...read.pieces, END_MARK],
      steps: steps.map(({ token, logProbability, alternatives, salience }, index) => ({
        piece: trace?.target[index] ?? this.#spell(token),
        probability: Math.exp(logProbability),
        alternatives: alternatives.map((one) => ({
          piece: this.#spell(one.token),
          probability: Math.exp(one.logProbability),
        })),
        ...(salience && { salience }),
        ...(effects && { effect: effects[index]! }),
      })),
      ...(trace && { trace }),
      ...(!trace && {
        gates: await readGates(this.#translator, this.#backend, this.#parameters, source, words),
      }),
      hypotheses: hypotheses!.map((hypothesis) => ({
        output: detokenise(target.decode(hypothesis.tokens)),
        logProbability: hypothesis.logProbability,
      })),
      unknown,
      milliseconds: performance.now() - started,
    };
  }

  /** Attention, salience and causal effect of one sentence, and how they agree. `pair` is the sentence in the data. */
  async explain(text: string, pair?: Pair): Promise<Explanation> {
    const words = pair?.source ?? inputWords(text);
    const read = this.vocabularies.source.segment(words);
    const [hypotheses] = await (await this.#evaluation()).translate(this.#parameters, [words], { beam: 1 });
    const best = hypotheses![0]!;
    // Where the data knows the right alignment, it is of the data's own translation: that one is explained.
    const gold = pair?.links && this.vocabularies.source.kind === "word" ? pair : undefined;
    const tokens = gold ? this.vocabularies.target.segment(gold.target).tokens : best.tokens;
    const steps = await (await this.#walking()).walk(
      this.#parameters,
      [...read.tokens, END],
      { tokens: tokensByStep({ ...best, tokens, finished: true }) },
      { longest: tokens.length },
    );
    const written = steps.filter(({ token }) => token !== END);
    const effect = await (await this.#removing()).effects(
      this.#parameters,
      read.tokens,
      written.map(({ token }) => token),
    );
    const places = read.tokens.length;
    const rows = (of: (step: WalkStep) => readonly number[] | undefined) =>
      written.every((step) => of(step)) ? written.map((step) => of(step)!.slice(0, places)) : undefined;
    const attention = rows(({ weights }) => weights);
    const salience = rows((step) => step.salience);
    const agreements: NamedAgreement[] = [];
    if (attention && salience) {
      agreements.push({ of: "attention", with: "effect", ...agreementOf(attention, effect) });
      agreements.push({ of: "attention", with: "salience", ...agreementOf(attention, salience) });
      agreements.push({ of: "salience", with: "effect", ...agreementOf(salience, effect) });
    }
    return {
      output: gold ? detokenise(gold.target) : detokenise(this.vocabularies.target.decode(best.tokens)),
      source: read.pieces,
      target: written.map(({ token }) => this.#spell(token)),
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
  async evaluate(data: ParallelData, { split, sentences, beam }: Requests["evaluate"]): Promise<Evaluation> {
    const pairs = pairsOf(data, split).slice(0, sentences);
    const { metrics, byLength } = await reportOf(
      await this.#evaluation(),
      this.#parameters,
      this.vocabularies,
      pairs,
      { beam },
    );
    return {
      model: this.#settings.model,
      step: this.step,
      split,
      sentences: pairs.length,
      metrics,
      byLength,
    };
  }

  async release(): Promise<void> {
    for (const loaded of [this.#evaluator, this.#walker, this.#removal]) await (await loaded)?.release();
  }

  #spell(token: number): string {
    return token === END ? END_MARK : this.vocabularies.target.spell([token])[0]!;
  }

  /** @throws UsageError where the word is none the model can write as one token */
  #tokenOf(word: string): number {
    if (word === END_MARK) return END;
    const token = this.vocabularies.target.words.indexOf(word);
    const { tokens } = this.vocabularies.target.segment([word]);
    const found = token >= 0 ? token : tokens.length === 1 ? tokens[0]! : UNKNOWN;
    if (found === UNKNOWN)
      throw new UsageError(
        `the model cannot write "${word}" as one word; choose one it has seen in training.`,
      );
    return found;
  }
}

const longestFor = (words: readonly string[]): number => 2 * words.length + 10;

const tokensByStep = ({ tokens, finished }: Decoded): Map<number, number> =>
  new Map([...tokens, ...(finished ? [END] : [])].map((token, step) => [step, token]));

function forcedRow(row: readonly number[], places: number, step: number): number[] {
  const sum = row.reduce((a, b) => a + b, 0);
  if (row.length !== places || !(sum > 0))
    throw new UsageError(
      `the attention of step ${step} has ${row.length} weights that add up to ${sum}, but the source has ${places} places; give a weight for each, not all 0.`,
    );
  return row.map((weight) => weight / sum);
}

/** What was walked as a decoder would have given it. */
function decodedOfSteps(steps: readonly WalkStep[]): Decoded {
  const finished = steps.at(-1)?.token === END;
  return {
    tokens: steps.map(({ token }) => token).slice(0, finished ? -1 : undefined),
    logProbability: steps.reduce((sum, { logProbability }) => sum + logProbability, 0),
    finished,
    ...(steps[0]?.weights && { weights: steps.map(({ weights }) => weights!) }),
  };
}

/** Splits that can be scored, by name. */
export const splitsOf = (data: ParallelData): Record<string, readonly Pair[]> => ({
  ...data.tests,
  validation: data.validation,
});

/** @throws UsageError naming the splits there are */
export function pairsOf(data: ParallelData, split: string): readonly Pair[] {
  const splits = splitsOf(data);
  const pairs = splits[split];
  if (!pairs)
    throw new UsageError(`the data has no split "${split}"; it has ${Object.keys(splits).join(", ")}.`);
  return pairs;
}

/** The pair of a text in the data, where it is one. */
export function pairOfText(data: ParallelData, text: string): Pair | undefined {
  const wanted = tokenise(text).join(" ").toLowerCase();
  for (const pairs of Object.values(splitsOf(data)))
    for (const pair of pairs) if (pair.source.join(" ").toLowerCase() === wanted) return pair;
  return undefined;
}
