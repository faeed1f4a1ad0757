// Training steps, here and in PyTorch, from the same weights on the same batch, interleaved.
// Run: npm run bench -- [rnnsearch:batch,length,hidden,vocabulary | convolution:batch,side,channels …]
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { reachableNodes, resolveDimension } from "regard/core";
import { simplify } from "regard/onnx";
import { input, matmul } from "regard/ops";
import type { Value } from "regard/session";
import { nodeBackend } from "regard/session/node";
import { encodeSafetensors } from "regard/train";
import { type Peer, pythonOf, startPeer } from "./peer.js";
import { kindOf, timedStep } from "./step.js";

const DEFAULTS = [
  "rnnsearch:32,20,128,1000",
  "rnnsearch:64,20,256,4000",
  "rnnsearch:64,20,512,8000",
  "convolution:32,64,32",
];
const PEERS = ["pytorch", "pytorch-1.13"];
const ROUNDS = 8;
const STEPS = 5;
const THREADS = Math.min(2, availableParallelism());

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** GFLOP/s of a large product: what the machine's matrix kernel can do. */
async function ceiling(): Promise<number> {
  const size = 1024;
  const session = await nodeBackend.load(
    { y: matmul(input("a", "float32", [size, size]), input("b", "float32", [size, size])) },
    { threads: THREADS },
  );
  const value = (): Value => ({
    dtype: "float32",
    shape: [size, size],
    data: new Float32Array(size * size).fill(0.5),
  });
  const [feeds, into] = [{ a: value(), b: value() }, { y: value() }];
  const times: number[] = [];
  for (let round = 0; round < 20; round++) {
    const started = performance.now();
    await session.run(feeds, into);
    times.push(performance.now() - started);
  }
  await session.release();
  return (2 * size ** 3) / median(times) / 1e6;
}

async function workload(text: string): Promise<object> {
  const { name, program, sizes, tensors, loadMs, run, release } = await timedStep(text, nodeBackend, THREADS);

  const folder = await mkdtemp(join(tmpdir(), "regard-bench-"));
  const file = join(folder, "weights.safetensors");
  await writeFile(file, encodeSafetensors(tensors));
  const peers: Peer[] = [];
  for (const peer of PEERS) {
    const python = pythonOf(peer);
    if (python)
      peers.push(await startPeer(peer, python, `pytorch/${kindOf(text)}.py`, [file, String(THREADS)]));
    else console.error(`${peer} is not installed (see bench/peers/README.md); left out.`);
  }

  const ours: number[] = [];
  const theirs = peers.map((): number[] => []);
  let worst = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const mine = await run(STEPS);
    const answers = [];
    for (const peer of peers) answers.push(await peer.run(STEPS));
    if (round === 0) {
      // The first round warms up, and shows that all do the same work: its losses agree, step by step.
      for (const { losses } of answers)
        for (const [index, value] of losses.entries())
          worst = Math.max(worst, Math.abs(value - mine.losses[index]!));
      if (worst > 1e-4) throw new Error(`losses of one batch differ by ${worst}`);
      continue;
    }
    ours.push(...mine.ms);
    for (const [index, { ms }] of answers.entries()) theirs[index]!.push(...ms);
  }
  for (const peer of peers) peer.close();
  await release();
  await rm(folder, { recursive: true });

  const flops = reachableNodes(simplify(Object.values(program))).reduce(
    (sum, node) =>
      sum + (node.operation.flops?.(node as never, (dimension) => resolveDimension(dimension, sizes)) ?? 0),
    0,
  );
  const medianMs = median(ours);
  return {
    workload: name,
    medianMs,
    gigaflops: flops / 1e9,
    gigaflopsPerSecond: flops / medianMs / 1e6,
    loadMs,
    largestLossDifference: worst,
    peers: Object.fromEntries(
      peers.map(({ name }, index) => [
        name,
        { medianMs: median(theirs[index]!), ratio: median(theirs[index]!) / medianMs },
      ]),
    ),
  };
}

const results = [];
const top = await ceiling();
const asked = process.argv.slice(2);
for (const text of asked.length > 0 ? asked : DEFAULTS) {
  const result = (await workload(text)) as { gigaflopsPerSecond: number };
  results.push({ ...result, ceilingShare: result.gigaflopsPerSecond / top });
  console.error(JSON.stringify(results.at(-1), undefined, 2));
}
console.log(
  JSON.stringify({ machine: cpus()[0]!.model, threads: THREADS, ceilingGigaflopsPerSecond: top, results }),
);
