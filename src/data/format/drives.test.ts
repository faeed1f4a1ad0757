import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { formatOf } from "../formats.node.js";
import { readDrives } from "./drives.node.js";

let folder: string;
const FRAMES = 821;

const image = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: "#336699" } })
    .png()
    .toBuffer();
const lines = (change: Readonly<Record<number, string>> = {}) => [
  "image,steering,speed",
  ...Array.from({ length: FRAMES }, (_, at) => change[at] ?? `images/a.png,${at / 1000},3`),
];
const log = (text: readonly string[]) => writeFile(join(folder, "driving_log.csv"), `${text.join("\n")}\n`);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-drives-"));
  await mkdir(join(folder, "images"));
  await writeFile(join(folder, "images", "a.png"), await image(160, 70));
  await writeFile(join(folder, "images", "b.png"), await image(160, 71));
});
afterAll(() => rm(folder, { recursive: true }));

test("a log is cut into stretches and split by blocks of time, none of which touches one of another split", async () => {
  await log(lines());
  expect((await formatOf(folder)).format.kind).toBe("drives");
  const { train, validation, tests, size } = await readDrives(folder);
  expect(size).toEqual([35, 80]);
  expect([train.length, validation.length, tests.test!.length]).toEqual([25, 6, 6]);
  expect([validation[0]!.name, tests.test![5]!.name, train[24]!.name]).toEqual([
    "frames 501 to 520",
    "frames 761 to 780",
    "frames 801 to 820",
  ]);
  expect(validation[0]!.steering![3]).toBe(0.503);
  expect(await validation[0]!.frame(19)).toMatchObject({ width: 80, height: 35 });
});

test.each([
  ["images/a.png,1.01,3", 'line 9: the steering is "1.01" but must be a number from -1 (left) to 1 (right)'],
  ["images/a.png,,3", 'line 9: the steering is "" but must be a number'],
  ["images/a.png,left,3", 'line 9: the steering is "left"'],
  [",0,3", "line 9: no image is named"],
  ["images/gone.png,0,3", "line 9: there is no image"],
  ["images/b.png,0,3", "b.png has 160 × 71 pixels but the first frame has 160 × 70"],
])("what cannot be used is named with its file and line: %s", async (line, message) => {
  await log(lines({ 7: line }));
  await expect(readDrives(folder)).rejects.toThrow(message);
});

test("a log without its columns, or too short for blocks of time, is refused", async () => {
  await log(["file,angle", "a.png,0"]);
  await expect(readDrives(folder)).rejects.toThrow(
    "line 1: the columns are file, angle, but image and steering",
  );
  await log(lines().slice(0, 700));
  await expect(readDrives(folder)).rejects.toThrow("has 699 frames, but 800 are needed");
});

test("folders with a log each are the splits that they are called", async () => {
  const own = join(folder, "splits");
  const counts = { train: 47, validation: 20, "test-night": 63 };
  const write = async (split: string, frames: number) => {
    await mkdir(join(own, split), { recursive: true });
    await writeFile(join(own, split, "a.png"), await image(80, 35));
    const rows = Array.from({ length: frames }, (_, at) => `a.png,${at / 100}`);
    await writeFile(join(own, split, "driving_log.csv"), ["image,steering", ...rows, ""].join("\n"));
  };
  for (const [split, frames] of Object.entries(counts)) await write(split, frames);
  expect((await formatOf(own)).format.kind).toBe("drives");
  const { train, validation, tests, size } = await readDrives(own);
  expect(size).toEqual([35, 80]);
  expect([train.length, validation.length, tests["test-night"]!.length]).toEqual([2, 1, 3]);
  expect(train[1]).toMatchObject({ name: "train, frames 21 to 40", frames: 20 });
  expect(train[1]!.steering![19]).toBe(0.39);
  await write("validation", 19);
  await expect(readDrives(own)).rejects.toThrow(
    "driving_log.csv has 19 frames, but a stretch takes 20; give more.",
  );
  await write("validation", 0);
  await expect(readDrives(own)).rejects.toThrow("driving_log.csv names no frames; give a line for each.");
});
