import type { Random } from "../../../core/index.js";
import type { Mistake } from "../../contract.js";
import {
  COLOURS,
  type Colour,
  type Look,
  SCENE_SIZE,
  type Scene,
  type SceneObject,
  SHAPES,
  type Shape,
  SIZES,
  type Size,
  TEXTURES,
  type Texture,
} from "./scene.js";

// caption := phrase | phrase place | phrase relation phrase | phrase relation phrase "and" phrase
//          | phrase "and" phrase | phrase "," phrase "and" phrase
// phrase  := number size? colour? texture? shape, with a colour or a texture
// A caption speaks of every group. A relation before two phrases joined by "and" holds for both of them.
// Groups are listed without a relation only where no order of them allows one.

/** A word and the group of objects it tells of; words such as "a" and "left" tell of none. */
export interface CaptionWord {
  readonly word: string;
  readonly group?: number;
}

const NUMBERS = ["a", "two", "three"] as const;

/** What a phrase says of its objects. */
interface Description {
  readonly shape: Shape;
  readonly colour?: Colour | undefined;
  readonly texture?: Texture | undefined;
  readonly size?: Size | undefined;
}

const fits = (look: Look, description: Description): boolean =>
  (["shape", "colour", "texture", "size"] as const).every(
    (attribute) => description[attribute] === undefined || description[attribute] === look[attribute],
  );

/** Pixels that must lie between the objects of two groups, centre to centre, for one to be beside the other. */
const MARGIN = 5;

type Relation = "left of" | "right of" | "above" | "below";

const RELATIONS: Readonly<
  Record<Relation, (a: readonly SceneObject[], b: readonly SceneObject[]) => boolean>
> = {
  "left of": (a, b) => Math.max(...a.map(({ x }) => x)) + MARGIN <= Math.min(...b.map(({ x }) => x)),
  "right of": (a, b) => RELATIONS["left of"](b, a),
  above: (a, b) => Math.max(...a.map(({ y }) => y)) + MARGIN <= Math.min(...b.map(({ y }) => y)),
  below: (a, b) => RELATIONS.above(b, a),
};

const PLACES: Readonly<Record<string, (object: SceneObject) => boolean>> = {
  "at the top": ({ y }) => y < SCENE_SIZE / 3,
  "at the bottom": ({ y }) => y > (2 * SCENE_SIZE) / 3,
  "on the left": ({ x }) => x < SCENE_SIZE / 3,
  "on the right": ({ x }) => x > (2 * SCENE_SIZE) / 3,
};

/** The descriptions that fit the objects of one group and no others. */
function descriptionsOf({ groups }: Scene, group: number): Description[] {
  const [look] = groups[group] as [SceneObject];
  const found: Description[] = [];
  for (const colour of [look.colour, undefined])
    for (const size of [look.size, undefined])
      for (const texture of look.texture === "plain" ? [undefined] : [look.texture, undefined]) {
        const description = { shape: look.shape, colour, texture, size };
        if (!colour && !texture) continue;
        if (groups.every(([other], index) => index === group || !fits(other!, description)))
          found.push(description);
      }
  return found;
}

function phraseWords(
  { shape, colour, texture, size }: Description,
  count: number,
  group: number,
): CaptionWord[] {
  const plural = count > 1;
  const noun = plural ? `${shape}${shape === "cross" ? "es" : "s"}` : shape;
  return [
    plural ? { word: NUMBERS[count - 1]!, group } : { word: "a" },
    ...[size, colour, texture, noun].flatMap((word) => (word ? [{ word, group }] : [])),
  ];
}

const plain = (text: string): CaptionWord[] => text.split(" ").map((word) => ({ word }));

/** How the groups of a scene may be put: an order of them and what stands between. */
interface Frame {
  readonly order: readonly number[];
  /** A place after the only phrase, or a relation after the first; a list where absent. */
  readonly link?: string;
}

function framesOf({ groups }: Scene): Frame[] {
  const order = groups.map((_, index) => index);
  if (groups.length === 1) {
    const places = groups[0]!.length === 1 ? Object.keys(PLACES) : [];
    return [
      { order },
      ...places.filter((place) => PLACES[place]!(groups[0]![0]!)).map((link) => ({ order, link })),
    ];
  }
  const orders =
    groups.length === 2
      ? [order, [1, 0]]
      : order.flatMap((first) => {
          const [a, b] = order.filter((group) => group !== first) as [number, number];
          return [
            [first, a, b],
            [first, b, a],
          ];
        });
  const related = orders.flatMap((groupsInOrder) => {
    const [first, ...others] = groupsInOrder.map((group) => groups[group]!);
    return (Object.keys(RELATIONS) as Relation[])
      .filter((relation) => others.every((other) => RELATIONS[relation](first!, other)))
      .map((link): Frame => ({ order: groupsInOrder, link }));
  });
  return related.length > 0 ? related : orders.map((groupsInOrder) => ({ order: groupsInOrder }));
}

