import type { Random } from "../../../core/index.js";
import type { GreyImage } from "../../contract.js";

/** A place in the box a digit is written in: x from left to right and y from top to bottom, 0 to 1. */
type Point = readonly [x: number, y: number];
/** What a pen writes without being lifted, smooth through its points; strokes that share a point make a corner there. */
type Stroke = readonly Point[];

/** Side of an image in pixels, and the black edge that is kept around what is written. */
export const DIGIT_SIZE = 28;
const EDGE = 2;

const oval: Stroke = Array.from({ length: 9 }, (_, step) => {
  const angle = (step / 8) * 2 * Math.PI - 1.9;
  return [0.5 + 0.42 * Math.cos(angle), 0.5 + 0.5 * Math.sin(angle)];
});
const stem: Stroke = [
  [0.5, 0],
  [0.5, 1],
];
const bow: Stroke = [
  [0.2, 0.45],
  [0.55, 0.38],
  [0.88, 0.65],
  [0.6, 0.98],
  [0.12, 0.9],
];
const ring: Stroke = [
  [0.82, 0.24],
  [0.5, 0],
  [0.17, 0.26],
  [0.45, 0.52],
  [0.82, 0.26],
];
const roof: Stroke = [
  [0.1, 0.03],
  [0.9, 0],
];
const fall: Stroke = [
  [0.9, 0],
  [0.6, 0.45],
  [0.42, 1],
];

/** Ways to write each digit. */
const FORMS: readonly (readonly (readonly Stroke[])[])[] = [
  [[oval]],
  [
    [stem],
    [
      stem,
      [
        [0.3, 0.22],
        [0.5, 0],
      ],
    ],
    [
      stem,
      [
        [0.3, 0.2],
        [0.5, 0],
      ],
      [
        [0.25, 1],
        [0.75, 1],
      ],
    ],
  ],
  [
    [
      [
        [0.12, 0.25],
        [0.3, 0.05],
        [0.6, 0],
        [0.85, 0.22],
        [0.72, 0.52],
        [0.4, 0.8],
        [0.1, 1],
      ],
      [
        [0.1, 1],
        [0.92, 0.98],
      ],
    ],
    [
      [
        [0.15, 0.2],
        [0.5, 0],
        [0.82, 0.25],
        [0.6, 0.65],
        [0.2, 0.98],
        [0.1, 0.85],
        [0.35, 0.82],
        [0.92, 1],
      ],
    ],
  ],
  [
    [
      [
        [0.15, 0.12],
        [0.5, 0],
        [0.82, 0.2],
        [0.7, 0.42],
        [0.4, 0.48],
      ],
      [
        [0.4, 0.48],
        [0.75, 0.55],
        [0.88, 0.77],
        [0.55, 1],
        [0.12, 0.88],
      ],
    ],
  ],
  [
    [
      [
        [0.25, 0],
        [0.12, 0.58],
      ],
      [
        [0.12, 0.58],
        [0.95, 0.55],
      ],
      [
        [0.72, 0.05],
        [0.66, 1],
      ],
    ],
    [
      [
        [0.68, 0],
        [0.08, 0.66],
      ],
      [
        [0.08, 0.66],
        [0.95, 0.64],
      ],
      [
        [0.68, 0],
        [0.66, 1],
      ],
    ],
  ],
  [
    [
      [
        [0.88, 0.02],
        [0.25, 0],
      ],
      [
        [0.25, 0],
        [0.2, 0.45],
      ],
      bow,
    ],
  ],
  [
    [
      [
        [0.72, 0],
        [0.36, 0.25],
        [0.15, 0.65],
        [0.35, 0.98],
        [0.75, 0.92],
        [0.82, 0.68],
        [0.5, 0.53],
        [0.2, 0.7],
      ],
    ],
  ],
  [
    [roof, fall],
    [
      roof,
      fall,
      [
        [0.3, 0.5],
        [0.82, 0.48],
      ],
    ],
  ],
  [
    [
      [
        [0.8, 0.16],
        [0.5, 0],
        [0.2, 0.22],
        [0.5, 0.47],
        [0.83, 0.75],
        [0.5, 1],
        [0.17, 0.75],
        [0.5, 0.47],
        [0.8, 0.16],
      ],
    ],
  ],
  [
    [
      ring,
      [
        [0.82, 0.24],
        [0.76, 1],
      ],
    ],
    [
      ring,
      [
        [0.82, 0.24],
        [0.82, 0.7],
        [0.6, 1],
        [0.22, 0.92],
      ],
    ],
  ],
];

/** How many digits there are. */
export const DIGITS = FORMS.length;

/** Points of a stroke's curve between two of its own. */
const STEPS = 4;

