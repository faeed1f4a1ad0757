import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { GreyImage } from "../contract.js";
import { formatOf } from "../formats.node.js";
import { filmOfFolder, readFilms, splitsOfFilms } from "./films.node.js";
import { encodePng } from "./image.node.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-films-"));
});
afterEach(() => rm(folder, { recursive: true }));

const shade = (frame: number, width = 17, height = 13): GreyImage => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height }, (_, pixel) => (10 * frame + pixel) % 256),
});

/** A film of some frames, numbered from 9 on, with boxes as a file has them. */
async function film(name: string, frames: number, boxes: string, file = "boxes.txt"): Promise<string> {
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  for (let frame = 0; frame < frames; frame++)
    await writeFile(join(path, `frame${frame + 9}.png`), await encodePng(shade(frame)));
  await writeFile(join(path, file), boxes);
  return path;
}

const three = "1,2,5,7\n2,2,5,7\n3,3,5,7\n";

test("films are read with their boxes, in the order of their numbers", async () => {
  await film("a", 3, three);
  await film("b", 2, "4 3 6.5 7\n", "groundtruth_rect.txt");
  const { train, validation, size, notes } = await readFilms(folder);
  expect(size).toEqual([13, 17]);
  expect([train, validation].map((films) => films.map(({ name }) => name))).toEqual([["a"], ["b"]]);
  expect(notes).toEqual(["the last 1 of 2 films are validated on, since no folder is for that."]);
  const [a, b] = [train[0]!, validation[0]!];
  expect(a.boxes!()).toEqual([1, 2, 3].map((x, index) => ({ x, y: [2, 2, 3][index], width: 5, height: 7 })));
  for (let frame = 0; frame < 3; frame++) expect((await a.frame(frame)).data).toEqual(shade(frame).data);
  expect([b.frames, b.first, b.boxes]).toEqual([2, { x: 4, y: 3, width: 6.5, height: 7 }, undefined]);
});

test("a folder of one film is trained and validated on, and folders by split are what they are called", async () => {
  await film("one", 3, three);
  const alone = await readFilms(join(folder, "one"));
  expect([alone.train, alone.validation].map((films) => films[0]!.name)).toEqual(["one", "one"]);
  expect(alone.notes).toEqual(["the one film is trained and validated on, since no other is there."]);
  await rm(join(folder, "one"), { recursive: true });
  for (const split of ["train", "val", "test"]) await film(`${split}/x`, 3, three);
  expect(await splitsOfFilms(folder)).toEqual(["test", "validation"]);
  const { train, validation, tests } = await readFilms(folder);
  expect([train, validation, tests.test].map((films) => films!.length)).toEqual([1, 1, 1]);
  expect((await formatOf(folder)).format.kind).toBe("films");
});

test("large frames are scaled down, with their boxes", async () => {
  const path = await film("large", 0, "100 50 200 40");
  for (let frame = 0; frame < 2; frame++)
    await writeFile(join(path, `${frame}.png`), await encodePng(shade(frame, 400, 100)));
  const { train, size, notes } = await readFilms(path);
  expect(size).toEqual([50, 200]);
  expect(train[0]!.first).toEqual({ x: 50, y: 25, width: 100, height: 20 });
  expect((await train[0]!.frame(1)).width).toBe(200);
  expect(notes![0]).toBe("frames are scaled from 400 × 100 to 200 × 50 pixels.");
  expect((await filmOfFolder(path, [50, 200])).frames).toBe(2);
});

const refused = (path = folder) => expect(readFilms(path)).rejects;

test("what cannot be used is named with its file", async () => {
  const path = await film("a", 3, three);
  await writeFile(join(path, "frame10.png"), await encodePng(shade(1, 16, 13)));
  await refused().toThrow(
    `${join(path, "frame10.png")} has 16 × 13 pixels but frame9.png has 17 × 13; all frames of a film must be of one size.`,
  );
  await rm(join(path, "frame10.png"));
  await refused().toThrow(
    `${path}: frame 10 is missing between frame9.png and frame11.png; put it there, or number the frames without a gap.`,
  );
  await copyFile(join(path, "frame9.png"), join(path, "other09.png"));
  await refused().toThrow(/frame9\.png and other09\.png are both frame 9; leave one of them\./);
  await rename(join(path, "other09.png"), join(path, "other.png"));
  await refused().toThrow(
    `${join(path, "other.png")} has no number at the end of its name; number the frames in order.`,
  );
  for (const name of ["frame9.png", "frame11.png", "other.png"]) await rm(join(path, name));
  await refused().toThrow(
    `${join(path, "img")} has no frames; put the images of the film there, numbered in order.`,
  );
  await rm(path, { recursive: true });
  await refused().toThrow(`${folder} has no films to train on`);
});

test("boxes that are none, outside, or too few are named with their line", async () => {
  const path = await film("a", 3, "1,2,5,7\n1,2,x,7\n3,3,5,7\n");
  const file = join(path, "boxes.txt");
  await refused().toThrow(
    `${file}:2: "1,2,x,7" is no box; give x, y, width and height in pixels, with commas or spaces between.`,
  );
  await writeFile(file, "13 2 5 7");
  await refused().toThrow(
    `${file}:1: the box reaches from 13, 2 to 18, 9, but the frame has 17 × 13 pixels; give one inside it.`,
  );
  await writeFile(file, "1 2 0 7");
  await refused().toThrow(`${file}:1: the box is 1 2 0 7, but a box is four numbers`);
  await writeFile(file, "1 2 5 7\n1 2 5 7\n");
  await refused().toThrow(`${file} has 2 boxes for 3 frames; give one for the first frame, or one for each.`);
  await writeFile(file, "");
  await refused().toThrow(`${file} has 0 boxes for 3 frames`);
  await writeFile(join(path, "groundtruth.txt"), three);
  await refused().toThrow("has both boxes.txt and groundtruth.txt; leave one");
  await rm(join(path, "groundtruth.txt"));
  await writeFile(file, three);
  await writeFile(join(path, "frame10.png"), "no image");
  await refused().toThrow('"frame10.png" cannot be read as an image');
});

test("films of differing sizes are refused, and a film for a model that reads another size", async () => {
  await film("a", 3, three);
  const other = await film("b", 0, "1 2 5 7");
  await writeFile(join(other, "1.png"), await encodePng(shade(0, 19, 13)));
  await refused().toThrow(
    `the frames of ${other} are 19 × 13 pixels but those of ${join(folder, "a")} 17 × 13; all films must be of one size.`,
  );
  await expect(filmOfFolder(other, [13, 17])).rejects.toThrow(
    `the frames of ${other} come to 19 × 13 pixels but the model reads 17 × 13; scale them, or train on films of their size.`,
  );
  await expect(filmOfFolder(join(folder, "none"), [13, 17])).rejects.toThrow("there is no such folder");
  await expect(filmOfFolder(folder, [13, 17])).rejects.toThrow(
    `${folder} is no film; it should hold numbered frames`,
  );
});
