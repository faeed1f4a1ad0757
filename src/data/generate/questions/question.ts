import type { Random } from "../../../core/index.js";
import type { Box } from "../../contract.js";
import {
  anyCell,
  boxOf,
  CELLS,
  type Cell,
  cellsTowards,
  DIRECTIONS,
  type Direction,
  type Item,
  itemIn,
  SIDES,
  sideOf,
  THINGS,
  type Thing,
  TONES,
  type Tone,
} from "./scene.js";

// Of every question its words are drawn first, then its answer whatever they are, and then a scene of which both are true: so the words tell
// nothing of the answer but how often it is given. What is named is named by its shape, of which there is one; what is asked for is found
// from there. Colours and shapes of the other objects do not depend on where they are, so that all objects together, without their
// places, do not tell in which direction one of them is.

/** What is asked: the colour of the named shape; the colour of the one beside it; whether one is beside it; where it is in the image. */
export const KINDS = ["colour", "neighbour", "relative", "absolute"] as const;
export type Kind = (typeof KINDS)[number];

/** A scene with a question about it. */
export interface Asked {
  readonly items: readonly Item[];
  readonly kind: Kind;
  readonly question: readonly string[];
  readonly answer: string;
  /** Where what the question names is, then what it asks for, where that is another. */
  readonly evidence: readonly Box[];
  /** Decides the background and its noise. */
  readonly background: number;
}

const directions = Object.keys(DIRECTIONS) as Direction[];
const words = (text: string): string[] => text.split(" ");

/** One in four questions that ask whether something is so is answered with yes. */
const drawYes = (random: Random): boolean => random.integer(directions.length) === 0;

/** Other shapes and colours than those that are there, in an order of chance. */
const others = <Kind>(all: readonly Kind[], taken: readonly Kind[], random: Random): Kind[] =>
  random.shuffle(all.filter((one) => !taken.includes(one)));

const isIn = (cell: Cell, cells: readonly Cell[]): boolean =>
  cells.some(({ column, row }) => column === cell.column && row === cell.row);

/** A cell with room for another in a direction. */
function anchorFor(direction: Direction, random: Random): Cell {
  for (;;) {
    const cell = anyCell(random);
    if (cellsTowards(cell, direction).length > 0) return cell;
  }
}

/** Cells on the side of another that a direction tells, but not straight in it. */
const cellsBeside = ({ column, row }: Cell, direction: Direction): Cell[] =>
  Array.from({ length: CELLS * CELLS }, (_, index) => ({
    column: index % CELLS,
    row: Math.floor(index / CELLS),
  })).filter((cell) => {
    const [dx, dy] = DIRECTIONS[direction];
    const [x, y] = [cell.column - column, cell.row - row];
    return dx === 0 ? y * dy > 0 && x !== 0 : x * dx > 0 && y !== 0;
  });

/**
 * A shape with another in a direction from it, and more, none of them straight in that direction: on that side, so that what is asked for
 * is seldom what lies farthest there, or straight in another direction.
 */
function pairOf(
  named: { readonly shape: Thing; readonly colour: Tone },
  asked: { readonly shape: Thing; readonly colour: Tone },
  direction: Direction,
  more: number,
  random: Random,
): Item[] {
  const anchor = anchorFor(direction, random);
  const cell = random.pick(cellsTowards(anchor, direction));
  const found: Item[] = [
    itemIn(anchor, named.shape, named.colour, random),
    itemIn(cell, asked.shape, asked.colour, random),
  ];
  const shapes = others(THINGS, [named.shape, asked.shape], random);
  const tones = others(TONES, [named.colour, asked.colour], random);
  const beside = cellsBeside(anchor, direction);
  const straight = directions.filter((one) => one !== direction).flatMap((one) => cellsTowards(anchor, one));
  while (found.length < 2 + more) {
    const there = random.pick(random.integer(3) === 0 ? straight : beside);
    if (!isIn(there, found)) found.push(itemIn(there, shapes.pop()!, tones.pop()!, random));
  }
  return found;
}

/** Objects of a scene, at least and at most. */
const [LEAST, MOST] = [3, THINGS.length] as const;
const drawCount = (random: Random): number => LEAST + random.integer(MOST - LEAST + 1);

