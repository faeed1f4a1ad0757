import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseIdx } from "./idx.js";
import { readIdx, splitsOfIdx } from "./idx.node.js";

const header = (magic: number, ...sizes: number[]) => {
  const bytes = Buffer.alloc(4 + 4 * sizes.length);
  bytes.writeUInt32BE(magic);
  sizes.forEach((size, axis) => {
    bytes.writeUInt32BE(size, 4 + 4 * axis);
  });
  return bytes;
};
const images = (count: number, height = 3, width = 5) =>
  Buffer.concat([
    header(0x803, count, height, width),
    Buffer.from(Array.from({ length: count * height * width }, (_, index) => index % 251)),
  ]);
const labels = (...values: number[]) => Buffer.concat([header(0x801, values.length), Buffer.from(values)]);

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "regard-idx-"));
});
afterAll(() => rm(root, { recursive: true }));

async function folder(name: string, files: Readonly<Record<string, Buffer>>): Promise<string> {
  const path = join(root, name);
  await mkdir(path);
  for (const [file, bytes] of Object.entries(files)) await writeFile(join(path, file), bytes);
  return path;
}

const TRAIN = "train-images-idx3-ubyte";
const TRAIN_LABELS = "train-labels-idx1-ubyte";

test("images and labels are read by split, packed or not, the last of training for validation", async () => {
  const path = await folder("whole", {
    [`${TRAIN}.gz`]: gzipSync(images(13)),
    [TRAIN_LABELS]: labels(...Array.from({ length: 13 }, (_, index) => index % 7)),
    "t10k-images.idx3-ubyte": images(2),
    "t10k-labels.idx1-ubyte": labels(6, 5),
  });
  expect(await splitsOfIdx(path)).toEqual(["test", "validation"]);
  const data = await readIdx(path, { seed: 1 });
  expect(data.size).toEqual([3, 5]);
  expect([data.train.length, data.validation.length, data.tests.test!.length]).toEqual([12, 1, 2]);
  expect(data.notes).toEqual([
    "the last 1 of 13 training images are validated on, since no file is for that.",
    "2 of the 2 images of test are the same as one of train, so scores on test tell of memory as well.",
  ]);
  expect(data.train.map(({ label }) => label)).toEqual([0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4]);
  expect(data.validation[0]).toMatchObject({ name: "validation 0", label: 5 });
  // Of fewer to train on, the same are validated on.
  const few = await readIdx(path, { seed: 1, limit: 5 });
  expect(few.train.map(({ label }) => label)).toEqual([0, 1, 2, 3, 4]);
  expect(few.validation.map(({ label }) => label)).toEqual([5]);
  const second = await data.train[1]!.pixels();
  expect([second.width, second.height, ...second.data]).toEqual([
    5,
    3,
    ...Array.from({ length: 15 }, (_, i) => 15 + i),
  ]);
  // The first pixel of the first image alone is black.
  expect(data.train[0]!.boxes!()).toEqual([{ x: 0, y: 0, width: 5, height: 3 }]);
  expect(data.train[0]!.redrawn).toBeUndefined();
});

test("a set that training lacks a label for is none of its classes", async () => {
  const path = await folder("sets", {
    [TRAIN]: images(4),
    [TRAIN_LABELS]: labels(0, 2, 1, 0),
    "t10k-images.idx3-ubyte": images(2),
    "t10k-labels.idx1-ubyte": labels(3, 3),
  });
  const { classes, tests } = await readIdx(path, { seed: 1, things: 2, answer: "set", canvas: 30 });
  expect(classes).toEqual(["0 0", "0 1", "0 2", "1 1", "1 2", "2 2"]);
  expect(tests.test![0]).toMatchObject({ label: 6, called: "3 3" });
});

test("files are read by what they hold, whatever their names say of packing", async () => {
  const path = await folder("renamed", {
    [TRAIN]: gzipSync(images(2)),
    [`${TRAIN_LABELS}.gz`]: labels(1, 0),
  });
  expect((await readIdx(path, { seed: 1 })).train[0]!.label).toBe(1);
});

test("images that are in two splits, and classes that training does not show, are counted", async () => {
  const size = 15;
  const all = images(11).subarray(16);
  const stretch = (from: number, to: number) =>
    Buffer.concat([header(0x803, to - from, 3, 5), all.subarray(from * size, to * size)]);
  const path = await folder("mixed", {
    [TRAIN]: stretch(0, 7),
    [TRAIN_LABELS]: labels(1, 2, 4, 1, 2, 4, 1),
    "val-images-idx3-ubyte": stretch(7, 9),
    "val-labels-idx1-ubyte": labels(1, 2),
    "t10k-images-idx3-ubyte": stretch(5, 11),
    "t10k-labels-idx1-ubyte": labels(4, 1, 2, 7, 3, 7),
  });
  expect((await readIdx(path, { seed: 1 })).notes).toEqual([
    "2 of 5 classes have no image to train on (0, 3); labels count from 0.",
    "test has images of classes that none of train shows (3, 7), so they count as errors.",
    "2 of the 6 images of test are the same as one of train, so scores on test tell of memory as well.",
  ]);
});

