import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { json, regard } from "./command.js";

// Texts with blanks, as people use them: filled, drawn head by head, and explained by the words around.

let folder: string;
let run: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-masked-"));
  run = join(folder, "run");
  const { validation } = await json(
    ...[
      "train",
      "bert",
      "--steps",
      "400",
      "--validate-every",
      "400",
      "--learning-rate",
      "0.003",
      "--warmup",
      "20",
    ],
    ...[
      "--batch",
      "32",
      "--set",
      "dropout=0",
      "--set",
      "features=32",
      "--set",
      "inner=64",
      "--set",
      "heads=2",
      "--out",
      run,
    ],
  );
  // "he" alone is right of 0.185 of them.
  expect(validation.masked).toBeGreaterThan(0.2);
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

test("blanks are filled, and every head of every layer is drawn", async () => {
  const svg = join(folder, "heads.svg");
  const asked = "the keys near the door _ old . they say that the _ look old .";
  const { output, traces } = await json("see", run, asked, "--svg", svg);
  expect(output).toMatch(/^the keys near the door \w+ old \. they say that the \w+ look old \.$/);
  expect(traces.map(({ name }: { name: string }) => name)).toEqual(["layer 1", "layer 2"]);
  expect((await readFile(svg, "utf8")).length).toBeGreaterThan(1000);
}, 60_000);

test("each word that is guessed is explained by those around it", async () => {
  const { target, source, scores } = await json("explain", run, "ana lives in _ and _ likes her house .");
  expect(target).toHaveLength(2);
  expect(source.slice(0, 4)).toEqual(["(start)", "ana", "lives", "in"]);
  expect(scores.effect).toHaveLength(2);
  expect(scores.effect[0]).toHaveLength(source.length);
}, 60_000);

test("it is told of every head what is lost without it", async () => {
  const { metrics } = await json("evaluate", run, "--split", "validation");
  const lost = Object.entries(metrics).filter(([name]) => name.startsWith("lost without"));
  expect(lost.map(([name]) => name)).toEqual(
    [1, 2].flatMap((layer) => [1, 2].map((head) => `lost without layer ${layer}, head ${head}`)),
  );
  for (const [, share] of lost) expect(share).toBeLessThanOrEqual(metrics.masked + 0.1);
}, 60_000);

test("a text without a blank is refused", async () => {
  const { code, err } = await regard(["see", run, "the keys are old ."]);
  expect([code, err]).toEqual([
    2,
    expect.stringContaining("has no blank; write _ for a word that is to be guessed"),
  ]);
});
