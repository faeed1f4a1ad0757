import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import sharp, { type Color, type Sharp } from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../core/index.js";
import { AUGMENTATIONS } from "../contract.js";
import { ImageCache } from "../image.js";
import { splitOfName } from "./captions.js";
import { type CaptionOptions, readCaptions, splitsOfCaptions } from "./captions.node.js";
import { assertImage, augmentImage, MOST_PIXELS, readImage } from "./image.node.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-captions-"));
});
afterAll(() => rm(folder, { recursive: true }));

const SIZE = [16, 24] as const;
const red = { r: 220, g: 20, b: 30 };
const flat = (width: number, height: number, background: Color = red) =>
  sharp({ create: { width, height, channels: 3, background } });

/** A folder of images, with captions for them as a file. */
async function make(
  name: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  images: readonly string[],
) {
  const path = join(folder, name);
  await mkdir(join(path, "images"), { recursive: true });
  for (const [index, image] of images.entries())
    await writeFile(
      join(path, "images", image),
      await flat(20, 20, { ...red, g: 20 + index })
        .png()
        .toBuffer(),
    );
  for (const [file, content] of Object.entries(files)) await writeFile(join(path, file), content);
  return path;
}

const names = (count: number) => Array.from({ length: count }, (_, index) => `photo${index}.png`);
const table = (images: readonly string[]) =>
  `image,caption\n${images.map((image, index) => `${image},"A dog, number ${index}."\n${image},Another dog\n`).join("")}`;

async function read(path: string, options: Partial<CaptionOptions> = {}) {
  const data = await readCaptions(path, {
    size: SIZE,
    ...options,
  });
  return { data, warnings: data.notes! };
}

describe("captioned images", () => {
  test("a folder with a table is split by the names of the images, and read when they are needed", async () => {
    const images = names(60);
    const path = await make("plain", { "captions.csv": table(images) }, images);
    const { data, warnings } = await read(path);
    expect(warnings).toEqual([]);
    const all = [...data.train, ...data.validation, ...data.tests.test!];
    expect(all.map(({ name }) => name).sort()).toEqual([...images].sort());
    expect(data.validation.length).toBeGreaterThan(0);
    const [first] = all;
    expect(first!.captions[0]!.slice(0, 3)).toEqual(["a", "dog", "number"]);
    expect(first!.captions[1]).toEqual(["another", "dog"]);
    const pixels = await first!.pixels();
    expect([pixels.height, pixels.width, pixels.data.length]).toEqual([16, 24, 16 * 24 * 3]);
    expect([...pixels.data.slice(0, 3)]).toEqual([220, 20, 30]);
  });

  test("lists say what is in which split, and the file of captions may be named itself", async () => {
    const images = names(5);
    const path = await make(
      "listed",
      {
        "captions.txt": table(images),
        "train.txt": "photo0.png\nphoto1.png\n",
        "val.txt": "photo2.png\n",
        "test.txt": "photo3.png\r\n",
        "test-more.txt": "photo4.png\n",
      },
      images,
    );
    for (const place of [path, join(path, "captions.txt")]) {
      const { data } = await read(place);
      expect(data.train.map(({ name }) => name)).toEqual(["photo0.png", "photo1.png"]);
      expect(data.validation.map(({ name }) => name)).toEqual(["photo2.png"]);
      expect(Object.keys(data.tests)).toEqual(["test", "test-more"]);
    }
  });

  test("COCO's files are read", async () => {
    const images = names(4);
    const coco = (ids: readonly number[]) =>
      JSON.stringify({
        images: ids.map((id) => ({ id, file_name: `photo${id}.png` })),
        annotations: ids.flatMap((id) => [
          { image_id: id, caption: "Two dogs." },
          { image_id: id, caption: `Dog ${id}` },
        ]),
      });
    const path = await make(
      "coco",
      { "captions_train2017.json": coco([0, 1, 2]), "captions_val2017.json": coco([3]) },
      images,
    );
    const { data } = await read(path);
    expect(data.train.map(({ name }) => name)).toEqual(["photo0.png", "photo1.png", "photo2.png"]);
    expect(data.validation[0]!.captions).toEqual([
      ["two", "dogs"],
      ["dog", "3"],
    ]);
  });

  test("an unquoted caption may hold commas", async () => {
    const images = names(60);
    const lines = images.map((image) => `${image},A dog, a cat , and "more" .`);
    const path = await make("commas", { "captions.txt": `image,caption\n${lines.join("\n")}` }, images);
    const { data } = await read(path);
    expect(data.train[0]!.captions[0]).toEqual(["a", "dog", "a", "cat", "and", "more"]);
  });
});

