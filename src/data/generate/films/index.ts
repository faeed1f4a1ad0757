import { Random } from "../../../core/index.js";
import type { Box, Film, FilmDataset, GreyImage } from "../../contract.js";
import { ImageCache } from "../../image.js";
import { DIGIT_SIZE, DIGITS, writeDigit } from "../digits/stroke.js";
import { along, wander } from "./path.js";

const COUNTS = { train: 200, validation: 12, test: 40 } as const;

/** Height and width of a frame in pixels. */
const SIZE = [96, 120] as const;
const FRAMES = 60;

/** Digits that lie about in the background, where the thing that moves may pass over them. */
const BACKGROUND = 3;
/** The share of pixels that another brightness is put on, in every frame anew. */
const NOISE = 0.03;
/** Points of the path, and how far apart they are at most, in pixels. */
const [POINTS, REACH] = [4, 34];
/** Frames from one time that it is hidden to the next, and how many of them it is. */
export const [PERIOD, HIDDEN] = [16, 10];
/** The share of a digit's ink that the quarter which stays to be seen has at least, so that there is something to see. */
const LEAST_INK = 0.2;
/** The share of pixels of the occluder that are not black. */
const TEXTURE = 0.5;

/** What is brighter of two. */
function over(canvas: GreyImage, image: GreyImage, left: number, top: number): void {
  for (let y = 0; y < image.height; y++)
    for (let x = 0; x < image.width; x++) {
      const to = (top + y) * canvas.width + left + x;
      canvas.data[to] = Math.max(canvas.data[to]!, image.data[y * image.width + x]!);
    }
}

/** A film's digit, where it goes, what it passes over, and which quarter of it stays to be seen: a function of (seed, split, index). */
function sceneOf(seed: number, split: string, index: number) {
  const random = new Random(seed, `films ${split}`, index);
  const [height, width] = SIZE;
  const field = [width - DIGIT_SIZE, height - DIGIT_SIZE] as const;
  const digit = random.integer(DIGITS);
  const target = writeDigit(digit, random);
  const background: GreyImage = { width, height, data: new Uint8Array(width * height) };
  for (let other = 0; other < BACKGROUND; other++) {
    const image = writeDigit((digit + 1 + random.integer(DIGITS - 1)) % DIGITS, random);
    over(background, image, random.integer(field[0] + 1), random.integer(field[1] + 1));
  }
  const points = wander(random, POINTS, field, REACH);
  const boxes = Array.from({ length: FRAMES }, (_, frame): Box => {
    const [x, y] = along(points, frame / (FRAMES - 1));
    const inside = (value: number, most: number) => Math.min(most, Math.max(0, Math.round(value)));
    return { x: inside(x, field[0]), y: inside(y, field[1]), width: DIGIT_SIZE, height: DIGIT_SIZE };
  });
  const whole = { x: 0, y: 0, width: DIGIT_SIZE, height: DIGIT_SIZE };
  const ink = [0, 1, 2, 3].map((quarter) => inkIn(target, quarterOf(whole, quarter)));
  const all = ink.reduce((a, b) => a + b, 0);
  const telling = [0, 1, 2, 3].filter((quarter) => ink[quarter]! >= LEAST_INK * all);
  return { target, background, boxes, quarter: random.pick(telling) };
}

/** The brightness of a part of an image, added up. */
function inkIn({ width, data }: GreyImage, part: Box): number {
  let sum = 0;
  for (let y = part.y; y < part.y + part.height; y++)
    for (let x = part.x; x < part.x + part.width; x++) sum += data[y * width + x]!;
  return sum;
}

/** Whether the occluder is there: from the end of each period on, so that the first frames are clear. */
const isHidden = (frame: number): boolean => frame % PERIOD >= PERIOD - HIDDEN;

/** A quarter of a box: 0 upper left, 1 upper right, 2 lower left, 3 lower right. */
const quarterOf = ({ x, y, width, height }: Box, quarter: number): Box => ({
  x: x + (quarter % 2) * (width / 2),
  y: y + Math.floor(quarter / 2) * (height / 2),
  width: width / 2,
  height: height / 2,
});

const contains = (box: Box, x: number, y: number): boolean =>
  x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + box.height;

/**
 * A written digit that moves along a smooth path over other digits, in noise (after the synthetic films of Denil et al. 2011). Time and
 * again three quarters of it are hidden behind something that flickers and moves with it: the quarter that stays clean, the same all through a
 * film, is where it pays to look.
 */
function filmOf(seed: number, split: string, index: number, cache: ImageCache<GreyImage>): Film {
  const name = `${split} ${index}`;
  let known: ReturnType<typeof sceneOf> | undefined;
  const scene = () => {
    known ??= sceneOf(seed, split, index);
    return known;
  };
  const draw = (frame: number): GreyImage => {
    const random = new Random(seed, `frame ${name}`, frame);
    const { target, background, boxes, quarter } = scene();
    const box = boxes[frame]!;
    const image: GreyImage = { ...background, data: Uint8Array.from(background.data) };
    // Only what is black takes noise, as in the original films.
    for (let pixel = 0; pixel < image.data.length; pixel++)
      if (image.data[pixel] === 0 && random.uniform() < NOISE) image.data[pixel] = random.integer(256);
    for (let row = 0; row < box.height; row++)
      for (let column = 0; column < box.width; column++) {
        const brightness = target.data[row * target.width + column]!;
        if (brightness > 0) image.data[(box.y + row) * image.width + box.x + column] = brightness;
      }
    if (!isHidden(frame)) return image;
    const clean = quarterOf(box, quarter);
    for (let y = box.y; y < box.y + box.height; y++)
      for (let x = box.x; x < box.x + box.width; x++)
        if (!contains(clean, x, y))
          image.data[y * image.width + x] = random.uniform() < TEXTURE ? random.integer(256) : 0;
    return image;
  };
  return {
    name,
    frames: FRAMES,
    frame: (at) => cache.get(`${name} ${at}`, async () => draw(at)),
    get first() {
      return scene().boxes[0]!;
    },
    boxes: () => scene().boxes,
    seen: (at) => (isHidden(at) ? quarterOf(scene().boxes[at]!, scene().quarter) : undefined),
  };
}

/** Digits that move over others, with the box of each frame and the quarter that is not hidden. */
export const films: FilmDataset = {
  id: "films",
  kind: "films",
  title:
    "a written digit that moves over others in noise, time and again hidden but for a quarter, with its boxes",
  origin: "generated by Regard; nothing is downloaded",
  size: SIZE,
  splits: { test: "films that training never sees" },
  async load(seed) {
    const cache = new ImageCache<GreyImage>(256 * 2 ** 20);
    const split = (name: keyof typeof COUNTS) =>
      Array.from({ length: COUNTS[name] }, (_, index) => filmOf(seed, name, index, cache));
    return {
      size: SIZE,
      train: split("train"),
      validation: split("validation"),
      tests: { test: split("test") },
    };
  },
};
