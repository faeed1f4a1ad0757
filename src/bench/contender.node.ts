// Regard as one of those that are compared: does the work it is named when standard input asks for it. Every peer speaks the
// same way: a line {"ready", "version", "loadMs"} first, then for each line "N" one with the milliseconds and losses of N
// pieces of work, and the most memory the process has held so far.
// Run: node contender.node.js WORK THREADS
import { createInterface } from "node:readline";
import { nodeBackend } from "../session/node.js";
import { makeWork } from "./workload/index.js";

const [text, threads] = process.argv.slice(2);
const running = await makeWork(text!).start(nodeBackend, Number(threads));
const say = (answer: object) => process.stdout.write(`${JSON.stringify(answer)}\n`);
say({ ready: true, loadMs: running.loadMs });
for await (const line of createInterface({ input: process.stdin }))
  say({ ...(await running.run(Number(line))), peakBytes: process.resourceUsage().maxRSS * 1024 });
await running.release();
