import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { complaintsOf, expectAccessible, openBrowser, serveFiles } from "./browser.js";
import { main, regard } from "./command.js";

// The studio's pages with models that read images.

let folder: string;
let browser: Browser;
let studio: ChildProcess;
let url: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-studio-captions-"));
  const runs = join(folder, "runs");
  await mkdir(runs);
  const tiny = [
    "--set",
    "features=8",
    "--set",
    "hidden=8",
    "--set",
    "embedding=8",
    "--steps",
    "3",
    "--batch",
    "8",
  ];
  for (const [run, model, options] of [
    ["soft", "show-attend-tell", []],
    ["hard", "show-attend-tell", ["--set", "attention=hard"]],
    ["none", "show-and-tell", []],
  ] as const) {
    const { code, err } = await regard(["train", model, "--out", join(runs, run), ...tiny, ...options]);
    expect(code, err).toBe(0);
  }
  browser = await openBrowser();
  studio = spawn(
    process.execPath,
    [main, "studio", "--port", "0", "--runs", runs, "--data", join(folder, "data"), "--json"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  url = await new Promise((resolve) => {
    studio.stdout!.once("data", (chunk) => resolve(JSON.parse(chunk).url));
  });
}, 180_000);
afterAll(async () => {
  const closed = new Promise((resolve) => studio.once("close", resolve));
  studio.kill("SIGINT");
  await Promise.all([closed, browser.close()]);
  await rm(folder, { recursive: true, force: true });
});

async function pageAt(address: string): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  const complaints = complaintsOf(page);
  await page.goto(`${url}#/${address}`);
  return { page, complaints };
}

const outputOf = (page: Page) => page.locator(".output").first();

describe("See", () => {
  test("captions an image of the data, and forced attention or another word changes what follows", async () => {
    const { page, complaints } = await pageAt("see/soft");
    await page.getByRole("group", { name: "Steps" }).waitFor();
    await expect.poll(() => page.locator(".thumbnail").count()).toBe(24);
    await page.getByLabel(/^attention of/).waitFor();
    await page.getByLabel(/^effect on/).waitFor();
    await page.getByRole("button", { name: "row 3, column 5" }).click();
    await page.getByText("This is what it says with your changes.").waitFor();
    await page.getByRole("button", { name: "Undo them" }).click();
    await page.getByText("This is what it says with your changes.").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "grid", exact: true }).first().click();
    // Every map lets as much of its image through as is asked for.
    await page.getByRole("slider", { name: "Colours" }).first().fill("0.25");
    await page.locator('.look.maps g[opacity="0.25"]').first().waitFor();
    await page.locator('.map-picture g[opacity="0.25"]').first().waitFor();
    await page.getByRole("button", { name: "Mechanics" }).click();
    const mechanics = page.locator(".look.mechanics");
    await mechanics.getByText("feature layer").waitFor();
    // Steps are chosen in it: the first word stands below the picture's edge.
    const bold = mechanics.locator('text[text-decoration="underline"]');
    const words = mechanics.locator('text[font-size="14"][y="29"]');
    expect(await words.count()).toBeGreaterThan(1);
    const second = words.nth(1);
    // Where the picture stands when it is clicked: what is above it may still be loading.
    await mechanics.click({ position: { x: Number(await second.getAttribute("x")) + 3, y: 24 } });
    await expect.poll(() => bold.textContent()).toBe(await second.textContent());
    await expectAccessible(page);
    await page.getByRole("button", { name: "Path" }).click();
    await page.getByLabel("Attention of every step").waitFor();
    await page.locator(".thumbnail").nth(3).click();
    await expect.poll(() => page.locator(".thumbnail").nth(3).getAttribute("aria-pressed")).toBe("true");
    await outputOf(page).waitFor();
    await expectAccessible(page);
    expect(complaints).toEqual([]);
    await page.close();
  }, 120_000);

  test("takes a file, and says so where that is no image", async () => {
    const { page, complaints } = await pageAt("see/soft");
    await page.locator(".thumbnail").first().waitFor();
    const photograph = join(folder, "photo.jpg");
    await sharp({ create: { width: 60, height: 90, channels: 3, background: "#20a040" } }).toFile(photograph);
    const chooser = page.locator('input[type="file"]');
    await chooser.setInputFiles(photograph);
    // What is known of an image of the data is not known of a file.
    await page.getByText("As people, or the data, put it").waitFor({ state: "detached" });
    await outputOf(page).waitFor();
    const text = join(folder, "text.jpg");
    await writeFile(text, "no image");
    await chooser.setInputFiles(text);
    await page.getByText("“text.jpg” cannot be read as an image").waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  }, 120_000);

  test("follows a scene that is drawn", async () => {
    const { page, complaints } = await pageAt("see/soft");
    await page.getByRole("button", { name: "Draw your own" }).click();
    const canvas = page.getByLabel(/^The drawing:/);
    await canvas.waitFor();
    await outputOf(page).waitFor();
    const source = () => canvas.locator("img").getAttribute("src");
    const before = await source();
    await canvas.click({ position: { x: 200, y: 40 } });
    await expect.poll(source).not.toBe(before);
    const put = await source();
    await page.getByRole("button", { name: "Take the last away" }).click();
    await expect.poll(source).not.toBe(put);
    expect(await source()).toBe(before);
    await expectAccessible(page);
    expect(complaints).toEqual([]);
    await page.close();
  }, 120_000);

  test("draws the places of hard attention when asked to", async () => {
    const { page, complaints } = await pageAt("see/hard");
    await page.getByRole("button", { name: "Draw the places instead" }).click();
    await page.getByRole("button", { name: "Draw again" }).waitFor();
    await outputOf(page).waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  }, 120_000);

  test("shows what words depend on where there is no attention", async () => {
    const { page, complaints } = await pageAt("see/none");
    await page.getByText("This model has no attention").waitFor();
    await page.getByLabel(/^effect on/).waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  }, 120_000);
});

