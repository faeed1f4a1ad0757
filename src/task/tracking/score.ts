import type { Box, Film } from "../../data/index.js";
import { MISS } from "../../models/index.js";
import type { Values } from "../../session/index.js";

/** Where something was taken to be: middle x and y, width and height as shares of the frame. */
export type Place = readonly [x: number, y: number, width: number, height: number];

/** What one way of following a film gave, frame by frame. */
export interface Track {
  readonly places: readonly Place[];
  /** Which part of what it follows it looked at in each frame; undefined where it does not say. */
  readonly gazes?: readonly number[];
}

/** What a model says of a film: its own track, and by name those of the ways of looking that it is compared with. */
export interface Tracked extends Track {
  readonly beside: Readonly<Record<string, Track>>;
}

/** Names of the outputs that are a model's track; what follows a dot is the name of one to compare with. */
const [BOX, GAZE] = ["box", "gaze"] as const;

const rowsOf = ({ shape: [rows = 0, size = 1], data }: Values[string]): number[][] =>
  Array.from({ length: rows }, (_, row) => Array.from(data.subarray(row * size, (row + 1) * size)));

/** What the outputs of one film say, of its first frames. */
export function trackedOf(outputs: Values, frames: number): Tracked {
  const track = (suffix: string): Track => {
    const gazes = outputs[GAZE + suffix];
    return {
      places: rowsOf(outputs[BOX + suffix]!).slice(0, frames) as unknown as Place[],
      ...(gazes && {
        gazes: rowsOf(gazes)
          .slice(0, frames)
          .map((row) => row.indexOf(Math.max(...row))),
      }),
    };
  };
  const names = Object.keys(outputs).flatMap((name) =>
    name.startsWith(`${BOX}.`) ? [name.slice(BOX.length)] : [],
  );
  return { ...track(""), beside: Object.fromEntries(names.map((name) => [name.slice(1), track(name)])) };
}

/** A box in pixels as a place of a frame of some size. */
export const placeOfBox = (
  { x, y, width, height }: Box,
  [high, wide]: readonly [height: number, width: number],
): Place => [(x + width / 2) / wide, (y + height / 2) / high, width / wide, height / high];

/** A place of a frame as a box in pixels. */
export const boxOfPlace = (
  [x, y, width, height]: Place,
  [high, wide]: readonly [height: number, width: number],
): Box => ({
  x: (x - width / 2) * wide,
  y: (y - height / 2) * high,
  width: width * wide,
  height: height * high,
});

/** The part among rows × columns of what is followed that is seen while the rest of it is hidden; undefined where that is not known. */
export function seenPart(
  film: Film,
  frame: number,
  [rows, columns]: readonly [rows: number, columns: number],
): number | undefined {
  const [box, part] = [film.boxes?.()[frame], film.seen?.(frame)];
  if (!box || !part) return undefined;
  const cell = (middle: number, from: number, size: number, count: number) =>
    Math.min(count - 1, Math.max(0, Math.floor(((middle - from) / size) * count)));
  const row = cell(part.y + part.height / 2, box.y, box.height, rows);
  return row * columns + cell(part.x + part.width / 2, box.x, box.width, columns);
}

/** How films were followed, one after another. The first frame, whose box is given, does not count. */
export class TrackTally {
  frames = 0;
  /** Sums over frames: pixels between the middles, losses in nats, and how many are lost, their middle outside the right box. */
  #off = 0;
  #loss = 0;
  #lost = 0;
  /** Frames in which all but one part is hidden, and in how many of them it looked at that part. */
  hidden = 0;
  #gold = 0;
  /** How many frames were lost, and how many there were, by frame. */
  readonly byFrame: { readonly lost: number; readonly frames: number }[] = [];

  constructor(
    private readonly size: readonly [height: number, width: number],
    private readonly grid: readonly [rows: number, columns: number] | undefined,
  ) {}

  add(film: Film, { places, gazes }: Track): void {
    const boxes = film.boxes?.();
    if (!boxes) return;
    for (let frame = 1; frame < film.frames; frame++) {
      const right = placeOfBox(boxes[frame]!, this.size);
      const [x, y] = [0, 1].map((axis) => places[frame]![axis]! - right[axis]!) as [number, number];
      const isLost = Math.abs(x) > right[2] / 2 || Math.abs(y) > right[3] / 2;
      this.frames++;
      this.#off += Math.hypot(x * this.size[1], y * this.size[0]);
      this.#loss += (0.5 * ((x / right[2]) ** 2 + (y / right[3]) ** 2)) / MISS ** 2;
      if (isLost) this.#lost++;
      const so = this.byFrame[frame] ?? { lost: 0, frames: 0 };
      this.byFrame[frame] = { lost: so.lost + (isLost ? 1 : 0), frames: so.frames + 1 };
      const gold = this.grid && seenPart(film, frame, this.grid);
      if (gold === undefined || !gazes) continue;
      this.hidden++;
      if (gazes[frame] === gold) this.#gold++;
    }
  }

  get loss(): number {
    return this.#loss / this.frames;
  }

  /** Undefined where no film says where its thing is. */
  get scores(): { readonly error: number; readonly lost: number; readonly gold?: number } | undefined {
    if (this.frames === 0) return undefined;
    return {
      error: this.#off / this.frames,
      lost: this.#lost / this.frames,
      ...(this.hidden > 0 && { gold: this.#gold / this.hidden }),
    };
  }
}

/** A track that stays where it began, to compare with. */
export const stillTrack = (film: Film, size: readonly [height: number, width: number]): Track => ({
  places: Array.from({ length: film.frames }, () => placeOfBox(film.first, size)),
});
