import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { complaintsOf, expectAccessible, openBrowser } from "./browser.js";
import { main, regard } from "./command.js";

// Models that neither translate nor caption: the same pages show them, from what their tasks declare.

let folder: string;
let browser: Browser;
let studio: ChildProcess;
let url: string;

const trainings = [
  ["glimpses", "ram", ["--data", "digits-translated", "--set", "hidden=16", "--set", "scales=2"]],
  ["memory", "neural-turing-machine", ["--set", "hidden=7", "--set", "places=11", "--set", "content=5"]],
  [
    "heads",
    "transformer",
    ["--set", "features=6", "--set", "inner=7", "--set", "heads=3", "--set", "layers=2"],
  ],
  ["followed", "attentive-tracking", ["--set", "hidden=13", "--set", "particles=17"]],
  ["driven", "causal-driving", ["--set", "hidden=7", "--set", "first=5", "--set", "features=7"]],
  ["told", "video-temporal", ["--set", "hidden=11", "--set", "channels=5", "--set", "features=13"]],
  ["asked", "ask-attend-answer", ["--set", "features=12", "--set", "evidence=11"]],
  ["words", "skip-gram", ["--set", "size=13"]],
  ["alike", "siamese-lstm", ["--set", "hidden=7", "--set", "embedding=5"]],
] as const;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-studio-shapes-"));
  const runs = join(folder, "runs");
  for (const [run, model, options] of trainings) {
    const { code, err } = await regard([
      ...["train", model, "--out", join(runs, run), ...options],
      ...["--steps", "4", "--validate-every", "2", "--batch", "8"],
    ]);
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
  const page = await browser.newPage({ viewport: { width: 1280, height: 1200 } });
  page.setDefaultTimeout(60_000);
  const complaints = complaintsOf(page);
  await page.goto(`${url}#/${address}`);
  return { page, complaints };
}

/** Where the glimpses of the trail lie, in pixels of its picture. */
const centresOf = (page: Page): Promise<string[]> =>
  page
    .locator(".trail circle")
    .evaluateAll((circles) => circles.map((one) => `${one.getAttribute("cx")} ${one.getAttribute("cy")}`));

const changedNote = (page: Page) => page.getByText("This is what it says with your changes.");

test("a gaze is seen as a trail, is moved by dragging and by numbers, and what follows changes", async () => {
  const { page, complaints } = await pageAt("see/glimpses");
  const trail = page.locator(".look.trail");
  await trail.waitFor();
  await page.getByLabel("probability of 7").waitFor();
  await expect.poll(() => page.locator(".thumbnail").count()).toBe(24);
  await expect.poll(() => centresOf(page)).toHaveLength(6);
  // The first gaze is dragged to the left upper quarter of the image, which begins at 16, 16 and is 360 pixels wide.
  const before = await centresOf(page);
  await trail.scrollIntoViewIfNeeded();
  const box = (await trail.boundingBox())!;
  const [x, y] = before[0]!.split(" ").map(Number) as [number, number];
  await page.mouse.move(box.x + 16 + x, box.y + 16 + y);
  await page.mouse.down();
  await page.mouse.move(box.x + 16 + 90, box.y + 16 + 72, { steps: 4 });
  await page.mouse.up();
  await changedNote(page).waitFor();
  await expect.poll(async () => (await centresOf(page))[0]).not.toBe(before[0]);
  const [movedX, movedY] = (await centresOf(page))[0]!.split(" ").map(Number) as [number, number];
  expect(Math.abs(movedX - 90)).toBeLessThan(4);
  expect(Math.abs(movedY - 72)).toBeLessThan(4);
  await page.getByRole("button", { name: "Undo them" }).click();
  await expect.poll(() => centresOf(page)).toEqual(before);
  // The same by keyboard.
  await page.getByLabel("% from the left").fill("75");
  await page.getByLabel("% from the top").fill("25");
  await page.getByRole("button", { name: "Look there" }).press("Enter");
  await changedNote(page).waitFor();
  await expect.poll(async () => (await centresOf(page))[0]).toBe("270 90");
  await page.getByRole("button", { name: "Draw the places instead" }).click();
  await page.getByRole("button", { name: "Draw again" }).waitFor();
  await expectAccessible(page);
  expect(complaints).toEqual([]);
  await page.close();
}, 120_000);

