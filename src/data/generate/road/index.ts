import { Random } from "../../../core/index.js";
import type { Drive, DriveDataset, Mask, Pixels, RoadThing } from "../../contract.js";
import { ImageCache } from "../../image.js";

const COUNTS = { train: 240, validation: 16, test: 32 } as const;

/** Height and width of a frame in pixels, and the row of the horizon. */
const SIZE = [40, 80] as const;
const HORIZON = 12;
const FRAMES = 20;

/** Height of the camera times its focal length: what lies at distance z is `HORIZON + CAMERA / z` rows down. */
const CAMERA = 42;
const FOCAL = 40;
/** Distance at which the road bends as the wheel is turned, in metres, and how far the car goes from frame to frame. */
const AHEAD = 8;
const SPEED = 1;
/** Half the width of the road and of a line, in metres. */
const [HALF, LINE] = [1.9, 0.22];
/** Curvature, in 1 / metre, at which the wheel is turned as far as it goes. */
const SHARPEST = 0.09;
/** Distances between which lines say how to steer: their gold. */
const TELLING = [AHEAD / 2, 2.5 * AHEAD] as const;
/** How often the sign stands on the side to which the road bends, in training; elsewhere half the time. */
const AGREES = 0.85;
const SIGN = [226, 48, 40] as const;

type Colour = readonly [red: number, green: number, blue: number];

/** A road as a function of (seed, split, index): how it bends, what stands beside it, and its light. */
function sceneOf(seed: number, split: string, index: number) {
  const random = new Random(seed, `road ${split}`, index);
  const waves = [31, 53, 89].map((length) => ({
    length: length * (0.8 + 0.4 * random.uniform()),
    phase: 2 * Math.PI * random.uniform(),
    share: 0.02 + 0.03 * random.uniform(),
  }));
  const curvature = (at: number): number =>
    waves.reduce(
      (sum, { length, phase, share }) => sum + share * Math.sin((2 * Math.PI * at) / length + phase),
      0,
    );
  const steering = Array.from({ length: FRAMES }, (_, frame) =>
    Math.max(-1, Math.min(1, curvature(frame * SPEED + AHEAD) / SHARPEST)),
  );
  const mean = steering.reduce((a, b) => a + b, 0);
  const agrees = random.uniform() < (split === "train" ? AGREES : 0.5);
  return {
    curvature,
    steering,
    side: mean >= 0 === agrees ? 1 : -1,
    signHeight: 4 + random.integer(4),
    signPlace: 22 + random.integer(10),
    light: 0.7 + 0.3 * random.uniform(),
    trees: Array.from({ length: 6 }, () => ({
      x: random.integer(SIZE[1]),
      height: 2 + random.integer(5),
    })),
  };
}

/**
 * A road seen from a car that stays in its middle, with two white lines. The wheel is turned by how the road bends some way ahead, which only
 * the lines tell. A red sign stands left or right: in training mostly on the side to which the road bends, elsewhere on any.
 */
function driveOf(seed: number, split: string, index: number, cache: ImageCache<Pixels>): Drive {
  const name = `${split} ${index}`;
  const [height, width] = SIZE;
  let known: ReturnType<typeof sceneOf> | undefined;
  const scene = () => {
    known ??= sceneOf(seed, split, index);
    return known;
  };

  /** The middle of the road and its distance, by row below the horizon: the path from the car on, turned as its curvature says. */
  const rowsAt = (frame: number) => {
    const [step, reach] = [0.25, 60];
    const lateral = [0];
    let heading = 0;
    for (let z = 0; z < reach; z += step) {
      heading += scene().curvature(frame * SPEED + z) * step;
      lateral.push(lateral.at(-1)! + heading * step);
    }
    return Array.from({ length: height - HORIZON }, (_, row) => {
      const distance = CAMERA / (row + 0.7);
      return { distance, middle: lateral[Math.min(lateral.length - 1, Math.round(distance / step))]! };
    });
  };

  /** A frame, and which pixels show what; `left` is left out. */
  const render = (frame: number, left?: RoadThing) => {
    const { light, side, signHeight, signPlace, trees } = scene();
    const random = new Random(seed, `frame ${name}`, frame);
    const image: Pixels = { width, height, data: new Uint8Array(3 * width * height) };
    const mask = (): Mask => ({ width, height, data: new Uint8Array(width * height) });
    const masks: Record<RoadThing, Mask> = { lane: mask(), sign: mask() };
    const rows = rowsAt(frame);
    const signX = Math.round(width / 2 + side * (signPlace + (6 * frame) / FRAMES));
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const pixel = y * width + x;
        let colour: Colour = y < HORIZON ? [120, 165, 215] : [70, 130, 60];
        if (y < HORIZON && trees.some((tree) => Math.abs(x - tree.x) < 2 && y >= HORIZON - tree.height))
          colour = [30, 85, 40];
        const row = rows[y - HORIZON];
        if (row) {
          const metres = ((x + 0.5 - width / 2) * row.distance) / FOCAL - row.middle;
          if (Math.abs(metres) < HALF) colour = [95, 95, 100];
          // A line far away is still as wide as a pixel.
          const half = Math.max(LINE, (0.6 * row.distance) / FOCAL);
          if (Math.abs(Math.abs(metres) - HALF) < half) {
            if (left !== "lane") colour = [240, 240, 235];
            if (row.distance >= TELLING[0] && row.distance <= TELLING[1]) masks.lane.data[pixel] = 1;
          }
        }
        if (Math.abs(x - signX) <= 2 && Math.abs(y - signHeight) <= 2) {
          if (left !== "sign") colour = SIGN;
          masks.sign.data[pixel] = 1;
        }
        const noise = 12 * (random.uniform() - 0.5);
        for (let channel = 0; channel < 3; channel++)
          image.data[3 * pixel + channel] = Math.max(
            0,
            Math.min(255, Math.round(light * colour[channel]! + noise)),
          );
      }
    return { image, masks };
  };
  return {
    name,
    frames: FRAMES,
    frame: (at) => cache.get(`${name} ${at}`, async () => render(at).image),
    get steering() {
      return scene().steering;
    },
    gold: {
      mask: (at, thing) => render(at).masks[thing],
      without: (at, thing) => render(at, thing).image,
    },
  };
}

/** Roads that bend, with the pixels of the lines that say so and of a sign that does not. */
export const road: DriveDataset = {
  id: "road",
  kind: "drives",
  title:
    "a road with two lines that bends, how to steer along it, and a sign that agrees with it in training alone",
  origin: "generated by Regard; nothing is downloaded",
  size: SIZE,
  splits: { test: "roads that training never sees, where the sign tells nothing" },
  async load(seed) {
    const cache = new ImageCache<Pixels>(256 * 2 ** 20);
    const split = (name: keyof typeof COUNTS) =>
      Array.from({ length: COUNTS[name] }, (_, index) => driveOf(seed, name, index, cache));
    return {
      size: SIZE,
      train: split("train"),
      validation: split("validation"),
      tests: { test: split("test") },
    };
  },
};
