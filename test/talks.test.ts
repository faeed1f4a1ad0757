import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readTalks } from "../src/data/format/talks.node.js";
import { formatOf } from "../src/data/formats.node.js";
import { talk } from "../src/data/generate/talk/index.js";
import { detokenise, TURN } from "../src/data/index.js";
import { regard } from "./command.js";

// Talks: generated with what their answers turn on, read from tables, and answered by a model as people use it.

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-talks-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("what an answer turns on was told in the turn that it is linked to, and no talk of a test is trained on", async () => {
  const { train, validation, tests } = await talk.load(3);
  const said = ({ source }: { source: readonly string[] }) => source.join(" ");
  const trained = new Set(train.map(said));
  for (const split of [validation, tests.test!, tests["test-long"]!])
    for (const one of split) {
      expect(trained.has(said(one))).toBe(false);
      const [link] = one.links ?? [];
      if (!link) continue;
      const word = one.source[link.source]!;
      expect(one.target[link.target]).toBe(word);
      // The turn that tells it begins as its answer's fact is told.
      const start = one.source.lastIndexOf(TURN, link.source) + 1;
      const turn = one.source.slice(start, one.source.indexOf(TURN, link.source));
      expect(turn.join(" ")).toMatch(/^(my|I) .* \S+ \.$/);
    }
  const asked = tests.test!.filter(({ links }) => links);
  expect(asked.length).toBeGreaterThan(800);
  const facts = ({ source }: { source: readonly string[] }) =>
    (source.filter((word) => word === TURN).length + 1) / 2;
  expect(Math.max(...train.map(facts))).toBeLessThan(5);
  expect(Math.min(...tests["test-long"]!.map(facts))).toBeGreaterThanOrEqual(5);
  expect((await talk.load(3)).train[7]).toEqual(train[7]);
});

const lines = Array.from({ length: 90 }, (_, index) =>
  ["music", "Hello!", `I am number ${index}.`, "So you are.", ...(index % 2 ? ["Indeed."] : [])].join("\t"),
);

test("a table of talks is cut into answers to the turns before them, a talk in one split", async () => {
  const file = join(folder, "talks.tsv.gz");
  await writeFile(file, gzipSync(`${lines.join("\n")}\n`));
  expect((await formatOf(file)).format.kind).toBe("talks");
  const { train, validation, tests, notes } = await readTalks(file, {});
  expect(notes).toContain(
    "the first column has 1 different texts in 90 talks, so it is taken for what they are about.",
  );
  expect(train.length + validation.length + tests.test!.length).toBe(45 * 2 + 45 * 3);
  const last = train.find(({ target }) => detokenise(target) === "Indeed.")!;
  expect(detokenise(last.source)).toMatch(/^Hello! \/ I am number \d+\. \/ So you are\.$/);
  const numbers = (pairs: readonly { source: readonly string[]; target: readonly string[] }[]) =>
    new Set(
      pairs.flatMap(({ source, target }) => /number (\d+)/.exec([...source, ...target].join(" "))?.[1] ?? []),
    );
  const [a, b, c] = [train, validation, tests.test!].map(numbers) as [Set<string>, Set<string>, Set<string>];
  expect([...a].some((one) => b.has(one) || c.has(one))).toBe(false);
});

test("a talk of one turn is named with its line, or counted", async () => {
  const file = join(folder, "lonely.tsv");
  await writeFile(file, `${[...lines.slice(0, 40), "music\tHello!\t\t", ...lines.slice(40)].join("\n")}\n`);
  await expect(readTalks(file, {})).rejects.toThrow(
    `${file}, line 41: the talk has one turn, but nobody answers; give two or more`,
  );
  expect((await readTalks(file, { skipBad: true })).notes!.join(" ")).toContain("line 41");
});

test("a model answers what was told, alone and as a file, and tells what it looked at", async () => {
  const run = join(folder, "run");
  const small = ["hidden=48", "embedding=24", "alignment=24"].flatMap((option) => ["--set", option]);
  const trained = await regard([
    ...["train", "conversational", "--out", run, "--json", "--steps", "300", "--validate-every", "300"],
    ...["--batch", "32", "--learning-rate", "0.01", "--threads", "1", ...small],
  ]);
  expect(trained.code, trained.err).toBe(0);
  const { validation } = JSON.parse(trained.out);
  expect(validation.loss).toBeLessThan(2);
  expect(validation.pointing).toBeGreaterThanOrEqual(0);
  const talked = "my name is Ana. / I see. / what is my name?";
  const seen = await regard(["see", run, talked, "--beam", "1", "--json"]);
  expect(seen.code, seen.err).toBe(0);
  const { output, traces } = JSON.parse(seen.out);
  expect(output).not.toBe("");
  expect(traces[0].source).toEqual([..."my name is Ana . / I see . / what is my name ?".split(" "), "(end)"]);
  const file = join(folder, "answers.onnx");
  expect((await regard(["export", run, "--out", file])).code).toBe(0);
  expect(JSON.parse((await regard(["see", file, talked, "--json"])).out).output).toBe(output);
  const scored = JSON.parse((await regard(["evaluate", run, "--split", "test-long", "--json"])).out);
  expect(scored.metrics).toMatchObject({ perplexity: expect.any(Number), pointing: expect.any(Number) });
  expect(scored.metrics.aer).toBeUndefined();
  const wrong = await regard(["train", "conversational", "--data", "bilingual", "--steps", "1"]);
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("bilingual")]);
}, 120_000);