test("a digit that is drawn with a pen is looked at", async () => {
  const { page, complaints } = await pageAt("see/glimpses");
  await page.locator(".look.trail").waitFor();
  const image = () => page.locator(".trail defs image").getAttribute("href");
  const first = await image();
  await page.getByRole("button", { name: "Draw your own" }).click();
  const pen = page.getByLabel(/^The drawing:/);
  const box = (await pen.boundingBox())!;
  await page.mouse.move(box.x + 80, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + 200, box.y + 220, { steps: 5 });
  await page.mouse.up();
  await expect.poll(image).not.toBe(first);
  // Nothing is known to be right of what was drawn.
  expect(await page.getByText("As people, or the data, put it").count()).toBe(0);
  expect(complaints).toEqual([]);
  await page.close();
}, 120_000);

test("a classifier is explained and compared by the pages that explain and compare all", async () => {
  const { page, complaints } = await pageAt("explain/glimpses?example=test:3");
  for (const name of ["Glimpse", "Causal effect"])
    await page.getByRole("heading", { name, exact: true }).waitFor();
  await expectAccessible(page);
  await page.goto(`${url}#/compare/glimpses?with=glimpses`);
  await page.getByRole("spinbutton", { name: "Images" }).fill("10");
  await page.getByRole("button", { name: "Score both" }).click();
  await page.getByRole("rowheader", { name: "error", exact: true }).waitFor();
  await page.getByLabel("Glimpse of glimpses").first().waitFor();
  await page.goto(`${url}#/train?model=ram`);
  await page.getByText(/labelled images to train on/).waitFor();
  await page.getByText(/parameters · .* a step/).waitFor();
  expect(complaints).toEqual([]);
  await page.close();
}, 120_000);

test("rows of bits are clicked together, put out, and looked at in a memory", async () => {
  const { page, complaints } = await pageAt("see/memory");
  const output = page.locator(".output");
  await output.waitFor();
  for (const title of ["Read", "Put out", "Right"])
    await page.getByRole("heading", { name: title, exact: true }).waitFor();
  await page
    .getByText("Which slots its heads looked at, step by step")
    .or(page.getByText("What it looked at"))
    .first()
    .waitFor();
  const first = await output.textContent();
  await page.getByRole("button", { name: "Toss coins" }).click();
  await page.getByRole("button", { name: "See", exact: true }).click();
  // Six rows are put out in return for six.
  await expect.poll(async () => (await output.textContent())!.split(" ").length).toBe(6);
  expect(await output.textContent()).not.toBe(first);
  await expectAccessible(page);
  await page.goto(`${url}#/explain/memory?example=test:2`);
  for (const name of ["Salience of read", "Salience of write", "Causal effect"])
    await page.getByRole("heading", { name, exact: true }).waitFor();
  expect(complaints).toEqual([]);
  await page.close();
}, 120_000);

test("heads are seen side by side, and each by itself", async () => {
  const { page, complaints } = await pageAt("see/heads");
  await page.locator(".output").waitFor();
  for (const stack of ["decoder self-attention", "cross-attention", "encoder self-attention"])
    await page.getByRole("heading", { name: `Which words each head looked at (${stack})` }).waitFor();
  expect(await page.getByRole("button", { name: "All heads" }).count()).toBe(3);
  await page.getByRole("button", { name: "Matrix" }).nth(1).click();
  await expectAccessible(page);
  expect(complaints).toEqual([]);
  await page.close();
}, 120_000);

test("a film is followed in the studio, and where it looked is shown", async () => {
  const { page, complaints } = await pageAt("see/followed");
  await page.getByText("How far off").waitFor();
  await page
    .getByText(/Where in the image it looked/)
    .first()
    .waitFor();
  await expectAccessible(page);
  expect(complaints).toEqual([]);
  await page.close();
}, 120_000);

