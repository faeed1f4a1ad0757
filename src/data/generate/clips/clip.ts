import type { Random } from "../../../core/index.js";
import type { Mask, Mistake } from "../../contract.js";

export const COLOURS = ["red", "green", "blue", "yellow"] as const;
export const SHAPES = ["square", "triangle", "cross"] as const;
/** What a shape can do; one that leaves is gone for the rest of the clip. */
export const VERBS = ["jumps", "spins", "blinks", "grows", "leaves"] as const;

export type Colour = (typeof COLOURS)[number];
export type Shape = (typeof SHAPES)[number];
export type Verb = (typeof VERBS)[number];

/** A shape that stands in the clip, its middle in pixels. */
export interface Actor {
  readonly colour: Colour;
  readonly shape: Shape;
  readonly x: number;
  readonly y: number;
}

/** What an actor does, from the frame `from` up to, but without, the frame `to`. */
export interface ClipEvent {
  /** The number of the actor. */
  readonly actor: number;
  readonly verb: Verb;
  readonly from: number;
  readonly to: number;
}

/** A clip before it is drawn: who stands in it, and what they do one after another. */
export interface Clip {
  readonly frames: number;
  readonly actors: readonly Actor[];
  readonly events: readonly ClipEvent[];
  /** Decides its background and noise. */
  readonly background: number;
}

/** Height and width of a frame in pixels. */
export const CLIP_SIZE = 24;
/** Frames a clip has, at least and at most. */
const [FEWEST, MOST] = [16, 28];
/** Frames an event takes, at least and at most. */
const [SHORTEST, LONGEST] = [4, 6];
const ACTORS = [2, 3] as const;
const EVENTS = [1, 2, 3] as const;

/** Where actors stand side by side. */
const COLUMNS = [4, 12, 20] as const;
const ROW = 14;

/**
 * A clip: a function of `random`. Two or three shapes, of which some may do nothing, and one to three events that do not overlap,
 * with still frames before, between and after them.
 */
export function drawClip(random: Random): Clip {
  for (;;) {
    const frames = FEWEST + random.integer(MOST - FEWEST + 1);
    const count = ACTORS[random.integer(ACTORS.length)]!;
    const kinds = random
      .shuffle(COLOURS.flatMap((colour) => SHAPES.map((shape) => ({ colour, shape }))))
      .slice(0, count);
    const columns = random.shuffle([...COLUMNS]);
    const actors = kinds.map((kind, index) => ({
      ...kind,
      x: columns[index]! + random.integer(3) - 1,
      y: ROW + random.integer(3) - 1,
    }));
    const events = drawEvents(random, frames, count, EVENTS[random.integer(EVENTS.length)]!);
    const background = random.bits();
    if (events) return { frames, actors, events, background };
  }
}

/** Events with a still frame or more around each; undefined where they do not fit. */
function drawEvents(random: Random, frames: number, actors: number, count: number): ClipEvent[] | undefined {
  const lengths = Array.from({ length: count }, () => SHORTEST + random.integer(LONGEST - SHORTEST + 1));
  let spare = frames - lengths.reduce((a, b) => a + b, 0) - (count + 1);
  if (spare < 0) return undefined;
  const gone = new Set<number>();
  const events: ClipEvent[] = [];
  let at = 0;
  for (const [index, length] of lengths.entries()) {
    const present = Array.from({ length: actors }, (_, actor) => actor).filter((actor) => !gone.has(actor));
    const actor = present[random.integer(present.length)];
    if (actor === undefined) return undefined;
    const verb = VERBS[random.integer(VERBS.length)]!;
    if (verb === "leaves") gone.add(actor);
    // What is left to spare is shared out over the stretches that are still to come.
    const wait = random.integer(Math.min(spare, Math.ceil((2 * spare) / (count + 1 - index))) + 1);
    spare -= wait;
    const from = at + 1 + wait;
    events.push({ actor, verb, from, to: from + length });
    at = from + length;
  }
  return events;
}

const JOIN = "then";
const ARTICLE = "the";

/** "the red square jumps then the blue cross leaves": what happens, in order. */
export const captionOf = ({ actors, events }: Clip): string[] =>
  events.flatMap(({ actor, verb }, index) => {
    const { colour, shape } = actors[actor]!;
    return [...(index > 0 ? [JOIN] : []), ARTICLE, colour, shape, verb];
  });

/** The frames of each event, 1 or 0: [1, frames]. */
export const intervalsOf = ({ frames, events }: Clip): Mask[] =>
  events.map(({ from, to }) => ({
    width: frames,
    height: 1,
    data: Uint8Array.from({ length: frames }, (_, frame) => (frame >= from && frame < to ? 1 : 0)),
  }));

/** The words of a caption between one `then` and the next, by position. */
function phrasesOf(words: readonly string[]): number[][] {
  const phrases: number[][] = [[]];
  words.forEach((word, index) => {
    if (word === JOIN) phrases.push([]);
    else if (word !== ARTICLE) phrases.at(-1)!.push(index);
  });
  return phrases.filter((phrase) => phrase.length > 0);
}

/** The event that each word tells of, by its number: colour, shape and what it does; undefined for other words. */
export function referentsOf({ events }: Clip, words: readonly string[]): (number | undefined)[] {
  const found = new Array<number | undefined>(words.length).fill(undefined);
  phrasesOf(words).forEach((phrase, index) => {
    if (index < events.length) for (const word of phrase) found[word] = index;
  });
  return found;
}

/** What is wrong with a caption, event by event. */
export function mistakesOf(
  clip: Clip,
  words: readonly string[],
  lookedAt: (words: readonly number[]) => number | undefined,
): Mistake[] {
  const told = phrasesOf(words);
  const { events, actors } = clip;
  const saying = (phrase: readonly number[]) => phrase.map((word) => words[word]).join(" ");
  const mistakes = told.flatMap((phrase, index): Mistake[] => {
    const event = events[index];
    if (!event)
      return [
        {
          kind: "invented",
          words: phrase,
          sentence: `nothing more happens than ${events.length} events, but it says “${saying(phrase)}”.`,
        },
      ];
    const { colour, shape } = actors[event.actor]!;
    const right = [colour, shape, event.verb].join(" ");
    if (saying(phrase) === right) return [];
    const kind = lookedAt(phrase) === index ? "wrong name" : "wrong place";
    return [
      { kind, words: phrase, sentence: `event ${index + 1} is “${right}”, but it says “${saying(phrase)}”.` },
    ];
  });
  const missed = events.slice(told.length).map(({ actor, verb }, index): Mistake => {
    const { colour, shape } = actors[actor]!;
    return {
      kind: "missed",
      words: [],
      sentence: `event ${told.length + index + 1}, “${colour} ${shape} ${verb}”, is left out.`,
    };
  });
  return [...mistakes, ...missed];
}
