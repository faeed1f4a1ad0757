import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { detokenise } from "../index.js";
import { readingOf } from "../text.js";
import type { PairOptions } from "./pairs.js";
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

describe("what would be lost in silence is said", () => {
  const lines = (count: number) => table(count).split("\n");
  const reading = async (name: string, contents: string, options: PairOptions = {}) => {
    const said: string[] = [];
    const path = await file(name, contents);
    const data = await readPairs(path, { ...options, warn: (message) => void said.push(message) });
    const all = [data.train, data.validation, ...Object.values(data.tests)].flat();
    return { path, data, all, said };
  };

  test.each([7, 64, 199])(
    "a carriage return inside line %i of a file with both kinds of ends",
    async (at) => {
      const all = lines(200);
      const glued = [...all.slice(0, at), `${all[at]}\r${all[at + 1]}`, ...all.slice(at + 2)].join("\r\n");
      const path = await file(`glued${at}.tsv`, glued);
      await expect(readPairs(path)).rejects.toThrow(
        `${path}, line ${at + 1}: a carriage return stands inside the line, so two lines may have become one; end every line alike, or leave such lines out with --skip-bad.`,
      );
      const { all: left, said } = await reading(`glued${at}.tsv`, glued, { skipBad: true });
      expect(left).toHaveLength(glued.split("\r\n").length - 1);
      expect(said[0]).toMatch(/^1 line was left out/);
    },
  );

  test("lines that end in carriage returns alone are lines", async () => {
    const { all } = await reading("old.tsv", lines(200).join("\r"));
    expect(all).toHaveLength(200);
  });

  test("bytes that are no text", async () => {
    const path = await file("nul.tsv", `${table(100)}\nnu\0l\tetwas\n`);
    await expect(readPairs(path)).rejects.toThrow(
      `${path}, line 101: there is a control character, U+0000; save the file as plain text, or leave`,
    );
  });

  test("numbers in the first of several columns", async () => {
    const path = await file(
      "ids.tsv",
      lines(100)
        .map((_, index) => `${1276 + index}\tI see ${index}.\t${9000 + index}\tYo veo ${index}.`)
        .join("\n"),
    );
    await expect(readPairs(path)).rejects.toThrow(
      `${path}: column 1 holds numbers, such as 1276, but must hold the source sentences; keep two columns, source and target, as with: cut -f 2,4.`,
    );
    // Two columns may well be numbers and their names.
    const numbers = await reading(
      "numbers.tsv",
      lines(200)
        .map((_, index) => `${index}\tnumber ${index}`)
        .join("\n"),
    );
    expect(numbers.all).toHaveLength(200);
  });

  test("lines that are too long are counted and named, whether they have spaces or not", async () => {
    const words = `${"word ".repeat(60)}\tWort`;
    const letters = `kurz\t${"x".repeat(40 * 21)}`;
    const contents = [...lines(100), words, letters].join("\n");
    const { path, all, said } = await reading("long.tsv", contents, { maxLength: 40 });
    expect(all).toHaveLength(100);
    expect(said).toEqual([
      `2 lines are longer than 40 words and left out; the longest, of about 60, is ${path}, line 101; --max-length keeps longer ones.`,
    ]);
    expect((await reading("long.tsv", contents, { maxLength: 61 })).all).toHaveLength(102);
  });

  test("one source in several spellings stays in one split", async () => {
    const spellings = ["Un café  grande NUM.", "Un cafe\u0301 grande NUM.", "un café\u00a0grande NUM."];
    const contents = Array.from({ length: 300 }, (_, index) =>
      spellings.map((text, way) => `${text.replace("NUM", String(index))}\tA large coffee ${index} ${way}`),
    );
    const { data } = await reading("spelt.tsv", contents.flat().join("\n"));
    const seen = new Set(data.train.map(({ source }) => readingOf(source.join(" "))));
    expect(data.tests.test!.length).toBeGreaterThan(10);
    for (const { source } of [...data.tests.test!, ...data.validation])
      expect(seen).not.toContain(readingOf(source.join(" ")));
  });

  test("sources of scored files that are in the training file too are counted", async () => {
    const side = (from: number, to: number, word: string) =>
      Array.from({ length: to - from }, (_, index) => `${word} ${from + index}`).join("\n");
    for (const [split, from, to] of [
      ["train", 0, 50],
      ["val", 47, 60],
      ["test", 60, 71],
    ] as const) {
      await file(`overlap/${split}.de`, side(from, to, "Satz"));
      await file(`overlap/${split}.en`, side(from, to, "sentence"));
    }
    const said: string[] = [];
    await readPairs(join(folder, "overlap"), {
      from: "de",
      to: "en",
      warn: (message) => void said.push(message),
    });
    expect(said).toEqual([
      "3 of the 13 sources of val.de are in train.de too, so scores on val tell of memory as well.",
    ]);
  });
});
