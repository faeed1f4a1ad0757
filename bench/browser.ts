// The training step of RNNsearch in a tab of headless Chromium: Regard in a worker, TensorFlow.js and jax-js on their WASM
// backends in the page, and the same graph in onnxruntime-web outside the page, in Node, as the ceiling; interleaved.
// Run: npm run bench -- browser [rnnsearch:batch,length,hidden,vocabulary …]
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { availableParallelism, cpus } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { largestDifference, makeWork, spreadOf, type Timed } from "regard/bench";
import { webBackend } from "regard/session/web";
import { build } from "vite";

const DEFAULTS = ["rnnsearch:32,20,128,1000"];
const ROUNDS = 6;
const STEPS = 5;
const PEER_STEPS = 2;
const THREADS = Math.min(2, availableParallelism());
const bench = fileURLToPath(new URL("../../bench", import.meta.url));
/** Peers in the browser, by folder. */
const PEERS = ["tfjs", "jax-js"];

const median = (values: readonly number[]): number => spreadOf(values).median;

const peers = PEERS.filter((name) => existsSync(join(bench, "peers", name, "node_modules")));
for (const name of PEERS)
  if (!peers.includes(name)) console.error(`${name} is not installed (see bench/peers/README.md); left out.`);
const pages = fileURLToPath(new URL("../bench-pages", import.meta.url));
await build({
  root: join(bench, "browser"),
  configFile: join(bench, "browser/vite.config.ts"),
  logLevel: "warn",
});
const types: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};
const server = createServer((request, answer) => {
  const path = request.url === "/" ? "/index.html" : request.url!;
  answer.writeHead(200, {
    "content-type": types[extname(path)] ?? "application/octet-stream",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
  });
  createReadStream(join(pages, path)).pipe(answer);
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
const browser = await chromium.launch({
  ...(process.env.REGARD_CHROMIUM && { executablePath: process.env.REGARD_CHROMIUM }),
  args: ["--no-sandbox"],
});

const results = [];
for (const text of process.argv.length > 2 ? process.argv.slice(2) : DEFAULTS) {
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.error(error.message));
  await page.goto(url);
  await page.waitForFunction("typeof prepare === 'function'");
  const loadMs = await page.evaluate(
    `prepare(${JSON.stringify(text)}, ${THREADS}, ${JSON.stringify(peers)})`,
  );
  const { title, start } = makeWork(text);
  const outside = await start(webBackend, THREADS);
  const times = { tab: [] as number[], outside: [] as number[] };
  const theirs = peers.map((): number[] => []);
  let worst = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const tab = (await page.evaluate(`runRegard(${STEPS})`)) as Timed;
    const there = await outside.run(STEPS);
    const answers: Timed[] = [];
    for (const name of peers)
      answers.push((await page.evaluate(`runPeer(${JSON.stringify(name)}, ${PEER_STEPS})`)) as Timed);
    if (round === 0) {
      // The first round warms up, and shows that all do the same work: its losses agree, step by step.
      worst = largestDifference(text, tab.losses, [
        { name: "onnxruntime-web outside the page", losses: there.losses },
        ...answers.map(({ losses }, index) => ({ name: peers[index]!, losses })),
      ]);
      continue;
    }
    times.tab.push(...tab.ms);
    times.outside.push(...there.ms);
    for (const [index, { ms }] of answers.entries()) theirs[index]!.push(...ms);
  }
  await outside.release();
  await page.close();
  results.push({
    workload: `${title}, in a tab`,
    medianMs: median(times.tab),
    loadMs,
    outsideMs: median(times.outside),
    shareOfOutside: median(times.outside) / median(times.tab),
    largestLossDifference: worst,
    peers: Object.fromEntries(
      peers.map((name, index) => {
        const medianMs = median(theirs[index]!);
        return [`${name} wasm`, { medianMs, ratio: medianMs / median(times.tab) }];
      }),
    ),
  });
}
console.error(`${cpus()[0]?.model}, ${THREADS} threads, Chromium ${browser.version()}`);
await browser.close();
server.close();
console.log(JSON.stringify(results, undefined, 2));
process.exit(0);
