import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { regard } from "./command.js";

// Rows of bits as people use them: a small machine with a memory, trained, asked, explained and exported.

let folder: string;
let run: string;
const SMALL = ["hidden=17", "places=13", "content=5"].flatMap((option) => ["--set", option]);
const ROWS = "10110011 00000001 11110000";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-bits-"));
  run = join(folder, "run");
  const train = ["train", "neural-turing-machine", "--steps", "30", "--batch", "7", "--out", run, "--json"];
  const { code, out, err } = await regard([...train, ...SMALL]);
  expect(code, err).toBe(0);
  const { loss, validation } = JSON.parse(out);
  // Eight bits of which nothing is known are 8 log 2 nats.
  expect(loss).toBeLessThan(8 * Math.log(2) + 0.2);
  expect(validation).toMatchObject({ bitErrors: expect.any(Number), exact: expect.any(Number) });
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

test("a run begins with what its card says, and is scored by bits", async () => {
  const { settings } = JSON.parse(await readFile(join(run, "run.json"), "utf8"));
  expect(settings).toMatchObject({ data: "copy", clip: 10, learningRate: 0.001, labelSmoothing: 0 });
  const { out } = await regard(["evaluate", run, "--split", "test-40", "--json"]);
  const { examples, metrics } = JSON.parse(out);
  expect(examples).toBe(200);
  // 40 rows of 8 bits, of which about half are right by chance.
  expect(metrics.bitErrors).toBeGreaterThan(100);
  expect(metrics.bitErrors).toBeLessThan(200);
  expect(metrics.bitErrorShare).toBeCloseTo(metrics.bitErrors / 320, 10);
});

test("see shows the heads over the memory, step by step; the exported file gives the same", async () => {
  const [svg, file] = [join(folder, "heads.svg"), join(folder, "machine.onnx")];
  const { out, err } = await regard(["see", run, ROWS, "--json", "--svg", svg]);
  expect(err).not.toContain("regard:");
  const { output, traces, references, correct } = JSON.parse(out);
  expect(output).toMatch(/^[01]{8} [01]{8} [01]{8}$/);
  expect(references).toEqual([ROWS]);
  expect(correct).toBe(output === ROWS);
  expect(traces.map(({ kind, name }: { kind: string; name: string }) => [kind, name])).toEqual([
    ["memory", "read"],
    ["memory", "write"],
  ]);
  for (const { words, weights } of traces) {
    expect(words).toEqual([...ROWS.split(" "), "end", ...output.split(" ")]);
    expect(weights).toHaveLength(1);
    for (const row of weights[0]) {
      expect(row).toHaveLength(13);
      expect([row.reduce((a: number, b: number) => a + b, 0)]).toBeAllClose([1], 1e-5);
    }
  }
  expect(await readFile(svg, "utf8")).toContain("write");
  expect((await regard(["export", run, "--out", file])).code).toBe(0);
  const exported = JSON.parse((await regard(["see", file, ROWS, "--json"])).out);
  expect(exported.output).toBe(output);
  exported.traces.forEach(({ weights }: { weights: number[][][] }, head: number) => {
    expect(weights.flat(2)).toBeAllClose(traces[head].weights.flat(2), 1e-5);
  });
});

test("explain tells what each row that is put out depends on", async () => {
  const { out, err } = await regard(["explain", run, ROWS, "--json"]);
  expect(err).not.toContain("regard:");
  const { source, target, scores } = JSON.parse(out);
  expect(source).toEqual([...ROWS.split(" "), "end"]);
  expect(target).toHaveLength(7);
  const { effect } = scores;
  expect(effect).toHaveLength(7);
  // Nothing is asked for while rows are read.
  expect(effect.slice(0, 4).flat()).toEqual(new Array(16).fill(0));
  expect(
    effect
      .slice(4)
      .flat()
      .some((value: number) => value !== 0),
  ).toBe(true);
});

test("what is no row of bits is named", async () => {
  for (const [input, sentence] of [
    ["1011", "regard: copy: row 1 has 4 bits but the model reads 8; give every row 8."],
    [
      "10a",
      'regard: "10a" is no row of bits; give rows of 0 and 1 with spaces between, or an example such as test:0.',
    ],
  ] as const) {
    const { code, err } = await regard(["see", run, input]);
    expect({ code, err: err.trim() }).toEqual({ code: 2, err: sentence });
  }
});
