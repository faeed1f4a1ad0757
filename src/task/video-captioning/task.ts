import { z } from "zod";
import { RegardError, UsageError } from "../../core/index.js";
import { type CaptionedClip, detokenise, type FrameShape } from "../../data/index.js";
import type { Decoded } from "../../decode/index.js";
import type { ClipSizes } from "../../models/index.js";
import { input } from "../../ops/index.js";
import {
  type CaptionSource,
  captionedBy,
  captionTokens,
  captionVocabulary,
} from "../captioning/captioned.js";
import type { Task } from "../contract.js";
import { clipOf } from "../form.js";
import { targetTokens } from "../targets.js";
import { describeVocabularies, restoredVocabularies, type Vocabularies } from "../vocabularies.js";
import { clipsValue, framesOfMask, picturesOf, withoutFrames } from "./frames.js";

/** The vocabulary of captions, what frames are, and how many a clip of training has at most. */
export interface PreparedClips extends Vocabularies {
  readonly frame: FrameShape;
  readonly most: number;
}

const storedFrame = z.object({
  frame: z.union([z.tuple([z.int(), z.int(), z.literal(3)]), z.tuple([z.int()])]),
  most: z.int(),
});

const clips: CaptionSource<CaptionedClip> = {
  objects: "events in the clip",
  grid: ({ count }) => ({ rows: 1, columns: count }),
  variants(values) {
    const count = values.source!.shape[1]!;
    const each = Array.from({ length: count }, (_, frame) => [frame]);
    return { over: "source", count, values: withoutFrames(values, each) };
  },
  without: (values, masks) => withoutFrames(values, masks.map(framesOfMask)),
};

/** A caption from a clip. */
export const videoCaptioning: Task<CaptionedClip, PreparedClips, ClipSizes, Decoded> = {
  ...captionedBy(clips),
  id: "video-captioning",
  examples: "captioned clips",
  words: { example: "clip", place: "frame", decision: "word", cause: "frame" },
  takes: "clips",
  defaults: {
    data: "clips",
    batch: 16,
    targets: 1,
    learningRate: 0.002,
    optimizer: { name: "adam" },
    clip: 1,
    labelSmoothing: 0,
  },
  prepare(data, options) {
    const [first] = data.train;
    if (!first) throw new UsageError("there are no clips to train on; give some.");
    const most = data.train.reduce((found, { count }) => Math.max(found, count), 0);
    return { ...captionVocabulary(data, options), frame: first.frame, most };
  },
  restored(stored) {
    const { success, data } = storedFrame.safeParse(stored);
    if (!success) throw new RegardError("the run does not say what its frames are; it is of another task.");
    return { ...restoredVocabularies(stored), ...data };
  },
  describe: ({ frame, most, ...vocabularies }) =>
    `${describeVocabularies(vocabularies)}, up to ${most} frames of ${frame.length === 1 ? `${frame[0]} features` : `${frame[0]} × ${frame[1]} pixels`}`,
  sizes: ({ target, frame }) => ({ target: target.size, frame }),
  inputs: ({ frame }) => ({
    source: input("source", "float32", ["batch", "frames", ...frame]),
    length: input("length", "int32", ["batch"]),
  }),
  sizing: {
    options: z.object({
      target: z.int().min(4).max(1_000_000).default(18).describe("words of the vocabulary"),
      image: z
        .tuple([z.int().min(8).max(1024), z.int().min(8).max(1024)])
        .default([24, 24])
        .describe("height and width of the frames"),
      features: z
        .int()
        .min(0)
        .max(65_536)
        .default(0)
        .describe("features of a frame, in place of its colours"),
    }),
    of: (_, { target, frame: [height, width] }) => ({
      target: target.size,
      ...(width === undefined ? { features: height } : { image: [height, width] }),
    }),
    sizes: ({ target, image: [height, width], features }) => ({
      target,
      frame: features > 0 ? [features] : [height, width, 3],
    }),
    lengths: { target: 15, frames: 22 },
  },
  length: ({ count }) => count,
  order: ({ count }) => count,
  writes: (example, { target }) => captionTokens(target)(example),
  async collate(examples, { target, frame }, use) {
    const values = await clipsValue(examples, frame);
    if (use.kind === "ask") return { values, decisions: [] };
    const { decisions, ...written } = targetTokens(examples, captionTokens(target), use);
    return { values: { ...values, ...written }, decisions };
  },
  form: ({ frame, most }) => [{ name: "clip", title: "Clip", kind: "clip", frame, longest: most }],
  example({ clip }, { frame, most }) {
    const { count, frames } = clipOf(clip, frame, most);
    return { name: "the clip", captions: [], frame, count, frames: async () => frames };
  },
  async card(clip) {
    const pictures = await picturesOf(clip);
    return {
      title: clip.name,
      url: pictures[Math.floor(clip.count / 2)]!.url,
      expected: clip.captions.map(detokenise),
    };
  },
  places: async (clip) => ({ source: { kind: "frames", images: await picturesOf(clip) } }),
  without: "once a frame is covered with the mean of all",
};