test("a folder of something else has no splits", async () => {
  expect(
    await splitsOfIdx(await folder("other", { "captions.csv": Buffer.from("image,caption\n") })),
  ).toBeUndefined();
});

test.each<[string, Record<string, Buffer>, string]>([
  [
    "labels-for-images",
    { [TRAIN]: labels(1, 2, 3), [TRAIN_LABELS]: labels(1) },
    `/${TRAIN}: it begins with 0x00000801 but an IDX file of images begins with 0x00000803; give a file of unsigned bytes with 3 axes.`,
  ],
  [
    "floats",
    { [TRAIN]: images(2), [TRAIN_LABELS]: header(0xd01, 2) },
    `/${TRAIN_LABELS}: it begins with 0x00000d01 but an IDX file of labels begins with 0x00000801; give a file of unsigned bytes with one axis.`,
  ],
  [
    "cut",
    { [TRAIN]: images(2).subarray(0, 40), [TRAIN_LABELS]: labels(1, 2) },
    `/${TRAIN}: its header tells of 2 × 3 × 5 = 30 bytes but 24 follow; fetch it again.`,
  ],
  [
    "short",
    { [TRAIN]: images(2).subarray(0, 11), [TRAIN_LABELS]: labels(1, 2) },
    `/${TRAIN}: it ends after 11 bytes, inside its header of 16; fetch it again.`,
  ],
  [
    "uneven",
    { [TRAIN]: images(3), [TRAIN_LABELS]: labels(1, 2) },
    `/${TRAIN} has 3 images but ROOT/uneven/${TRAIN_LABELS} has 2 labels; give the two files that belong together.`,
  ],
  [
    "half-packed",
    { [`${TRAIN}.gz`]: gzipSync(images(2)).subarray(0, -9), [TRAIN_LABELS]: labels(1, 2) },
    `/${TRAIN}.gz cannot be unpacked (unexpected end of file); fetch it again.`,
  ],
  [
    "packed-and-not",
    { [TRAIN]: images(3), [`${TRAIN}.gz`]: gzipSync(images(2)), [TRAIN_LABELS]: labels(1, 2) },
    `: ${TRAIN} and ${TRAIN}.gz are the same but for how they are packed; leave one of them.`,
  ],
  [
    "unlabelled",
    { [TRAIN]: images(2) },
    `/${TRAIN} has no labels beside it; put ${TRAIN_LABELS} into the same folder.`,
  ],
  [
    "untrained",
    { "t10k-images-idx3-ubyte": images(2), "t10k-labels-idx1-ubyte": labels(1, 2) },
    " has no training images; it should hold train-images-idx3-ubyte and train-labels-idx1-ubyte, packed (.gz) or not.",
  ],
  [
    "sizes",
    {
      [TRAIN]: images(2),
      [TRAIN_LABELS]: labels(1, 2),
      "val-images-idx3-ubyte": images(2, 3, 7),
      "val-labels-idx1-ubyte": labels(1, 2),
    },
    "/val-images-idx3-ubyte: its images are 3 × 7 pixels but those read before are 3 × 5; all must be of one size.",
  ],
  [
    "one",
    { [TRAIN]: images(1), [TRAIN_LABELS]: labels(1) },
    `/${TRAIN} has 1 image; training and validation need one each.`,
  ],
  [
    "none",
    { [TRAIN]: images(0), [TRAIN_LABELS]: labels() },
    `/${TRAIN}: its images are 0 × 3 × 5, which is nothing.`,
  ],
])("%s: what is wrong is named", async (name, files, message) => {
  const path = await folder(name, files);
  await expect(readIdx(path, { seed: 1 })).rejects.toThrow(path + message.replace("ROOT", root));
});

test("a canvas smaller than the images is refused", async () => {
  const path = await folder("small", { [TRAIN]: images(3), [TRAIN_LABELS]: labels(1, 2, 3) });
  await expect(readIdx(path, { seed: 1, canvas: 4 })).rejects.toThrow(
    "a canvas of 4 pixels does not hold images of 5 × 3; give one of 5 or more.",
  );
  await expect(readIdx(path, { seed: 1, things: 3, canvas: 9 })).rejects.toThrow(
    "a canvas of 9 pixels does not hold 3 images of 5 × 3; give one of 10 or more.",
  );
  await expect(readIdx(path, { seed: 1, things: 2 })).rejects.toThrow(
    "a canvas of 5 pixels does not hold 2 images of 5 × 3; give one of 8 or more.",
  );
  await expect(readIdx(path, { seed: 1, answer: "sum" })).rejects.toThrow(
    'the answer "sum" is asked of several things but each canvas has one; give 2 things or more, or no answer.',
  );
});

test("a header that promises more than memory holds is refused by what follows it", () => {
  expect(() => parseIdx(header(0x803, 4_000_000_000, 4_000_000_000, 2), "huge", 3)).toThrow(
    "huge: its header tells of 4000000000 × 4000000000 × 2 = 32000000000000000000 bytes but 0 follow; fetch it again.",
  );
});
