import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A program of another framework that does the same work when asked to. */
export interface Peer {
  readonly name: string;
  /** Runs `steps` training steps; milliseconds of each, and their losses. */
  run(steps: number): Promise<{ ms: number[]; losses: number[] }>;
  close(): void;
}

/** The Python of a peer's own install, or undefined where it is not installed. `REGARD_PEER_<NAME>` names another one. */
export function pythonOf(peer: string): string | undefined {
  const named = process.env[`REGARD_PEER_${peer.toUpperCase().replaceAll(/[-.]/g, "_")}`];
  const own = fileURLToPath(new URL(`../../bench/peers/${peer}/.venv/bin/python`, import.meta.url));
  return named ?? (existsSync(own) ? own : undefined);
}

/** Starts a peer that reads a number of steps a line and answers with a line of JSON. */
export async function startPeer(
  peer: string,
  python: string,
  script: string,
  args: readonly string[],
): Promise<Peer> {
  const path = fileURLToPath(new URL(`../../bench/peers/${script}`, import.meta.url));
  const env = { ...process.env };
  // These slow down or change the matrix kernels of a peer; it should run as its makers ship it.
  for (const name of ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]) delete env[name];
  const child = spawn(python, [path, ...args], { stdio: ["pipe", "pipe", "inherit"], env });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`the peer ${peer} ended without an answer`);
    return JSON.parse(value);
  };
  const { version } = await answer();
  return {
    name: `${peer} ${version}`,
    run(steps) {
      child.stdin.write(`${steps}\n`);
      return answer();
    },
    close: () => child.stdin.end(),
  };
}
