import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chapters } from "../studio/src/tour/chapters.js";
import { complaintsOf, expectAccessible, openBrowser, serveFiles } from "./browser.js";
import { main } from "./command.js";

// What the studio opens on: small models that come with it, from the pages alone and from a server, in a real browser.

const SLOW = { timeout: 60_000 };
const built = fileURLToPath(new URL("../dist/studio", import.meta.url));
let browser: Browser;
let files: ReturnType<typeof serveFiles>;

beforeAll(async () => {
  browser = await openBrowser();
  files = serveFiles(built);
});
afterAll(async () => {
  await browser.close();
  files.close();
});

async function pageAt(url: string, options: Parameters<Browser["newPage"]>[0] = {}) {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(60_000);
  const complaints = complaintsOf(page);
  await page.goto(url);
  return { page, complaints };
}

const outputOf = (page: Page) => page.locator(".output").textContent();

test("the models that come with the studio are those that were written down", async () => {
  const list = JSON.parse(await readFile(join(built, "exhibits/exhibits.json"), "utf8"));
  expect(Object.keys(list).sort()).toEqual([...new Set(chapters.map(({ exhibit }) => exhibit))].sort());
  for (const [name, { sha256, bytes }] of Object.entries<{ sha256: string; bytes: number }>(list)) {
    const archive = await readFile(join(built, `exhibits/${name}.zip`));
    expect(archive).toHaveLength(bytes);
    expect(createHash("sha256").update(archive).digest("hex"), name).toBe(sha256);
    expect(bytes).toBeLessThan(700_000);
  }
});

test("the first answer waits for nothing that it does not need", async () => {
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  await page.addInitScript(() => {
    const { postMessage } = Worker.prototype;
    const sent: string[] = [];
    Object.assign(globalThis, { sent });
    Worker.prototype.postMessage = function (message, ...rest: never[]) {
      sent.push(message.name && message.kind === "call" ? message.name : message.kind);
      postMessage.call(this, message, ...rest);
    };
  });
  // The model is held back until the view that shows it and the runtime are asked for.
  const beside = [/\/see-[^/]*\.js$/, /\.wasm$/].map((url) => page.waitForRequest(url));
  await page.route("**/alignment.zip", async (route) => {
    await Promise.all(beside);
    await route.continue();
  });
  await page.goto(await files.url);
  await page.locator(".output").waitFor();
  const sent = () => page.evaluate(() => (globalThis as unknown as { sent: string[] }).sent);
  await expect.poll(sent, SLOW).toEqual(["warm", "open", "run", "ask", "ask", "examples"]);
  // Threads of the runtime are workers of others.
  expect(page.workers().filter((worker) => /\/worker-[^/]*\.js$/.test(worker.url()))).toHaveLength(1);
  await page.close();
}, 60_000);

test("a translator answers in the tab as one types, and writes otherwise where its attention is forced", async () => {
  const { page, complaints } = await pageAt(await files.url);
  await page.locator(".output").waitFor();
  expect(await outputOf(page)).toBe("Mi hermana ve el perro pequeño en el jardín");
  // Words of the field are explained where they are pointed at, and by keyboard.
  const term = page.locator(".term", { hasText: /^nats/ }).first();
  const told = term.getByRole("tooltip");
  expect(await told.count()).toBe(0);
  await term.getByRole("button").focus();
  expect(await told.textContent()).toContain("natural logarithms");
  expect(await told.isVisible()).toBe(true);
  await expectAccessible(page);
  await page.keyboard.press("Escape");
  await expect.poll(() => told.count()).toBe(0);
  await term.hover();
  await told.waitFor();
  await page.mouse.move(0, 0);
  // A step in numbers: what the words add up to is what is handed on.
  const numbers = page.locator("section.panel", { hasText: "In numbers: mi" });
  const column = async (at: number) =>
    (await numbers.locator(`tbody td:nth-of-type(${at})`).allTextContents()).map((text) =>
      Number(text.replace("−", "-")),
    );
  const [weights, parts] = [await column(3), await column(5)];
  expect(weights).toHaveLength(10);
  expect(weights.reduce((a, b) => a + b)).toBeCloseTo(1, 2);
  const handedOn = Number((await numbers.locator("tfoot td").nth(4).textContent())!.replace("−", "-"));
  expect(parts.reduce((a, b) => a + b)).toBeCloseTo(handedOn, 2);
  // A picture fills the screen for a projector, as large as its sides allow.
  await page.getByRole("button", { name: /^Present/ }).click();
  await expect
    .poll(() => page.evaluate(() => document.fullscreenElement?.querySelector("svg")?.clientHeight ?? 0))
    .toBeGreaterThan(500);
  await page.getByRole("button", { name: /^Present/ }).click();
  await expect.poll(() => page.evaluate(() => document.fullscreenElement)).toBe(null);
  await page.locator(".ask input").fill("I love coffee");
  await expect.poll(() => outputOf(page), SLOW).toBe("Me encanta el café");
  await page.getByRole("button", { name: "Step on" }).click();
  await page.getByRole("heading", { name: "Step 2: “encanta”" }).waitFor();
  await page
    .getByRole("button", { name: /all here/ })
    .last()
    .click();
  await expect.poll(() => outputOf(page), SLOW).not.toBe("Me encanta el café");
  await page.getByText("The weights of this step were put in place of the softmax of its scores.").waitFor();
  // Its runs are none of the reader's.
  await page.getByRole("link", { name: "Runs", exact: true }).click();
  await page.getByText("There is no trained model yet.").waitFor();
  expect(complaints).toEqual([]);
  await page.close();
}, 120_000);

test.each(chapters.map((chapter) => [chapter.title, chapter] as const))(
  "the chapter “%s” shows its model at work, to everyone",
  async (title, { id }) => {
    for (const look of [
      { viewport: { width: 1400, height: 900 }, colorScheme: "light" },
      { viewport: { width: 390, height: 800 }, colorScheme: "dark" },
    ] as const) {
      const { page, complaints } = await pageAt(`${await files.url}#/tour/${id}`, look);
      await page.getByRole("heading", { name: title, level: 1 }).waitFor();
      await page.locator(".output").waitFor();
      expect((await outputOf(page))!.trim()).not.toBe("");
      await page.getByRole("link", { name: "Its parts and equations" }).waitFor();
      await expectAccessible(page);
      expect(
        await page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
      ).toBeLessThanOrEqual(0);
      expect(complaints).toEqual([]);
      await page.close();
    }
  },
  120_000,
);

test("the same from a server, whose policy lets the tab compute", async () => {
  const folder = await mkdtemp(join(tmpdir(), "regard-start-"));
  const child = spawn(
    process.execPath,
    [main, "studio", "--port", "0", "--runs", join(folder, "runs"), "--json"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  try {
    const url = await new Promise<string>((resolve) => {
      child.stdout.once("data", (chunk) => resolve(JSON.parse(chunk).url));
    });
    const { page, complaints } = await pageAt(url);
    await page.locator(".output").waitFor();
    expect(await outputOf(page)).toBe("Mi hermana ve el perro pequeño en el jardín");
    await page.getByText("on this machine").waitFor();
    await page.goto(`${url}#/tour/nowhere`);
    await page.getByText("There is no chapter “nowhere”").waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  } finally {
    child.kill("SIGINT");
    await rm(folder, { recursive: true, force: true });
  }
}, 120_000);