/** A TIFF of grey values that are 32-bit floats, as scientific instruments write them. */
function floatTiff(width: number, height: number): Buffer {
  const tags = [
    [256, 4, width],
    [257, 4, height],
    [258, 3, 32],
    [259, 3, 1],
    [262, 3, 1],
    [273, 4, 8 + 2 + 10 * 12 + 4],
    [277, 3, 1],
    [278, 4, height],
    [279, 4, 4 * width * height],
    [339, 3, 3],
  ] as const;
  const head = Buffer.alloc(8 + 2 + tags.length * 12 + 4);
  head.write("II*\0", "latin1");
  head.writeUInt32LE(8, 4);
  head.writeUInt16LE(tags.length, 8);
  tags.forEach(([tag, type, value], index) => {
    const at = 10 + 12 * index;
    head.writeUInt16LE(tag, at);
    head.writeUInt16LE(type, at + 2);
    head.writeUInt32LE(1, at + 4);
    head.writeUInt32LE(value, at + 8);
  });
  return Buffer.concat([head, Buffer.from(new Float32Array(width * height).fill(0.5).buffer)]);
}

describe("bad input is named, or left out and counted", () => {
  const images = names(60);
  const whole = table(images);
  const cases: readonly [string, Record<string, string | Uint8Array>, string][] = [
    [
      "a caption for an image that is not there",
      { "captions.csv": `${whole}gone.png,A dog\n` },
      `there is no image "gone.png" in `,
    ],
    [
      "an empty caption",
      { "captions.csv": `${whole}photo3.png,\n` },
      `captions.csv, line 122: the caption of "photo3.png" has no words; fill it in`,
    ],
    [
      "a line with too few columns",
      { "captions.csv": `${whole}photo3.png\n` },
      "captions.csv, line 122: there are 1 columns where the first line has 2; add the rest",
    ],
  ];
  test.each(cases)("%s", async (name, files, message) => {
    const path = await make(name.replaceAll(" ", "-"), files, images);
    await expect(read(path)).rejects.toThrow(message);
    await expect(read(path)).rejects.toThrow("or leave such lines out with --skip-bad.");
    const { data, warnings } = await read(path, { skipBad: true });
    expect(data.train.length + data.validation.length + data.tests.test!.length).toBe(60);
    expect(warnings[0]).toMatch(/^1 line was left out; the first: /);
  });

  test("a file that is no image", async () => {
    const path = await make("no-image", { "captions.csv": whole }, images);
    await writeFile(join(path, "images", "photo7.png"), "not an image");
    await expect(read(path)).rejects.toThrow(
      /^"photo7\.png" cannot be read as an image \(.*\); give a JPEG, PNG, WebP, GIF, TIFF or AVIF file, or leave such lines out/,
    );
    const { data } = await read(path, { skipBad: true });
    expect(data.train.length + data.validation.length + data.tests.test!.length).toBe(59);
  });

  test("what only looks like an image, or holds no colours, is told by what it holds", async () => {
    const path = await make("content", { "captions.csv": whole }, images);
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><image href="photo1.png"/></svg>`;
    await writeFile(join(path, "images", "photo7.png"), svg);
    await expect(read(path)).rejects.toThrow('"photo7.png" holds SVG, whatever its name says; give a JPEG');
    await writeFile(join(path, "images", "photo7.png"), floatTiff(7, 5));
    await expect(read(path)).rejects.toThrow('"photo7.png" holds numbers of type float, not colours');
  });

  test("an image that breaks off is found before training, as everything that cannot be used is", async () => {
    const path = await make("cut", { "captions.csv": whole }, images);
    const noise = Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, index) => (index * 7919) % 251));
    const jpeg = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .jpeg()
      .toBuffer();
    await writeFile(join(path, "images", "photo11.png"), jpeg.subarray(0, jpeg.length / 2));
    await expect(read(path)).rejects.toThrow(/^"photo11\.png" cannot be decoded/);
    const { data, warnings } = await read(path, { skipBad: true });
    const all = [...data.train, ...data.validation, ...data.tests.test!];
    expect(all).toHaveLength(59);
    for (const image of all) await image.pixels();
    expect(warnings).toEqual([
      expect.stringMatching(/^1 line was left out; the first: "photo11\.png" cannot/),
    ]);
  });

  test("a quote that is not closed loses its own line alone", async () => {
    const lines = whole.trim().split("\n");
    const path = await make(
      "quote",
      {
        "captions.csv": [...lines.slice(0, 31), `photo2.png,"A dog that never ends`, ...lines.slice(31)].join(
          "\n",
        ),
      },
      images,
    );
    await expect(read(path)).rejects.toThrow(
      "captions.csv, line 32: a quote is opened and not closed on the line; close it, or leave such lines out with --skip-bad.",
    );
    const { data, warnings } = await read(path, { skipBad: true });
    const all = [...data.train, ...data.validation, ...data.tests.test!];
    expect(all).toHaveLength(60);
    expect(all.every(({ captions }) => captions.length === 2)).toBe(true);
    expect(warnings).toHaveLength(1);
  });

  test("one name in two folders is two images, told apart by their folders or refused", async () => {
    const path = await make("two", { "captions.csv": table(["images/same.png", "Images/same.png"]) }, [
      "same.png",
    ]);
    await mkdir(join(path, "Images"));
    await writeFile(
      join(path, "Images", "same.png"),
      await flat(20, 20, { r: 0, g: 0, b: 255 }).png().toBuffer(),
    );
    for (const [folderName, split] of [
      ["images", "train"],
      ["Images", "val"],
    ])
      await writeFile(join(path, `${split}.txt`), `${folderName}/same.png\n`);
    const { data } = await read(path);
    expect([...(await data.train[0]!.pixels()).data.slice(0, 3)]).toEqual([220, 20, 30]);
    expect([...(await data.validation[0]!.pixels()).data.slice(0, 3)]).toEqual([0, 0, 255]);
    await writeFile(join(path, "captions.csv"), table(["same.png"]));
    await expect(read(path)).rejects.toThrow(
      /"same\.png" may be .*images\/same\.png or .*Images\/same\.png; give them names of their own/,
    );
    await writeFile(join(path, "captions.csv"), table(["elsewhere/only.png", "other/only.png"]));
    await writeFile(join(path, "images", "only.png"), await flat(20, 20).png().toBuffer());
    await expect(read(path)).rejects.toThrow(
      /"elsewhere\/only\.png" and "other\/only\.png" would both be .*only\.png; put each image/,
    );
  });

  test("lists: names without their endings, images in two or in none, and names of no image", async () => {
    const listed = (lists: Record<string, string>) =>
      make(`lists-${Object.values(lists).join().length}`, { "captions.csv": whole, ...lists }, images);
    const { data, warnings } = await read(
      await listed({ "train.txt": "photo0\nphoto1.png\nnobody\n", "val.txt": "photo2\n" }),
    );
    expect(data.train.map(({ name }) => name)).toEqual(["photo0.png", "photo1.png"]);
    expect(data.validation.map(({ name }) => name)).toEqual(["photo2.png"]);
    expect(warnings).toEqual([
      "57 images are in no list and left out.",
      '1 name in a list is of no captioned image; the first: "nobody" in train.txt, line 3.',
    ]);
    const twice = await listed({ "train.txt": "photo0\nphoto1\n", "val.txt": "photo2\nphoto1\n" });
    await expect(read(twice)).rejects.toThrow(
      /val\.txt, line 2: "photo1" is in train\.txt, line 2 too; leave it in one list, or leave/,
    );
    expect((await read(twice, { skipBad: true })).data.train).toHaveLength(2);
  });

  test("images without a caption are counted", async () => {
    const path = await make("uncaptioned", { "captions.csv": table(images.slice(2)) }, images);
    const { warnings } = await read(path);
    expect(warnings).toEqual(["2 images have no caption and are left out."]);
  });

  test.each([
    [
      { "captions.csv": "picture,text of it\na.png,A dog\n" },
      `has the columns "picture", "text of it"; its first line must name the columns "image" and "caption".`,
    ],
    [{ "captions.csv": "" }, "is empty"],
    [{}, "has no captions.txt, captions.csv or captions_….json; put the captions there, or name their file."],
    [{ "captions_train.json": "{" }, "is no JSON"],
    [{ "captions_train.json": "[]" }, `has no lists "images" and "annotations"`],
    [{ "captions.csv": "image,caption\nphoto0.png,A dog\n" }, "leaves no images for"],
  ])("%j", async (files, message) => {
    const path = await make(
      `bad-${Math.abs(message.length * 31 + JSON.stringify(files).length)}`,
      files,
      names(1),
    );
    await expect(read(path)).rejects.toThrow(message);
  });
});