test("a question is typed over an image of the data, and over one of one's own", async () => {
  const { page, complaints } = await pageAt("see/asked");
  const question = page.getByLabel("Question");
  await page.locator(".thumbnail").first().waitFor();
  await expect.poll(() => page.locator(".thumbnail").count()).toBe(24);
  await expect.poll(() => question.inputValue()).toMatch(/^(what|is) .*\?$/);
  const title = (text: string) => page.getByRole("heading", { name: text });
  await title(await question.inputValue()).waitFor();
  const pictured = () => page.locator("image").first().getAttribute("href");
  const own = await pictured();
  await question.fill("What colour is the cross?");
  await page.getByRole("button", { name: "See", exact: true }).click();
  await title("what colour is the cross?").waitFor();
  // The image is the example's still, and the question stands in the field.
  expect(await pictured()).toBe(own);
  expect(await question.inputValue()).toBe("What colour is the cross?");
  await page.getByText("Words that decided where it looked first").waitFor();
  // Another example has its own question.
  await page.locator(".thumbnail").nth(5).click();
  await expect.poll(pictured).not.toBe(own);
  await expect.poll(() => question.inputValue()).not.toBe("What colour is the cross?");
  await title(await question.inputValue()).waitFor();
  // An image of one's own, drawn, keeps the question until it is asked.
  const before = await pictured();
  await page.getByRole("button", { name: "Draw your own" }).click();
  const pen = page.getByLabel(/^The drawing:/);
  const box = (await pen.boundingBox())!;
  await page.mouse.move(box.x + 60, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + 160, box.y + 160, { steps: 4 });
  await page.mouse.up();
  await page.getByText("your image is taken in place of an example's").waitFor();
  await question.fill("is the circle at the top?");
  await page.getByRole("button", { name: "See", exact: true }).click();
  await title("is the circle at the top?").waitFor();
  await expect.poll(pictured).not.toBe(before);
  await expectAccessible(page);
  expect(complaints).toEqual([]);
  await page.close();
}, 120_000);

test("a film's attention, and what its parts cause, lie over the frame of each step", async () => {
  const { page, complaints } = await pageAt("see/driven?example=test:1");
  const effect = page.getByRole("img", { name: /^effect on/ });
  await effect.waitFor();
  const pictures = () => page.locator(".map-picture image").first().getAttribute("href");
  const first = await pictures();
  await page.getByRole("button", { name: "Step on" }).click();
  await expect.poll(pictures).not.toBe(first);
  await page.goto(`${url}#/explain/driven?example=test:1`);
  for (const name of ["Attention", "Causal attention", "Salience", "Causal effect"])
    await page.getByRole("heading", { name, exact: true }).waitFor();
  await page
    .getByText("The attention without blobs that, masked one by one, do not move the wheel.")
    .waitFor();
  await expectAccessible(page);
  expect(complaints).toEqual([]);
  await page.close();
}, 120_000);

test("bars of each word stand under a strip of the frames of its clip", async () => {
  const { page, complaints } = await pageAt("see/told?example=test:1");
  await page.locator(".output").waitFor();
  await expect.poll(() => page.locator(".look image").count()).toBeGreaterThan(10);
  await expectAccessible(page);
  expect(complaints).toEqual([]);
  await page.close();
}, 120_000);

test("words are laid on a map that forms, is searched and coloured, and added and taken away", async () => {
  const { page, complaints } = await pageAt("map/words");
  await page.getByText("After 1,000 of 1,000 iterations").waitFor();
  await page.getByLabel("Find a word").fill("paris");
  await page.getByText(/^Near “paris” on the map: \w+, \w+/).waitFor();
  await page.getByLabel("Find a word").fill("nowhere");
  await page.getByText("“nowhere” is none of these words.").waitFor();
  await page.getByText("Colour by class").click();
  await page.getByLabel("A word, a tab and its class a line").fill("paris\tcity");
  await page.getByRole("button", { name: "Nearer" }).click();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download as SVG" }).click();
  expect((await download).suggestedFilename()).toBe("words-map.svg");
  await expectAccessible(page);
  await page.goto(`${url}#/map/glimpses`);
  await page.getByText("has no vectors of words").waitFor();
  await page.goto(`${url}#/see/words`);
  await page.getByLabel("Words, added and taken away").fill("king - man + woman");
  await page.getByRole("button", { name: "See", exact: true }).click();
  await page.getByRole("rowheader", { name: "−man" }).waitFor();
  expect(complaints.filter((one) => !one.includes("400"))).toEqual([]);
  await page.close();
}, 120_000);

test("two sentences stand side by side, with which word of both moves how alike they are", async () => {
  const { page, complaints } = await pageAt("see/alike");
  await page.getByText("People say").waitFor();
  await page.getByLabel("First sentence").fill("a man helps a dog");
  await page.getByLabel("Second sentence").fill("no man helps a dog");
  await page.getByRole("button", { name: "See", exact: true }).click();
  await page.getByRole("heading", { name: "a man helps a dog / no man helps a dog" }).waitFor();
  await page.getByRole("rowheader", { name: "no", exact: true }).waitFor();
  await expectAccessible(page);
  expect(complaints).toEqual([]);
  await page.close();
}, 120_000);
