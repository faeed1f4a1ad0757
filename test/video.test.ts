import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { json, regard } from "./command.js";

// Captions of clips as people use them: clips written to files, captions learnt of them, and where each word looked.

let folder: string;
let data: string;
let run: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-video-"));
  [data, run] = [join(folder, "clips"), join(folder, "run")];
  const made = await regard(["data", "make", "clips", "--out", data, "--limit", "5", "--json"]);
  expect(made.err).toBe("");
  expect(JSON.parse(made.out)).toMatchObject({ splits: { train: 5, val: 5, test: 5 } });
  const small = ["hidden=23", "channels=5", "features=17", "embedding=11", "alignment=13"];
  const trained = await regard([
    ...[
      "train",
      "video-temporal",
      "--data",
      data,
      "--out",
      run,
      "--json",
      "--batch",
      "5",
      "--frame-size",
      "24",
    ],
    ...["--steps", "150", "--validate-every", "150", "--learning-rate", "0.01"],
    ...small.flatMap((option) => ["--set", option]),
  ]);
  expect(trained.code, trained.err).toBe(0);
  // Five captions are learnt by heart.
  expect(JSON.parse(trained.out).loss).toBeLessThan(1);
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

test("captions are scored, and written alike from the data, from a folder and by a file", async () => {
  const { metrics, examples } = await json("evaluate", run);
  expect(examples).toBe(5);
  expect(metrics.bleu4).toBeGreaterThanOrEqual(0);
  const known = await json("see", run, "test:2", "--beam", "1");
  const own = await json("see", run, join(data, "frames", "test-00002"), "--beam", "1");
  expect(own.output).toBe(known.output);
  const file = join(folder, "captions.onnx");
  expect((await regard(["export", run, "--out", file])).code).toBe(0);
  const again = await json("see", file, join(data, "frames", "test-00002"));
  expect(again.output).toBe(own.output);
});

test("bars of each word over the frames stand under a strip of them", async () => {
  const svg = join(folder, "bars.svg");
  const { traces } = await json("see", run, "test:2", "--svg", svg);
  expect(traces[0]).toMatchObject({ kind: "temporal", name: "attention" });
  for (const row of traces[0].weights)
    expect(row.reduce((sum: number, weight: number) => sum + weight, 0)).toBeCloseTo(1, 4);
  expect(await readFile(svg, "utf8")).toContain("<image");
});

test("explain takes each frame away", async () => {
  const { scores, words } = await json("explain", run, "test:2", "--beam", "1");
  expect(scores.effect).toHaveLength(words.length);
  expect(scores.effect[0]).toHaveLength(scores.attention[0].length);
});

test("what is no clip is refused with its name", async () => {
  const { code, err } = await regard(["see", run, join(folder, "run")]);
  expect(code).toBe(2);
  expect(err).toContain(join(folder, "run"));
});
