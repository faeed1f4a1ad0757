import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { json, regard } from "./command.js";

// Images that are drawn step by step, as people use them: trained, seen, drawn from nothing, explained and exported.

let folder: string;
let run: string;
const STEPS = 4;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-drawing-"));
  run = join(folder, "run");
  const trained = await regard([
    ...[
      "train",
      "draw",
      "--data",
      "digits",
      "--out",
      run,
      "--json",
      "--steps",
      "60",
      "--validate-every",
      "30",
    ],
    ...["--learning-rate", "0.01", "--warmup", "10", "--batch", "32"],
    ...["--set", `steps=${STEPS}`, "--set", "hidden=32", "--set", "latent=5"],
  ]);
  expect(trained.code, trained.err).toBe(0);
  const { validation } = JSON.parse(trained.out);
  // 784 pixels of which nothing is known take 543 nats.
  expect(validation.loss).toBeLessThan(500);
  expect(validation.divergence).toBeGreaterThan(0);
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

const seen = (...args: string[]) => json("see", ...args);

test("see tells where it read and wrote, and draws the canvas as it grows", async () => {
  const html = join(folder, "drawn.html");
  const { output, traces } = await seen(run, "test:3", "--html", html);
  expect(output).toMatch(/^drawn from test 3 with \d+\.\d nats$/);
  expect(traces.map(({ name }: { name: string }) => name)).toEqual(["read", "write"]);
  for (const { windows } of traces) expect(windows).toHaveLength(STEPS);
  expect(await readFile(html, "utf8")).toContain("over the canvas in 4 steps");
});

test("what is drawn from the prior is another for each seed, and the same for one", async () => {
  const drawn = async (seed: number) => {
    const { traces } = await seen(run, "prior", "--sample", String(seed));
    return JSON.stringify(traces);
  };
  const first = await drawn(7);
  expect(await drawn(7)).toBe(first);
  expect(await drawn(8)).not.toBe(first);
});

test("evaluate tells the bound, the same each time, and what each step knew", async () => {
  const scores = async () => {
    const { code, out, err } = await regard(["evaluate", run, "--split", "validation", "--json"]);
    expect(code, err).toBe(0);
    return JSON.parse(out).metrics;
  };
  const metrics = await scores();
  expect(await scores()).toEqual(metrics);
  const steps = Array.from({ length: STEPS }, (_, step) => metrics[`divergence${step + 1}`]);
  expect(steps.reduce((a: number, b: number) => a + b, 0)).toBeCloseTo(metrics.divergence, 6);
  expect(metrics.loss).toBeGreaterThan(metrics.divergence);
});

test("explain tells which parts of an image it was drawn from; an exported file draws the same", async () => {
  const explained = await regard(["explain", run, "test:3", "--json"]);
  expect(explained.code, explained.err).toBe(0);
  const file = join(folder, "draw.onnx");
  const exported = await regard(["export", run, "--out", file]);
  expect(exported.code, exported.err).toBe(0);
  const image = join(folder, "image.png");
  const made = await regard(["see", run, "test:3", "--png", image]);
  expect(made.code, made.err).toBe(0);
  const [there, here] = [await seen(file, image), await seen(run, image)];
  expect(there.output).toBe(here.output);
});
