import type { SpatialTrace } from "../attention/index.js";
import { END, UsageError } from "../core/index.js";
import { type CaptionData, type CaptionedImage, detokenise, type Pixels, pngUrl } from "../data/index.js";
import {
  agreementOf,
  countPointing,
  Occlusion,
  verdictOf,
  verdictSentence,
  Walker,
  type WalkStep,
} from "../explain/index.js";
import type { CaptioningSizes, EncoderDecoder } from "../models/index.js";
import type { Backend, Value, Values } from "../session/index.js";
import {
  captioning,
  Evaluator,
  type FrozenEncoder,
  LONGEST_CAPTION,
  spatialTrace,
  type Vocabularies,
} from "../task/index.js";
import { buildModel, type RunSettings, storedParameters } from "../train/index.js";
import { diagnosisOf } from "./diagnosis.js";
import type {
  Diagnosis,
  Evaluation,
  ImageExample,
  ImageExplanation,
  ImageInput,
  NamedAgreement,
  Requests,
  SeenImage,
} from "./protocol.js";
import {
  ALTERNATIVES,
  evaluationOf,
  examplesOfSplit,
  forcedRow,
  spellOf,
  type TrainedModelOptions,
  tokenOf,
  tokensByStep,
  WIDEST_BEAM,
} from "./shared.js";

/** Rows and columns that the causal effect is measured on, for models that have no grid of their own. */
const EFFECT_GRID = [8, 8] as const;
/** Images a split shows of itself. */
const EXAMPLES = 24;

/** A trained captioner and everything one can ask of it. Sessions are loaded when they are first needed. */
export class TrainedCaptioner {
  readonly task = "captioning";
  readonly vocabularies: Vocabularies;
  readonly step: number;
  readonly #settings: RunSettings;
  readonly #model: EncoderDecoder;
  readonly #sizes: CaptioningSizes;
  readonly #parameters: Values;
  readonly #backend: Backend;
  readonly #encoder: FrozenEncoder | undefined;
  #evaluator: Promise<Evaluator<CaptionedImage>> | undefined;
  #walker: Promise<Walker> | undefined;
  #sampler: Promise<Walker> | undefined;
  #occlusion: Promise<Occlusion> | undefined;

  constructor({
    settings,
    vocabularies,
    step,
    tensors,
    backend,
    encoder,
  }: TrainedModelOptions & { readonly encoder?: FrozenEncoder | undefined }) {
    const { model, sizes, scope } = buildModel(settings, vocabularies);
    this.vocabularies = vocabularies;
    this.step = step;
    this.#settings = settings;
    this.#model = model;
    this.#sizes = sizes as CaptioningSizes;
    this.#parameters = storedParameters(scope.parameters, tensors);
    this.#backend = backend;
    this.#encoder = encoder;
    if (settings.images?.encoder && !encoder)
      throw new UsageError(
        `this run reads its images through an encoder of its own, which is not at hand here; ask from the command line or its studio.`,
      );
  }

