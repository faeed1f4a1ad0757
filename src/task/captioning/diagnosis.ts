import { encodeTrace, lookOfRows } from "../../attention/index.js";
import { type Captioned, detokenise, MISTAKES, type Mistake, type MistakeKind } from "../../data/index.js";
import type { Decoded } from "../../decode/index.js";
import { captionBleu, coverageOf, EFFECT } from "../../explain/index.js";
import type { DiagnosedImage, Diagnosis, DiagnosisOptions } from "../contract.js";
import type { Vocabularies } from "../vocabularies.js";
import type { CaptionSource } from "./captioned.js";

type Options<Example> = DiagnosisOptions<Example, Vocabularies>;

export const MISTAKE_TITLES: Readonly<Record<MistakeKind, string>> = {
  "wrong place": "It looked at the wrong thing",
  "wrong name": "It looked right and named wrongly",
  missed: "It left something out",
  invented: "It made something up",
};

/** Wrong captions that are shown. */
const SHOWN = 60;
/** Times more attention than attention spread alike would put on a mask, for a phrase to have looked at it. */
const LOOKED = 1.5;
/** Nats a phrase's words lose together without a thing, for them to depend on it. */
const DEPENDS = 0.5;

/** Captions examples, finds what is wrong with the captions, and why, the worst first. */
export async function diagnosisOf<Example extends Captioned>(
  options: Options<Example>,
  source: CaptionSource<Example>,
): Promise<Diagnosis> {
  const { examples: images, prepared, evaluator, parameters, model, beam } = options;
  const found = await evaluator.write(parameters, images, {
    beam,
    onProgress: (done) => options.onProgress?.(done),
  });
  const byGold = images.every(({ gold }) => gold);
  const diagnosed: { readonly severity: number; readonly image: DiagnosedImage }[] = [];
  let wrong = 0;
  const kinds = new Map<MistakeKind, number>();
  for (const [index, image] of images.entries()) {
    const [best] = found[index]!;
    const words = prepared.target.decode(best!.tokens);
    if (byGold && image.gold!.isTrue(words)) continue;
    const mistakes = byGold
      ? image.gold!.mistakes(words, await lookedAt(image, best!, options, source))
      : mistakesByReferences(words, image.captions);
    if (mistakes.length === 0) continue;
    wrong++;
    for (const kind of new Set(mistakes.map((mistake) => mistake.kind)))
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    const { rows, columns } = source.grid(image, model);
    const weights =
      best!.weights?.map((row) => Array.from(row).slice(0, rows * columns)) ??
      (diagnosed.length < SHOWN
        ? await options.effects(source.variants(await options.read(image), model).values, best!.tokens)
        : []);
    const bleu = captionBleu([words], [image.captions]).at(-1)!;
    diagnosed.push({
      severity: mistakes.length + (byGold ? 0 : 1 - bleu / 100),
      image: {
        index,
        name: image.name,
        output: detokenise(words),
        references: image.captions.map(detokenise),
        mistakes,
        trace: encodeTrace({
          places: await options.places(image),
          steps: words.map((label) => ({ label })),
          looks: [
            lookOfRows(weights.slice(0, words.length), {
              name: best!.weights ? "attention" : EFFECT.name,
              over: "source",
              kind: "weights",
              ...(!best!.weights && { unit: EFFECT.unit }),
            }),
          ],
        }),
      },
    });
  }
  return {
    split: options.split,
    decoding: { beam },
    examples: images.length,
    wrong,
    by: byGold ? "gold" : "references",
    maps: found.some(([best]) => best?.weights) ? "attention" : "effect",
    kinds: MISTAKES.map((kind) => ({ kind, title: MISTAKE_TITLES[kind], images: kinds.get(kind) ?? 0 })),
    images: diagnosed
      .sort((a, b) => b.severity - a.severity || a.image.index - b.image.index)
      .slice(0, SHOWN)
      .map(({ image }) => image),
  };
}

/** Which mask words looked at, by attention; where there is none, the one they depend on most. */
async function lookedAt<Example extends Captioned>(
  image: Example,
  { tokens, weights }: Decoded,
  options: Options<Example>,
  source: CaptionSource<Example>,
): Promise<(words: readonly number[]) => number | undefined> {
  const masks = image.gold!.masks();
  if (!weights) {
    const effects = await options.effects(source.without(await options.read(image), masks), tokens);
    return (words) => {
      const totals = masks.map((_, mask) => words.reduce((sum, word) => sum + effects[word]![mask]!, 0));
      const greatest = totals.indexOf(Math.max(...totals));
      return totals[greatest]! > DEPENDS ? greatest : undefined;
    };
  }
  const { rows, columns } = source.grid(image, options.model);
  // A cell's attention goes to what covers most of it, so that neighbours do not share it.
  const covered = masks.map((mask) => coverageOf(mask, { rows, columns }));
  const owner = Array.from({ length: rows * columns }, (_, cell) => {
    const shares = covered.map((one) => one[cell]!);
    const most = Math.max(...shares);
    return most > 0 ? shares.indexOf(most) : undefined;
  });
  return (words) => {
    const mass = masks.map(() => 0);
    for (const word of words)
      owner.forEach((mask, cell) => {
        if (mask !== undefined) mass[mask]! += weights[word]![cell]! / words.length;
      });
    const greatest = mass.indexOf(Math.max(...mass));
    const alike = owner.filter((mask) => mask === greatest).length / owner.length;
    return mass[greatest]! > LOOKED * alike ? greatest : undefined;
  };
}

/** Words that say little of what is in an image. */
const FUNCTION_WORDS = new Set(
  "a an the and or of in on at to is are was be being it its with by for from into up down over under near next beside behind front while as that this there his her their he she they who which one two some other another through".split(
    " ",
  ),
);

/** The share of the captions that must have a word for it to count as left out. */
const AGREED = 0.6;

/**
 * What people's captions say against one that a model wrote: a word that none of them has was made up, and one that most
 * of them have and it lacks was left out.
 */
function mistakesByReferences(
  words: readonly string[],
  references: readonly (readonly string[])[],
): Mistake[] {
  const known = new Set(references.flat());
  const invented = words.flatMap((word, place) =>
    FUNCTION_WORDS.has(word) || known.has(word) ? [] : [place],
  );
  const written = new Set(words);
  const missed = [...known].filter(
    (word) =>
      !FUNCTION_WORDS.has(word) &&
      !written.has(word) &&
      references.filter((reference) => reference.includes(word)).length >= AGREED * references.length,
  );
  return [
    ...invented.map(
      (place): Mistake => ({
        kind: "invented",
        words: [place],
        sentence: `nobody who saw it wrote “${words[place]}”.`,
      }),
    ),
    ...missed.map(
      (word): Mistake => ({
        kind: "missed",
        words: [],
        sentence: `most who saw it wrote “${word}”.`,
      }),
    ),
  ];
}
