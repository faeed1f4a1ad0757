import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { json, regard } from "./command.js";

// Two sentences and how alike they are, as people use it: trained, scored, asked and explained.

let folder: string;
let run: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-sentences-"));
  run = join(folder, "run");
  const { validation } = await json(
    ...["train", "siamese-lstm", "--steps", "400", "--validate-every", "200", "--learning-rate", "0.005"],
    ...["--set", "embedding=20", "--set", "hidden=24", "--out", run],
  );
  // Words in common, by their share (Jaccard), reach 0.67 on its test.
  expect(validation.pearson).toBeGreaterThan(0.7);
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

test("points are calibrated by held-out pairs", async () => {
  const { metrics } = await json("evaluate", run);
  // Points between 1 and 5 around their mean are off by 1.7 squared.
  expect(metrics.squaredError).toBeLessThan(1);
  expect(metrics.calibratedPearson).toBeGreaterThan(0.7);
}, 60_000);

test("a word that says the contrary is what moves the score", async () => {
  const second = ["--field", "second=no man helps a dog"];
  const same = await json("see", run, "a man helps a dog", "--field", "second=a man helps a dog");
  expect(same.output).toBe("5.00 of 1 to 5");
  const { source, scores } = await json("explain", run, "a man helps a dog", ...second);
  expect(source).toEqual(["a", "man", "helps", "a", "dog", "no", "man", "helps", "a", "dog"]);
  expect(scores.effect[0][5]).toBeGreaterThan(0);
}, 60_000);

test("one sentence alone is refused", async () => {
  const { code, err } = await regard(["see", run, "a man helps a dog"]);
  expect([code, err]).toEqual([2, expect.stringContaining("second")]);
});

test("vectors of sentences, learnt of what stands beside them, tell what says the same", async () => {
  const own = join(folder, "vectors");
  const { validation } = await json(
    ...["train", "skip-thought", "--steps", "400", "--validate-every", "400", "--learning-rate", "0.01"],
    ...["--set", "embedding=32", "--set", "hidden=64", "--out", own],
  );
  // By chance one in 36 says the same; by words in common fewer, since what says the same is worded otherwise.
  expect(validation.meaning).toBeGreaterThan(0.7);
  const seen = await regard(["see", own, "ana wakes at dawn"]);
  expect(seen.out).toMatch(/\w/);
  const { source, scores } = await json("explain", own, "ana wakes at dawn");
  expect(source).toEqual(["ana", "wakes", "at", "dawn"]);
  // Who it is about stands in all of its neighbours.
  expect(scores.effect[0][0]).toBeGreaterThan(scores.effect[0][2]);
  expect((await regard(["see", own, "..."])).err).toMatch(/the sentence has no word; give one/);
  const refused = await regard([
    "train",
    "skip-thought",
    "--data",
    "relations",
    "--steps",
    "1",
    "--out",
    join(folder, "no"),
  ]);
  expect([refused.code, refused.err]).toEqual([
    2,
    expect.stringContaining("passages of training has two sentences"),
  ]);
}, 60_000);

test("BERT of pairs begins with what a run of texts learnt, and what does not fit is refused", async () => {
  const [texts, tuned] = [join(folder, "texts"), join(folder, "tuned")];
  const sizes = (features: number) => [
    ...["--set", `features=${features}`, "--set", "inner=16", "--set", "heads=2", "--set", "layers=1"],
  ];
  await json("train", "bert", ...sizes(8), "--steps", "2", "--out", texts);
  const begun = ["train", "bert-pairs", "--begin", texts, "--steps", "2", "--learning-rate", "1e-9"];
  const { err } = await regard([...begun, ...sizes(8), "--out", tuned]);
  expect(err).toMatch(
    /23 parameters begin with those of .*texts; anew: similarity\.output\.weight, similarity\.output\.bias\./,
  );
  expect(err).toMatch(/words\.table begins with vectors of \d+ of \d+ words\./);
  const other = await regard([...begun, ...sizes(6), "--out", join(folder, "never")]);
  expect([other.code, other.err]).toEqual([
    2,
    expect.stringMatching(/words\.table is \d+ × 6 here but \d+ × 8 in the run of bert to begin with/),
  ]);
}, 60_000);
