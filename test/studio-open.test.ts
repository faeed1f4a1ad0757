import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { complaintsOf, expectAccessible, openBrowser, serveFiles } from "./browser.js";
import { encoderByHand, encoderBytes, HEADS, LAYERS, PIECES } from "./foreign-graphs.js";

// A file that nobody prepared, dropped onto the studio's static pages, in a real browser.

const SLOW = { timeout: 30_000 };
const IDS = [2, 5, 6, 9, 10, 11, 3];
const ONES = IDS.map(() => 1);
let browser: Browser;
let files: ReturnType<typeof serveFiles>;

beforeAll(async () => {
  browser = await openBrowser();
  files = serveFiles(fileURLToPath(new URL("../dist/studio", import.meta.url)));
});
afterAll(async () => {
  await browser.close();
  files.close();
});

const given = (name: string, bytes: Uint8Array | string) => ({
  name,
  mimeType: "application/octet-stream",
  buffer: Buffer.from(bytes),
});
const vocabulary = given("vocab.txt", `${PIECES.join("\n")}\n`);

async function openPage(): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(30_000);
  const complaints = complaintsOf(page);
  await page.goto(`${await files.url}#/open`);
  await page.getByRole("heading", { name: "Open", level: 1 }).waitFor();
  return { page, complaints };
}

/** What a panel says. */
const textOf = (page: Page, title: string) =>
  page
    .locator("section.panel", { has: page.getByRole("heading", { name: title, exact: true }) })
    .locator("p")
    .first()
    .textContent();

const shown = (numbers: readonly number[]) =>
  numbers.map((one) => Number(Math.fround(one).toPrecision(4)).toString());

test("a file is opened, asked, changed and explained in the tab", async () => {
  const { page, complaints } = await openPage();
  await page.setInputFiles("input[type=file]", [given("theirs.onnx", encoderBytes()), vocabulary]);
  await page.getByText(`Its attention (${LAYERS})`).waitFor();
  await page.locator(".ask input").first().fill("I love unlikely");
  await page.getByRole("button", { name: "See", exact: true }).click();
  await page.locator(".output").waitFor();
  const numbers = async () => {
    const { pooled } = encoderByHand(IDS, ONES);
    const found = (await textOf(page, "pooled"))!.split(", ").map(Number);
    return { found, wanted: shown(pooled).map(Number) };
  };
  const { found, wanted } = await numbers();
  expect(found).toHaveLength(wanted.length);
  found.forEach((one, index) => {
    expect(one).toBeCloseTo(wanted[index]!, 3);
  });
  // Without one of its heads.
  await page.getByRole("button", { name: "layer.1, head 2: off" }).click();
  const without = encoderByHand(IDS, ONES, (weights, layer, head) =>
    layer === 1 && head === 1 ? weights.map((row) => row.map(() => 0)) : weights,
  );
  await expect
    .poll(async () => (await textOf(page, "pooled"))!.split(", ").map(Number)[0], SLOW)
    .toBeCloseTo(without.pooled[0]!, 3);
  await page.getByRole("button", { name: "All on again" }).click();
  // Of one number every method tells something.
  await page.getByLabel("Output").selectOption("pooled");
  await page.getByLabel("Number of it").fill("2");
  await page.getByRole("button", { name: "Explain", exact: true }).click();
  for (const name of ["Attention", "Rollout", "Salience", "Causal effect", "Head ablation"])
    await page.getByRole("heading", { name, exact: true }).waitFor();
  await page.getByText("what number 2 of pooled loses once the token is masked", { exact: false }).waitFor();
  for (const width of [1400, 390]) {
    await page.setViewportSize({ width, height: 900 });
    await expectAccessible(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(
      0,
    );
  }
  expect(HEADS).toBe(await page.getByRole("group", { name: "Heads of layer.0" }).getByRole("button").count());
  expect(complaints).toEqual([]);
  await page.close();
}, 60_000);

test("what cannot be opened is said in a sentence, and the page stays ready", async () => {
  const { page, complaints } = await openPage();
  const problem = page.getByRole("alert");
  await page.setInputFiles("input[type=file]", [vocabulary]);
  await expect
    .poll(() => problem.textContent(), SLOW)
    .toBe("no file of 1 ends in .onnx; give a model in that format.");
  await page.setInputFiles("input[type=file]", [given("cut.onnx", encoderBytes().slice(0, 900))]);
  await expect.poll(() => problem.textContent(), SLOW).toMatch(/^cut\.onnx .*\.$/);
  await page.setInputFiles("input[type=file]", [
    given("theirs.onnx", encoderBytes()),
    given("vocab.txt", "a\nb"),
  ]);
  await expect.poll(() => problem.textContent(), SLOW).toMatch(/^"vocab\.txt" is no tokenizer/);
  await page.setInputFiles("input[type=file]", [given("theirs.onnx", encoderBytes())]);
  await page.getByText(`Its attention (${LAYERS})`).waitFor();
  expect(await problem.count()).toBe(0);
  await page.locator(".ask input").first().fill("1 2 99");
  await page.getByRole("button", { name: "See", exact: true }).click();
  await expect.poll(() => problem.textContent(), SLOW).toMatch(/^theirs\.onnx cannot run on this: .*\.$/);
  await page.locator(".ask input").first().fill("1 2 3");
  await page.getByRole("button", { name: "See", exact: true }).click();
  await page.locator(".output").waitFor();
  // The runtime writes to the console what it could not run.
  expect(complaints.filter((one) => !one.includes("onnxruntime"))).toEqual([]);
  await page.close();
}, 60_000);
