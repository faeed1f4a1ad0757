import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { regard } from "./command.js";

// Classification as people use it: digits written to files, trained on where they are placed anywhere, and scored.

let folder: string;
let data: string;
let run: string;
const SMALL = ["side=8", "scales=2", "glimpses=3", "patch=32", "place=8", "hidden=32"].flatMap((option) => [
  "--set",
  option,
]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-classifiers-"));
  [data, run] = [join(folder, "digits"), join(folder, "run")];
  const made = await regard(["data", "make", "digits", "--out", data, "--limit", "300", "--json"]);
  expect(made.err).toBe("");
  expect(JSON.parse(made.out)).toMatchObject({ splits: { train: 300, validation: 300, test: 300 } });
  const train = ["train", "ram", "--data", data, "--canvas", "37", "--clutter", "1", "--out", run, "--json"];
  const trained = await regard([
    ...train,
    "--steps",
    "300",
    "--validate-every",
    "100",
    "--batch",
    "32",
    ...SMALL,
  ]);
  expect(trained.code, trained.err).toBe(0);
  const { loss, validation } = JSON.parse(trained.out);
  expect(loss).toBeLessThan(Math.log(10));
  expect(validation).toMatchObject({ error: expect.any(Number), inside: expect.any(Number) });
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

test("what the model reports beside its loss is kept with it", async () => {
  const lines = (await readFile(join(run, "metrics.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const reports = lines.filter(({ report }) => report).map(({ report }) => report);
  expect(reports.length).toBeGreaterThan(10);
  for (const { reward, baseline } of reports) {
    expect(reward).toBeGreaterThan(0);
    expect(reward).toBeLessThan(1);
    expect(baseline).toBeGreaterThan(0);
  }
});

test("a run keeps how images were placed, and is scored on those", async () => {
  const { dataOptions, batch } = JSON.parse(await readFile(join(run, "run.json"), "utf8")).settings;
  expect({ ...dataOptions, batch }).toMatchObject({ canvas: 37, clutter: 1, batch: 32 });
  const { out, err } = await regard(["evaluate", run, "--json"]);
  expect(err).not.toContain("regard:");
  const { metrics, examples, split } = JSON.parse(out);
  expect({ examples, split }).toEqual({ examples: 300, split: "test" });
  expect(metrics.error).toBeLessThan(0.9);
  // Of a canvas of 37 pixels a box covers about a sixth, and holds the middle more often than not.
  expect(metrics.insideRandom).toBeGreaterThan(0.08);
  expect(metrics.insideRandom).toBeLessThan(0.25);
  expect(metrics.insideCentre).toBeGreaterThan(metrics.insideRandom);
  const text = await regard(["evaluate", run, "--split", "validation"]);
  expect(text.out).toContain("error by class");
});

test("see draws where it looked and what it saw; the same image from a file, and the exported file, give the same", async () => {
  const [svg, html] = [join(folder, "seen.svg"), join(folder, "seen.html")];
  const { out, err } = await regard(["see", run, "test:3", "--json", "--svg", svg, "--html", html]);
  expect(err).not.toContain("regard:");
  const { output, traces, references, correct, blocks } = JSON.parse(out);
  const [{ kind, image, windows, words }] = traces;
  expect({ kind, words }).toEqual({ kind: "glimpses", words: ["glimpse 1", "glimpse 2", "glimpse 3"] });
  expect([image.width, image.height]).toEqual([37, 37]);
  // At each step a window of 8 pixels and one of 16 around the same place, the first in the middle.
  for (const [small, large] of windows) {
    expect([large.x, large.y]).toEqual([small.x, small.y]);
    expect([small.width, large.width]).toBeAllClose([8 / 37, 16 / 37], 1e-6);
  }
  expect([windows[0][0].x, windows[0][0].y]).toEqual([0.5, 0.5]);
  expect(correct).toBe(references[0] === output);
  const [{ items }] = blocks;
  const most = Math.max(...items.map(({ probability }: { probability: number }) => probability));
  expect(items.find(({ probability }: { probability: number }) => probability === most).label).toBe(output);
  expect(await readFile(svg, "utf8")).toContain("glimpse 3");
  expect(await readFile(html, "utf8")).toContain("<svg");
  const [png, file] = [join(folder, "digit.png"), join(folder, "ram.onnx")];
  await writeFile(png, Buffer.from(image.url.split(",")[1], "base64"));
  const fromFile = JSON.parse((await regard(["see", run, png, "--json"])).out);
  expect(fromFile).toMatchObject({ output, traces: [{ windows }] });
  expect(fromFile.correct).toBeUndefined();
  expect((await regard(["export", run, "--out", file])).code).toBe(0);
  const exported = await regard(["see", file, png, "--json"]);
  expect(exported.code, exported.err).toBe(0);
  const seen = JSON.parse(exported.out);
  expect(seen.output).toBe(output);
  expect(seen.traces[0].windows.flat().map(({ x }: { x: number }) => x)).toBeAllClose(
    windows.flat().map(({ x }: { x: number }) => x),
    1e-5,
  );
});

test("a machine that is given its gradients learns, looks at places of its grid, and is scored after each beside gazes at random", async () => {
  const machine = join(folder, "machine");
  const small = [
    "glimpses=3",
    "grid=3",
    "side=14",
    "scales=1",
    "hidden=64",
    "factors=64",
    "generative=0.01",
  ].flatMap((option) => ["--set", option]);
  const steps = ["--steps", "200", "--validate-every", "100", "--batch", "32", "--learning-rate", "0.03"];
  const trained = await regard(["train", "foveal-rbm", "--data", data, "--out", machine, ...steps, ...small]);
  expect(trained.code, trained.err).toBe(0);
  const { out } = await regard(["evaluate", machine, "--json"]);
  const { metrics } = JSON.parse(out);
  expect(metrics.error).toBeLessThan(0.5);
  expect(metrics.errorAfter3).toBe(metrics.error);
  expect(metrics.errorAfter1).toBeGreaterThan(metrics.errorAfter3);
  for (const glimpse of [1, 2, 3])
    expect(metrics[`errorRandomAfter${glimpse}`]).not.toBe(metrics[`errorAfter${glimpse}`]);
  const seen = JSON.parse((await regard(["see", machine, "test:3", "--json"])).out);
  const [{ kind, windows }, { kind: map, grid }] = seen.traces;
  expect({ kind, map, grid }).toEqual({ kind: "glimpses", map: "spatial", grid: { rows: 3, columns: 3 } });
  // Every glimpse rests in the middle of one of three parts.
  for (const [{ x, y }] of windows)
    expect([3 * x - 0.5, 3 * y - 0.5]).toBeAllClose([Math.floor(3 * x), Math.floor(3 * y)], 1e-5);
  const explained = JSON.parse((await regard(["explain", machine, "test:3", "--json"])).out);
  expect(explained.output).toBe(seen.output);
  const [png, file] = [join(folder, "machine.png"), join(folder, "machine.onnx")];
  await writeFile(png, Buffer.from(seen.traces[1].image.url.split(",")[1], "base64"));
  expect((await regard(["export", machine, "--out", file])).code).toBe(0);
  const exported = JSON.parse((await regard(["see", file, png, "--json"])).out);
  expect(exported.output).toBe(seen.output);
  expect(exported.traces[0].windows.flat().map(({ x }: { x: number }) => x)).toBeAllClose(
    windows.flat().map(({ x }: { x: number }) => x),
    1e-5,
  );
});

test("explain tells which parts of the image the class depends on", async () => {
  const { out, err } = await regard(["explain", run, "test:3", "--json"]);
  expect(err).not.toContain("regard:");
  const { output, words, grid, scores } = JSON.parse(out);
  expect({ words, grid }).toEqual({ words: [output], grid: { rows: 8, columns: 8 } });
  const [effect] = scores.effect as number[][][];
  expect(effect!.map((row) => row.length)).toEqual(new Array(8).fill(8));
  // What is covered where no glimpse looks changes nothing: the retina is the only way in.
  const seen = (scores.attention as { x: number; y: number; width: number; height: number }[][]).flat();
  let unseen = 0;
  effect!.forEach((row, y) => {
    row.forEach((value, x) => {
      const apart = (at: number, centre: number, extent: number) =>
        (at + 1) / 8 < centre - extent / 2 - 1 / 37 || at / 8 > centre + extent / 2 + 1 / 37;
      if (!seen.every((one) => apart(x, one.x, one.width) || apart(y, one.y, one.height))) return;
      unseen++;
      expect(Math.abs(value)).toBeLessThan(1e-6);
    });
  });
  expect(unseen).toBeGreaterThan(0);
  expect(Math.max(...effect!.flat().map(Math.abs))).toBeGreaterThan(1e-3);
});

test("a run goes on to the same bytes as one that was never stopped", async () => {
  const [stopped, whole] = [join(folder, "stopped"), join(folder, "whole")];
  const train = [
    "train",
    "ram",
    "--data",
    "digits-cluttered",
    "--validate-every",
    "5",
    "--batch",
    "8",
    ...SMALL,
  ];
  await regard([...train, "--steps", "5", "--schedule", "constant", "--out", stopped]);
  await regard(["train", "--resume", stopped, "--steps", "10"]);
  await regard([...train, "--steps", "10", "--schedule", "constant", "--out", whole]);
  const file = "checkpoint-00000010.safetensors";
  expect((await readFile(join(stopped, file))).equals(await readFile(join(whole, file)))).toBe(true);
});

test("several things are named from left to right, explained thing by thing, and asked of an exported file", async () => {
  const [ordered, file, png] = ["ordered", "ordered.onnx", "two.png"].map((name) => join(folder, name));
  const trained = await regard([
    ...["train", "dram", "--data", data, "--canvas", "50", "--things", "2", "--out", ordered!, "--json"],
    ...["--set", "glimpses=2", "--set", "hidden=16", "--set", "patch=16", "--set", "coarse=5"],
    ...["--steps", "40", "--validate-every", "20", "--batch", "16"],
  ]);
  expect(trained.code, trained.err).toBe(0);
  const { dataOptions } = JSON.parse(await readFile(join(ordered!, "run.json"), "utf8")).settings;
  expect(dataOptions).toMatchObject({ canvas: 50, things: 2 });
  const { metrics, breakdown } = JSON.parse((await regard(["evaluate", ordered!, "--json"])).out);
  // Both must be right, so that more images are wrong than things are.
  const things = breakdown.ranges.map(({ examples, score }: { examples: number; score: number }) => [
    examples,
    (examples * score) / 100,
  ]);
  const sum = (column: 0 | 1) => things.reduce((all: number, row: number[]) => all + row[column]!, 0);
  expect(sum(0)).toBe(600);
  expect(metrics.error).toBeGreaterThan(sum(1) / 600);
  expect(metrics.insideRandom).toBeGreaterThan(0.08);
  const seen = JSON.parse((await regard(["see", ordered!, "test:3", "--json"])).out);
  expect(seen.output).toMatch(/^\d \d$/);
  expect(seen.references).toEqual([expect.stringMatching(/^\d \d$/)]);
  expect(seen.blocks.map(({ title }: { title: string }) => title)).toEqual([
    "Class of thing 1",
    "Class of thing 2",
  ]);
  expect(seen.traces[0].words).toEqual(["glimpse 1", "glimpse 2", "glimpse 3", "glimpse 4"]);
  const explained = JSON.parse((await regard(["explain", ordered!, "test:3", "--json"])).out);
  expect(explained.words).toEqual(seen.output.split(" "));
  expect(explained.scores.effect).toHaveLength(2);
  await writeFile(png!, Buffer.from(seen.traces[0].image.url.split(",")[1], "base64"));
  expect((await regard(["export", ordered!, "--out", file!])).code).toBe(0);
  const asked = await regard(["see", file!, png!, "--json"]);
  expect(asked.code, asked.err).toBe(0);
  expect(JSON.parse(asked.out)).toMatchObject({ output: seen.output });
});

test.each<[string, () => readonly string[], RegExp]>([
  [
    "things in order for a model that names one",
    () => ["train", "ram", "--data", "digit-rows"],
    /the data asks for 2 classes of each image, in order, but ram gives one; ask for their set or their sum, or take a model that names several\./,
  ],
  [
    "an answer of one thing",
    () => ["train", "dram", "--data", data, "--answer", "sum"],
    /the answer "sum" is asked of several things but each canvas has one; give 2 things or more, or no answer\./,
  ],
  [
    "a canvas that is too small for two",
    () => ["train", "dram", "--data", data, "--canvas", "41", "--things", "2"],
    /a canvas of 41 pixels does not hold 2 images of 28 × 28; give one of 42 or more\./,
  ],
  [
    "a canvas that is too small",
    () => ["train", "ram", "--data", data, "--canvas", "20"],
    /a canvas of 20 pixels does not hold images of 28 × 28; give one of 28 or more\./,
  ],
  [
    "a canvas for what is drawn by Regard",
    () => ["train", "ram", "--data", "digits", "--canvas", "60"],
    /--canvas is for IDX files, as MNIST has them, and "digits" is none; leave it out\./,
  ],
  [
    "clutter for sentences",
    () => ["train", "rnnsearch", "--clutter", "4"],
    /--clutter is for IDX files, as MNIST has them, and "bilingual" is none; leave it out\./,
  ],
  [
    "a canvas that is no number of pixels",
    () => ["train", "ram", "--data", data, "--canvas", "0"],
    /--canvas is 0 but must be at least 1\./,
  ],
  [
    "data of another kind",
    () => ["train", "ram", "--data", "scenes"],
    /"scenes" holds captions but the model takes labelled images; name "digits" or .* or "digit-rows", or your own data\./,
  ],
  [
    "a folder without images",
    () => ["train", "ram", "--data", folder],
    /has no training images; it should hold train-images-idx3-ubyte and train-labels-idx1-ubyte, packed \(\.gz\) or not\./,
  ],
  [
    "a limit for what is drawn by Regard",
    () => ["train", "foveal-rbm", "--limit", "50"],
    /--limit is for IDX files, as MNIST has them, and "digits" is none; leave it out\./,
  ],
  [
    "more fixations than places",
    () => ["train", "foveal-rbm", "--data", data, "--set", "grid=2", "--set", "glimpses=5"],
    /option "glimpses" .*places/,
  ],
  [
    "one glimpse alone",
    () => ["train", "ram", "--set", "glimpses=1"],
    /option "glimpses" is 1 but must be at least 2\./,
  ],
])("%s is refused in a sentence, and nothing is left behind", async (_, args, message) => {
  const out = join(folder, "refused");
  const { code, err } = await regard([...args(), "--steps", "1", "--out", out]);
  expect(err.trimEnd()).toMatch(message);
  expect(err).not.toContain("    at ");
  expect(code).toBe(2);
  await expect(readFile(join(out, "run.json"))).rejects.toThrow("ENOENT");
});

test("labels that are cut off are named by their file", async () => {
  const file = join(data, "test-labels-idx1-ubyte.gz");
  const whole = await readFile(file);
  await writeFile(file, whole.subarray(0, 20));
  const { code, err } = await regard(["evaluate", run]);
  await writeFile(file, whole);
  expect(err).toMatch(
    /test-labels-idx1-ubyte\.gz cannot be unpacked \(unexpected end of file\); fetch it again\./,
  );
  expect(code).toBe(2);
});

test("a model that reads pairs is told that these are none", async () => {
  const { code, err } = await regard(["train", "rnnsearch", "--data", data, "--steps", "1"]);
  expect(err).toBe(
    `regard: the model takes pairs, but "${data}" holds IDX files, as MNIST has them; name "bilingual" or "bilingual-es-en", or your own data.\n`,
  );
  expect(code).toBe(2);
});
