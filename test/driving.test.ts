import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { json, regard } from "./command.js";

// Driving as people use it: logs written to files, a wheel learnt of them, its attention seen, forced and filtered.

let folder: string;
let run: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-driving-"));
  const data = join(folder, "road");
  run = join(folder, "run");
  const made = await regard(["data", "make", "road", "--out", data, "--limit", "3", "--json"]);
  expect(made.err).toBe("");
  expect(JSON.parse(made.out)).toMatchObject({ splits: { train: 3, validation: 3, test: 3 } });
  const small = ["hidden=13", "first=5", "features=7", "score=11"].flatMap((option) => ["--set", option]);
  const trained = await regard([
    ...["train", "causal-driving", "--data", data, "--out", run, "--json", "--batch", "3"],
    ...["--steps", "40", "--validate-every", "20", "--learning-rate", "0.01", ...small],
  ]);
  expect(trained.code, trained.err).toBe(0);
  expect(JSON.parse(trained.out).validation.error).toBeLessThan(1);
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

test("it is scored beside wheels that stay, and how many of its blobs are causes", async () => {
  const { metrics, examples } = await json("evaluate", run);
  expect(examples).toBe(3);
  const { error, errorStraight, errorLast, causal } = metrics;
  for (const one of [error, errorStraight, errorLast]) expect(one).toBeGreaterThan(0);
  expect(causal).toBeGreaterThanOrEqual(0);
  expect(causal).toBeLessThanOrEqual(1);
  // Files do not know where their lines are.
  expect(metrics.blobPrecision).toBeUndefined();
});

test("frames are seen alike by a run and by its file, from the data and from a folder", async () => {
  const drive = join(folder, "drive");
  const images = join(folder, "road", "test", "images");
  const files = (await readdir(images)).sort().slice(20, 40);
  for (const file of files) await cp(join(images, file), join(drive, file));
  const known = await json("see", run, "test:1");
  const own = await json("see", run, drive);
  expect(own.output).toBe(known.output);
  expect(own.traces[0].weights).toHaveLength(20);
  const file = join(folder, "wheel.onnx");
  expect((await regard(["export", run, "--out", file])).code).toBe(0);
  const again = await json("see", file, drive);
  expect(again.output).toBe(own.output);
  expect(again.traces[0].weights).toEqual(own.traces[0].weights);
});

test("explain tells of the attention before and after blobs that are no causes are taken out of it", async () => {
  const html = join(folder, "why.html");
  const { scores, words } = await json("explain", run, "test:1", "--html", html);
  expect(words).toHaveLength(20);
  expect(Object.keys(scores)).toEqual(["attention", "causal attention", "salience", "effect"]);
  const [before, after] = [scores.attention.flat(2), scores["causal attention"].flat(2)] as number[][];
  expect(after).toHaveLength(before!.length);
  // What is kept is as it was.
  after!.forEach((weight, place) => {
    expect([0, before![place]]).toContain(weight);
  });
  expect(await readFile(html, "utf8")).toContain("causal attention: the attention without blobs that");
});

test("a model without attention has no blobs to explain, and is scored all the same", async () => {
  const none = join(folder, "none");
  await json(
    ...["train", "causal-driving", "--data", join(folder, "road"), "--out", none, "--batch", "3"],
    ...["--steps", "2", "--set", "attention=none", "--set", "hidden=5"],
  );
  expect((await json("evaluate", none)).metrics.causal).toBeUndefined();
  expect(Object.keys((await json("explain", none, "test:0")).scores)).toEqual(["effect"]);
});

test("what is no drive is refused with its name", async () => {
  const { code, err } = await regard(["see", run, folder]);
  expect(code).toBe(2);
  expect(err).toContain(`${folder} has no frames; put the images of the film there, numbered in order.`);
});
