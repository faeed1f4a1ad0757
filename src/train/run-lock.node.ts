import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { RegardError, UsageError } from "../core/index.js";

/** The file that a process holds a run by. It is no part of the run: copies and archives leave it out. */
export const LOCK_FILE = "run.lock";

/** Who holds something: a process, by its machine, number and start. */
export const lockSchema = z.object({
  host: z.string(),
  pid: z.int().min(2),
  /** When the process began, in words of its system: another process may get the same number later. */
  started: z.string(),
  token: z.string(),
});
type Lock = z.output<typeof lockSchema>;

/** When a process began; undefined where there is none, or the system does not say. */
function startOf(pid: number): string | undefined {
  try {
    if (process.platform === "linux") {
      const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
      // The name of the program stands in brackets and may hold anything; the 20th field after it is the start.
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(")").at(-1)!.trim().split(" ");
      return `${boot} ${fields[19]}`;
    }
    if (process.platform === "win32") {
      process.kill(pid, 0);
      return "running";
    }
    const said = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    return said.toString().trim() || undefined;
  } catch {
    return undefined;
  }
}

async function readLock(folder: string): Promise<Lock | undefined> {
  const text = await readFile(join(folder, LOCK_FILE), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return lockSchema.parse(JSON.parse(text));
  } catch {
    // What is no lock holds nothing.
    return { host: "", pid: 2, started: "", token: "" };
  }
}

/** Whether the process of a lock is still there; of another machine it is believed. */
export const holds = ({ host, pid, started }: Lock): boolean =>
  host === hostname() ? startOf(pid) === started : host !== "";

/** The process that holds a run: `pid` where it is one of this machine, and its machine; undefined where none does. */
export async function holderOf(folder: string): Promise<{ host: string; pid?: number } | undefined> {
  const lock = await readLock(folder);
  if (!lock || !holds(lock)) return undefined;
  return { host: lock.host, ...(lock.host === hostname() && { pid: lock.pid }) };
}

/** The contents of a lock of this process, with what tells it from all others. */
export function ownLock(): { readonly token: string; readonly lock: Lock; readonly text: string } {
  const token = randomUUID();
  const lock: Lock = { host: hostname(), pid: process.pid, started: startOf(process.pid) ?? "", token };
  return { token, lock, text: `${JSON.stringify(lock)}\n` };
}

/** Tries at a lock that others take and leave at the same time. */
const TRIES = 20;

/**
 * Holds a run for this process alone, until it is let go or the process ends.
 * @returns lets go of it
 * @throws UsageError naming the process that holds it
 */
export async function holdRun(folder: string): Promise<() => void> {
  const { token, text } = ownLock();
  const path = join(folder, LOCK_FILE);
  const draft = join(folder, `.${token}.partial`);
  await writeFile(draft, text, { flag: "wx" }).catch((error: Error) => {
    throw new RegardError(
      `cannot hold "${folder}" for training: ${error.message}; free some space, or make it writable.`,
    );
  });
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      try {
        // Only one of many can make the link.
        await link(draft, path);
        return releasing(path, token);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const lock = await readLock(folder);
      if (!lock) continue;
      if (holds(lock))
        throw new UsageError(
          lock.host === hostname()
            ? `"${folder}" is being trained by process ${lock.pid}; stop that first, or wait for it.`
            : `"${folder}" is being trained on ${lock.host}, by process ${lock.pid}; stop that first, or remove ${path} where it is gone.`,
        );
      // Left by a process that is gone. What is moved away is looked at again: it may have been taken meanwhile.
      const old = join(folder, `.${randomUUID()}.partial`);
      await rename(path, old).catch(() => {});
      const moved = await readFile(old, "utf8").catch(() => undefined);
      if (moved !== undefined && lock.token !== "" && !moved.includes(lock.token))
        await link(old, path).catch(() => {});
      await rm(old, { force: true });
    }
  } finally {
    await rm(draft, { force: true });
  }
  throw new UsageError(`"${folder}" is taken by one process after the other; try again.`);
}

/** Lets go of a lock where it is still the one of this token; at the end of the process at the latest. */
export function releasing(path: string, token: string): () => void {
  const release = () => {
    process.off("exit", release);
    try {
      if (readFileSync(path, "utf8").includes(token)) rmSync(path, { force: true });
    } catch {}
  };
  process.on("exit", release);
  return release;
}
