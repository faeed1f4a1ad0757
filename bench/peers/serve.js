// What every peer in JavaScript does in Node: work that is timed, as much of it as each line of standard input asks for.
// Run: node PROGRAM.js WORK.safetensors THREADS
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

/** The weights and the tensors of the batch, by name: { shape, data }. */
export function load() {
  const bytes = readFileSync(process.argv[2]);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [start, end] = data_offsets.map((offset) => offset + 8 + length);
    const { buffer } = Uint8Array.from(bytes.subarray(start, end));
    tensors[name] = { shape, data: dtype === "I32" ? new Int32Array(buffer) : new Float32Array(buffer) };
  }
  return tensors;
}

/** Answers each line "N" with a line of JSON: the milliseconds of N pieces of work, what each gave, and peak memory. */
export async function serve(version, run) {
  const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
  say({ ready: true, version });
  for await (const line of createInterface({ input: process.stdin }))
    say({ ...(await run(Number(line))), peakBytes: process.resourceUsage().maxRSS * 1024 });
  process.exit(0);
}