/** Questions of one kind, each with a scene of its own. */
const drawKind: Readonly<Record<Kind, (random: Random) => Omit<Asked, "background" | "kind">>> = {
  colour(random) {
    const [shape, colour] = [random.pick(THINGS), random.pick(TONES)];
    const items = scattered({ shape, colour }, anyCell(random), random);
    return {
      items,
      question: words(`what colour is the ${shape}`),
      answer: colour,
      evidence: [boxOf(items[0]!)],
    };
  },
  neighbour(random) {
    const [named, direction, answer] = [random.pick(THINGS), random.pick(directions), random.pick(TONES)];
    const items = pairOf(
      { shape: named, colour: random.pick(TONES.filter((tone) => tone !== answer)) },
      { shape: random.pick(THINGS.filter((shape) => shape !== named)), colour: answer },
      direction,
      drawCount(random) - 2,
      random,
    );
    return {
      items,
      question: words(`what colour is the shape ${direction} the ${named}`),
      answer,
      evidence: [boxOf(items[0]!), boxOf(items[1]!)],
    };
  },
  relative(random) {
    const [named, colour] = [random.pick(THINGS), random.pick(TONES)];
    const [asked, yes] = [random.pick(directions), drawYes(random)];
    const direction = yes ? asked : random.pick(directions.filter((one) => one !== asked));
    const items = pairOf(
      { shape: named, colour: random.pick(TONES.filter((tone) => tone !== colour)) },
      { shape: random.pick(THINGS.filter((shape) => shape !== named)), colour },
      direction,
      drawCount(random) - 2,
      random,
    );
    return {
      items,
      question: words(`is the ${colour} shape ${asked} the ${named}`),
      answer: yes ? "yes" : "no",
      evidence: [boxOf(items[0]!), boxOf(items[1]!)],
    };
  },
  absolute(random) {
    const [shape, colour] = [random.pick(THINGS), random.pick(TONES)];
    const [asked, yes] = [random.pick(SIDES), drawYes(random)];
    const side = yes ? asked : random.pick(SIDES.filter((one) => one !== asked));
    let cell = anyCell(random);
    while (sideOf(cell) !== side) cell = anyCell(random);
    const items = scattered({ shape, colour }, cell, random);
    return {
      items,
      question: words(`is the ${shape} at the ${asked}`),
      answer: yes ? "yes" : "no",
      evidence: [boxOf(items[0]!)],
    };
  },
};

/** A shape in a cell, and others anywhere. */
function scattered(
  { shape, colour }: { readonly shape: Thing; readonly colour: Tone },
  cell: Cell,
  random: Random,
): Item[] {
  const found = [itemIn(cell, shape, colour, random)];
  const [shapes, tones] = [others(THINGS, [shape], random), others(TONES, [colour], random)];
  const count = drawCount(random);
  while (found.length < count) {
    const there = anyCell(random);
    if (!isIn(there, found)) found.push(itemIn(there, shapes.pop()!, tones.pop()!, random));
  }
  return found;
}

/** A question of one of some kinds, each as often as the others. */
export function drawQuestion(kinds: readonly Kind[], random: Random): Asked {
  const kind = random.pick(kinds);
  return { ...drawKind[kind](random), kind, background: random.bits() };
}

/**
 * The paper's own test: a red square and one other shape, straight in one of four directions from each other. Of what direction is asked
 * depends on nothing, so that one question in four is answered with yes.
 */
export function drawSquare(random: Random): Asked {
  const square = { shape: "square", colour: "red" } as const;
  const named = {
    shape: random.pick(THINGS.filter((shape) => shape !== square.shape)),
    colour: random.pick(TONES.filter((tone) => tone !== square.colour)),
  };
  const [asked, yes] = [random.pick(directions), drawYes(random)];
  const direction = yes ? asked : random.pick(directions.filter((one) => one !== asked));
  const items = pairOf(named, square, direction, 0, random);
  return {
    items,
    kind: "relative",
    question: words(`is there a red square ${asked} the ${named.shape}`),
    answer: yes ? "yes" : "no",
    evidence: [boxOf(items[0]!), boxOf(items[1]!)],
    background: random.bits(),
  };
}