/** @param phrases one for each group, in the frame's order */
function captionOf({ link }: Frame, phrases: readonly (readonly CaptionWord[])[]): CaptionWord[] {
  const [first, second, third] = phrases;
  if (!second) return [...first!, ...(link ? plain(link) : [])];
  if (link) return [...first!, ...plain(link), ...second, ...(third ? [...plain("and"), ...third] : [])];
  return third
    ? [...first!, ...plain(","), ...second, ...plain("and"), ...third]
    : [...first!, ...plain("and"), ...second];
}

const textOf = (caption: readonly CaptionWord[]): string => caption.map(({ word }) => word).join(" ");

/** Tries before a scene counts as one that cannot be described in as many ways as are wanted. */
const TRIES = 60;

/** Different true captions of a scene; nothing where there are not as many. */
export function drawCaptions(scene: Scene, count: number, random: Random): CaptionWord[][] | undefined {
  const phrases = scene.groups.map(({ length }, group) =>
    descriptionsOf(scene, group).map((description) => phraseWords(description, length, group)),
  );
  if (phrases.some((found) => found.length === 0)) return undefined;
  const frames = framesOf(scene);
  const captions = new Map<string, CaptionWord[]>();
  for (let attempt = 0; attempt < TRIES && captions.size < count; attempt++) {
    const frame = random.pick(frames);
    const caption = captionOf(
      frame,
      frame.order.map((group) => random.pick(phrases[group]!)),
    );
    captions.set(textOf(caption), caption);
  }
  return captions.size < count ? undefined : [...captions.values()];
}

const includes = <Item extends string>(items: readonly Item[], word: string | undefined): word is Item =>
  items.includes(word as Item);

/** A phrase as it was read: what it says and of how many. */
interface Phrase {
  readonly description: Description;
  readonly count: number;
  /** The index of its first word, and of the one after its last. */
  readonly start: number;
  readonly end: number;
}

/** Reads the phrase that begins at a word; undefined where there is none. */
function readPhrase(words: readonly string[], start: number): Phrase | undefined {
  let at = start;
  const count = (NUMBERS as readonly string[]).indexOf(words[at++] ?? "") + 1;
  if (count === 0) return undefined;
  const size = includes(SIZES, words[at]) ? (words[at++] as Size) : undefined;
  const colour = includes(COLOURS, words[at]) ? (words[at++] as Colour) : undefined;
  const texture =
    includes(TEXTURES, words[at]) && words[at] !== "plain" ? (words[at++] as Texture) : undefined;
  const noun = words[at++] ?? "";
  const shape = SHAPES.find(
    (name) => noun === (count === 1 ? name : `${name}${name === "cross" ? "es" : "s"}`),
  );
  if (!colour && !texture) return undefined;
  return shape && { description: { size, colour, texture, shape }, count, start, end: at };
}

/** The phrases of a caption, wherever they stand, and the words between and around them. */
export function readCaption(words: readonly string[]): { phrases: Phrase[]; between: string[] } {
  const phrases: Phrase[] = [];
  const between: string[] = [];
  let gap: string[] = [];
  for (let at = 0; at < words.length; ) {
    const phrase = readPhrase(words, at);
    if (!phrase) {
      gap.push(words[at++]!);
      continue;
    }
    between.push(gap.join(" "));
    gap = [];
    phrases.push(phrase);
    at = phrase.end;
  }
  return { phrases, between: [...between, gap.join(" ")] };
}

/** The group that a phrase describes and no other; undefined where there is none, or a wrong number of objects. */
const groupOf = ({ groups }: Scene, { description, count }: Phrase): number | undefined => {
  const fitting = groups.flatMap(([look], index) => (fits(look!, description) ? [index] : []));
  return fitting.length === 1 && groups[fitting[0]!]!.length === count ? fitting[0] : undefined;
};

/** Whether a caption is one that the grammar gives for a scene: all it says is true, and it leaves no group out. */
export function isTrue(scene: Scene, words: readonly string[]): boolean {
  const { phrases, between } = readCaption(words);
  const order = phrases.map((phrase) => groupOf(scene, phrase));
  if (order.includes(undefined)) return false;
  return framesOf(scene).some(
    (frame) =>
      frame.order.join() === order.join() &&
      textOf(
        captionOf(
          frame,
          phrases.map(({ description, count }, index) =>
            phraseWords(description, count, frame.order[index]!),
          ),
        ),
      ) === words.join(" ") &&
      between.length === phrases.length + 1,
  );
}