  #evaluation(): Promise<Evaluator<CaptionedImage>> {
    this.#evaluator ??= Evaluator.load(
      captioning,
      this.#model,
      this.#sizes,
      this.vocabularies,
      this.#backend,
      { beam: WIDEST_BEAM },
    );
    return this.#evaluator;
  }

  #loadWalker(sampling: boolean): Promise<Walker> {
    return Walker.load(this.#model, captioning.source(this.#sizes), this.#backend, {
      alternatives: ALTERNATIVES,
      vocabulary: this.vocabularies.target.size,
      sampling,
    });
  }

  #walking(): Promise<Walker> {
    this.#walker ??= this.#loadWalker(false);
    return this.#walker;
  }

  #sampling(): Promise<Walker> {
    this.#sampler ??= this.#loadWalker(true);
    return this.#sampler;
  }

  #occluding(): Promise<Occlusion> {
    this.#occlusion ??= Occlusion.load(this.#model, captioning.source(this.#sizes), this.#backend);
    return this.#occlusion;
  }

  /** Height and width in pixels at which images are read. */
  get imageSize(): readonly [number, number] {
    return this.#settings.images!.size;
  }

  /** Rows and columns of the places that maps show. */
  get grid(): readonly [number, number] {
    return this.#model.grid ?? EFFECT_GRID;
  }

  /** An image that was given, at the size the model reads. @throws UsageError for one of another size, or none */
  async imageOf(image: ImageInput, data: () => Promise<CaptionData>): Promise<CaptionedImage> {
    if ("split" in image) {
      const examples = examplesOfSplit(await data(), image.split);
      const found = examples[image.index];
      if (!found)
        throw new UsageError(
          `split "${image.split}" has ${examples.length} images, so there is none with the number ${image.index}.`,
        );
      return found;
    }
    const [height, width] = this.imageSize;
    const bytes = Uint8Array.from(atob(image.data), (letter) => letter.charCodeAt(0));
    if (image.width !== width || image.height !== height || bytes.length !== 3 * width * height)
      throw new UsageError(
        `the image is ${image.width} × ${image.height} with ${bytes.length} bytes, but the model reads ${width} × ${height} with ${3 * width * height}; scale it first.`,
      );
    return this.imageOfPixels({ width, height, data: bytes });
  }

  /** Pixels, at the size the model reads, as an image to ask about. */
  imageOfPixels(pixels: Pixels, name = "the image"): CaptionedImage {
    const image: CaptionedImage = { name, captions: [], pixels: async () => pixels };
    return this.#encoder ? this.#encoder.encode(image) : image;
  }

  /** Captions, with words or attention changed where asked for. */
  async see(
    image: CaptionedImage,
    { beam, words: changes, attention, effect, sample }: Omit<Requests["caption"], "run" | "image">,
  ): Promise<SeenImage> {
    const started = performance.now();
    const { target } = this.vocabularies;
    const source = await captioning.read([image], this.vocabularies);
    const changed = Object.keys(changes).length > 0 || Object.keys(attention).length > 0;
    const [hypotheses] =
      sample === undefined
        ? await (await this.#evaluation()).writeSource(this.#parameters, source, { beam })
        : [[]];
    const [rows, columns] = this.grid;
    const walker = await (sample === undefined ? this.#walking() : this.#sampling());
    const steps = await walker.walk(
      this.#parameters,
      source,
      {
        tokens:
          changed || sample !== undefined
            ? new Map(Object.entries(changes).map(([step, word]) => [Number(step), tokenOf(target, word)]))
            : tokensByStep(hypotheses![0]!),
        attention: new Map(
          Object.entries(attention).map(([step, row]) => [
            Number(step),
            forcedRow(row, rows * columns, Number(step)),
          ]),
        ),
        ...(sample !== undefined && { sample }),
      },
      { longest: LONGEST_CAPTION },
    );
    const effects = effect ? await this.#effects(source, steps) : undefined;
    const pieces = steps.map(({ token }) => spellOf(target, token));
    const written = target.decode(steps.map(({ token }) => token).filter((token) => token !== END));
    const pixels = await image.pixels();
    const attended = steps.every(({ weights }) => weights);
    const { gold } = image;
    const masks = gold?.masks();
    const referents = gold?.referents(written);
    return {
      output: detokenise(written),
      steps: steps.map(({ token, logProbability, alternatives, salience }, index) => ({
        piece: spellOf(target, token),
        probability: Math.exp(logProbability),
        alternatives: alternatives.map((one) => ({
          piece: spellOf(target, one.token),
          probability: Math.exp(one.logProbability),
        })),
        ...(salience && { salience }),
        ...(effects && { effect: effects[index]! }),
      })),
      ...(attended && {
        trace: spatialTrace(
          pixels,
          pieces,
          steps.map(({ weights }) => weights!),
          this.grid,
        ),
      }),
      image: { width: pixels.width, height: pixels.height, url: pngUrl(pixels) },
      grid: { rows, columns },
      hypotheses: hypotheses!.map((hypothesis) => ({
        output: detokenise(target.decode(hypothesis.tokens)),
        logProbability: hypothesis.logProbability,
      })),
      references: image.captions.map(detokenise),
      ...(gold && {
        gold: {
          correct: gold.isTrue(written),
          words: steps.map(({ weights }, index) => {
            const referent = referents![index];
            if (referent === undefined || !weights) return null;
            const { hits, mass } = countPointing(weights, masks![referent]!, { rows, columns });
            return { pointed: hits > 0, mass };
          }),
        },
      }),
      milliseconds: performance.now() - started,
    };
  }

  async #effects(source: Value, steps: readonly WalkStep[]): Promise<number[][]> {
    const tokens = steps.map(({ token }) => token);
    return (await this.#occluding()).effects(this.#parameters, source, tokens, this.grid);
  }

  /** Attention, salience and causal effect of one image, and how they agree. */
  async explain(image: CaptionedImage): Promise<ImageExplanation> {
    const { target } = this.vocabularies;
    const source = await captioning.read([image], this.vocabularies);
    const [hypotheses] = await (await this.#evaluation()).writeSource(this.#parameters, source, { beam: 1 });
    const best = hypotheses![0]!;
    const steps = await (await this.#walking()).walk(
      this.#parameters,
      source,
      { tokens: tokensByStep(best) },
      { longest: best.tokens.length },
    );
    const written = steps.filter(({ token }) => token !== END);
    const effect = await this.#effects(source, written);
    const rows = (of: (step: WalkStep) => readonly number[] | undefined) =>
      written.length > 0 && written.every((step) => of(step)) ? written.map((step) => of(step)!) : undefined;
    const attention = rows(({ weights }) => weights);
    const salience = rows((step) => step.salience);
    const agreements: NamedAgreement[] =
      attention && salience
        ? [
            { of: "attention", with: "effect", ...agreementOf(attention, effect) },
            { of: "attention", with: "salience", ...agreementOf(attention, salience) },
            { of: "salience", with: "effect", ...agreementOf(salience, effect) },
          ]
        : [];
    const pixels = await image.pixels();
    const words = written.map(({ token }) => spellOf(target, token));
    const trace = (maps: readonly (readonly number[])[]): SpatialTrace =>
      spatialTrace(pixels, words, maps, this.grid);
    return {
      output: detokenise(target.decode(best.tokens)),
      words,
      maps: [
        ...(attention ? [{ method: "attention" as const, trace: trace(attention) }] : []),
        ...(salience ? [{ method: "salience" as const, trace: trace(positiveShares(salience)) }] : []),
        { method: "effect", trace: trace(positiveShares(effect)) },
      ],
      agreements,
      ...(agreements[0] && {
        verdict: {
          verdict: verdictOf(agreements[0]),
          sentence: verdictSentence(agreements[0], written.length, "place"),
        },
      }),
    };
  }

  /** The worst mistakes over images, grouped by why they are wrong. */
  async diagnose(
    images: readonly CaptionedImage[],
    split: string,
    onProgress?: (done: number) => void,
  ): Promise<Diagnosis> {
    const evaluator = await this.#evaluation();
    return diagnosisOf({
      images,
      split,
      vocabulary: this.vocabularies.target,
      grid: this.grid,
      attends: this.#model.grid !== undefined,
      write: (onWritten) => evaluator.write(this.#parameters, images, { beam: 1, onProgress: onWritten }),
      effects: async (image, tokens) => {
        const source = await captioning.read([image], this.vocabularies);
        return (await this.#occluding()).effects(this.#parameters, source, tokens, this.grid);
      },
      effectsOf: async (image, tokens, masks) => {
        const source = await captioning.read([image], this.vocabularies);
        return (await this.#occluding()).effectsOf(this.#parameters, source, tokens, masks);
      },
      onProgress,
    });
  }

  /** A few images of a split. */
  static async examples(data: CaptionData, split: string): Promise<ImageExample[]> {
    return Promise.all(
      examplesOfSplit(data, split)
        .slice(0, EXAMPLES)
        .map(async ({ name, captions, pixels }, index) => ({
          index,
          name,
          url: pngUrl(await pixels()),
          captions: captions.map(detokenise),
        })),
    );
  }

  /** Scores the first `sentences` images of a split. */
  async evaluate(data: CaptionData, { split, sentences, beam }: Requests["evaluate"]): Promise<Evaluation> {
    const images = examplesOfSplit(data, split).slice(0, sentences);
    const scoring = {
      evaluator: await this.#evaluation(),
      parameters: this.#parameters,
      vocabularies: this.vocabularies,
    };
    const report = await captioning.report(scoring, images, { beam });
    return evaluationOf(this.#settings, this.step, split, report, images.length);
  }

  async release(): Promise<void> {
    for (const loaded of [this.#evaluator, this.#walker, this.#sampler, this.#occlusion])
      await (await loaded)?.release();
  }
}

/** Scores of places as shares of what is above 0, so that a map of them can be drawn as attention is. */
const positiveShares = (scores: readonly (readonly number[])[]): number[][] =>
  scores.map((row) => {
    const positive = row.map((score) => Math.max(0, score));
    const sum = positive.reduce((a, b) => a + b, 0);
    return sum > 0 ? positive.map((score) => score / sum) : positive;
  });
