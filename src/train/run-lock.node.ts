import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { link, open, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
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
  /** The folder and the file that it was made as: a copy of the folder is held by nobody. */
  place: z.object({ folder: z.string(), inode: z.string() }).optional(),
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
      // In the same words whoever asks.
      env: { ...process.env, LC_ALL: "C", TZ: "UTC0" },
    });
    return said.toString().trim() || undefined;
  } catch {
    return undefined;
  }
}

/** What stands in a run's lock file, and the lock that it is; undefined where there is no file. */
async function readLock(folder: string): Promise<{ text: string; lock: Lock | undefined } | undefined> {
  const path = join(folder, LOCK_FILE);
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const lock = lockSchema.parse(JSON.parse(text));
    const { place } = lock;
    const isHere =
      !place ||
      place.folder === (await realpath(folder)) ||
      place.inode === String((await stat(path, { bigint: true })).ino);
    return { text, lock: isHere ? lock : undefined };
  } catch {
    // What is no lock holds nothing.
    return { text, lock: undefined };
  }
}

/** Whether a process is there, of whomever. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Whether the process of a lock is still there; of another machine it is believed. */
export const holds = ({ host, pid, started }: Lock): boolean =>
  host === hostname() ? isAlive(pid) && began(pid, started) : host !== "";

/** Whether a process that is there began then; where the system does not say, it is taken to have. */
function began(pid: number, started: string): boolean {
  const found = startOf(pid);
  return found === undefined || started === "" || found === started;
}

/** The process that holds a run: `pid` where it is one of this machine, and its machine; undefined where none does. */
export async function holderOf(folder: string): Promise<{ host: string; pid?: number } | undefined> {
  const lock = (await readLock(folder))?.lock;
  if (!lock || !holds(lock)) return undefined;
  return { host: lock.host, ...(lock.host === hostname() && { pid: lock.pid }) };
}

/** A lock of this process, which its token tells from all others. */
export const ownLock = (): Lock => ({
  host: hostname(),
  pid: process.pid,
  started: startOf(process.pid) ?? "",
  token: randomUUID(),
});

/** Writes a new file with a lock of this process on a folder, which may be filled elsewhere first; returns its token. */
export async function writeLock(path: string, folder: string): Promise<string> {
  const lock = ownLock();
  const file = await open(path, "wx");
  try {
    const inode = String((await file.stat({ bigint: true })).ino);
    await file.writeFile(`${JSON.stringify({ ...lock, place: { folder: resolve(folder), inode } })}\n`);
  } finally {
    await file.close();
  }
  return lock.token;
}

/** What making a link fails with where a file system has none. */
const NO_LINKS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"];

/** Gives a file a second name, whole and only where there is none of that name; where there are no links, almost so. */
async function linkNew(file: string, name: string): Promise<void> {
  await link(file, name).catch(async (error: NodeJS.ErrnoException) => {
    if (!NO_LINKS.includes(error.code ?? "")) throw error;
    await writeFile(name, await readFile(file), { flag: "wx" });
  });
}

/** Tries at a lock that others take and leave at the same time. */
const TRIES = 20;

/**
 * Holds a run for this process alone, until it is let go or the process ends.
 * @returns lets go of it
 * @throws UsageError naming the process that holds it
 */
export async function holdRun(folder: string): Promise<() => void> {
  const path = join(folder, LOCK_FILE);
  const draft = join(folder, `.${randomUUID()}.partial`);
  const token = await realpath(folder)
    .then((place) => writeLock(draft, place))
    .catch((error: Error) => {
      throw new RegardError(
        `cannot hold "${folder}" for training: ${error.message}; free some space, or make it writable.`,
      );
    });
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      try {
        // Only one of many can make the link.
        await linkNew(draft, path);
        return releasing(path, token);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const found = await readLock(folder);
      if (!found) continue;
      const { lock, text } = found;
      if (lock && holds(lock))
        throw new UsageError(
          lock.host === hostname()
            ? `"${folder}" is being trained by process ${lock.pid}; stop that first, or wait for it.`
            : `"${folder}" is being trained on ${lock.host}, by process ${lock.pid}; stop that first, or remove ${path} where it is gone.`,
        );
      // Left by a process that is gone. What is moved away is looked at again: it may have been taken meanwhile.
      const old = join(folder, `.${randomUUID()}.partial`);
      await rename(path, old).catch(() => {});
      const moved = await readFile(old, "utf8").catch(() => undefined);
      if (moved !== undefined && moved !== text) await linkNew(old, path).catch(() => {});
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
