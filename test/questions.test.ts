import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { regard } from "./command.js";

// Questions about images as people use them: written to files, trained on, asked, changed, explained and exported.

let folder: string;
let data: string;
let run: string;
const SMALL = ["features=24", "evidence=16"].flatMap((option) => ["--set", option]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-questions-"));
  [data, run] = [join(folder, "questions"), join(folder, "run")];
  const made = await regard(["data", "make", "questions", "--out", data, "--limit", "300", "--json"]);
  expect(made.code, made.err).toBe(0);
  expect(JSON.parse(made.out)).toMatchObject({ splits: { train: 300, val: 300, test: 300 } });
  const trained = await regard([
    ...["train", "ask-attend-answer", "--data", data, "--image-size", "70", "--out", run, "--json", ...SMALL],
    ...["--steps", "200", "--validate-every", "100", "--batch", "32", "--learning-rate", "0.003"],
  ]);
  expect(trained.code, trained.err).toBe(0);
  const { validation } = JSON.parse(trained.out);
  expect(validation).toMatchObject({
    accuracy: expect.any(Number),
    hop1: expect.any(Number),
    hop2: expect.any(Number),
  });
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

test("what is written to files is read as it was, with where one must look", async () => {
  const [head, first] = (await readFile(join(data, "questions.csv"), "utf8")).split("\n");
  expect(head).toBe("image,question,answer,kind,evidence");
  expect(first).toMatch(
    /^train-000000\.png,"[a-z ]+\?","[a-z]+","(colour|neighbour|relative|absolute)","\d+ \d+ \d+ \d+/,
  );
  const { out } = await regard(["evaluate", run, "--json"]);
  const { metrics, examples, split } = JSON.parse(out);
  expect({ examples, split }).toEqual({ examples: 300, split: "test" });
  // Better than the most frequent answer, and chances of looking that follow from the boxes alone.
  expect(metrics.accuracy).toBeGreaterThan(0.38);
  expect(metrics["accuracy absolute"]).toBeGreaterThan(0.5);
  expect(metrics.hop1Random).toBeGreaterThan(0.02);
  expect(metrics.hop1Random).toBeLessThan(0.06);
  expect(metrics.hop2Mass).toBeGreaterThan(0);
});

test("an example is asked another question, an image of one's own any, and the exported file says the same", async () => {
  const own = JSON.parse((await regard(["see", run, "test:3", "--json"])).out);
  expect(own.traces.map(({ kind, grid }: { kind: string; grid: object }) => ({ kind, grid }))).toEqual(
    Array(2).fill({ kind: "spatial", grid: { rows: 7, columns: 7 } }),
  );
  expect(own.correct).toBe(own.output === own.references[0]);
  const question = "--field question=What colour is the glorious circle?";
  const other = await regard(["see", run, "test:3", "--json", ...asked(question)]);
  expect(other.err).toContain('The model does not know "glorious"');
  const changed = JSON.parse(other.out);
  expect(changed.references).toBeUndefined();
  expect(changed.blocks[0].title).toBe("what colour is the glorious circle?");
  const deciding = changed.blocks[1].items.map(({ probability }: { probability: number }) => probability);
  expect(deciding).toHaveLength(6);
  expect(deciding.reduce((a: number, b: number) => a + b)).toBeCloseTo(1, 4);
  const [png, file, svg] = ["own.png", "asked.onnx", "looked.svg"].map((name) => join(folder, name));
  await writeFile(png!, Buffer.from(own.traces[0].image.url.split(",")[1], "base64"));
  const seen = JSON.parse(
    (await regard(["see", run, png!, "--json", "--svg", svg!, ...asked(question)])).out,
  );
  expect(seen.output).toBe(changed.output);
  expect(seen.traces[1].weights).toEqual(changed.traces[1].weights);
  expect(await readFile(svg!, "utf8")).toContain("the image: what colour is the glorious circle?");
  const text = await regard(["see", run, "test:3"]);
  expect(text.out.split("\n")[0]).toMatch(/^test-000003\.png: .*\?$/);
  expect((await regard(["export", run, "--out", file!])).code).toBe(0);
  const exported = JSON.parse((await regard(["see", file!, png!, "--json", ...asked(question)])).out);
  expect(exported.output).toBe(changed.output);
  const weights = ({ traces }: { traces: { weights: number[][][] }[] }) =>
    traces.flatMap((trace) => trace.weights.flat(2));
  expect(weights(exported)).toBeAllClose(weights(changed), 1e-4);
});

/** An option and its value, which holds spaces. */
const asked = (text: string): string[] => {
  const at = text.indexOf(" ");
  return [text.slice(0, at), text.slice(at + 1)];
};

test("explain says what each place is worth, in the image and to both hops", async () => {
  const { out, err } = await regard(["explain", run, "test:3", "--json"]);
  expect(err).not.toContain("regard:");
  const { words, grid, scores } = JSON.parse(out);
  expect({ words: words.length, grid }).toEqual({ words: 1, grid: { rows: 7, columns: 7 } });
  expect(scores.effect.flat(2)).toHaveLength(49);
  expect(Math.max(...scores.effect.flat(2).map(Math.abs))).toBeGreaterThan(0);
});

test.each([
  [["test:3", "--field", "question="], "the question is empty; give a question."],
  [["test:3", "--field", "question=?!"], 'the question is "?!", without a word; give a question.'],
  [["test:3", "--field", "answer=red"], '--field is "answer=red" but must be a field and its value'],
  [["own.png"], 'a question is asked for as well; give it with --field "question=…".'],
  [["nothing.png", "--field", "question=what is it?"], 'cannot read "nothing.png": there is no such image'],
  [
    ["test:3", "--field", `question=${"circle ".repeat(26)}`],
    "has 26 words but the model reads at most 25; shorten it.",
  ],
])("what cannot be asked is named: %j", async ([input, ...rest], message) => {
  const { code, err } = await regard([
    "see",
    run,
    input === "own.png" ? join(data, "images", "test-000003.png") : input!,
    ...rest,
  ]);
  expect(code).toBe(2);
  expect(err).toContain(message);
});

test("images that patches do not fill, and training with one answer, are refused before anything is written", async () => {
  const train = ["train", "ask-attend-answer", "--steps", "2", "--out", join(folder, "never")];
  const wide = await regard([...train, "--data", data, "--image-size", "64"]);
  expect(wide).toMatchObject({ code: 2 });
  expect(wide.err).toContain("images of 64 × 64 pixels do not divide into patches of 10");
  const rows = Array.from({ length: 60 }, (_, index) => {
    const split = ["train", "val", "test"][index % 3];
    return `${split}-${String(index).padStart(6, "0")}.png,is it so?,yes`;
  });
  const table = join(data, "alike.csv");
  await writeFile(table, `image,question,answer\n${rows.join("\n")}\n`);
  const alike = await regard([...train, "--data", table, "--image-size", "70"]);
  expect(alike.err).toContain('have the answer "yes"; there is nothing to tell apart.');
  expect(alike.code).toBe(2);
  await expect(readFile(join(folder, "never", "run.json"))).rejects.toThrow();
});