test("Explain puts attention, salience and causal effect side by side", async () => {
  const { page, complaints } = await pageAt("explain/soft?image=test:2");
  for (const name of ["Attention", "Salience", "Causal effect", "How they agree"])
    await page.getByRole("heading", { name, exact: true }).waitFor();
  await expectAccessible(page);
  expect(complaints).toEqual([]);
  await page.close();
}, 120_000);

test("Diagnose groups the mistakes of a test set, each with its map", async () => {
  const { page, complaints } = await pageAt("diagnose/soft");
  await page.getByRole("spinbutton", { name: "Images" }).fill("12");
  await page.getByRole("button", { name: "Diagnose" }).click();
  await page.getByText(/^\d+ of 12 captions have a mistake, by what is in the images\.$/).waitFor();
  await page.locator(".mistake").first().waitFor();
  await expectAccessible(page);
  expect(complaints).toEqual([]);
  await page.close();
}, 120_000);

test("Compare shows two models over the same image", async () => {
  const { page, complaints } = await pageAt("compare/soft?with=hard");
  await page.getByRole("spinbutton", { name: "Images" }).fill("10");
  await page.getByRole("button", { name: "Score both" }).click();
  await page.getByRole("rowheader", { name: "ciderD" }).waitFor();
  await page.getByLabel("Attention of soft").waitFor();
  await page.getByLabel("Attention of hard").waitFor();
  expect(complaints).toEqual([]);
  await page.close();
}, 120_000);

test("a captioner is set up with data of its own kind, and designed", async () => {
  const { page, complaints } = await pageAt("train?task=captioning");
  await page.getByText(/images to train on/).waitFor();
  expect(await page.getByRole("combobox", { name: "Captioned images" }).inputValue()).toBe("scenes");
  await page.getByText(/parameters · .* a step/).waitFor();
  await page.goto(`${url}#/design`);
  await page.getByRole("combobox", { name: /^Model/ }).selectOption("show-attend-tell");
  await page.getByRole("button", { name: /^Convolutional network/ }).waitFor();
  expect(complaints).toEqual([]);
  await page.close();
}, 120_000);

test("a captioner trains in the tab, with no server, and captions an image there", async () => {
  const files = serveFiles(fileURLToPath(new URL("../dist/studio", import.meta.url)));
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  const complaints = complaintsOf(page);
  await page.goto(`${await files.url}#/train?task=captioning`);
  await page.getByText(/images to train on/).waitFor();
  for (const label of ["features", "embedding", "hidden", "alignment"])
    await page.getByLabel(new RegExp(`^${label}`)).fill("8");
  await page.getByLabel("Name of the run").fill("tab");
  await page.getByLabel("or steps").fill("4");
  await page.getByLabel(/^Batch/).fill("8");
  await page.getByLabel(/^Validate every/).fill("4");
  await page.getByRole("button", { name: "Train", exact: true }).click();
  await page.getByRole("heading", { name: /tab/ }).waitFor();
  await expect
    .poll(() => page.locator("h1 .state").textContent(), { timeout: 150_000, interval: 500 })
    .toBe("done");
  await page.getByRole("link", { name: "See", exact: true }).last().click();
  await outputOf(page).waitFor();
  await page.getByLabel(/^attention of/).waitFor();
  expect(complaints).toEqual([]);
  await page.close();
  files.close();
}, 240_000);
