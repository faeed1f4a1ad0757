import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

/** The command line as it was built. */
export const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));

export interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line as a user does. `interrupt` sends Ctrl-C once standard error matches it. */
export function regard(args: readonly string[], interrupt?: RegExp): Promise<Result> {
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
