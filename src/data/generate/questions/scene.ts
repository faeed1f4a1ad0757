import type { Random } from "../../../core/index.js";
import type { Box } from "../../contract.js";
import { covers as coversShape, type Shape } from "../scenes/scene.js";

/** Rows and columns of cells, of which an object has one to itself, and the side of a cell in pixels. */
export const CELLS = 7;
export const CELL = 10;
/** Height and width of the images in pixels. */
export const QUESTION_SIZE = CELLS * CELL;

export const THINGS = ["circle", "square", "triangle", "cross", "diamond"] as const;
export const TONES = ["red", "green", "blue", "yellow", "purple", "white"] as const;

export type Thing = (typeof THINGS)[number];
export type Tone = (typeof TONES)[number];

/** A step from a cell to the next, by the words that say so. */
export const DIRECTIONS = {
  "left of": [-1, 0],
  "right of": [1, 0],
  above: [0, -1],
  below: [0, 1],
} as const satisfies Record<string, readonly [column: number, row: number]>;
export type Direction = keyof typeof DIRECTIONS;

/** A row and a column of cells. */
export interface Cell {
  readonly column: number;
  readonly row: number;
}

/** What lies in a cell. No two of an image are of one shape, or of one colour. */
export interface Item extends Cell {
  readonly shape: Thing;
  readonly colour: Tone;
  /** Its middle in pixels, and half of its height and width. */
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

/** Pixels that lie in a shape, counted from its middle in radii. */
export const covers = (shape: Thing, x: number, y: number): boolean =>
  shape === "diamond" ? Math.abs(x) + Math.abs(y) <= 1 : coversShape(shape as Shape, x, y);

/** An object of a random size somewhere in its cell, wholly inside. */
export function itemIn({ column, row }: Cell, shape: Thing, colour: Tone, random: Random): Item {
  const radius = (CELL / 2) * (0.75 + 0.2 * random.uniform());
  const place = (cell: number) => CELL * cell + radius + (CELL - 2 * radius) * random.uniform() - 0.5;
  return { column, row, shape, colour, radius, x: place(column), y: place(row) };
}

export const boxOf = ({ x, y, radius }: Item): Box => ({
  x: Math.max(0, Math.round(x - radius)),
  y: Math.max(0, Math.round(y - radius)),
  width: Math.round(2 * radius),
  height: Math.round(2 * radius),
});

const inside = ({ column, row }: Cell): boolean => column >= 0 && row >= 0 && column < CELLS && row < CELLS;

/** The cells that lie straight in a direction from another, the nearest first. */
export function cellsTowards({ column, row }: Cell, direction: Direction): Cell[] {
  const [dx, dy] = DIRECTIONS[direction];
  return Array.from({ length: CELLS - 1 }, (_, index) => ({
    column: column + dx * (index + 1),
    row: row + dy * (index + 1),
  })).filter(inside);
}

export const anyCell = (random: Random): Cell => ({
  column: random.integer(CELLS),
  row: random.integer(CELLS),
});

/** Whether a cell lies towards the top, bottom, left or right of the image, and no other of them: the quarter between two diagonals. */
export function sideOf({ column, row }: Cell): Side | undefined {
  const middle = (CELLS - 1) / 2;
  const [dx, dy] = [column - middle, row - middle];
  if (Math.abs(dx) === Math.abs(dy)) return undefined;
  if (Math.abs(dx) > Math.abs(dy)) return dx < 0 ? "left" : "right";
  return dy < 0 ? "top" : "bottom";
}

export const SIDES = ["top", "bottom", "left", "right"] as const;
export type Side = (typeof SIDES)[number];
