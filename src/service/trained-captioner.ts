import type { ScoreKind, SpatialTrace } from "../attention/index.js";
import { END, UsageError } from "../core/index.js";
import { type CaptionData, type CaptionedImage, detokenise, type Pixels, pngUrl } from "../data/index.js";
import {
  countPointing,
  EFFECT,
  Occlusion,
  SALIENCE,
  verdictOf,
  verdictSentence,
  type WalkStep,
} from "../explain/index.js";
import type { CaptioningSizes } from "../models/index.js";
import type { Value } from "../session/index.js";
import { captioning, type FrozenEncoder, spatialTrace, type Vocabularies } from "../task/index.js";
import { diagnosisOf } from "./diagnosis.js";
import type {
  Diagnosis,
  Evaluation,
  ImageExample,
  ImageExplanation,
  ImageInput,
  Requests,
  SeenImage,
  Writing,
} from "./protocol.js";
import { agreementsOf, examplesOfSplit, hypothesisAnswers, spellOf, stepAnswers } from "./shared.js";
import { TrainedModel, type TrainedModelOptions } from "./trained-model.js";

/** Rows and columns that the causal effect is measured on, for models that have no grid of their own. */
const EFFECT_GRID = [8, 8] as const;
/** Images a split shows of itself. */
const EXAMPLES = 24;

/** A trained captioner and everything one can ask of it. */
export class TrainedCaptioner extends TrainedModel<CaptionedImage, Vocabularies, CaptioningSizes> {
  readonly #encoder: FrozenEncoder | undefined;

  constructor({
    encoder,
    ...options
  }: TrainedModelOptions & { readonly encoder?: FrozenEncoder | undefined }) {
    super(captioning, options);
    this.#encoder = encoder;
    if (this.settings.images?.encoder && !encoder)
      throw new UsageError(
        `this run reads its images through an encoder of its own, which is not at hand here; ask from the command line or its studio.`,
      );
  }

  #occluding(): Promise<Occlusion> {
    return this.once("occlusion", () =>
      Occlusion.load(this.model, captioning.inputs(this.sizes).source!, this.backend),
    );
  }

  /** Height and width in pixels at which images are read. */
  get imageSize(): readonly [number, number] {
    return this.settings.images!.size;
  }

  /** Rows and columns of the places that maps show. */
  get grid(): readonly [number, number] {
    return this.model.grids?.source ?? EFFECT_GRID;
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
    { effect = false, ...request }: Partial<Writing> & { readonly effect?: boolean },
  ): Promise<SeenImage> {
    const started = performance.now();
    const { target } = this.vocabularies;
    const [rows, columns] = this.grid;
    const source = await this.#read(image);
    const { steps, hypotheses, decoding } = await this.writing(source, rows * columns, request);
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
      decoding,
      steps: stepAnswers(steps, target, effects),
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
      hypotheses: hypothesisAnswers(hypotheses, ({ tokens }) => detokenise(target.decode(tokens))),
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

  async #read(image: CaptionedImage): Promise<Value> {
    return (await captioning.collate([image], this.vocabularies, { kind: "ask" })).values.source!;
  }

  async #effects(source: Value, steps: readonly WalkStep[]): Promise<number[][]> {
    const tokens = steps.map(({ token }) => token);
    return (await this.#occluding()).effects(this.parameters, source, tokens, this.grid);
  }

  /** Attention, salience and causal effect of what `see` shows of an image, and how they agree. */
  async explain(image: CaptionedImage, request: Partial<Writing> = {}): Promise<ImageExplanation> {
    const { target } = this.vocabularies;
    const [height, width] = this.grid;
    const source = await this.#read(image);
    const { steps, decoding } = await this.writing(source, height * width, request);
    const written = steps.filter(({ token }) => token !== END);
    const effect = await this.#effects(source, written);
    const rows = (of: (step: WalkStep) => readonly number[] | undefined) =>
      written.length > 0 && written.every((step) => of(step)) ? written.map((step) => of(step)!) : undefined;
    const attention = rows(({ weights }) => weights);
    const salience = rows((step) => step.salience);
    const agreements = agreementsOf(attention, salience, effect);
    const pixels = await image.pixels();
    const words = written.map(({ token }) => spellOf(target, token));
    const trace = (maps: readonly (readonly number[])[], scores?: ScoreKind): SpatialTrace => ({
      ...spatialTrace(pixels, words, maps, this.grid),
      ...(scores && { scores }),
    });
    return {
      output: detokenise(target.decode(written.map(({ token }) => token))),
      decoding,
      words,
      maps: [
        ...(attention ? [{ method: "attention" as const, trace: trace(attention) }] : []),
        ...(salience ? [{ method: "salience" as const, trace: trace(salience, SALIENCE) }] : []),
        { method: "effect", trace: trace(effect, EFFECT) },
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
    { beam, onProgress }: { beam: number; onProgress?: (done: number) => void },
  ): Promise<Diagnosis> {
    const evaluator = await this.evaluation();
    return diagnosisOf({
      images,
      split,
      vocabulary: this.vocabularies.target,
      grid: this.grid,
      attends: this.model.grids !== undefined,
      beam,
      write: (onWritten) => evaluator.write(this.parameters, images, { beam, onProgress: onWritten }),
      effects: async (image, tokens) => {
        const source = await this.#read(image);
        return (await this.#occluding()).effects(this.parameters, source, tokens, this.grid);
      },
      effectsOf: async (image, tokens, masks) => {
        const source = await this.#read(image);
        return (await this.#occluding()).effectsOf(this.parameters, source, tokens, masks);
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
  evaluate(data: CaptionData, request: Requests["evaluate"]): Promise<Evaluation> {
    return this.scored(examplesOfSplit(data, request.split).slice(0, request.sentences), request);
  }
}
