import { z } from "zod";
import type { Image } from "../../attention/index.js";
import { Random, RegardError, UsageError } from "../../core/index.js";
import { type Box, type Film, type GreyImage, pngUrl } from "../../data/index.js";
import { boxLosses, type TrackingSizes } from "../../models/index.js";
import { input, neg } from "../../ops/index.js";
import type { Value, Values } from "../../session/index.js";
import type { Scoring, Task, Use } from "../contract.js";
import { filmOf } from "../form.js";
import {
  boxOfPlace,
  type Place,
  placeOfBox,
  seenPart,
  stillTrack,
  type Track,
  type Tracked,
  TrackTally,
  trackedOf,
} from "./score.js";

/** How large the frames of training are. */
interface PreparedFilms {
  readonly size: readonly [height: number, width: number];
}

/** Frames of a film that a step of training reads, from anywhere in it on. */
const STRETCH = 4;
/** Parts of a film whose causal effect is measured. */
const PARTS = 8;
/** Frames that are told of together. */
const TOLD = 10;

/** Frames of films side by side, [T, B, height, width] from 0 to 1; black after the end of each. */
function framesValue(
  films: readonly (readonly GreyImage[])[],
  [height, width]: PreparedFilms["size"],
): Value {
  const size = height * width;
  const steps = Math.max(...films.map(({ length }) => length));
  const data = new Float32Array(steps * films.length * size);
  films.forEach((frames, column) => {
    frames.forEach((frame, step) => {
      const start = (step * films.length + column) * size;
      for (let pixel = 0; pixel < size; pixel++) data[start + pixel] = frame.data[pixel]! / 255;
    });
  });
  return { dtype: "float32", shape: [steps, films.length, height, width], data };
}

const firstValue = (places: readonly Place[]): Value => ({
  dtype: "float32",
  shape: [places.length, 4],
  data: Float32Array.from(places.flat()),
});

/** Where things should be, and where that is known: targets of films, [T, B, 4] and [T, B]. */
function targetValues(films: readonly (readonly (Place | undefined)[])[]): Values {
  const steps = Math.max(...films.map(({ length }) => length));
  const [boxes, known] = [new Float32Array(steps * films.length * 4), new Float32Array(steps * films.length)];
  // Sizes divide, so that those which are not known are not 0.
  boxes.fill(1);
  films.forEach((places, column) => {
    places.forEach((place, step) => {
      if (!place) return;
      boxes.set(place, (step * films.length + column) * 4);
      known[step * films.length + column] = 1;
    });
  });
  return {
    boxes: { dtype: "float32", shape: [steps, films.length, 4], data: boxes },
    known: { dtype: "float32", shape: [steps, films.length], data: known },
  };
}

/** Which frames of a film are read. */
function stretchOf({ name, frames, boxes }: Film, use: Use): readonly [from: number, count: number] {
  if (use.kind !== "train") return [0, frames];
  const count = Math.min(STRETCH, frames);
  // Where it is later is known of some films alone.
  return [boxes ? new Random(use.seed, `stretch ${name}`, use.step).integer(frames - count + 1) : 0, count];
}

async function framesOf(
  film: Film,
  [from, count]: readonly [number, number],
  [height, width]: PreparedFilms["size"],
): Promise<GreyImage[]> {
  const frames: GreyImage[] = [];
  for (let index = 0; index < count; index++) {
    const frame = await film.frame(from + index);
    if (frame.width !== width || frame.height !== height)
      throw new UsageError(
        `frame ${from + index + 1} of "${film.name}" is ${frame.width} × ${frame.height} pixels but the model reads ${width} × ${height}; bring it to that size.`,
      );
    frames.push(frame);
  }
  return frames;
}

const pictureOf = (image: GreyImage): Image => ({
  width: image.width,
  height: image.height,
  url: pngUrl(image),
});

/** What lies in a box of an image; black outside. */
function cut({ width, height, data }: GreyImage, box: Box): GreyImage {
  const [left, top, wide, high] = [box.x, box.y, box.width, box.height].map(Math.round) as [
    number,
    number,
    number,
    number,
  ];
  const found = new Uint8Array(wide * high);
  for (let y = Math.max(0, -top); y < Math.min(high, height - top); y++)
    for (let x = Math.max(0, -left); x < Math.min(wide, width - left); x++)
      found[y * wide + x] = data[(top + y) * width + left + x]!;
  return { width: wide, height: high, data: found };
}

const boxText = (box: Box): string =>
  [box.x, box.y, box.width, box.height].map((value) => String(Math.round(value))).join(" ");

const capitalised = (name: string): string => `${name[0]!.toUpperCase()}${name.slice(1)}`;

