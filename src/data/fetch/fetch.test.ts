import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type PublicDataset, publicDatasets } from "./datasets.js";
import { fetchDataset, isFetched } from "./fetch.node.js";

const contents = Buffer.from(Array.from({ length: 7919 }, (_, index) => (index * 31) % 251));
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

let folder: string;
let server: Server;
let base: string;
let requests: { url: string; range: string | undefined }[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

/** Serves bytes as web servers do, ranges included. */
function serve(bytes: Uint8Array, request: IncomingMessage, response: ServerResponse): void {
  const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (from >= bytes.length) response.writeHead(416).end();
  else
    response
      .writeHead(from > 0 ? 206 : 200, { "content-length": bytes.length - from })
      .end(bytes.subarray(from));
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-fetch-"));
  requests = [];
  answer = (request, response) => serve(contents, request, response);
  server = createServer((request, response) => {
    requests.push({ url: request.url!, range: request.headers.range });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const dataset = (file: Partial<PublicDataset["files"][number]> = {}): PublicDataset => ({
  id: "numbers",
  title: "numbers",
  homepage: base,
  licence: "none",
  files: [
    { name: "one.bin", url: `${base}/a/one.bin`, bytes: contents.length, sha256: sha256(contents), ...file },
  ],
  read: { file: "one.bin" },
});

test("fetches a file with its progress, and leaves what is there and whole", async () => {
  const seen: number[] = [];
  const onProgress = (_: string, bytes: number, total: number | undefined) => {
    expect(total).toBe(contents.length);
    seen.push(bytes);
  };
  expect(await isFetched(dataset(), folder)).toBe(false);
  expect(await fetchDataset(dataset(), folder, { onProgress })).toEqual(["one.bin"]);
  expect(seen.at(-1)).toBe(contents.length);
  expect(await readFile(join(folder, "one.bin"))).toEqual(contents);
  expect(await isFetched(dataset(), folder)).toBe(true);
  expect(await fetchDataset(dataset(), folder)).toEqual([]);
  expect(requests).toHaveLength(1);
});

test("goes on where a transfer broke off, within a call and after it", async () => {
  answer = (request, response) => {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { "content-length": contents.length - from });
    response.write(contents.subarray(from, from + 3001), () => setTimeout(() => response.destroy(), 50));
  };
  await expect(fetchDataset(dataset(), folder, { retries: 0 })).rejects.toThrow(
    /^cannot fetch .*one\.bin: .*; 3001 bytes are kept, and the same command goes on from there\.$/,
  );
  expect(await readdir(folder)).toEqual(["one.bin.partial"]);
  await fetchDataset(dataset(), folder, { retries: 3 });
  expect(requests.map(({ range }) => range)).toEqual([undefined, "bytes=3001-", "bytes=6002-"]);
  expect(await readFile(join(folder, "one.bin"))).toEqual(contents);
});

test("begins again where the server has no ranges, or less than is here", async () => {
  await writeFile(join(folder, "one.bin.partial"), contents.subarray(0, 101));
  answer = (_, response) => response.writeHead(200, { "content-length": contents.length }).end(contents);
  await fetchDataset(dataset(), folder);
  expect(await readFile(join(folder, "one.bin"))).toEqual(contents);
  await rm(join(folder, "one.bin"));
  await writeFile(join(folder, "one.bin.partial"), Buffer.alloc(contents.length + 13));
  answer = (request, response) => serve(contents, request, response);
  await fetchDataset(dataset(), folder);
  expect(await readFile(join(folder, "one.bin"))).toEqual(contents);
});

test("a file that is not what it should be is not kept", async () => {
  await expect(fetchDataset(dataset({ sha256: "00" }), folder)).rejects.toThrow(
    `has SHA-256 ${sha256(contents)} instead of 00; it has changed or was damaged on the way, so it was not kept.`,
  );
  expect(await readdir(folder)).toEqual([]);
  await expect(fetchDataset(dataset({ bytes: 7907 }), folder)).rejects.toThrow(
    "has 7919 bytes instead of 7907",
  );
  answer = (_, response) => response.writeHead(404).end();
  await expect(fetchDataset(dataset(), folder)).rejects.toThrow(
    "the server answered 404 Not Found; check the address, or give another with --mirror.",
  );
});

test("a server in trouble is asked again", async () => {
  const whole = answer;
  answer = (request, response) =>
    requests.length < 2 ? response.writeHead(503).end() : whole(request, response);
  await fetchDataset(dataset(), folder);
  expect(requests).toHaveLength(2);
});

test("takes a member from an archive, and files from a mirror by their names", async () => {
  const archive = zipSync({ "a/one.txt": contents, "about.txt": new Uint8Array(5) });
  answer = (request, response) => serve(archive, request, response);
  const zipped = dataset({ url: "https://example.invalid/x/all.zip", member: "a/one.txt" });
  await fetchDataset(zipped, folder, { mirror: `${base}/mirror` });
  expect(requests[0]!.url).toBe("/mirror/all.zip");
  expect(await readdir(folder)).toEqual(["one.bin"]);
  expect(await readFile(join(folder, "one.bin"))).toEqual(contents);
  await rm(join(folder, "one.bin"));
  await expect(fetchDataset(dataset({ url: `${base}/all.zip`, member: "b" }), folder)).rejects.toThrow(
    'the archive has no "b"',
  );
  answer = (request, response) => serve(contents, request, response);
  await expect(fetchDataset(dataset({ url: `${base}/all.zip`, member: "b" }), folder)).rejects.toThrow(
    "what was fetched is not a whole zip archive",
  );
});

test("stops when told to, and keeps what has come", async () => {
  answer = (_, response) => {
    response.writeHead(200, { "content-length": contents.length });
    response.write(contents.subarray(0, 997));
  };
  const controller = new AbortController();
  const stopped = fetchDataset(dataset(), folder, {
    signal: controller.signal,
    onProgress: () => controller.abort(new Error("enough")),
  });
  await expect(stopped).rejects.toThrow("enough");
  expect((await readFile(join(folder, "one.bin.partial"))).length).toBe(997);
});

test("every public dataset is addressed over https and has its checksums", () => {
  for (const { files, licence } of publicDatasets) {
    expect(licence).not.toBe("");
    for (const { url, bytes, sha256: hash } of files) {
      expect(url).toMatch(/^https:\/\//);
      expect(hash).toMatch(/^[0-9a-f]{64}$/);
      expect(bytes).toBeGreaterThan(0);
    }
  }
});
