import { type Captioned, detokenise } from "../../data/index.js";
import {
  captionBleu,
  ciderD,
  massOnTarget,
  meteorExact,
  pointingAccuracy,
  rougeL,
} from "../../explain/index.js";
import type { RangeScore, Report, ReportOptions, Scoring } from "../contract.js";
import { shareOfRange } from "../ranges.js";
import type { Vocabularies } from "../vocabularies.js";
import type { CaptionSource } from "./captioned.js";
import { scoreCaptioned } from "./score.js";

/** Scores examples against their captions, then captions them and compares. */
export async function reportOf<Example extends Captioned>(
  scoring: Scoring<Example, Vocabularies>,
  examples: readonly Example[],
  options: ReportOptions,
  source: CaptionSource<Example>,
): Promise<Report> {
  const { evaluator, parameters, prepared } = scoring;
  const { loss, pointing, attention } = await scoreCaptioned(scoring, examples, source);
  const found = await evaluator.write(parameters, examples, options);
  const captions = found.map(([best]) => prepared.target.decode(best!.tokens));
  const references = examples.map((example) => example.captions.map(asScored));
  const scored = captions.map(asScored);
  const [bleu1, bleu2, bleu3, bleu4] = captionBleu(scored, references) as [number, number, number, number];
  const known = examples.every(({ gold }) => gold);
  const right = captions.map((words, index) => examples[index]!.gold?.isTrue(words) ?? false);
  const metrics = {
    loss,
    perplexity: Math.exp(loss),
    ...(known && { correct: right.filter(Boolean).length / examples.length }),
    bleu1,
    bleu2,
    bleu3,
    bleu4,
    rougeL: rougeL(scored, references),
    ciderD: ciderD(scored, references),
    meteorExact: meteorExact(scored, references),
    ...(pointing.words > 0 && {
      pointing: pointingAccuracy(pointing),
      pointingUniform: pointing.uniform / pointing.words,
      pointingCentre: pointing.centre / pointing.words,
      massOnTarget: massOnTarget(pointing),
    }),
    ...(attention && { attentionEntropy: attention.entropy, attentionCoverage: attention.coverage }),
  };
  return {
    metrics,
    ...(known && {
      breakdown: {
        measure: "correct captions",
        by: source.objects,
        ranges: correctByObjects(examples, right),
      },
    }),
    outputs: examples.map(({ name, captions: own }, index) => ({
      source: name,
      output: detokenise(captions[index]!),
      references: own.map(detokenise),
    })),
  };
}

/** Captions are scored without their punctuation, in lower case. */
const asScored = (words: readonly string[]): string[] =>
  words.filter((word) => /[\p{L}\p{N}]/u.test(word)).map((word) => word.toLowerCase());

/** The share of captions that are correct, in per cent, by how many objects there are. */
function correctByObjects(examples: readonly Captioned[], right: readonly boolean[]): RangeScore[] {
  const numbers = [...new Set(examples.flatMap(({ objects }) => objects ?? []))].sort((a, b) => a - b);
  return numbers.map((objects) => {
    const members = right.filter((_, index) => examples[index]!.objects === objects);
    return shareOfRange(objects, objects, members);
  });
}