describe("images of every kind become red, green and blue at one size", () => {
  const decode = async (image: Sharp, format: "png" | "jpeg" | "webp" = "png") =>
    readImage(await image.toFormat(format).toBuffer(), SIZE);
  const near = (found: ArrayLike<number>, wanted: readonly number[], by = 6) =>
    wanted.forEach((value, index) => {
      expect(Math.abs(found[index]! - value)).toBeLessThanOrEqual(by);
    });

  test("grey", async () => {
    const { data } = await decode(flat(9, 9, { r: 90, g: 90, b: 90 }).toColourspace("b-w"));
    expect(data.length).toBe(16 * 24 * 3);
    near(data, [90, 90, 90]);
  });

  test("with an alpha channel: what is transparent is white", async () => {
    const clear = sharp({
      create: { width: 9, height: 9, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
    });
    near((await decode(clear)).data, [255, 255, 255], 0);
  });

  test("CMYK", async () => {
    const bytes = await flat(9, 9).toColourspace("cmyk").jpeg().toBuffer();
    expect((await sharp(bytes).metadata()).space).toBe("cmyk");
    const { data } = await readImage(bytes, SIZE);
    expect(data[0]!).toBeGreaterThan(data[1]! + 80);
    expect(data[0]!).toBeGreaterThan(data[2]! + 80);
  });

  test("turned by EXIF", async () => {
    // Red above blue, stored lying on its side.
    const upright = await sharp({ create: { width: 8, height: 16, channels: 3, background: red } })
      .composite([{ input: await flat(8, 8, { r: 0, g: 0, b: 250 }).png().toBuffer(), top: 8, left: 0 }])
      .png()
      .toBuffer();
    const lying = await sharp(upright).rotate(270).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const { data } = await readImage(lying, [16, 8]);
    near(data, [220, 20, 30], 30);
    near(data.slice(-3), [0, 0, 250], 30);
  });

  test("one pixel", async () => {
    near((await decode(flat(1, 1))).data, [220, 20, 30], 0);
  });

  test("one that is too large is refused before it is decoded, by what its beginning says", async () => {
    // A PNG that says it has 20,000 × 20,000 pixels, and holds none of them.
    const chunk = (type: string, data: Buffer) => {
      const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
      const around = Buffer.alloc(8);
      around.writeUInt32BE(data.length, 0);
      around.writeUInt32BE(crc32(body), 4);
      return Buffer.concat([around.subarray(0, 4), body, around.subarray(4)]);
    };
    const about = Buffer.from([0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20, 8, 2, 0, 0, 0]);
    const file = join(folder, "huge.png");
    await writeFile(
      file,
      Buffer.concat([
        Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
        chunk("IHDR", about),
        chunk("IDAT", deflateSync(Buffer.alloc(100))),
        chunk("IEND", Buffer.alloc(0)),
      ]),
    );
    await expect(assertImage(file)).rejects.toThrow(
      '"huge.png" has 20000 × 20000 pixels but at most 100 million are taken; scale it down.',
    );
    await expect(readImage(file, SIZE)).rejects.toThrow(/^"huge\.png" cannot be decoded/);
    expect(MOST_PIXELS).toBe(10_000 ** 2);
  });

  test("one that breaks off", async () => {
    const noise = Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, index) => (index * 7919) % 251));
    const bytes = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .png()
      .toBuffer();
    const file = join(folder, "broken.png");
    await writeFile(file, bytes.subarray(0, bytes.length / 2));
    await expect(readImage(file, SIZE)).rejects.toThrow(
      /^"broken\.png" cannot be decoded \(.*\); replace it, or take it out of the captions\.$/,
    );
  });
});

