import { pngUrl } from "../../core/index.js";
import { mapColour, mapCover } from "./colour-map.js";

/** Values of the cells of a grid, row by row. */
export interface Cells {
  readonly values: ArrayLike<number>;
  readonly rows: number;
  readonly columns: number;
}

/** The value at a point, in cells from the left upper corner: bilinear between the middles of cells, level beyond the outermost. */
export function valueAt({ values, rows, columns }: Cells, x: number, y: number): number {
  const [across, down] = [within(x - 0.5, columns - 1), within(y - 0.5, rows - 1)];
  const [left, top] = [Math.floor(across), Math.floor(down)];
  const [right, bottom] = [Math.min(left + 1, columns - 1), Math.min(top + 1, rows - 1)];
  const [byRight, byBottom] = [across - left, down - top];
  const along = (row: number) =>
    values[row * columns + left]! * (1 - byRight) + values[row * columns + right]! * byRight;
  return along(top) * (1 - byBottom) + along(bottom) * byBottom;
}

const within = (value: number, most: number): number => Math.min(most, Math.max(0, value));

/** Samples of a cell's side, so that a picture has about as many in all. */
const samplesOf = ({ rows, columns }: Cells): number =>
  Math.max(2, Math.min(8, Math.ceil(48 / Math.max(rows, columns))));

/** A picture of values that are enlarged smoothly, and what it covers, in cells: a little more than the grid, to be clipped. */
export function smoothPicture(cells: Cells, most: number) {
  const samples = samplesOf(cells);
  const [width, height] = [cells.columns * samples + 2, cells.rows * samples + 2];
  const data = new Uint8Array(4 * width * height);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const share = valueAt(cells, (column - 0.5) / samples, (row - 0.5) / samples) / most;
      data.set([...mapColour(share), Math.round(255 * mapCover(share))], 4 * (row * width + column));
    }
  return {
    url: pngUrl({ width, height, data }),
    beyond: 1 / samples,
  };
}

type Point = readonly [x: number, y: number];
type Segment = readonly [Point, Point];

/**
 * The outlines of where values are at least `level`, as lines of points in cells; they run along the edge of the grid where what
 * they enclose does.
 * @param smooth between values that are enlarged smoothly, otherwise along the edges of cells
 */
export const outlines = (cells: Cells, level: number, smooth: boolean): readonly (readonly Point[])[] =>
  joined(smooth ? smoothSegments(cells, level) : cellSegments(cells, level));

function cellSegments({ values, rows, columns }: Cells, level: number): Segment[] {
  const inside = (x: number, y: number) =>
    x >= 0 && y >= 0 && x < columns && y < rows && values[y * columns + x]! >= level;
  const found: Segment[] = [];
  for (let y = 0; y <= rows; y++)
    for (let x = 0; x <= columns; x++) {
      const edges: readonly [differs: boolean, to: Point][] = [
        [inside(x, y) !== inside(x - 1, y), [x, y + 1]],
        [inside(x, y) !== inside(x, y - 1), [x + 1, y]],
      ];
      for (const [differs, to] of edges) if (differs) found.push([[x, y], to]);
    }
  return found;
}

/** By halves of small squares, each of which a line crosses or does not. */
function smoothSegments(cells: Cells, level: number): Segment[] {
  const samples = samplesOf(cells);
  const [across, down] = [cells.columns * samples, cells.rows * samples];
  // Beyond the edge nothing is inside, and it lies where the edge does.
  const corner = (column: number, row: number) => {
    const [x, y] = [within(column, across) / samples, within(row, down) / samples];
    const outside = column < 0 || row < 0 || column > across || row > down;
    return { x, y, over: outside ? Number.NEGATIVE_INFINITY : valueAt(cells, x, y) - level };
  };
  type Corner = ReturnType<typeof corner>;
  const crossing = (one: Corner, other: Corner): Point[] => {
    if (one.over >= 0 === other.over >= 0) return [];
    // From the same corner whichever side it is looked at from, so that lines meet exactly.
    const [inner, outer] = one.over >= 0 ? [one, other] : [other, one];
    const part = outer.over === Number.NEGATIVE_INFINITY ? 0 : inner.over / (inner.over - outer.over);
    return [[inner.x + part * (outer.x - inner.x), inner.y + part * (outer.y - inner.y)]];
  };
  const found: Segment[] = [];
  for (let row = -1; row <= down; row++)
    for (let column = -1; column <= across; column++) {
      const [a, b, c, d] = [
        corner(column, row),
        corner(column + 1, row),
        corner(column + 1, row + 1),
        corner(column, row + 1),
      ];
      for (const [one, two, three] of [
        [a, b, c],
        [a, c, d],
      ] as const) {
        const [from, to] = [...crossing(one, two), ...crossing(two, three), ...crossing(three, one)];
        if (from && to && keyOf(from) !== keyOf(to)) found.push([from, to]);
      }
    }
  return found;
}

/** A point as far as pictures tell it from others. */
const keyOf = ([x, y]: Point): string => `${x.toFixed(3)} ${y.toFixed(3)}`;

/** Segments that meet as lines, each as long as can be. */
function joined(segments: readonly Segment[]): Point[][] {
  const open = new Map<string, Set<Segment>>();
  for (const segment of segments)
    for (const end of segment) {
      const key = keyOf(end);
      open.set(key, (open.get(key) ?? new Set()).add(segment));
    }
  const take = (from: Point): Point | undefined => {
    const there = open.get(keyOf(from));
    const [next] = there ?? [];
    if (!next) return undefined;
    for (const end of next) open.get(keyOf(end))!.delete(next);
    return keyOf(next[0]) === keyOf(from) ? next[1] : next[0];
  };
  return segments.flatMap(([start]) => {
    const line = [start];
    for (let next = take(start); next; next = take(next)) line.push(next);
    return line.length > 1 ? [straightened(line)] : [];
  });
}

/** The sine of a turn that is none. */
const STRAIGHT = 1e-4;

/** A line without the points that lie straight between their neighbours. */
const straightened = (line: readonly Point[]): Point[] =>
  line.filter((point, index) => {
    const [before, after] = [line[index - 1], line[index + 1]];
    if (!before || !after) return true;
    const [x0, y0, x1, y1] = [
      point[0] - before[0],
      point[1] - before[1],
      after[0] - point[0],
      after[1] - point[1],
    ];
    return Math.abs(x0 * y1 - y0 * x1) > STRAIGHT * Math.hypot(x0, y0) * Math.hypot(x1, y1);
  });
