import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { expect } from "vitest";

/** A Chromium without a window. */
export const openBrowser = (options: readonly string[] = []) =>
  chromium.launch({
    ...(process.env.REGARD_CHROMIUM && { executablePath: process.env.REGARD_CHROMIUM }),
    args: ["--no-sandbox", "--disable-quic", ...options],
  });

/** Collects what a page complains about; the list must stay empty. */
export function complaintsOf(page: Page): string[] {
  const found: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") found.push(message.text());
  });
  page.on("pageerror", (error) => found.push(error.message));
  return found;
}

/** Checks a page with axe-core; serious and critical findings fail. */
export async function expectAccessible(page: Page): Promise<void> {
  const { createRequire } = await import("node:module");
  const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
  const { readFile } = await import("node:fs/promises");
  // Evaluated through the protocol, since the page's own policy lets in no script from elsewhere.
  await page.evaluate(await readFile(axe, "utf8"));
  const findings = await page.evaluate(async () => {
    const { violations } = await (
      globalThis as unknown as {
        axe: {
          run(): Promise<{
            violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[];
          }>;
        };
      }
    ).axe.run();
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes[0]!.html} ${nodes[0]!.failureSummary}`);
  });
  expect(findings, page.url()).toEqual([]);
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".json": "application/json",
};

/** A web server that knows nothing but files. */
export function serveFiles(root: string): { url: Promise<string>; close(): void } {
  const server = createServer((asked, answer) => {
    const path = asked.url === "/" ? "/index.html" : asked.url!.split("?")[0]!;
    answer.writeHead(200, {
      "content-type": TYPES[extname(path)] ?? "application/octet-stream",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
    createReadStream(join(root, path)).pipe(answer);
  });
  const url = new Promise<string>((resolve) => {
    server.listen(0, "127.0.0.1", () =>
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
    );
  });
  return {
    url,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
