import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { regard } from "./command.js";

// Tracking as people use it: films written to files, features learnt of them, and something followed through others.

let folder: string;
let data: string;
let run: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-tracking-"));
  [data, run] = [join(folder, "films"), join(folder, "run")];
  const made = await regard([
    "data",
    "make",
    "films",
    "--out",
    data,
    "--limit",
    "3",
    "--seed",
    "1",
    "--json",
  ]);
  expect(made.err).toBe("");
  expect(JSON.parse(made.out)).toMatchObject({ splits: { train: 3, validation: 3, test: 3 } });
  const small = ["hidden=29", "particles=17"].flatMap((option) => ["--set", option]);
  const trained = await regard([
    ...["train", "attentive-tracking", "--data", data, "--out", run, "--json", "--batch", "3"],
    ...["--steps", "40", "--validate-every", "20", ...small],
  ]);
  expect(trained.code, trained.err).toBe(0);
  const { loss, validation } = JSON.parse(trained.out);
  // Cells are known again better than by chance, which costs log 2.
  expect(loss).toBeLessThan(Math.log(2));
  expect(validation).toMatchObject({ error: expect.any(Number), lost: expect.any(Number) });
  // Files do not say what is hidden.
  expect(validation.gold).toBeUndefined();
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

test("films are scored beside every policy that is not learnt, and beside a box that stays", async () => {
  const { out, err } = await regard(["evaluate", run, "--json"]);
  expect(err).not.toContain("regard:");
  const { metrics, examples, split } = JSON.parse(out);
  expect([examples, split]).toEqual([3, "test"]);
  for (const name of ["", "Fixed", "Circular", "Random", "Still"]) {
    expect(metrics[`error${name}`]).toBeGreaterThan(0);
    expect(metrics[`lost${name}`]).toBeLessThanOrEqual(1);
  }
  expect(metrics.errorStill).toBeGreaterThan(10);
});

test("a film is followed alike by a run, by its file, and from a folder of frames", async () => {
  const own = join(data, "test", "0002");
  const asked = await regard(["see", run, own, "--svg", join(folder, "box.svg"), "--json"]);
  expect(asked.code, asked.err).toBe(0);
  const { output, traces } = JSON.parse(asked.out);
  expect(output).toMatch(/^-?\d+ -?\d+ 28 28$/);
  expect(traces.map(({ name }: { name: string }) => name)).toEqual(["box", "particles", "gaze"]);
  expect(JSON.parse((await regard(["see", run, "test:1", "--json"])).out).output).toBe(output);
  const file = join(folder, "tracker.onnx");
  expect((await regard(["export", run, "--out", file])).code).toBe(0);
  const again = JSON.parse((await regard(["see", file, own, "--json"])).out);
  expect(again.output).toBe(output);
  // A gaze is what chance says it is, and the same in both.
  expect(again.traces[2].weights).toEqual(traces[2].weights);
  expect(await readFile(join(folder, "box.svg"), "utf8")).toContain("<image");
});

test("each stretch of a film is told what it does to where the thing is taken to be", async () => {
  const { out, code, err } = await regard(["explain", run, "test:0", "--json"]);
  expect(code, err).toBe(0);
  const { scores, source } = JSON.parse(out);
  expect(source).toHaveLength(8);
  expect([scores.effect.length, scores.effect[0].length]).toEqual([60, 8]);
  // Without what comes after it nothing is otherwise: a stretch tells of its own frames and of those that follow.
  for (let stretch = 1; stretch < 8; stretch++) expect(scores.effect[0][stretch]).toBeCloseTo(0, 4);
  expect(scores.gaze).toHaveLength(60);
  expect(scores.salience).toHaveLength(60);
});

test("what is no film is refused with its name", async () => {
  const { code, err } = await regard(["see", run, data]);
  expect(code).toBe(2);
  expect(err).toContain(`${data} is no film; it should hold numbered frames`);
});
