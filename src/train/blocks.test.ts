import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BlocksInMemory } from "../core/index.js";
import { BlocksOnDisk } from "./blocks.node.js";

const LENGTH = 7;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-blocks-"));
});
afterAll(() => rm(folder, { recursive: true }));

const filled = (value: number) => new Uint8Array(LENGTH).fill(value);

test("blocks are read as they were written last, in memory, on disk and where some are in each", () => {
  const stores = [
    new BlocksInMemory(),
    ...[0, 3 * LENGTH, 100 * LENGTH].map(
      (room) => new BlocksOnDisk(LENGTH, join(folder, "run", "new"), room),
    ),
  ];
  for (const store of stores) {
    for (let block = 0; block < 11; block++) store.write(block, filled(block));
    store.write(2, filled(50));
    store.write(9, filled(60));
    const read = new Uint8Array(LENGTH);
    const values = Array.from({ length: 11 }, (_, block) => {
      store.read(block, read);
      expect(read).toEqual(filled(read[0]!));
      return read[0];
    });
    expect(values).toEqual([0, 1, 50, 3, 4, 5, 6, 7, 8, 60, 10]);
    if (store instanceof BlocksOnDisk) expect([0, 8 * LENGTH, 11 * LENGTH]).toContain(store.bytes);
    store.close();
  }
});

test("the file is gone once it is closed", async () => {
  const store = new BlocksOnDisk(LENGTH, folder, 0);
  store.write(0, filled(1));
  store.close();
  expect(await readdir(folder)).toEqual([]);
});

test("a disk that takes no file is told in a sentence, with how much was to be written", async () => {
  const file = join(folder, "file");
  await writeFile(file, "");
  const store = new BlocksOnDisk(2 ** 20, file, 0);
  expect(() => store.write(4, new Uint8Array(2 ** 20))).toThrow(
    `goes to a file in ${file}, which cannot take 5 MiB (ENOTDIR); free some disk`,
  );
  store.close();
});