/** A curve through all points (Catmull & Rom 1974). */
function curve(points: Stroke): Point[] {
  if (points.length === 2) return [...points];
  const found: Point[] = [points[0]!];
  const of = (index: number) => points[Math.min(points.length - 1, Math.max(0, index))]!;
  for (let index = 0; index < points.length - 1; index++) {
    const [a, b, c, d] = [of(index - 1), of(index), of(index + 1), of(index + 2)];
    for (let step = 1; step <= STEPS; step++) {
      const t = step / STEPS;
      const along = (axis: 0 | 1) =>
        0.5 *
        (2 * b[axis] +
          (c[axis] - a[axis]) * t +
          (2 * a[axis] - 5 * b[axis] + 4 * c[axis] - d[axis]) * t ** 2 +
          (3 * b[axis] - a[axis] - 3 * c[axis] + d[axis]) * t ** 3);
      found.push([along(0), along(1)]);
    }
  }
  return found;
}

const between = (random: Random, low: number, high: number): number => low + (high - low) * random.uniform();

/** A hand: bends, leans, turns and stretches what is written. */
function hand(random: Random): (point: Point) => Point {
  const waves = [0, 1, 2, 3].map(() => ({
    amount: 0.035 * random.normal(),
    across: between(random, -1, 1),
    down: between(random, -1, 1),
    phase: between(random, 0, 2 * Math.PI),
  }));
  const bend = ([x, y]: Point, { amount, across, down, phase }: (typeof waves)[number]) =>
    amount * Math.sin(2 * Math.PI * (across * x + down * y) + phase);
  const height = between(random, 16, 21);
  const width = height * between(random, 0.5, 0.9);
  const lean = 0.08 + 0.16 * random.normal();
  const turn = 0.1 * random.normal();
  const [sine, cosine] = [Math.sin(turn), Math.cos(turn)];
  return (point) => {
    const x = point[0] - 0.5 + bend(point, waves[0]!) + bend(point, waves[1]!);
    const y = point[1] - 0.5 + bend(point, waves[2]!) + bend(point, waves[3]!);
    const [wide, high] = [width * x - lean * height * y, height * y];
    return [cosine * wide - sine * high, sine * wide + cosine * high];
  };
}

/**
 * A digit written by a hand of chance, white on black, 28 × 28 as MNIST: a function of `random`. It lies around the middle and inside
 * the edge.
 */
export function writeDigit(digit: number, random: Random): GreyImage {
  const form = random.pick(FORMS[digit]!);
  const move = hand(random);
  const strokes = form.map((stroke) => curve(stroke).map(move));
  const pen = between(random, 0.8, 1.8); // half its width
  const all = strokes.flat();
  /** From the middle of what is written to that of the image, a little aside, and narrowed where it does not fit. */
  const placed = (axis: 0 | 1) => {
    const values = all.map((point) => point[axis]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const room = DIGIT_SIZE - 2 * (EDGE + pen);
    const scale = Math.min(1, room / Math.max(1e-6, high - low));
    const free = (room - (high - low) * scale) / 2;
    const aside = Math.min(free, Math.max(-free, random.normal()));
    return (value: number) => DIGIT_SIZE / 2 + aside + (value - (low + high) / 2) * scale;
  };
  const [x, y] = [placed(0), placed(1)];
  const data = new Uint8Array(DIGIT_SIZE ** 2);
  for (const stroke of strokes)
    for (let index = 1; index < stroke.length; index++) {
      const [from, to] = [stroke[index - 1]!, stroke[index]!];
      draw(data, [x(from[0]), y(from[1])], [x(to[0]), y(to[1])], pen);
    }
  return { width: DIGIT_SIZE, height: DIGIT_SIZE, data };
}

/** Draws a line with round ends; a pixel that the pen's rim passes is in part white. */
function draw(data: Uint8Array, [ax, ay]: Point, [bx, by]: Point, pen: number): void {
  const reach = pen + 1;
  const [dx, dy] = [bx - ax, by - ay];
  const square = Math.max(1e-9, dx * dx + dy * dy);
  const last = DIGIT_SIZE - 1;
  for (
    let row = Math.max(0, Math.floor(Math.min(ay, by) - reach));
    row <= Math.min(last, Math.max(ay, by) + reach);
    row++
  )
    for (
      let column = Math.max(0, Math.floor(Math.min(ax, bx) - reach));
      column <= Math.min(last, Math.max(ax, bx) + reach);
      column++
    ) {
      const [px, py] = [column + 0.5 - ax, row + 0.5 - ay];
      const along = Math.min(1, Math.max(0, (px * dx + py * dy) / square));
      const distance = Math.sqrt((px - along * dx) ** 2 + (py - along * dy) ** 2);
      const covered = Math.min(1, Math.max(0, pen + 0.5 - distance));
      const at = row * DIGIT_SIZE + column;
      data[at] = Math.max(data[at]!, Math.round(255 * covered));
    }
}
