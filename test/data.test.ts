import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Random } from "../src/core/index.js";
import { bilingual } from "../src/data/generate/bilingual/index.js";
import { regard, small } from "./command.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-data-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function table(name: string, lines: readonly string[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `${lines.join("\n")}\n`);
  return path;
}

const good = Array.from({ length: 200 }, (_, index) => `the dog number ${index}\tel perro número ${index}`);
const train = (name: string, data: string, ...more: readonly string[]) =>
  regard([
    ...["train", "rnnsearch", ...small, "--data", data, "--steps", "2", "--json"],
    ...["--out", join(folder, name), ...more],
  ]);

describe("what was left out of the data is shown, and in the JSON", () => {
  test("one line as long as a book", async () => {
    const data = await table("book.tsv", [...good, `${"word ".repeat(100_000)}\tpalabra`]);
    const { code, out, err } = await train("book", data);
    expect(code, err).toBe(0);
    const note = `1 line is longer than 250 words and left out; the longest, of about 25000, is ${data}, line 201; --max-length keeps longer ones.`;
    expect(JSON.parse(out).notes).toEqual([note]);
    expect(err).toContain(note);
    expect((await train("strict", data, "--max-length", "3")).err).toMatch(
      /holds no sentence pairs \(201 lines are longer than 3 words and left out; .*\); give one pair a line/,
    );
  });

  test("words that are many pieces, from training and from scores", async () => {
    const random = new Random(7, "letters");
    const word = () =>
      Array.from({ length: 12 }, () => "abcdefghijklmnop"[Math.floor(random.uniform() * 16)]).join("");
    const rare = Array.from({ length: 60 }, () => `${Array.from({ length: 12 }, word).join(" ")}\tletras`);
    const data = await table("rare.tsv", [...good, ...rare]);
    const pieces = ["--vocabulary", "byte-pair", "--vocabulary-size", "80", "--max-length", "40"];
    const { code, out, err } = await train("rare", data, ...pieces);
    expect(code, err).toBe(0);
    const { notes } = JSON.parse(out) as { notes: string[] };
    const counts = notes.map(
      (note) => /^(\d+) of (\d+) sentence pairs? (?:has|have) more than 40 tokens/.exec(note)!,
    );
    // All but what is scored at the end: each of them has twelve words, of far more pieces.
    expect(counts).toHaveLength(2);
    const scored = await regard(["evaluate", join(folder, "rare"), "--json"]);
    expect(scored.code, scored.err).toBe(0);
    const { notes: left, examples } = JSON.parse(scored.out) as { notes: string[]; examples: number };
    const [, tested, of] = /^(\d+) of (\d+) sentence pairs? (?:has|have) more than 40 tokens/.exec(left[0]!)!;
    expect(counts.reduce((sum, found) => sum + Number(found[1]), Number(tested))).toBe(60);
    expect(examples).toBe(Number(of) - Number(tested));
  });

  test("no word occurs often enough", async () => {
    const data = await table("few.tsv", good);
    const { code, err } = await train("few", data, "--min-count", "1000");
    expect([code, err.trim()]).toEqual([
      2,
      "regard: no source word occurs 1000 times in the training data, so the vocabulary is empty; lower --min-count.",
    ]);
  });
});

test("scores on other data say how much of it was trained on", async () => {
  const trained = await train("embedded", "bilingual");
  expect(trained.code, trained.err).toBe(0);
  const { train: known } = await bilingual.load(1);
  const mixed = known.slice(0, 100).map(({ source, target }) => `${source.join(" ")}\t${target.join(" ")}`);
  const data = await table("mixed.tsv", [...mixed, ...good]);
  const { code, out, err } = await regard(["evaluate", join(folder, "embedded"), "--data", data, "--json"]);
  expect(code, err).toBe(0);
  const { notes, examples } = JSON.parse(out) as { notes: string[]; examples: number };
  const [, again, of] = /^(\d+) of the (\d+) sources were trained on, so the scores tell of memory/.exec(
    notes[0]!,
  )!;
  expect(Number(of)).toBe(examples);
  expect(Number(again)).toBeGreaterThan(0);
  expect(Number(again)).toBeLessThan(examples);
  expect(err).toContain(notes[0]);
});
