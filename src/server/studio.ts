import { readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { serve } from "@hono/node-server";
import { UsageError } from "../core/index.js";
import { holdRun, holds, lockSchema, ownLock } from "../train/run-lock.node.js";
import { makeApp } from "./app.js";
import { DataFolder } from "./data.js";
import { Models } from "./models.js";
import { Runs } from "./runs.js";

export interface StudioOptions {
  readonly port: number;
  /** The address to listen on, which only this machine can reach. */
  readonly host: string;
  readonly runs: string;
  readonly data: string;
  readonly pages: string;
  /** The command line's own program, which trains. */
  readonly program: string;
}

export interface Studio {
  readonly url: string;
  close(): Promise<void>;
}

const LOCK = ".studio.json";

/**
 * Opens the studio.
 * @throws UsageError where the port is taken, or another studio is open on the same runs
 */
export async function openStudio(options: StudioOptions): Promise<Studio> {
  const folder = resolve(options.runs);
  await mkdir(folder, { recursive: true });
  // Two that are opened at the same moment must not both find that there is none.
  const opened = await holdRun(folder).catch(() => {
    throw new UsageError(
      `another studio is being opened on ${options.runs} at this moment; use that one, or give other --runs.`,
    );
  });
  try {
    return await listen(folder, options);
  } finally {
    opened();
  }
}

async function listen(folder: string, options: StudioOptions): Promise<Studio> {
  const lock = join(folder, LOCK);
  const other = readLock(lock);
  if (other)
    throw new UsageError(
      `a studio is already open on ${options.runs}: ${other.url} (process ${other.pid}); use that one, or give other --runs.`,
    );
  const data = new DataFolder(resolve(options.data));
  const runs = new Runs(folder, data, options.program);
  const models = new Models();
  let hosts: readonly string[] = [];
  const closing = new AbortController();
  const app = makeApp({
    runs,
    data,
    models,
    pages: options.pages,
    hosts: () => hosts,
    closing: closing.signal,
  });
  const { server, address } = await new Promise<{ server: ReturnType<typeof serve>; address: AddressInfo }>(
    (done, fail) => {
      const listening = serve({ fetch: app.fetch, port: options.port, hostname: options.host }, (info) =>
        done({ server: listening, address: info }),
      );
      listening.on("error", (error: NodeJS.ErrnoException) =>
        fail(
          new UsageError(
            error.code === "EADDRINUSE"
              ? `port ${options.port} is taken by another program; give another with --port, or 0 for any.`
              : `cannot listen on ${options.host}:${options.port}: ${error.message}.`,
          ),
        ),
      );
    },
  );
  const name = options.host.includes(":") ? `[${options.host}]` : options.host;
  hosts = [...new Set([name, "localhost"])].map((one) => `${one}:${address.port}`);
  const url = `http://${name}:${address.port}/`;
  await writeFile(lock, JSON.stringify({ ...ownLock(), url }));
  return {
    url,
    async close() {
      closing.abort();
      models.close();
      await runs.close();
      await rm(lock, { force: true });
      await new Promise<void>((done) => {
        server.close(() => done());
        if ("closeAllConnections" in server) server.closeAllConnections();
      });
    },
  };
}

/** Another studio that is open, by its lock file; one whose process is gone does not count. */
function readLock(path: string): { pid: number; url: string } | undefined {
  try {
    const found = JSON.parse(readFileSync(path, "utf8"));
    const lock = lockSchema.parse(found);
    return lock.pid === process.pid || !holds(lock) ? undefined : { pid: lock.pid, url: String(found.url) };
  } catch {
    return undefined;
  }
}
