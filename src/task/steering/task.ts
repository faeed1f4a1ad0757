import { z } from "zod";
import type { Image } from "../../attention/index.js";
import { Random, RegardError, UsageError } from "../../core/index.js";
import { type Drive, type Pixels, pngUrl } from "../../data/index.js";
import type { SteeringSizes } from "../../models/index.js";
import { abs, div, input, mul, sub } from "../../ops/index.js";
import type { Value, Values } from "../../session/index.js";
import type { Scoring, Task, Use } from "../contract.js";
import { withoutCells } from "../cover.js";
import { framesOf } from "../form.js";
import { causalAttention, causalScores, counterfactual } from "./causal.js";

/** How large the frames of training are. */
export interface PreparedDrives {
  readonly size: readonly [height: number, width: number];
}

/** Frames that a step of training reads, from anywhere in a drive on (Kim & Canny 2017 take 20). */
const STRETCH = 20;
/** Rows and columns of the parts of a frame whose causal effect is measured. */
const PARTS = [5, 10] as const;
/** The spread of the Laplace density by which a likelihood is told of a steering. */
const SPREAD = 0.05;

/** Where a stretch of a drive begins, and how many frames it has. */
function stretchOf(drive: Drive, use: Use): readonly [from: number, count: number] {
  if (use.kind !== "train" || drive.frames <= STRETCH) return [0, drive.frames];
  const random = new Random(use.seed, `stretch ${drive.name}`, use.step);
  return [random.integer(drive.frames - STRETCH + 1), STRETCH];
}

/** Stretches side by side, [T, B, height, width, 3] from 0 to 1; black after the end of each. */
async function framesValue(
  drives: readonly Drive[],
  stretches: readonly (readonly [number, number])[],
  [height, width]: PreparedDrives["size"],
): Promise<Value> {
  const size = 3 * height * width;
  const steps = Math.max(...stretches.map(([, count]) => count));
  const data = new Float32Array(steps * drives.length * size);
  for (const [column, drive] of drives.entries()) {
    const [from, count] = stretches[column]!;
    for (let step = 0; step < count; step++) {
      const frame = await drive.frame(from + step);
      if (frame.width !== width || frame.height !== height)
        throw new UsageError(
          `frame ${from + step + 1} of "${drive.name}" is ${frame.width} × ${frame.height} pixels but the model reads ${width} × ${height}; bring it to that size.`,
        );
      const start = (step * drives.length + column) * size;
      for (let at = 0; at < size; at++) data[start + at] = frame.data[at]! / 255;
    }
  }
  return { dtype: "float32", shape: [steps, drives.length, height, width, 3], data };
}

/** Steering of stretches side by side, and where it is known: [T, B] each. */
function targetValues(stretches: readonly (readonly number[])[]): Values {
  const shape = [Math.max(...stretches.map(({ length }) => length)), stretches.length];
  const [steering, known] = [0, 1].map(() => new Float32Array(shape[0]! * shape[1]!)) as [
    Float32Array,
    Float32Array,
  ];
  stretches.forEach((values, column) => {
    values.forEach((value, step) => {
      steering[step * stretches.length + column] = value;
      known[step * stretches.length + column] = 1;
    });
  });
  return {
    steering: { dtype: "float32", shape, data: steering },
    known: { dtype: "float32", shape, data: known },
  };
}

const steeringOf = (drive: Drive): readonly number[] => {
  if (!drive.steering)
    throw new UsageError(`"${drive.name}" does not say how it is steered; give its steering.`);
  return drive.steering;
};

/** Mean absolute errors over all frames: of a model, of a wheel that stays straight, and of one that stays as it was a frame before. */
function errorsOf(drives: readonly Drive[], said: readonly (readonly number[])[]) {
  let [own, straight, last, frames, later] = [0, 0, 0, 0, 0];
  drives.forEach((drive, index) => {
    const right = steeringOf(drive);
    for (let frame = 0; frame < drive.frames; frame++) {
      own += Math.abs(said[index]![frame]! - right[frame]!);
      straight += Math.abs(right[frame]!);
      frames++;
      if (frame === 0) continue;
      last += Math.abs(right[frame]! - right[frame - 1]!);
      later++;
    }
  });
  return {
    error: own / frames,
    errorStraight: straight / frames,
    ...(later > 0 && { errorLast: last / later }),
  };
}

const saidOf = ({ steering }: Values, { frames }: Drive): number[] =>
  Array.from(steering!.data.subarray(0, frames));

async function predicted(
  { evaluator, parameters }: Scoring<Drive, PreparedDrives>,
  drives: readonly Drive[],
  onProgress?: (done: number) => void,
): Promise<number[][]> {
  const found = await evaluator.predict(parameters, drives, onProgress ? { onProgress } : {});
  return found.map(({ outputs, example }) => saidOf(outputs, example));
}

const pictureOf = ({ width, height, data }: Pixels): Image => ({
  width,
  height,
  url: pngUrl({ width, height, data }),
});

const signed = (value: number): string => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;

const meanText = (values: readonly number[]): string =>
  `${signed(values.reduce((a, b) => a + b, 0) / values.length)} on average`;