/** The group each word tells of: for captions that a model wrote, as far as their phrases fit the scene. */
export function referentsOf(scene: Scene, words: readonly string[]): (number | undefined)[] {
  const referents = new Array<number | undefined>(words.length).fill(undefined);
  for (const phrase of readCaption(words).phrases) {
    const group = groupOf(scene, phrase);
    for (let at = phrase.start; at < phrase.end; at++) if (words[at] !== "a") referents[at] = group;
  }
  return referents;
}

const ATTRIBUTES = ["size", "colour", "texture", "shape"] as const;

const named = (count: number, description: Description): string =>
  phraseWords(description, count, 0)
    .map(({ word }) => word)
    .join(" ");

/** A whole description of a group, as captions would put it. */
const groupName = (group: readonly SceneObject[]): string => {
  const [{ texture, ...look }] = group as [SceneObject];
  return named(group.length, { ...look, texture: texture === "plain" ? undefined : texture });
};

/** How much of a phrase is wrong of a group: attributes and number. */
function wrongOf({ description, count }: Phrase, group: readonly SceneObject[]): string[] {
  const [look] = group as [SceneObject];
  return [
    ...(count === group.length ? [] : ["number"]),
    ...ATTRIBUTES.filter(
      (attribute) => description[attribute] !== undefined && description[attribute] !== look[attribute],
    ),
  ];
}

/**
 * What is wrong with a caption of a scene, phrase by phrase. A phrase that fits no group is held against the group it is
 * nearest to: a wrong place where it looked at another one, a wrong name where it looked there, and invented where it
 * looked at none. What no phrase is about was missed.
 * @param lookedAt the group that words, by position, looked at most; undefined where they looked at none
 */
export function mistakesOf(
  scene: Scene,
  words: readonly string[],
  lookedAt: (words: readonly number[]) => number | undefined,
): Mistake[] {
  const { groups } = scene;
  const { phrases } = readCaption(words);
  const mistakes: Mistake[] = [];
  const told = new Set<number>();
  for (const phrase of phrases) {
    const places = Array.from({ length: phrase.end - phrase.start }, (_, index) => phrase.start + index);
    const text = places.map((place) => words[place]).join(" ");
    const fitting = groupOf(scene, phrase);
    if (fitting !== undefined) {
      if (told.has(fitting))
        mistakes.push({ kind: "invented", words: places, sentence: `“${text}” was told of before.` });
      told.add(fitting);
      continue;
    }
    const looked = lookedAt(places.filter((place) => words[place] !== "a"));
    const [nearest] = groups
      .map((_, group) => group)
      .sort(
        (a, b) =>
          wrongOf(phrase, groups[a]!).length - wrongOf(phrase, groups[b]!).length ||
          (b === looked ? 1 : 0) - (a === looked ? 1 : 0),
      ) as [number];
    const truth = groupName(groups[nearest]!);
    if (looked === undefined)
      mistakes.push({
        kind: "invented",
        words: places,
        sentence: `“${text}” is not there, and none of what is there was looked at.`,
      });
    else if (looked === nearest) {
      told.add(nearest);
      const wrong = wrongOf(phrase, groups[nearest]!);
      mistakes.push({
        kind: "wrong name",
        words: places,
        sentence:
          wrong.length > 0
            ? `“${text}” looked at ${truth}; the ${wrong.join(" and the ")} ${wrong.length > 1 ? "are" : "is"} wrong.`
            : `“${text}” looked at ${truth}, but it could be something else there as well.`,
      });
    } else {
      told.add(nearest);
      mistakes.push({
        kind: "wrong place",
        words: places,
        sentence: `“${text}” is nearest to ${truth}, but looked at ${groupName(groups[looked]!)}.`,
      });
    }
  }
  groups.forEach((group, index) => {
    if (!told.has(index))
      mistakes.push({ kind: "missed", words: [], sentence: `${groupName(group)} was left out.` });
  });
  if (mistakes.length === 0 && !isTrue(scene, words)) {
    const inside = new Set(
      phrases.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, index) => start + index)),
    );
    const rest = words.map((_, place) => place).filter((place) => !inside.has(place));
    const between = rest.map((place) => words[place]).join(" ");
    mistakes.push({
      kind: "wrong name",
      words: rest,
      sentence: `“${between}” is not how they lie.`,
    });
  }
  return mistakes;
}
