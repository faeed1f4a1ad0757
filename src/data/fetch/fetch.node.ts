import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { unzipSync } from "fflate";
import { RegardError } from "../../core/index.js";
import type { PublicDataset, RemoteFile } from "./datasets.js";

export interface FetchOptions {
  /** Where to take the files from instead, by the last part of their addresses. */
  readonly mirror?: string | undefined;
  readonly signal?: AbortSignal;
  /** Hears of every piece that arrives: bytes there are of a file, and of how many where that is known. */
  onProgress?(name: string, bytes: number, total: number | undefined): void;
  /** How often a transfer that breaks off is taken up again. */
  readonly retries?: number;
}

/** Milliseconds before a transfer is first taken up again; each further pause is twice as long. */
const PAUSE = 500;

/**
 * Fetches what is missing of a dataset into a folder. A transfer that was broken off is taken up where it stopped; a
 * file takes its name only once its length and SHA-256 are what they should be.
 * @returns names of the files that were fetched; those that were there and whole are left
 * @throws RegardError naming the file and what is wrong with it
 */
export async function fetchDataset(
  dataset: PublicDataset,
  folder: string,
  options: FetchOptions = {},
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const fetched: string[] = [];
  for (const file of dataset.files) {
    const path = join(folder, file.name);
    if ((await problemOf(path, file)) === undefined) continue;
    await fetchFile(file, path, options);
    fetched.push(file.name);
  }
  return fetched;
}

/** Whether every file of a dataset is in a folder, by length. */
export const isFetched = async (dataset: PublicDataset, folder: string): Promise<boolean> => {
  const sizes = await Promise.all(dataset.files.map(({ name }) => sizeOf(join(folder, name))));
  return sizes.every((size, index) => size === dataset.files[index]!.bytes);
};

const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(() => undefined))?.size ?? 0;

async function fetchFile(file: RemoteFile, path: string, options: FetchOptions): Promise<void> {
  const partial = `${path}.partial`;
  const url = options.mirror
    ? new URL(file.url.split("/").at(-1)!, options.mirror.replace(/\/?$/, "/")).href
    : file.url;
  await transfer(url, partial, file, options);
  const whole = file.member === undefined ? partial : await unpack(partial, file);
  const problem = await problemOf(whole, file);
  if (problem !== undefined) {
    await rm(whole, { force: true });
    throw new RegardError(`${url} ${problem}; it has changed or was damaged on the way, so it was not kept.`);
  }
  await rename(whole, path);
}

/** Brings the whole of an address into a file, from where the file ends on. */
async function transfer(url: string, path: string, file: RemoteFile, options: FetchOptions): Promise<void> {
  const { retries = 4, signal } = options;
  for (let attempt = 0; ; attempt++) {
    try {
      await transferOnce(url, path, file, options);
      return;
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (error instanceof RegardError) throw error;
      if (attempt === retries)
        throw new RegardError(
          `cannot fetch ${url}: ${reasonOf(error)}; ${await sizeOf(path)} bytes are kept, and the same command goes on from there.`,
        );
      await wait(PAUSE * 2 ** attempt, undefined, { ...(signal && { signal }) });
    }
  }
}

async function transferOnce(
  url: string,
  path: string,
  { name, bytes, member }: RemoteFile,
  { signal, onProgress }: FetchOptions,
): Promise<void> {
  let there = await sizeOf(path);
  if (member === undefined && there === bytes) return;
  const response = await fetch(url, {
    ...(signal && { signal }),
    headers: { ...(there > 0 && { range: `bytes=${there}-` }), "accept-encoding": "identity" },
  });
  if (response.status === 416) {
    // There is more here than the server has, or all of it: begin again.
    await response.body?.cancel();
    await rm(path, { force: true });
    throw new Error("the part that is here does not fit the file");
  }
  if (response.status >= 500 || response.status === 429) {
    await response.body?.cancel();
    throw new Error(`the server answered ${response.status}`);
  }
  if (!response.ok || !response.body) {
    await response.body?.cancel();
    throw new RegardError(
      `cannot fetch ${url}: the server answered ${response.status} ${response.statusText}; check the address, or give another with --mirror.`,
    );
  }
  const resumed = response.status === 206;
  if (!resumed) there = 0;
  const rest = Number(response.headers.get("content-length") ?? Number.NaN);
  const total = Number.isNaN(rest) ? undefined : there + rest;
  const output = await open(path, resumed ? "a" : "w");
  try {
    for await (const piece of response.body) {
      await output.write(piece);
      there += piece.length;
      onProgress?.(name, there, total);
    }
  } finally {
    await output.close();
  }
  if (total !== undefined && there < total) throw new Error(`it broke off after ${there} of ${total} bytes`);
}

/** Puts the member of a zip archive into a file in the archive's place, and returns that file's path. */
async function unpack(path: string, { member }: RemoteFile): Promise<string> {
  let found: Uint8Array | undefined;
  try {
    found = unzipSync(await readFile(path), { filter: ({ name }) => name === member })[member!];
  } catch (error) {
    await rm(path, { force: true });
    throw new RegardError(
      `what was fetched is not a whole zip archive (${reasonOf(error)}); fetch it again.`,
    );
  }
  await rm(path, { force: true });
  if (!found) throw new RegardError(`the archive has no "${member}"; it has changed since it was listed.`);
  await writeFile(`${path}.unpacked`, found);
  return `${path}.unpacked`;
}

/** What is wrong with a file, in words that follow its name; undefined where it is as it should be. */
async function problemOf(path: string, { bytes, sha256 }: RemoteFile): Promise<string | undefined> {
  const size = await sizeOf(path);
  if (size !== bytes) return `has ${size} bytes instead of ${bytes}`;
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece as Uint8Array);
  const found = hash.digest("hex");
  return found === sha256 ? undefined : `has SHA-256 ${found} instead of ${sha256}`;
}

const reasonOf = (error: unknown): string => {
  const { message, cause } = error as Error & { cause?: Error };
  return cause?.message ? `${message} (${cause.message})` : message;
};
