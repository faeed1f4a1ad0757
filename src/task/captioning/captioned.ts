import { END } from "../../core/index.js";
import { type Captioned, detokenise, type Mask, Vocabulary } from "../../data/index.js";
import { type Decoded, spellOf } from "../../decode/index.js";
import { captionBleu, collapseOf, countPointing, type Grid, pointingAccuracy } from "../../explain/index.js";
import type { Model } from "../../models/index.js";
import { input } from "../../ops/index.js";
import type { Values } from "../../session/index.js";
import type { Task, Variants } from "../contract.js";
import { remembered } from "../targets.js";
import { describeVocabularies, restoredVocabularies, type Vocabularies, withWords } from "../vocabularies.js";
import { diagnosisOf } from "./diagnosis.js";
import { reportOf } from "./report.js";
import { scoreCaptioned } from "./score.js";

/** Captions written at a validation; the loss is over all. */
const WRITTEN_AT_VALIDATION = 200;
/** Tokens a caption may have. */
export const LONGEST_CAPTION = 40;

/** What is particular to a kind of thing that has captions. */
export interface CaptionSource<Example extends Captioned> {
  /** What there are several of in an example, which scores are broken down by: "objects in the image". */
  readonly objects: string;
  /** Rows and columns of the places that are looked at. */
  grid(example: Example, model: Pick<Model, "grids">): Grid;
  /** Inputs of one example whole, then without each place. */
  variants(values: Values, model: Pick<Model, "grids">): Variants;
  /** Inputs of one example whole, then without what each mask shows. */
  without(values: Values, masks: readonly Mask[]): Values;
}

/** The captions of examples as tokens. */
export const captionTokens = remembered((target: Vocabulary) =>
  remembered(({ captions }: Captioned) => captions.map((words) => target.encode(words, { start: true }))),
);

/** The vocabulary of captions, before training. */
export const captionVocabulary: Task<Captioned, Vocabularies>["prepare"] = (
  { train, wording = train },
  { vocabulary },
) =>
  withWords(
    {
      target: Vocabulary.of(
        wording.flatMap(({ captions }) => captions),
        vocabulary,
      ),
    },
    vocabulary,
  );

/** What tasks have in common that write captions, whatever of. */
export function captionedBy<Example extends Captioned>(source: CaptionSource<Example>) {
  return {
    scores: [
      { id: "correct", title: "correct", unit: "share", better: "higher" },
      { id: "bleu", title: "BLEU-4", unit: "points", better: "higher" },
      { id: "pointing", title: "pointing", unit: "share", better: "higher" },
    ],
    restored: restoredVocabularies,
    describe: describeVocabularies,
    targets: (_, batch) => ({ target: input("target", "int32", ["target", batch]) }),
    longest: ({ captions }, { target }) =>
      Math.max(...captions.map((words) => target.segment(words).tokens.length)),
    drive: { kind: "tokens", longest: LONGEST_CAPTION },
    async validate(scoring, examples) {
      const { evaluator, parameters, prepared } = scoring;
      const { loss, pointing, attention } = await scoreCaptioned(scoring, examples, source);
      const sample = examples.slice(0, WRITTEN_AT_VALIDATION);
      const found = await evaluator.write(parameters, sample, { beam: 1 });
      const captions = found.map(([best]) => prepared.target.decode(best!.tokens));
      const known = sample.every(({ gold }) => gold);
      const right = captions.filter((words, index) => sample[index]!.gold?.isTrue(words)).length;
      return {
        loss,
        ...(known
          ? { correct: right / sample.length }
          : {
              bleu: captionBleu(
                captions,
                sample.map((example) => example.captions),
              ).at(-1)!,
            }),
        ...(pointing.words > 0 && { pointing: pointingAccuracy(pointing) }),
        ...(attention && { collapse: collapseOf(attention) }),
      };
    },
    report: (scoring, examples, options) => reportOf(scoring, examples, options, source),
    title: ({ name }) => name,
    async show(example, { tokens, weights, finished }, { target }, { model }) {
      const written = target.decode(tokens);
      const { gold } = example;
      const [masks, referents] = [gold?.masks(), gold?.referents(written)];
      return {
        output: detokenise(written),
        steps: [...tokens, ...(finished ? [END] : [])].map((token, index) => {
          const referent = referents?.[index];
          const piece = spellOf(target, token);
          if (referent === undefined || !weights) return { label: piece };
          const { hits, mass } = countPointing(
            weights[index]!,
            masks![referent]!,
            source.grid(example, model),
          );
          return { label: piece, looked: { pointed: hits > 0, mass } };
        }),
        blocks: [],
        ...(gold && { right: gold.isTrue(written) }),
        references: example.captions.map(detokenise),
      };
    },
    variants: source.variants,
    diagnose: (options) => diagnosisOf(options, source),
  } satisfies Partial<Task<Example, Vocabularies, unknown, Decoded>>;
}
