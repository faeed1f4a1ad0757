import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { detokenise } from "../index.js";
import { readPairs } from "./pairs.node.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-pairs-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, contents: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, contents);
  return path;
}

const table = (count: number): string =>
  Array.from(
    { length: count },
    (_, index) => `Sentence ${index} is here.\tHier ist Satz ${index}.\tby someone`,
  ).join("\n");

describe("a table", () => {
  test("is split by source, so that every line of one source is in one split", async () => {
    const doubled = `${table(300)}\r\n${table(300).replaceAll("Hier", "Da")}\n`;
    const { train, validation, tests } = await readPairs(await file("double.tsv", doubled));
    expect(train.length + validation.length + tests.test!.length).toBe(600);
    const sources = [train, validation, tests.test!].map(
      (pairs) => new Set(pairs.map(({ source }) => source.join(" "))),
    );
    for (const [a, b] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ] as const)
      for (const source of sources[a]!) expect(sources[b]).not.toContain(source);
    expect(train[0]!.target.at(-1)).toBe(".");
  });

  test("may be gzip", async () => {
    const plain = await readPairs(await file("plain.tsv", table(200)));
    expect(await readPairs(await file("packed.tsv.gz", gzipSync(table(200))))).toEqual(plain);
  });

  test("keeps its targets as they are", async () => {
    const target = "Es  kostet $1,000.50\u00a0um 10:30 , ja";
    const text = Array.from({ length: 100 }, (_, index) => `The dog ${index}\t${target}`).join("\n");
    const { train } = await readPairs(await file("raw.tsv", text));
    expect(train[0]!.reference).toBe(target);
    expect(detokenise(train[0]!.target)).toBe("Es kostet $1,000.50 um 10:30 , ja");
  });
});

describe("a folder of parallel files", () => {
  const lines = (word: string, count: number) =>
    Array.from({ length: count }, (_, index) => `${word} ${index}`).join("\n");

  test("gives its splits, plain or gzip", async () => {
    await file("multi/train.de", lines("Hund", 30));
    await file("multi/train.en.gz", gzipSync(lines("dog", 30)));
    await file("multi/val.de", lines("Katze", 5));
    await file("multi/val.en", lines("cat", 5));
    await file("multi/test_2016.de", lines("Maus", 7));
    await file("multi/test_2016.en", lines("mouse", 7));
    await file("multi/train.fr", lines("chien", 30));
    const { train, validation, tests } = await readPairs(join(folder, "multi"), { from: "de", to: "en" });
    expect([train.length, validation.length, tests.test_2016!.length]).toEqual([30, 5, 7]);
    expect(train[3]).toEqual({ source: ["Hund", "3"], target: ["↓dog", "3"], reference: "dog 3" });
    await expect(readPairs(join(folder, "multi"))).rejects.toThrow(
      `"${join(folder, "multi")}" is a folder of parallel files; name their endings, as in --from de --to en.`,
    );
    await expect(readPairs(join(folder, "multi"), { from: "de", to: "fr" })).rejects.toThrow(
      `"${join(folder, "multi")}" needs train.de, train.fr, val.de and val.fr, plain or .gz; it has train.`,
    );
  });

  test("needs as many lines on both sides", async () => {
    await file("uneven/train.de", lines("Hund", 5));
    await file("uneven/train.en", lines("dog", 7));
    await file("uneven/val.de", lines("Hund", 5));
    await file("uneven/val.en", lines("dog", 5));
    await expect(readPairs(join(folder, "uneven"), { from: "de", to: "en" })).rejects.toThrow(
      "train.de has 5 lines but train.en has 7; parallel files need one line for each line of the other.",
    );
  });
});

describe("what cannot be used is named by file and line", () => {
  const good = table(200);
  test.each<[string, string | Uint8Array, (path: string) => string]>([
    ["empty.tsv", "", (path) => `"${path}" is empty; give one sentence or pair a line.`],
    [
      "no-tab.tsv",
      `${good}\nno tab here`,
      (path) =>
        `${path}, line 201: there is no tab between source and target; add one, or leave such lines out with --skip-bad.`,
    ],
    [
      "no-target.tsv",
      `hello\t \n${good}`,
      (path) => `${path}, line 1: the target is empty; fill it in, or leave such lines out with --skip-bad.`,
    ],
    [
      "latin.tsv",
      Buffer.concat([Buffer.from(`${good}\n`), Buffer.from("caf\xe9\tcoffee", "latin1")]),
      (path) =>
        `${path}, line 201: the bytes are not UTF-8; save the file as UTF-8, or leave such lines out with --skip-bad.`,
    ],
    [
      "cut.tsv.gz",
      gzipSync(good).subarray(0, 300),
      (path) => `"${path}" is not a whole gzip file (unexpected end of file); fetch it again.`,
    ],
    [
      "one.tsv",
      "a\tb",
      (path) => `"${path}" leaves no pairs for validation; give more pairs, at least a few dozen.`,
    ],
  ])("%s", async (name, contents, message) => {
    const path = await file(name, contents);
    await expect(readPairs(path)).rejects.toThrow(
      expect.objectContaining({ name: "UsageError", message: message(path) }),
    );
  });

  test("a missing file", async () => {
    await expect(readPairs("/nowhere.tsv")).rejects.toThrow(
      'there is no file or folder "/nowhere.tsv"; check the path.',
    );
  });

  test("--skip-bad leaves such lines out and counts them", async () => {
    const path = await file("some-bad.tsv", `no tab\n${good}\n\tno source\n`);
    const said: string[] = [];
    const { train, validation, tests } = await readPairs(path, {
      skipBad: true,
      warn: (message) => void said.push(message),
    });
    expect(train.length + validation.length + tests.test!.length).toBe(200);
    expect(said).toEqual([
      `2 lines were left out; the first: ${path}, line 1: there is no tab between source and target; add one.`,
    ]);
  });
});
