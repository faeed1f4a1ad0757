import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readClips, splitsOfClips } from "./clips.node.js";
import { encodePng } from "./image.node.js";
import { readNpy } from "./npy.js";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "regard-clips-"));
});
afterAll(() => rm(root, { recursive: true }));

/** One colour all over. */
const png = (red: number, width = 11, height = 9) =>
  encodePng({
    width,
    height,
    data: Uint8Array.from({ length: 3 * width * height }, (_, at) => (at % 3 ? 7 : red)),
  });

/** As numpy.save writes them. */
function npy(shape: readonly number[], values: readonly number[], descr = "<f4", order = "False"): Buffer {
  const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`;
  const header = `${text.padEnd(128 - 10 - 1)}\n`;
  const start = Buffer.from([
    0x93,
    0x4e,
    0x55,
    0x4d,
    0x50,
    0x59,
    1,
    0,
    header.length & 255,
    header.length >> 8,
  ]);
  const numbers = descr === "<f8" ? new Float64Array(values) : new Float32Array(values);
  return Buffer.concat([start, Buffer.from(header, "latin1"), Buffer.from(numbers.buffer)]);
}

async function folder(name: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<string> {
  const path = join(root, name);
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, file)), { recursive: true });
    await writeFile(join(path, file), content);
  }
  return path;
}

const LISTS = { "train.txt": "a\n", "val.txt": "b.mp4\n", "test.txt": "c\n" };
const TABLE = "video,caption\na.mp4,A dog runs.\na.mp4,A dog!\nb.mp4,A cat sits\nc.mp4,A dog sits\n";
const clipOf = async (name: string, reds: readonly number[]) =>
  Object.fromEntries(
    await Promise.all(
      reds.map(async (red, index) => [`${name}/frame${String(index + 8)}.png`, await png(red)]),
    ),
  );

test("folders of frames are read in the order of their numbers, with captions and splits", async () => {
  const path = await folder("frames", {
    "captions.csv": TABLE,
    ...LISTS,
    ...(await clipOf("videos/a", [10, 20, 30, 40])),
    ...(await clipOf("videos/b", [50])),
    ...(await clipOf("videos/c", [60, 70])),
  });
  expect(await splitsOfClips(path)).toEqual(["test", "validation"]);
  const { train, validation, tests } = await readClips(path, { frameSize: 8 });
  const [a] = train;
  expect(a).toMatchObject({ name: "a.mp4", frame: [8, 8, 3], count: 4 });
  expect(a!.captions).toEqual([
    ["a", "dog", "runs"],
    ["a", "dog"],
  ]);
  const data = await a!.frames();
  // frame8, frame9, frame10, frame11: not in the order of letters.
  expect([0, 1, 2, 3].map((frame) => data[frame * 3 * 64])).toEqual([10, 20, 30, 40]);
  expect([validation[0]!.name, tests.test![0]!.count]).toEqual(["b.mp4", 2]);
  // The first, the last and one between, at equal distances.
  const [fewer] = (await readClips(path, { frameSize: 8, mostFrames: 3 })).train;
  const kept = await fewer!.frames();
  expect([0, 1, 2].map((frame) => kept[frame * 3 * 64])).toEqual([10, 30, 40]);
});

test("features are read from .npy files, float64 as well", async () => {
  const path = await folder("features", {
    "captions.csv": TABLE,
    ...LISTS,
    "features/a.npy": npy([3, 2], [1, 2, 3, 4, 5, 6.5]),
    "features/b.npy": npy([1, 2], [7, 8], "<f8"),
    "features/c.npy": npy([2, 2], [0, 0, 0, 0]),
  });
  const { train, validation } = await readClips(path, {});
  expect(train[0]).toMatchObject({ frame: [2], count: 3 });
  expect(Array.from(await train[0]!.frames())).toEqual([1, 2, 3, 4, 5, 6.5]);
  expect(Array.from(await validation[0]!.frames())).toEqual([7, 8]);
});

const good = async () => ({ ...(await clipOf("b", [1])), ...(await clipOf("c", [1])) });

test.each<[string, () => Promise<Record<string, Uint8Array | string>>, (path: string) => string]>([
  [
    "of differing size",
    async () => ({ "a/1.png": await png(1), "a/2.png": await png(1, 11, 10) }),
    (path) =>
      `"${path}/a/2.png" is 11 × 10 pixels but 1.png is 11 × 9; the frames of a clip must be of one size, or leave such lines out with --skip-bad.`,
  ],
  [
    "with a missing frame",
    async () => ({ "a/f1.png": await png(1), "a/f3.png": await png(1) }),
    (path) =>
      `"${path}/a" has no frame 2: f3.png comes after f1.png; put the missing one there, or number the frames without gaps, or leave such lines out with --skip-bad.`,
  ],
  [
    "with two frames of one number",
    async () => ({ "a/f1.png": await png(1), "a/f01.png": await png(1) }),
    (path) =>
      `"${path}/a" has two frames with the number 1, f01.png and f1.png; leave one of them, or leave such lines out with --skip-bad.`,
  ],
  [
    "without frames",
    async () => ({ "a/notes.md": "none yet" }),
    (path) =>
      `"${path}/a" is an empty clip: it has no frames such as frame0001.png; put images whose names end in numbers there, or leave such lines out with --skip-bad.`,
  ],
  [
    "of a file that is no image",
    async () => ({ "a/1.png": "hello" }),
    (path) =>
      `"${path}/a/1.png" cannot be read as an image (Input file contains unsupported image format); give a JPEG, PNG, WebP, GIF, TIFF or AVIF file, or leave such lines out with --skip-bad.`,
  ],
  [
    "that is not there",
    async () => ({}),
    (path) =>
      `${path}/captions.csv: there is no folder of frames "a" and no "a.npy" in ${path}; put it there, or leave such lines out with --skip-bad.`,
  ],
  [
    "of features among frames",
    async () => ({ "a.npy": npy([1, 2], [1, 2]) }),
    (path) =>
      `${path}/b has frames of 64 × 64 × 3 but those of "a.mp4" are 2; all must be alike, or leave such lines out with --skip-bad.`,
  ],
  [
    "of features that is empty",
    async () => ({ "a.npy": npy([0, 2], []) }),
    (path) =>
      `"${path}/a.npy" is empty: it holds 0 frames of 2 features, or leave such lines out with --skip-bad.`,
  ],
])("a clip %s is named", async (name, files, message) => {
  const path = await folder(name, { "captions.csv": TABLE, ...LISTS, ...(await good()), ...(await files()) });
  await expect(readClips(path, {})).rejects.toThrow(
    expect.objectContaining({ name: "UsageError", message: message(path) }),
  );
});

test("a bad clip is left out and counted where that is asked for", async () => {
  const path = await folder("skipped", {
    "captions.csv": `${TABLE}d.mp4,A dog\n`,
    "train.txt": "a\nd\n",
    "val.txt": "b",
    ...(await clipOf("a", [1])),
    ...(await good()),
    "d/1.png": await png(1),
    "d/2.png": await png(1, 5, 5),
  });
  const { train, notes } = await readClips(path, { skipBad: true });
  expect(train.map(({ name }) => name)).toEqual(["a.mp4"]);
  expect(notes?.join(" ")).toContain(`"${path}/d/2.png" is 5 × 5 pixels`);
});

test.each<[string, Buffer, string]>([
  [
    "is another kind of file",
    Buffer.from("hello, this is no array"),
    '"x.npy" is no .npy file: it does not begin with "\\x93NUMPY"; save it with numpy.save.',
  ],
  [
    "is cut short",
    npy([2, 3], [1, 2, 3, 4, 5, 6]).subarray(0, 140),
    '"x.npy" has 12 bytes after its header but 24 for numbers of [2, 3]; it is cut short or damaged.',
  ],
  [
    "is cut short in its header",
    npy([2, 3], [1, 2, 3, 4, 5, 6]).subarray(0, 50),
    'the header of "x.npy" is damaged; save it again with numpy.save.',
  ],
  [
    "holds whole numbers",
    npy([1, 1], [1], "<i8"),
    '"x.npy" holds numbers of type "<i8" but should hold float32, float64 or uint8 (<f4, <f8, |u1); save it with array.astype("float32").',
  ],
  [
    "lies by columns",
    npy([1, 1], [1], "<f4", "True"),
    '"x.npy" lies column by column; save it with numpy.ascontiguousarray(array).',
  ],
  [
    "holds what is no number",
    npy([1, 2], [1, Number.NaN]),
    '"x.npy" holds NaN as its number 2; all must be finite.',
  ],
])("an .npy file that %s is named", (_, bytes, message) => {
  expect(() => readNpy(bytes, "x.npy")).toThrow(expect.objectContaining({ name: "UsageError", message }));
});