test("what was read last is kept, up to a limit", async () => {
  const cache = new ImageCache<{ data: Uint8Array }>(25);
  let reads = 0;
  const get = (name: string, size = 10) =>
    cache.get(name, async () => {
      reads++;
      return { data: new Uint8Array(size) };
    });
  await get("a");
  await get("b");
  await get("a");
  expect(reads).toBe(2);
  await get("c");
  expect(cache.bytes).toBe(20);
  await get("a");
  expect(reads).toBe(3);
  await get("b");
  expect(reads).toBe(4);
  await get("huge", 1000);
  expect(cache.bytes).toBe(20);
});

test("images are changed by chance, alike for the same chance, and keep their size", async () => {
  const [width, height] = [13, 11];
  const pixels = {
    width,
    height,
    data: Uint8Array.from({ length: 3 * width * height }, (_, index) => (index * 37) % 251),
  };
  const changed = (changes: Parameters<typeof augmentImage>[1], step: number) =>
    augmentImage(pixels, changes, new Random(3, "augment", step));
  for (const change of AUGMENTATIONS) {
    const found = await Promise.all([0, 1, 2, 3, 4, 5].map((step) => changed([change], step)));
    for (const image of found) expect([image.width, image.height, image.data.length]).toEqual([13, 11, 429]);
    expect(new Set(found.map(({ data }) => data.join())).size).toBeGreaterThan(1);
    expect((await changed([change], 4)).data).toEqual(found[4]!.data);
  }
  expect((await changed([], 0)).data).toEqual(pixels.data);
  const flipped = (await Promise.all([0, 1, 2, 3, 4, 5].map((step) => changed(["flip"], step)))).find(
    ({ data }) => data.join() !== pixels.data.join(),
  )!;
  expect([...flipped.data.subarray(0, 3)]).toEqual([...pixels.data.subarray(3 * (width - 1), 3 * width)]);
});