/** How films were followed by a model, by those it is compared with, and by one that does not move. */
async function tallied(
  { evaluator, parameters, prepared: { size } }: Scoring<Film, PreparedFilms>,
  films: readonly Film[],
  onProgress?: (done: number) => void,
) {
  const found = await evaluator.predict(parameters, films, onProgress ? { onProgress } : {});
  const tracks = found.map(({ example, outputs }) => trackedOf(outputs, example.frames));
  const tally = (of: (index: number) => Track): TrackTally => {
    const own = new TrackTally(size, evaluator.grids.gazes);
    films.forEach((film, index) => {
      own.add(film, of(index));
    });
    return own;
  };
  return {
    tracks,
    own: tally((index) => tracks[index]!),
    beside: {
      ...Object.fromEntries(
        Object.keys(tracks[0]?.beside ?? {}).map((name) => [
          name,
          tally((index) => tracks[index]!.beside[name]!),
        ]),
      ),
      still: tally((index) => stillTrack(films[index]!, size)),
    },
  };
}

/** Where something is, frame by frame, from a film and where it is first. */
export const tracking: Task<Film, PreparedFilms, TrackingSizes, Tracked> = {
  id: "tracking",
  examples: "films",
  words: { example: "film", place: "part of what it follows", decision: "frame", cause: "stretch of frames" },
  takes: "films",
  defaults: {
    data: "films",
    batch: 8,
    targets: 1,
    learningRate: 0.001,
    optimizer: { name: "adam" },
    clip: 100,
    labelSmoothing: 0,
  },
  scores: [
    { id: "error", title: "pixels off", unit: "points", better: "lower", primary: true },
    { id: "lost", title: "frames lost", unit: "share", better: "lower" },
    { id: "gold", title: "gazes at what is not hidden", unit: "share", better: "higher" },
  ],
  prepare({ size }) {
    if (!size) throw new RegardError("the data does not say how large its frames are.");
    return { size };
  },
  restored(stored) {
    const size = (stored as Partial<PreparedFilms> | undefined)?.size;
    if (!Array.isArray(size))
      throw new RegardError("the run holds no size of frames; it is of another task.");
    return { size: size as unknown as PreparedFilms["size"] };
  },
  describe: ({ size: [height, width] }) => `frames of ${width} × ${height} pixels`,
  sizes: ({ size }) => ({ frame: size }),
  inputs: ({ frame }) => ({
    frames: input("frames", "float32", ["steps", "batch", ...frame]),
    first: input("first", "float32", ["batch", 4]),
  }),
  targets: (_, batch) => ({
    boxes: input("boxes", "float32", ["steps", batch, 4]),
    known: input("known", "float32", ["steps", batch]),
  }),
  sizing: {
    options: z.object({
      frame: z
        .tuple([z.int().min(8).max(1024), z.int().min(8).max(1024)])
        .default([96, 120])
        .describe("height and width of the frames"),
    }),
    of: (_, { size }) => ({ frame: [...size] }),
    sizes: ({ frame: [height, width] }) => ({ frame: [height, width] }),
    lengths: { steps: 60 },
  },
  length: ({ frames }) => frames,
  async collate(films, { size }, use) {
    const stretches = films.map((film) => stretchOf(film, use));
    const frames = framesValue(
      await Promise.all(films.map((film, index) => framesOf(film, stretches[index]!, size))),
      size,
    );
    const first = firstValue(
      films.map((film, index) => placeOfBox(film.boxes?.()[stretches[index]![0]] ?? film.first, size)),
    );
    if (use.kind === "ask") return { values: { frames, first }, decisions: [] };
    const places = films.map(({ boxes }, index) => {
      const [from, count] = stretches[index]!;
      const right = boxes?.();
      // The first is given.
      return Array.from({ length: count }, (_, step) =>
        step === 0 || !right ? undefined : placeOfBox(right[from + step]!, size),
      );
    });
    return {
      values: { frames, first, ...targetValues(places) },
      decisions: stretches.map(([, count]) => count),
    };
  },
  drive: { kind: "rows", of: "frames" },
  async validate(scoring, films) {
    const { own } = await tallied(scoring, films);
    return { loss: own.loss, ...own.scores };
  },
  async report(scoring, films, { onProgress }) {
    const { tracks, own, beside } = await tallied(scoring, films, onProgress);
    const { size } = scoring.prepared;
    return {
      metrics: {
        loss: own.loss,
        ...own.scores,
        ...Object.assign(
          {},
          ...Object.entries(beside).map(([name, { scores }]) =>
            Object.fromEntries(
              Object.entries(scores ?? {}).map(([id, value]) => [id + capitalised(name), value]),
            ),
          ),
        ),
      },
      breakdown: {
        measure: "frames lost",
        by: "frame",
        ranges: rangesOf(own.byFrame),
      },
      outputs: films.map((film, index) => ({
        source: film.name,
        output: boxText(boxOfPlace(tracks[index]!.places.at(-1)!, size)),
        references: film.boxes ? [boxText(film.boxes().at(-1)!)] : [],
      })),
    };
  },
  form: ({ size }) => [
    {
      name: "film",
      title: "Film and the box of its first frame",
      kind: "film",
      size,
      channels: 1,
      boxed: true,
    },
  ],
  example: ({ film }, { size }) => filmOf(film, size),
  card: async (film) => ({ title: film.name, url: pngUrl(await film.frame(0)), expected: [] }),
  title: ({ name }) => name,
  async places(film, _, { grids }) {
    const image = await film.frame(0);
    const [rows, columns] = grids?.gazes ?? [1, 1];
    const span = Math.ceil(film.frames / PARTS);
    return {
      frame: { kind: "canvas", image: pictureOf(image) },
      gazes: { kind: "grid", image: pictureOf(cut(image, film.first)), rows, columns },
      stretches: {
        kind: "tokens",
        labels: Array.from(
          { length: Math.ceil(film.frames / span) },
          (_one, part) => `frames ${part * span + 1}–${Math.min(film.frames, (part + 1) * span)}`,
        ),
      },
    };
  },
  read: (outputs, film) => trackedOf(outputs, film.frames),
  async show(film, tracked, { size }, { model: { grids } }) {
    const images = await Promise.all(Array.from({ length: film.frames }, (_, index) => film.frame(index)));
    const tally = (track: Track) => {
      const own = new TrackTally(size, grids?.gazes);
      own.add(film, track);
      return own.scores;
    };
    const told = Object.entries({
      "as it looked": tracked,
      ...tracked.beside,
      still: stillTrack(film, size),
    }).flatMap(([name, track]) => {
      const scores = tally(track);
      return scores
        ? [
            `${name}: ${scores.error.toFixed(1)} pixels off, ${(100 * scores.lost).toFixed(0)} % of frames lost`,
          ]
        : [];
    });
    const right = film.boxes?.();
    const own = tally(tracked);
    return {
      output: boxText(boxOfPlace(tracked.places.at(-1)!, size)),
      steps: tracked.places.map((place, index) => {
        const gold = grids?.gazes && seenPart(film, index, grids.gazes);
        const pointed = gold !== undefined && tracked.gazes?.[index] === gold;
        return {
          label: String(index + 1),
          piece: boxText(boxOfPlace(place, size)),
          images: { frame: pictureOf(images[index]!) },
          ...(gold !== undefined && { looked: { pointed, mass: pointed ? 1 : 0 } }),
        };
      }),
      blocks: told.length > 0 ? [{ kind: "text", title: "How far off", text: told.join("; ") }] : [],
      ...(own && { right: own.lost === 0 }),
      references: right ? [boxText(right.at(-1)!)] : [],
    };
  },
  taken: ({ places }) => targetValues([places]),
  likelihood: ({ box }, { boxes, known }) => neg(boxLosses(box!, boxes!, known!)),
  variants({ frames, first }) {
    const [steps, , height, width] = frames!.shape as [number, number, number, number];
    const size = height * width;
    const span = Math.ceil(steps / PARTS);
    const count = Math.ceil(steps / span);
    const data = new Float32Array(steps * (1 + count) * size);
    for (let step = 0; step < steps; step++) {
      const frame = (frames!.data as Float32Array).subarray(step * size, (step + 1) * size);
      const mean = frame.reduce((a, b) => a + b, 0) / size;
      for (let column = 0; column <= count; column++) {
        const start = (step * (1 + count) + column) * size;
        if (column > 0 && Math.floor(step / span) === column - 1) data.fill(mean, start, start + size);
        else data.set(frame, start);
      }
    }
    const place = Array.from(first!.data) as unknown as Place;
    return {
      over: "stretches",
      count,
      values: {
        frames: { dtype: "float32", shape: [steps, 1 + count, height, width], data },
        first: firstValue(new Array<Place>(1 + count).fill(place)),
      },
    };
  },
  without: "once a stretch of frames is as bright as its mean all over",
};

/** How many frames were lost in per cent, some frames at a time. */
function rangesOf(byFrame: readonly ({ lost: number; frames: number } | undefined)[]) {
  return Array.from({ length: Math.ceil(byFrame.length / TOLD) }, (_, range) => {
    const frames = byFrame.slice(range * TOLD, (range + 1) * TOLD).flatMap((one) => one ?? []);
    const sum = (of: (one: { lost: number; frames: number }) => number) =>
      frames.reduce((total, one) => total + of(one), 0);
    return {
      from: range * TOLD + 1,
      to: Math.min(byFrame.length, (range + 1) * TOLD),
      examples: sum((one) => one.frames),
      score: (100 * sum(({ lost }) => lost)) / sum((one) => one.frames),
    };
  }).filter(({ examples }) => examples > 0);
}
