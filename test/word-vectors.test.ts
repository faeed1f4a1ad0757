import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { json, regard } from "./command.js";

// Vectors of words as people use them: trained from text, asked, mapped, written to files and read again, and taken to another model.

let folder: string;
let run: string;
const at = (name: string) => join(folder, name);
const TRAINED = ["train", "skip-gram", "--steps", "600", "--validate-every", "300", "--set", "size=20"];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-vectors-"));
  run = at("run");
  const { validation } = await json(...TRAINED, "--out", run);
  // Of 157 words an answer by chance is right in less than 1 of 100.
  expect(validation.analogies).toBeGreaterThan(0.75);
  // Six words of which one is right, none told from another: 6 log 2.
  expect(validation.loss).toBeLessThan(6 * Math.log(2));
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

test("a run is repeated to the byte, and goes on to the same vectors after it was stopped", async () => {
  const [again, stopped] = [at("again"), at("stopped")];
  await json(...TRAINED, "--out", again);
  await json(...TRAINED, "--steps", "300", "--schedule", "constant", "--out", stopped);
  await json("train", "--resume", stopped, "--steps", "600");
  const whole = at("whole");
  await json(...TRAINED, "--schedule", "constant", "--out", whole);
  const checkpoint = (path: string) => readFile(join(path, "checkpoint-00000600.safetensors"));
  expect(await checkpoint(again)).toEqual(await checkpoint(run));
  expect(await checkpoint(stopped)).toEqual(await checkpoint(whole));
}, 60_000);

test("GloVe learns relations too, the same where what it counted is on disk", async () => {
  const trained = (path: string, ...more: string[]) =>
    json(
      ...["train", "glove", "--steps", "500", "--schedule", "constant", "--set", "size=20"],
      ...["--out", path, ...more],
    );
  const { validation } = await trained(at("glove"));
  await trained(at("glove-on-disk"), "--memory", "1");
  const [held, read] = await Promise.all(
    ["glove", "glove-on-disk"].map((name) => readFile(join(at(name), "checkpoint-00000500.safetensors"))),
  );
  expect(read).toEqual(held);
  expect(validation.analogies).toBeGreaterThan(0.75);
  const { neighbours } = await json("neighbours", at("glove"), "king - man + woman");
  expect(neighbours.slice(0, 3).map(({ word }: { word: string }) => word)).toContain("queen");
}, 60_000);

describe("a run of vectors", () => {
  test("tells neighbours of words, of sums, and answers analogies", async () => {
    const { neighbours } = await json("neighbours", run, "paris", "--count", "4");
    expect(neighbours).toHaveLength(4);
    expect(neighbours.map(({ word }: { word: string }) => word)).toContain("french");
    const { answers } = await json("analogy", run, "man", "king", "woman");
    expect(answers[0].word).toBe("queen");
    await writeFile(
      at("questions.txt"),
      ": sex\nman king woman queen\nuncle aunt monk nun\n: unknown\na b c d\n",
    );
    const asked = await json("analogy", run, "--questions", at("questions.txt"));
    expect(asked).toMatchObject({ right: 1, asked: 2, given: 3 });
    await writeFile(
      at("ratings.tsv"),
      "word1\tword2\tscore\nking\tqueen\t9\nking\tsushi\t1\npalace\tthrone\t8\nking\tqwx\t3\n",
    );
    const rated = await json("neighbours", run, "--ratings", at("ratings.tsv"));
    expect(rated).toMatchObject({ asked: 3, given: 4 });
    expect(rated.correlation).toBeGreaterThan(0);
  }, 60_000);

  test("is asked and explained as any other: the effect is of each word of the sum", async () => {
    expect((await json("see", run, "king - man + woman")).output).toBe("queen");
    const { source, scores } = await json("explain", run, "king - man + woman");
    expect(source).toEqual(["king", "−man", "woman"]);
    const [effect] = scores.effect;
    // Without "king" there is no telling whose queen.
    expect(effect[0]).toBeGreaterThan(0.5);
    expect(effect).toHaveLength(3);
  }, 60_000);

  test("is written as vectors and read again, and as a graph", async () => {
    const file = at("vectors.npy");
    expect(await json("export", run, "--vectors", file)).toMatchObject({ words: 157, size: 20 });
    const neighbours = async (path: string) => (await json("neighbours", path, "tokyo")).neighbours;
    expect(await neighbours(file)).toEqual(await neighbours(run));
    const { bytes } = await json("export", run, "--out", at("vectors.onnx"));
    expect(bytes).toBeGreaterThan(4 * 157 * 20);
  }, 60_000);

  test("is mapped, and a map goes on where it was", async () => {
    const options = ["map", run, "--perplexity", "8", "--count", "60"];
    const [svg, html, kept] = [at("map.svg"), at("map.html"), at("map.json")];
    const whole = await json(...options, "--iterations", "300", "--svg", svg, "--html", html);
    expect(whole.words).toHaveLength(60);
    expect(whole.trustworthiness).toBeGreaterThan(0.85);
    expect(await readFile(svg, "utf8")).toContain(">japanese</title>");
    expect(await readFile(html, "utf8")).toContain("find a word");
    await json(...options, "--iterations", "120", "--out", kept);
    const resumed = await json("map", run, "--resume", kept, "--iterations", "300");
    expect(resumed).toEqual(whole);
  }, 60_000);

  test("begins the tables of another model", async () => {
    const first = at("translation");
    const { code, err } = await regard([
      ...[
        "train",
        "rnnsearch",
        "--vectors",
        run,
        "--steps",
        "1",
        "--set",
        "embedding=20",
        "--set",
        "hidden=8",
      ],
      ...[
        "--set",
        "alignment=8",
        "--set",
        "maxout=8",
        "--batch",
        "8",
        "--learning-rate",
        "1e-9",
        "--out",
        first,
      ],
    ]);
    expect(code, err).toBe(0);
    expect(err).toMatch(/source\.table begins with vectors of \d+ of 592 words/);
    const [theirs, own] = await Promise.all([
      json("neighbours", first, "he", "--table", "source.table", "--count", "500"),
      json("neighbours", run, "he", "--count", "500"),
    ]);
    const cosines = (found: { neighbours: { word: string; cosine: number }[] }) =>
      new Map(found.neighbours.map(({ word, cosine }) => [word, cosine]));
    const [a, b] = [cosines(theirs), cosines(own)];
    const shared = [...a.keys()].filter((word) => b.has(word));
    expect(shared.length).toBeGreaterThan(5);
    for (const word of shared) expect(a.get(word)).toBeCloseTo(b.get(word)!, 3);
  }, 60_000);
});