describe("captions, lists and files that say different things", () => {
  const images = names(60);
  const coco = (files: readonly string[], first = 1) =>
    JSON.stringify({
      images: files.map((file_name, index) => ({ id: first + index, file_name })),
      annotations: files.map((_, index) => ({ image_id: first + index, caption: `A dog, number ${index}.` })),
    });

  test("COCO files are of the split that their names say, and of none where they say none", async () => {
    const path = await make(
      "coco-splits",
      {
        "captions_train.json": coco(images.slice(0, 40)),
        "captions_dev2014.json": coco(images.slice(40, 47)),
        "captions_test2017.json": coco(images.slice(47)),
      },
      images,
    );
    const { data, warnings } = await read(path);
    expect([data.train.length, data.validation.length, data.tests.test!.length]).toEqual([40, 7, 13]);
    expect(warnings).toEqual([]);
    expect(await splitsOfCaptions(path)).toEqual(["test", "validation"]);
    const whole = await make("coco-whole", { "captions_evaluation.json": coco(images) }, images);
    const { data: parted } = await read(whole);
    expect(parted.train.length + parted.validation.length + parted.tests.test!.length).toBe(60);
    const two = await make(
      "coco-two",
      { "captions_train.json": coco(images.slice(3)), "captions_val.json": coco(images.slice(0, 3)) },
      images,
    );
    expect(await splitsOfCaptions(two)).toEqual(["validation"]);
  });

  test("an image in two files is in one split, or refused", async () => {
    const path = await make(
      "coco-both",
      { "captions_train.json": coco(images.slice(0, 50)), "captions_val.json": coco(images.slice(47)) },
      images,
    );
    await expect(read(path)).rejects.toThrow(
      /captions_val\.json: "photo47\.png" is in .*captions_train\.json too; leave it in one of them/,
    );
    const { data, warnings } = await read(path, { skipBad: true });
    expect([data.train.length, data.validation.length]).toEqual([50, 10]);
    expect(warnings).toEqual([expect.stringMatching(/^3 lines were left out; /)]);
  });

  test.each([
    [
      "an id of two files",
      [
        { id: 7, file_name: "photo0.png" },
        { id: 7, file_name: "photo1.png" },
      ],
      'image 2: id 7 is that of image 1 too, "photo0.png"; give each image an id of its own',
    ],
    [
      "a file of two ids",
      [
        { id: 7, file_name: "photo0.png" },
        { id: 8, file_name: "photo0.png" },
      ],
      'image 2: "photo0.png" is the file of the image with id 7 too; give each image a file of its own',
    ],
  ])("%s", async (name, twice, problem) => {
    const others = JSON.parse(coco(images.slice(2), 100)) as { images: object[]; annotations: object[] };
    const file = JSON.stringify({
      images: [...twice, ...others.images],
      annotations: [...twice.map(({ id }) => ({ image_id: id, caption: "a cat" })), ...others.annotations],
    });
    const path = await make(name, { "captions_all.json": file }, images);
    await expect(read(path)).rejects.toThrow(`captions_all.json, ${problem}`);
    const { data } = await read(path, { skipBad: true });
    const all = [...data.train, ...data.validation, ...data.tests.test!];
    expect(all.every(({ captions }) => captions.length === 1)).toBe(true);
    expect(all.length).toBeGreaterThanOrEqual(58);
  });

  test("bytes of captions that are no text are named", async () => {
    const json = Buffer.from(coco(images).replace("A dog, number 7.", "Ein gro\xdfer Hund"), "latin1");
    await expect(read(await make("coco-latin", { "captions_all.json": json }, images))).rejects.toThrow(
      /captions_all\.json" is not UTF-8; save the file as UTF-8\.$/,
    );
    const nul = coco(images).replace("A dog, number 7.", "A d\\u0000og");
    await expect(read(await make("coco-nul", { "captions_all.json": nul }, images))).rejects.toThrow(
      /captions_all\.json, annotation 8: there is a control character, U\+0000;/,
    );
  });

  test("a row with more columns than the first, and columns of two meanings", async () => {
    const rows = images.map((name, index) => `${name},A dog ${index},train`);
    rows[30] = "photo30.png,A dog, running,train";
    const path = await make("wide", { "captions.csv": `image,caption,split\n${rows.join("\n")}` }, images);
    await expect(read(path)).rejects.toThrow(
      "captions.csv, line 32: there are 4 columns where the first line has 3; put captions with commas in quotes, or leave",
    );
    const { warnings } = await read(path, { skipBad: true });
    expect(warnings.slice(1)).toEqual([
      'The column "split" of captions.csv is not read; lists train.txt, val.txt and test.txt say what is trained on.',
      "1 image has no caption and is left out.",
    ]);
    const doubled = await make("doubled", { "captions.csv": "image,caption,caption\na.png,A dog,Dog" }, []);
    await expect(read(doubled)).rejects.toThrow(
      '"image", "caption", "caption", of which one must be of images and one of captions; give each caption a line.',
    );
  });

  test("captions that are passed over are named", async () => {
    const path = await make(
      "several",
      { "captions.txt": table(images), "captions.csv": table(images), "captions_train.json": coco(images) },
      images,
    );
    expect((await read(path)).warnings).toEqual([
      "captions.csv is not read, since captions.txt is; name the file to read it.",
      "captions_train.json is not read, since captions.txt is; name the file to read it.",
    ]);
  });

  test("images that look the same under two names are counted where one is trained on", async () => {
    const path = await make(
      "alike",
      {
        "captions.csv": table(images),
        "train.txt": images.slice(0, 40).join("\n"),
        "val.txt": images.slice(40, 49).join("\n"),
        "test.txt": images.slice(49).join("\n"),
      },
      images,
    );
    for (const [from, to] of [
      [3, 50],
      [5, 51],
      [41, 52],
    ])
      await copyFile(join(path, "images", `photo${from}.png`), join(path, "images", `photo${to}.png`));
    expect((await read(path)).warnings).toEqual([
      "2 of the 11 images of test look the same as one of train, so scores on test tell of memory as well.",
    ]);
  });

  test("an image that two lists write differently is in both", async () => {
    const path = await make(
      "written",
      {
        "captions.csv": table(images),
        "train.txt": images.slice(0, 50).join("\n"),
        "val.txt": "photo7\nimages/photo55.png\n./images/photo56",
      },
      images,
    );
    await expect(read(path)).rejects.toThrow(
      'val.txt, line 1: "photo7" is in train.txt, line 8 too; leave it in one list',
    );
    const { data } = await read(path, { skipBad: true });
    expect(data.validation.map(({ name }) => name)).toEqual(["photo55.png", "photo56.png"]);
  });

  test.each(Array.from({ length: 12 }, (_, seed) => seed))(
    "of generated lists, every image is where its list says, or is counted: seed %i",
    async (seed) => {
      const random = new Random(seed, "lists");
      const draw = (count: number) => Math.floor(random.uniform() * count);
      const lists: Record<string, string[]> = { train: [], val: [], test: [], "test-more": [] };
      const splits = Object.keys(lists);
      const wanted = new Map<string, string | undefined>();
      for (const [index, name] of images.entries()) {
        // The first two see to it that there is something to train and to validate on.
        const split = index < 2 ? splits[index] : [...splits, undefined][draw(5)];
        wanted.set(name, split);
        if (split === undefined) continue;
        const stem = name.slice(0, -4);
        lists[split]!.push([name, stem, `images/${name}`, `./images/${stem}`][draw(4)]!);
      }
      const strangers = draw(4);
      for (let index = 0; index < strangers; index++) lists[splits[draw(4)]!]!.push(`stranger${index}`);
      const ends = ["\n", "\r\n"][seed % 2]!;
      const path = await make(
        `generated-${seed}`,
        {
          "captions.csv": table(images),
          ...Object.fromEntries(
            splits.flatMap((split) =>
              lists[split]!.length > 0 ? [[`${split}.txt`, random.shuffle(lists[split]!).join(ends)]] : [],
            ),
          ),
        },
        images,
      );
      const { data, warnings } = await read(path, { check: false });
      const found = { train: data.train, val: data.validation, ...data.tests } as Record<
        string,
        readonly { name: string }[]
      >;
      for (const split of splits)
        expect((found[split] ?? []).map(({ name }) => name).sort()).toEqual(
          images.filter((name) => wanted.get(name) === split).sort(),
        );
      const unlisted = images.filter((name) => wanted.get(name) === undefined).length;
      const count = (pattern: RegExp) =>
        Number(warnings.flatMap((note) => pattern.exec(note)?.[1] ?? [])[0] ?? 0);
      expect(count(/^(\d+) images? (?:is|are) in no list/)).toBe(unlisted);
      expect(count(/^(\d+) names? in (?:a list is|lists are) of no/)).toBe(strangers);
    },
  );

  test.each(Array.from({ length: 12 }, (_, seed) => seed))(
    "of generated tables, every row is a caption or is counted: seed %i",
    async (seed) => {
      const random = new Random(seed, "rows");
      const draw = (count: number) => Math.floor(random.uniform() * count);
      const faults: readonly ((name: string) => string)[] = [
        (name) => `${name},"never ends`,
        (name) => `${name}`,
        (name) => `${name},...`,
        () => ",no name",
        (name) => `${name},two\r${name},rows`,
        (name) => `${name},nu\0l`,
        () => `nobody.png,no image`,
      ];
      const wanted = new Map<string, string[]>();
      const validated = images.find((name) => splitOfName(name) === "validation")!;
      let [wrong, strangers] = [0, 0];
      const rows = Array.from({ length: 90 + draw(100) }, (_, index) => {
        // The first row sees to it that there is something to validate on.
        const name = index === 0 ? validated : images[draw(images.length)]!;
        if (index > 0 && draw(9) === 0) {
          const fault = draw(faults.length);
          if (fault === faults.length - 1) strangers++;
          else wrong++;
          return faults[fault]!(name);
        }
        const written = [`dog ${index}, brown`, `"dog ${index}, brown"`, `a "dog" ${index}`, `dog\t${index}`][
          draw(4)
        ]!;
        wanted.set(name, [
          ...(wanted.get(name) ?? []),
          written
            .replace(/[",\t]/g, " ")
            .trim()
            .replace(/ +/g, " "),
        ]);
        return `${name},${written}`;
      });
      const ends = ["\n", "\r\n"][seed % 2]!;
      const path = await make(
        `rows-${seed}`,
        { "captions.csv": ["image,caption", ...rows].join(ends) },
        images,
      );
      await expect(read(path, { check: false })).rejects.toThrow(/captions\.csv(, line \d+)?: /);
      const { data, warnings } = await read(path, { skipBad: true });
      const all = [...data.train, ...data.validation, ...data.tests.test!];
      expect(
        Object.fromEntries(all.map(({ name, captions }) => [name, captions.map((words) => words.join(" "))])),
      ).toEqual(Object.fromEntries(wanted));
      // A missing image is one problem, however many captions it has.
      const problems = wrong + (strangers > 0 ? 1 : 0);
      expect(warnings[0]).toMatch(new RegExp(`^${problems} lines? (was|were) left out; `));
    },
  );
});
