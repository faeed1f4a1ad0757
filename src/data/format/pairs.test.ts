import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../core/index.js";
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
    const { train, validation, tests, notes } = await readPairs(path, { skipBad: true });
    expect(train.length + validation.length + tests.test!.length).toBe(200);
    expect(notes).toEqual([
      `2 lines were left out; the first: ${path}, line 1: there is no tab between source and target; add one.`,
    ]);
  });
});

describe("what would be lost in silence is said", () => {
  const lines = (count: number) => table(count).split("\n");
  const reading = async (name: string, contents: string, options: PairOptions = {}) => {
    const path = await file(name, contents);
    const data = await readPairs(path, options);
    const all = [data.train, data.validation, ...Object.values(data.tests)].flat();
    return { path, data, all, said: data.notes! };
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
      `${path}, line 1: column 1 holds numbers, such as 1276, but must hold the source sentences; keep two columns, source and target, as with: cut -f 2,4.`,
    );
    // Two columns may well be numbers and their names.
    const numbers = await reading(
      "numbers.tsv",
      lines(200)
        .map((_, index) => `${index}\tnumber ${index}`)
        .join("\n"),
    );
    expect(numbers.all).toHaveLength(200);
    expect(numbers.said).toEqual([
      `Column 1 of ${numbers.path} holds numbers, such as 0; that is taken for the source.`,
    ]);
  });

  test("control characters of a file that was read as if of another encoding", async () => {
    const path = await file("c1.tsv", `${table(40)}\nIt\u0092s late.\tEs ist spät.\n`);
    await expect(readPairs(path)).rejects.toThrow(
      `${path}, line 41: there is a control character, U+0092; save the file as plain text, or leave`,
    );
    // The end of a line of other systems is white space.
    expect((await reading("nel.tsv", `${table(40)}\nIt is\u0085late.\tEs ist spät.\n`)).all).toHaveLength(41);
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
      ["test", 57, 71],
    ] as const) {
      await file(`overlap/${split}.de`, side(from, to, "Satz"));
      await file(`overlap/${split}.en`, side(from, to, "sentence"));
    }
    const { notes } = await readPairs(join(folder, "overlap"), { from: "de", to: "en" });
    expect(notes).toEqual([
      "3 of the 13 sources of val.de are in train.de too, so scores on val tell of memory as well.",
      "3 of the 14 sources of test.de are in val.de too, so the best step is chosen by what test scores.",
    ]);
  });

  test.each<[string, (index: number) => string, string]>([
    [
      "text, id, text, id",
      (index) => `I see ${index}.\t${1276 + index}\tYo veo ${index}.\t${9000 + index}`,
      "column 2 holds numbers, such as 1276, but must hold the target sentences; keep two columns, source and target, as with: cut -f 1,3.",
    ],
    [
      "id, language, text, id, language, text",
      (index) => `${1276 + index}\teng\tI see ${index}.\t${9000 + index}\tspa\tYo veo ${index}.`,
      "column 1 holds numbers, such as 1276, but must hold the source sentences; keep two columns, source and target, as with: cut -f 3,6.",
    ],
    [
      "id with letters, text, text",
      (index) => `S-${1276 + index}\tI see ${index}.\tYo veo ${index}.`,
      "column 1 holds ids, such as S-1276, but must hold the source sentences; keep two columns, source and target, as with: cut -f 2,3.",
    ],
    [
      "language, text, language, text",
      (index) => `eng\tI see ${index}.\tspa\tYo veo ${index}.`,
      'column 1 holds "eng" in every line, but must hold the source sentences; keep two columns, source and target, as with: cut -f 2,4.',
    ],
  ])("a table of %s", async (name, line, problem) => {
    const path = await file(`${name}.tsv`, Array.from({ length: 100 }, (_, index) => line(index)).join("\n"));
    await expect(readPairs(path)).rejects.toThrow(`${path}, line 1: ${problem}`);
  });

  test("lines are measured by the words that models read, and why none is left is said", async () => {
    const marks = `${"!".repeat(99)}\tAusrufezeichen`;
    const chinese = `${"今天天气很好".repeat(40)}\tWetter`;
    const { all, said, path } = await reading("marks.tsv", [...lines(100), marks, chinese].join("\n"), {
      maxLength: 90,
    });
    expect(all).toHaveLength(100);
    expect(said).toEqual([
      expect.stringMatching(/^2 lines are longer than 90 words and left out; the longest/),
    ]);
    expect(said[0]).toContain(`is ${path}, line `);
    await expect(readPairs(path, { maxLength: 2 })).rejects.toThrow(
      /holds no sentence pairs \(102 lines are longer than 2 words and left out; the longest, .*\); give one pair/,
    );
  });
});

describe("of generated tables, every line is a pair or is counted", () => {
  /** Lines that cannot be used, by what is wrong with them. */
  const faults: readonly ((index: number) => string)[] = [
    (index) => `no tab ${index}`,
    (index) => `\t${index} without a source`,
    (index) => `without a target ${index}\t\u00a0 `,
    (index) => `two ${index}\tzwei\rthree\tdrei`,
    (index) => `nu\0l ${index}\tnull`,
    (index) => `bell\u0007 ${index}\tGlocke`,
  ];
  test.each(Array.from({ length: 24 }, (_, seed) => seed))("seed %i", async (seed) => {
    const random = new Random(seed, "tables");
    const draw = (count: number) => Math.floor(random.uniform() * count);
    const end = ["\n", "\r\n"][seed % 2]!;
    const good: string[] = [];
    const wrong: number[] = [];
    const long: number[] = [];
    const count = 101 + draw(400);
    const all = Array.from({ length: count }, (_, index) => {
      const kind = draw(12);
      if (kind === 0) {
        wrong.push(index + 1);
        return faults[draw(faults.length)]!(index);
      }
      const words = kind === 1 ? 31 + draw(50) : 1 + draw(20);
      const source = Array.from({ length: words }, () => "abcdefg"[draw(7)]).join(" ");
      if (kind === 1) long.push(index + 1);
      else good.push(`${index} target of ${source}`);
      return `${source}\t${index} target of ${source}`;
    });
    const path = await file(`generated-${seed}.tsv`, all.join(end) + (seed % 3 === 0 ? end : ""));
    const options = { maxLength: 26 };
    // What no text may hold is found before what no pair may be.
    const named = new RegExp(`${path}, line (${wrong.join("|")}):`);
    await expect(readPairs(path, options)).rejects.toThrow(named);
    const { train, validation, tests, notes } = await readPairs(path, { ...options, skipBad: true });
    const kept = [...train, ...validation, ...tests.test!].map(({ reference }) => reference!);
    expect(kept.sort()).toEqual(good.sort());
    expect(notes![0]).toMatch(new RegExp(`^${wrong.length} lines? (was|were) left out; the first: `));
    expect(notes![0]).toMatch(named);
    expect(notes![1]).toMatch(new RegExp(`^${long.length} lines? (is|are) longer than 26 words`));
    const seen = new Set(train.map(({ source }) => readingOf(source)));
    for (const { source } of [...validation, ...tests.test!]) expect(seen).not.toContain(readingOf(source));
  });
});