describe("a folder of text", () => {
  test("is read a passage a line, with a list of analogies in it", async () => {
    const text = at("text");
    await mkdir(text);
    const line = (index: number) => `The well-known Fox ${index % 7} saw Ana's ${index % 5} dogs, twice.`;
    await writeFile(
      join(text, "a.txt"),
      `<doc id="1">\n${Array.from({ length: 300 }, (_, i) => line(i)).join("\r\n")}\n</doc>\n\nHeading\n`,
    );
    await writeFile(
      join(text, "b.md.gz"),
      gzipSync(Array.from({ length: 100 }, (_, i) => `${line(i)} again`).join("\n")),
    );
    await writeFile(join(text, "questions.txt"), ": numbers\n1 2 3 4\nfox dogs saw twice\n");
    const { code, err } = await regard([
      "train",
      "skip-gram",
      "--data",
      text,
      "--steps",
      "2",
      "--batch",
      "16",
      "--out",
      at("own"),
    ]);
    expect(code, err).toBe(0);
    expect(err).toContain("2 analogies of 1 list in text are scored in validation.");
    // the, well-known, fox, saw, ana's, dogs, twice, again and 7 numbers.
    expect(err).toContain("15 words of a text of");
    const { neighbours } = await json("neighbours", at("own"), "Ana's");
    expect(neighbours.map(({ word }: { word: string }) => word)).not.toContain("heading");
  }, 60_000);

  test.each([
    [
      "of one sentence",
      "one.txt",
      "Only one sentence is here.",
      'one.txt" has 1 passage of 5 words, too little to learn from',
    ],
    ["of nothing", "none.txt", "\n\n", "too little to learn from"],
  ])("%s is refused", async (_, name, content, sentence) => {
    await writeFile(at(name), content);
    const { code, err } = await regard(["train", "skip-gram", "--data", at(name), "--out", at("never")]);
    expect([code, err]).toEqual([2, expect.stringContaining(sentence)]);
  });
});

describe("what cannot be is said in one sentence", () => {
  test.each([
    [
      ["neighbours", "RUN", "parsi"],
      '"parsi" is none of the 157 words that the vectors are of; did you mean "paris"?',
    ],
    [["neighbours", "RUN"], "name a word, as in: regard neighbours"],
    [["neighbours", "RUN", "paris", "--table", "x"], 'has no table "x"; it has input.table, output.table.'],
    [["see", "RUN", "king - mann"], 'did you mean "man"?'],
    [["analogy", "RUN", "king", "queen"], "there are 2 words in place of 3"],
    [["map", "RUN", "--perplexity", "80"], "157 points are too few for a perplexity of 80, which takes 241"],
    [["map", "RUN", "--resume", "RUN/run.json"], "RUN/run.json"],
    [["export", "RUN"], "name the file to write"],
    [["export", "RUN", "--vectors", "words.doc"], "none of them; give it such an ending"],
    [["train", "skip-gram", "--optimizer", "adam", "--out", "NEVER"], "whose rule is sgd and not adam"],
    [["train", "skip-gram", "--vocabulary", "byte-pair", "--out", "NEVER"], "vectors are of whole words"],
    [
      ["train", "rnnsearch", "--vectors", "RUN", "--out", "NEVER"],
      "the vectors have 20 numbers, but the model's are of",
    ],
  ])("%j", async (args, sentence) => {
    const given = args.map((arg) => arg.replace("RUN", run).replace("NEVER", at("never")));
    const { code, err } = await regard(given);
    expect([code, err]).toEqual([2, expect.stringContaining(sentence.replace("RUN", run))]);
    expect(err.trim().split("\n").at(-1)).toMatch(/^regard: /);
    await expect(readFile(join(at("never"), "run.json"))).rejects.toThrow();
  });
});