/** How to steer, frame by frame, from what a car sees. */
export const steering: Task<Drive, PreparedDrives, SteeringSizes, readonly number[]> = {
  id: "road-steering",
  examples: "drives",
  words: { example: "drive", place: "part of the frame", decision: "frame", cause: "part of the frames" },
  takes: "drives",
  defaults: {
    data: "road",
    batch: 8,
    targets: 1,
    learningRate: 0.001,
    optimizer: { name: "adam" },
    clip: 5,
    labelSmoothing: 0,
  },
  scores: [{ id: "error", title: "mean absolute error", unit: "points", better: "lower", primary: true }],
  prepare({ size }) {
    if (!size) throw new RegardError("the data does not say how large its frames are.");
    return { size };
  },
  restored(stored) {
    const size = (stored as Partial<PreparedDrives> | undefined)?.size;
    if (!Array.isArray(size))
      throw new RegardError("the run holds no size of frames; it is of another task.");
    return { size: size as unknown as PreparedDrives["size"] };
  },
  describe: ({ size: [height, width] }) => `frames of ${width} × ${height} pixels in colour`,
  sizes: ({ size }) => ({ frame: size }),
  inputs: ({ frame }) => ({ frames: input("frames", "float32", ["steps", "batch", ...frame, 3]) }),
  targets: (_, batch) => ({
    steering: input("steering", "float32", ["steps", batch]),
    known: input("known", "float32", ["steps", batch]),
  }),
  sizing: {
    options: z.object({
      frame: z
        .tuple([z.int().min(8).max(1024), z.int().min(8).max(1024)])
        .default([40, 80])
        .describe("height and width of the frames"),
    }),
    of: (_, { size }) => ({ frame: [...size] }),
    sizes: ({ frame: [height, width] }) => ({ frame: [height, width] }),
    lengths: { steps: STRETCH },
  },
  length: ({ frames }) => frames,
  async collate(drives, { size }, use) {
    const stretches = drives.map((drive) => stretchOf(drive, use));
    const frames = await framesValue(drives, stretches, size);
    if (use.kind === "ask") return { values: { frames }, decisions: [] };
    const right = drives.map((drive, index) => {
      const [from, count] = stretches[index]!;
      return steeringOf(drive).slice(from, from + count);
    });
    return { values: { frames, ...targetValues(right) }, decisions: stretches.map(([, count]) => count) };
  },
  drive: { kind: "rows", of: "frames" },
  async validate(scoring, drives) {
    const { error } = errorsOf(drives, await predicted(scoring, drives));
    return { loss: error, error };
  },
  async report(scoring, drives, { onProgress }) {
    const said = await predicted(scoring, drives, onProgress);
    const errors = errorsOf(drives, said);
    const moves = [
      ["movedByLane", await counterfactual(scoring, drives, "lane")],
      ["movedBySign", await counterfactual(scoring, drives, "sign")],
    ] as const;
    return {
      metrics: {
        loss: errors.error,
        ...errors,
        ...(await causalScores(scoring, drives)),
        ...Object.fromEntries(moves.flatMap(([name, moved]) => (moved === undefined ? [] : [[name, moved]]))),
      },
      outputs: drives.map((drive, index) => ({
        source: drive.name,
        output: meanText(said[index]!),
        references: drive.steering ? [meanText(drive.steering)] : [],
      })),
    };
  },
  form: ({ size }) => [
    { name: "film", title: "Frames, in order", kind: "film", size, channels: 3, boxed: false },
  ],
  example({ film }, { size }) {
    const frames = framesOf(film, size, 3);
    return { name: "the film", frames: frames.length, frame: async (index) => frames[index]! };
  },
  card: async (drive) => ({
    title: drive.name,
    url: pngUrl(await drive.frame(0)),
    expected: drive.steering ? [meanText(drive.steering)] : [],
  }),
  title: ({ name }) => name,
  async places(drive, _, { grids }) {
    const image = pictureOf(await drive.frame(0));
    const grid = grids?.image;
    return {
      ...(grid && { image: { kind: "grid", image, rows: grid[0], columns: grid[1] } as const }),
      parts: { kind: "grid", image, rows: PARTS[0], columns: PARTS[1] },
    };
  },
  read: saidOf,
  async show(drive, said) {
    const images = await Promise.all(
      Array.from({ length: drive.frames }, async (_, index) => pictureOf(await drive.frame(index))),
    );
    const right = drive.steering;
    return {
      output: meanText(said),
      steps: said.map((value, index) => ({
        label: String(index + 1),
        piece: signed(value),
        images: { image: images[index]!, parts: images[index]! },
      })),
      blocks: [
        {
          kind: "text",
          title: "Steering by frame, −1 left to +1 right",
          text: said
            .map((value, index) => (right ? `${signed(value)} (${signed(right[index]!)})` : signed(value)))
            .join("  "),
        },
      ],
      references: right ? [meanText(right)] : [],
    };
  },
  taken: (said) => targetValues([said]),
  likelihood: (outputs, targets) =>
    mul(div(abs(sub(outputs.steering!, targets.steering!)), -SPREAD), targets.known!),
  variants({ frames }) {
    const [steps, , height, width, channels] = frames!.shape as [number, number, number, number, number];
    const size = height * width * channels;
    const count = PARTS[0] * PARTS[1];
    const data = new Float32Array(steps * (1 + count) * size);
    for (let step = 0; step < steps; step++) {
      const frame: Value = {
        dtype: "float32",
        shape: [1, height, width, channels],
        data: (frames!.data as Float32Array).subarray(step * size, (step + 1) * size),
      };
      data.set(withoutCells(frame, PARTS).data as Float32Array, step * (1 + count) * size);
    }
    return {
      over: "parts",
      count,
      values: { frames: { dtype: "float32", shape: [steps, 1 + count, height, width, channels], data } },
    };
  },
  async further(scoring, drive) {
    const look = await causalAttention(scoring, drive);
    return look
      ? [{ look, about: "the attention without blobs that, masked one by one, do not move the wheel" }]
      : [];
  },
  without: "once a part of every frame is covered with its mean",
};
