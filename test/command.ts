import { AsyncLocalStorage } from "node:async_hooks";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

/** The command line as it was built. */
export const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const program = new URL("../dist/cli/program.js", import.meta.url).href;

export interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line in a process of its own. `interrupt` sends Ctrl-C once standard error matches it. */
export function spawned(args: readonly string[], interrupt?: RegExp): Promise<Result> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, NO_COLOR: "1" } });
    let [out, err, sent] = ["", "", false];
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
      if (interrupt && !sent && interrupt.test(err)) {
        sent = true;
        child.kill("SIGINT");
      }
    });
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

/** What each command that runs in this process has written. */
const writing = new AsyncLocalStorage<{ out: string; err: string }>();
for (const [name, which] of [
  ["stdout", "out"],
  ["stderr", "err"],
] as const) {
  const stream = process[name];
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (...args: [chunk: string | Uint8Array, ...rest: unknown[]]) => {
    const written = writing.getStore();
    if (!written) return write(...args);
    written[which] += typeof args[0] === "string" ? args[0] : Buffer.from(args[0]).toString();
    return true;
  };
}
process.env.NO_COLOR = "1";

/** Runs the command line as it was built, in this process: loading it takes longer than most commands do. */
export async function regard(args: readonly string[]): Promise<Result> {
  const { regard: run } = (await import(
    /* @vite-ignore */ program
  )) as typeof import("../src/cli/program.js");
  const written = { out: "", err: "" };
  const code = await writing.run(written, () => run(args));
  return { code, ...written };
}

/** What a command that succeeds says to programs. */
export async function json(...args: string[]) {
  const { code, out, err } = await regard([...args, "--json"]);
  expect(code, err).toBe(0);
  return JSON.parse(out);
}

/** A model small enough that a step takes milliseconds. */
export const small = [
  "--set",
  "embedding=16",
  "--set",
  "hidden=16",
  "--set",
  "alignment=16",
  "--set",
  "maxout=16",
  "--batch",
  "16",
];
