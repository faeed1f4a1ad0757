import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { formatOf } from "../formats.node.js";
import { readQuestions } from "./questions.node.js";

let root: string;
let folder: string;
const size = [20, 10] as const;
const IMAGES = 60;

const nameOf = (index: number) => `${String(index).padStart(2, "0")}.png`;
const image = (shade: number) =>
  sharp({ create: { width: 40, height: 20, channels: 3, background: { r: shade, g: 7, b: 9 } } })
    .png()
    .toBuffer();

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "regard-question-files-"));
});
afterAll(() => rm(root, { recursive: true }));
let number = 0;
beforeEach(async () => {
  folder = join(root, String(number++));
  await mkdir(join(folder, "images"), { recursive: true });
});

/** Images, and a table of two questions about each. */
async function table(change: Readonly<Record<number, string>> = {}, head = "image,question,answer") {
  for (let index = 0; index < IMAGES; index++)
    await writeFile(join(folder, "images", nameOf(index)), await image(4 * index));
  const lines = Array.from({ length: IMAGES }, (_, index) => [
    `${nameOf(index)},"What's here, and where?",Thing ${index % 3}`,
    `${nameOf(index)},is it red?,no`,
  ]).flat();
  const changed = [head, ...lines].map((line, index) => change[index + 1] ?? line);
  await writeFile(join(folder, "questions.csv"), `${changed.join("\n")}\n`);
}

const read = (more: object = {}) => readQuestions(folder, { size, ...more });

test("a table is read in lower case and without punctuation, all questions of an image in one split", async () => {
  await table();
  const { format, splits } = await formatOf(folder);
  expect({ kind: format.kind, splits }).toEqual({
    kind: "visual questions",
    splits: ["test", "validation"],
  });
  const { train, validation, tests, size: found } = await read();
  expect(found).toEqual(size);
  const all = [...train, ...validation, ...tests.test!];
  expect(all).toHaveLength(2 * IMAGES);
  expect(new Set(all.map(({ name }) => name)).size).toBe(IMAGES);
  for (const part of [train, validation, tests.test!])
    expect(new Set(part.map(({ name }) => name)).size).toBe(part.length / 2);
  expect(train[0]).toMatchObject({ answer: expect.stringMatching(/^thing \d$/) });
  expect(train[0]!.question.join(" ")).toMatch(/^what's here and where$/);
  const { width, height, data } = await train[2]!.pixels();
  expect([width, height, data[1]]).toEqual([10, 20, 7]);
});

test("lists say what is trained on, kinds and evidence are read, and boxes are brought to the size of the images", async () => {
  await table();
  await writeFile(
    join(folder, "questions.csv"),
    [
      "image,question,answer,kind,evidence",
      "00.png,what is it?,a thing,of things,4 2 8 6; 0 0 40 20",
      "01.png,is it?,no,,",
      "02.png,is it?,maybe,,",
      "",
    ].join("\n"),
  );
  await writeFile(join(folder, "train.txt"), "00.png\n");
  await writeFile(join(folder, "val.txt"), "01.png\n");
  await writeFile(join(folder, "test.txt"), "02.png\n");
  const { train, validation, tests, notes } = await read();
  expect(train).toMatchObject([
    {
      kind: "of things",
      evidence: [
        { x: 1, y: 2, width: 2, height: 6 },
        { x: 0, y: 0, width: 10, height: 20 },
      ],
    },
  ]);
  expect(validation[0]).not.toHaveProperty("evidence");
  expect(tests.test).toHaveLength(1);
  expect(notes!.join(" ")).toContain(
    '1 of the 1 questions of test have an answer that none of train has, such as "maybe", so they count as errors.',
  );
});

test("a folder for each split with a list of questions, answers and numbers of images is read as easy-VQA has it", async () => {
  for (const split of ["train", "test"]) {
    await mkdir(join(folder, split, "images"), { recursive: true });
    for (let index = 0; index < IMAGES; index++)
      await writeFile(join(folder, split, "images", `${index}.png`), await image(index));
    const entries = Array.from({ length: IMAGES }, (_, index) => ["what is it?", `no ${index % 2}`, index]);
    await writeFile(join(folder, split, "questions.json"), JSON.stringify(entries));
  }
  const { splits } = await formatOf(folder);
  expect(splits).toEqual(["test", "validation"]);
  const { train, validation, tests } = await read();
  expect(tests.test).toHaveLength(IMAGES);
  expect(train.length + validation.length).toBe(IMAGES);
  expect(validation.length).toBeGreaterThan(0);
  expect(train[0]!.name).toBe("train/0.png");
});

test.each([
  ["00.png,,no", "line 2: the question has no words; fill it in"],
  ["00.png,?!,no", "line 2: the question has no words; fill it in"],
  ["00.png,is it?,", 'line 2: the answer to "is it?" is empty; fill it in'],
  ["gone.png,is it?,no", 'there is no image "gone.png" in '],
  ["00.png,is it?", "line 2: there are 2 columns where the first line has 3; add the rest"],
  ["00.png,is it, or not?,no", "line 2: there are 4 columns where the first line has 3; put what has commas"],
])("what cannot be used is named with its file and line, or left out: %s", async (line, message) => {
  await table({ 2: line });
  await expect(read()).rejects.toThrow(message);
  const { train, validation, tests, notes } = await read({ skipBad: true });
  expect(train.length + validation.length + tests.test!.length).toBe(2 * IMAGES - 1);
  expect(notes!.join(" ")).toContain("1 line was left out");
});

test("an image that cannot be decoded is named", async () => {
  await table();
  await writeFile(join(folder, "images", nameOf(7)), "no image");
  await expect(read()).rejects.toThrow('"07.png" cannot be read as an image');
});

test("wrong columns, evidence outside the image, and lists that are none are refused", async () => {
  await table({}, "picture,question,reply");
  await expect(read()).rejects.toThrow(
    'has the columns "picture", "question", "reply"; its first line must name the columns "image", "question", "answer".',
  );
  await table({ 2: "00.png,is it?,no,30 2 20 6" }, "image,question,answer,evidence");
  await expect(read()).rejects.toThrow("there are 3 columns where the first line has 4");
  const boxed = Object.fromEntries(
    Array.from({ length: 2 * IMAGES }, (_, line) => [line + 2, `${nameOf(line >> 1)},is it?,no,1 2 3 4`]),
  );
  await table({ ...boxed, 2: "00.png,is it?,no,30 2 20 6" }, "image,question,answer,evidence");
  await expect(read()).rejects.toThrow(
    "line 2: the evidence reaches from 30, 2 to 50, 8, but the frame has 40 × 20 pixels; give one inside it",
  );
  await rm(join(folder, "questions.csv"));
  await mkdir(join(folder, "train", "images"), { recursive: true });
  const list = join(folder, "train", "questions.json");
  await writeFile(list, "[[1, 2]");
  await expect(read()).rejects.toThrow("is no JSON in UTF-8");
  await writeFile(list, '{"questions": []}');
  await expect(read()).rejects.toThrow("holds no list; give a list of [question, answer, image].");
  await writeFile(list, '[["what?", "this", 1.5]]');
  await expect(read()).rejects.toThrow('entry 1: ["what?","this",1.5] is no [question, answer, image]');
  await rm(join(folder, "train"), { recursive: true });
  await expect(read()).rejects.toThrow(
    "has no questions.csv, and no folder of a split with a questions.json",
  );
});
