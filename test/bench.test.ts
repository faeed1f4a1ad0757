import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
// Those that are compared run in processes of their own, as they were compiled.
import { compare } from "../dist/bench/compare.node.js";
import { makeWork, profileTable, tableOf } from "../dist/bench/index.js";
import { profile } from "../dist/bench/profile.node.js";
import { measureGrowth } from "../dist/bench/sweep.node.js";
import { nodeBackend } from "../dist/session/node.js";
import { regard } from "./command.js";

const [RNNSEARCH, LANGUAGE] = ["rnnsearch:3,5,7,11", "language-model:3,5,7,11"];

afterEach(() => vi.unstubAllEnvs());

/** Runs with a program in the place of a peer's Python: it answers as it is told. */
async function withPeer(program: string, body: () => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "regard-peer-"));
  const file = join(folder, "python");
  // Whatever package the temporary folder may lie in.
  await writeFile(join(folder, "package.json"), '{ "type": "commonjs" }');
  await writeFile(file, `#!${process.execPath}\n${program}`);
  await chmod(file, 0o755);
  vi.stubEnv("REGARD_PEER_PYTORCH", file);
  try {
    await body();
  } finally {
    await rm(folder, { recursive: true });
  }
}

const answering = (losses: string) => `
const say = (answer) => console.log(JSON.stringify(answer));
say({ ready: true, version: "0.0" });
let step = 0;
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const count = Number(line);
  say({ ms: Array(count).fill(1000), losses: Array.from({ length: count }, () => (${losses})(step++)), peakBytes: 2 ** 20 });
});`;

test("a comparison takes turns and tells times, ratios and memory", async () => {
  const running = await makeWork(LANGUAGE).start(nodeBackend, 1);
  const { losses } = await running.run(3);
  await running.release();
  await withPeer(answering(`(step) => ${JSON.stringify(losses)}[step] ?? 0`), async () => {
    const found = await compare(LANGUAGE, { threads: 1, rounds: 2, peers: ["pytorch"] });
    const [own, peer] = found.measured;
    expect(own!.name).toBe("regard");
    expect(own!.ratio).toBe(1);
    expect(own!.peakBytes).toBeGreaterThan(2 ** 20);
    expect(peer).toMatchObject({ name: "pytorch", version: "0.0", ms: { median: 1000 }, peakBytes: 2 ** 20 });
    expect(peer!.ratio).toBeCloseTo(1000 / own!.ms.median, 6);
    expect(tableOf(found)).toMatch(/pytorch 0\.0 +1000\.0/);
  });
});

test("a peer that does other work is left out with the reason, as is one that breaks at once or later", async () => {
  const options = { threads: 1, rounds: 1, peers: ["pytorch"] };
  await withPeer(answering("() => 7"), async () => {
    const { measured, missing } = await compare(RNNSEARCH, options);
    expect(measured.map(({ name }) => name)).toEqual(["regard"]);
    expect(missing.pytorch).toMatch(/loss 1 is .* in Regard and 7 in pytorch; they do not do the same work/);
  });
  await withPeer(`throw new Error("no such kernel")`, async () => {
    const { missing } = await compare(RNNSEARCH, options);
    expect(missing.pytorch).toMatch(/ended without an answer: .*no such kernel/);
  });
  await withPeer(
    answering(`(step) => { if (step > 0) throw new Error("out of memory"); return 7; }`),
    async () => {
      const { missing } = await compare(RNNSEARCH, options);
      expect(missing.pytorch).toMatch(/ended without an answer: .*out of memory/);
    },
  );
  vi.stubEnv("REGARD_PEER_PYTORCH", "/nowhere/python");
  expect((await compare(RNNSEARCH, options)).missing.pytorch).toMatch(/cannot be started/);
});

test("growth is measured at every value of a size", async () => {
  const options = { threads: 1, rounds: 1, peers: [] };
  const growth = await measureGrowth("language-model:3,5,7,11", "length=5,11", options);
  expect(growth.work).toBe("language-model:3,length,7,11");
  expect(growth.series.map(({ name, points }) => [name, points.map(({ x }) => x)])).toEqual([
    ["regard", [5, 11]],
  ]);
  await expect(measureGrowth("rnnsearch", "depth=1,2", options)).rejects.toThrow(/no size "depth"/);
  await expect(measureGrowth("rnnsearch", "length=5", options)).rejects.toThrow(/two or more whole numbers/);
});

test("a profile tells the operators of a step, those of loops among them", async () => {
  const found = await profile(LANGUAGE, 1);
  const gemm = found.operators.find(({ operator }) => operator === "Gemm" || operator === "FusedGemm")!;
  expect(gemm.calls).toBeGreaterThanOrEqual(5);
  expect(found.operators.some(({ operator }) => operator === "Scan")).toBe(false);
  expect(found.operators.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 6);
  expect(profileTable(found)).toMatch(/Tanh +\d+\.\d+ ms +\d+ % +\d+ calls/);
  // A trace of some two hundred thousand events, which are more than a call takes arguments.
  const long = await profile("language-model:2,509,3,7", 1);
  expect(long.operators.find(({ operator }) => operator === "Tanh")!.calls).toBeGreaterThan(2 * 508);
});

test("regard bench prints a table, a picture of growth and JSON, and says what it does not know", async () => {
  const folder = await mkdtemp(join(tmpdir(), "regard-bench-"));
  const svg = join(folder, "growth.svg");
  const table = await regard(["bench", LANGUAGE, "--peers", "none", "--rounds", "1"]);
  expect(table).toMatchObject({ code: 0 });
  expect(table.out).toMatch(/LSTM language model training step, batch 3, length 5/);
  expect(table.out).toMatch(/regard +\d+\.\d+ /);
  const options = ["--peers", "none", "--rounds", "1", "--sweep", "hidden=7,13", "--svg", svg, "--json"];
  const sweep = await regard(["bench", LANGUAGE, ...options]);
  expect(JSON.parse(sweep.out).series[0].points).toHaveLength(2);
  expect(await readFile(svg, "utf8")).toContain("regard: hidden^");
  await rm(folder, { recursive: true });
  for (const [args, message] of [
    [["--peers", "caffe"], /no peer "caffe"; choose of pytorch, /],
    [["--rounds", "0"], /--rounds is 0 but must be a whole number from 1/],
    [["--svg", "x.svg"], /--svg draws what --sweep measures; give both/],
    [["--sweep", "length=2,3"], /--sweep takes one workload, not 0/],
    [["elsewhere:1"], /no workload "elsewhere"/],
  ] as const) {
    const refused = await regard(["bench", ...args]);
    expect(refused.code).toBe(2);
    expect(refused.err).toMatch(message);
  }
});
