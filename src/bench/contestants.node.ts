import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { RegardError } from "../core/index.js";
import type { Timed } from "./contract.js";

/** The programs of the peers, each with an install of its own. */
const PEERS = fileURLToPath(new URL("../../bench/peers", import.meta.url));
/** Seconds a program may take to be ready and to do its first piece of work: compilers need some. */
const PATIENCE = 600;

/** A framework that may do the same work. */
interface Peer {
  readonly name: string;
  /** The folder with its programs and its install. */
  readonly folder: string;
  readonly language: "python" | "javascript";
  /** A word its programs are given, where one install is measured in several ways. */
  readonly mode?: string;
}

/** Every framework Regard is compared with. */
export const peers: readonly Peer[] = [
  { name: "pytorch", folder: "pytorch", language: "python", mode: "eager" },
  { name: "pytorch compiled", folder: "pytorch", language: "python", mode: "compiled" },
  { name: "jax", folder: "jax", language: "python" },
  { name: "tfjs wasm", folder: "tfjs", language: "javascript" },
  { name: "jax-js wasm", folder: "jax-js", language: "javascript" },
];

/** A program in a process of its own that does work when asked to. */
export interface Contestant {
  readonly name: string;
  readonly version?: string;
  /** From the start of its process to the end of its first piece of work, in milliseconds. */
  readonly firstMs: number;
  /** To load the graph, where it has one. */
  readonly loadMs?: number;
  readonly first: Timed;
  run(count: number): Promise<Timed>;
  /** The most memory its process has held, in bytes. */
  readonly peakBytes: number;
  close(): void;
}

/** The Python of a peer's own install, or undefined where it is not installed. `REGARD_PEER_<NAME>` names another one. */
function pythonOf(folder: string): string | undefined {
  const named = process.env[`REGARD_PEER_${folder.toUpperCase().replaceAll("-", "_")}`];
  const own = join(PEERS, folder, ".venv/bin/python");
  return named ?? (existsSync(own) ? own : undefined);
}

/** The command of a peer for a kind of work, or why there is none. */
export function commandOf({ folder, language, mode }: Peer, program: string): string[] | { missing: string } {
  const file = join(PEERS, folder, `${program}.${language === "python" ? "py" : "js"}`);
  if (!existsSync(file)) return { missing: "has no program for this work" };
  const runner = language === "python" ? pythonOf(folder) : process.execPath;
  if (!runner || (language === "javascript" && !existsSync(join(PEERS, folder, "node_modules"))))
    return { missing: "is not installed (see bench/peers/README.md)" };
  return [runner, file, ...(mode ? [mode] : [])];
}

/** The command that does work in Regard. */
export const ownCommand = (text: string, threads: number): string[] => [
  process.execPath,
  fileURLToPath(new URL("./contender.node.js", import.meta.url)),
  text,
  String(threads),
];

/** The line of what a program complained about that says most. */
function reasonIn(complaint: string): string {
  const lines = complaint.trim().split("\n");
  return lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1)!;
}

/**
 * Starts a program and has it do its first piece of work.
 * @throws RegardError where it ends or does not answer in time
 */
export async function startContestant(
  name: string,
  [command, ...args]: readonly string[],
): Promise<Contestant> {
  const env = { ...process.env };
  // These slow down or change the matrix kernels of a peer; it should run as its makers ship it.
  for (const variable of ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]) delete env[variable];
  const started = performance.now();
  const child: ChildProcess = spawn(command!, args, { stdio: ["pipe", "pipe", "pipe"], env });
  let complaint = "";
  child.stderr!.on("data", (text) => {
    complaint = (complaint + text).slice(-2000);
  });
  child.stdin!.on("error", () => {});
  const failed = new Promise<never>((_, reject) => {
    child.on("error", (error) => reject(new RegardError(`it cannot be started: ${error.message}`)));
  });
  failed.catch(() => {});
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await Promise.race([lines.next(), failed]);
    if (done)
      throw new RegardError(`it ended without an answer${complaint ? `: ${reasonIn(complaint)}` : ""}`);
    return JSON.parse(value);
  };
  const ask = (count: number) => {
    child.stdin!.write(`${count}\n`);
    return answer();
  };
  const clock = setTimeout(() => {
    complaint = `not ready after ${PATIENCE} seconds`;
    child.kill("SIGKILL");
  }, PATIENCE * 1000);
  try {
    const { version, loadMs } = await answer();
    let { peakBytes, ...first } = await ask(1);
    const firstMs = performance.now() - started;
    return {
      name,
      version,
      firstMs,
      loadMs,
      first,
      async run(count) {
        const { peakBytes: peak, ...timed } = await ask(count);
        peakBytes = peak;
        return timed;
      },
      get peakBytes() {
        return peakBytes;
      },
      close() {
        child.stdin!.end();
        child.kill();
      },
    };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  } finally {
    clearTimeout(clock);
  }
}
