import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeTrace, rowsOf } from "../src/attention/index.js";
import { complaintsOf, expectAccessible, openBrowser, serveFiles } from "./browser.js";
import { main, regard, small } from "./command.js";

/** For what takes as long as the machine needs. */
const SLOW = { timeout: 60_000 };

let folder: string;
let browser: Browser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-studio-"));
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  await rm(folder, { recursive: true, force: true });
});

/** A studio as a user opens it. */
class OpenedStudio {
  private constructor(
    readonly process: ChildProcess,
    readonly url: string,
    readonly runs: string,
  ) {}

  /** @param before a command that runs it */
  static async open(runs: string, before: readonly string[] = []): Promise<OpenedStudio> {
    const data = join(folder, "data");
    await mkdir(data, { recursive: true });
    const [command, ...args] = [
      ...before,
      ...[process.execPath, main, "studio", "--port", "0", "--runs", runs, "--data", data, "--json"],
    ];
    const child = spawn(command!, args, { stdio: ["ignore", "pipe", "inherit"] });
    const url = await new Promise<string>((resolve) => {
      child.stdout!.once("data", (chunk) => resolve(JSON.parse(chunk).url));
    });
    return new OpenedStudio(child, url, runs);
  }

  async close(): Promise<number | null> {
    const closed = new Promise<number | null>((resolve) => this.process.once("close", resolve));
    this.process.kill("SIGINT");
    return closed;
  }

  async call(name: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}api/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  }
}

async function pageAt(url: string): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  const complaints = complaintsOf(page);
  await page.goto(url);
  return { page, complaints };
}

/** Fills a training in, small, and starts it. */
async function startTraining(
  page: Page,
  options: { name: string; steps: number; every: number; model?: string },
) {
  await page.getByRole("link", { name: "Train", exact: true }).click();
  await page.getByLabel("Name of the run").waitFor();
  if (options.model) await page.getByLabel(/^Model/).selectOption(options.model);
  for (const label of ["embedding", "hidden", "alignment", "maxout"]) {
    const field = page.getByLabel(new RegExp(`^${label}`));
    if ((await field.count()) > 0) await field.fill("16");
  }
  await page.getByLabel("Name of the run").fill(options.name);
  await page.getByLabel("or steps").fill(String(options.steps));
  await page.getByLabel(/^Batch/).fill("16");
  await page.getByLabel(/^Validate every/).fill(String(options.every));
  await expect
    .poll(() => page.locator(".costs").textContent(), SLOW)
    .toMatch(/parameters .*FLOP a step .* memory/);
  await page.getByRole("button", { name: "Train", exact: true }).click();
  await page.getByRole("heading", { name: new RegExp(options.name) }).waitFor();
}

/** Opens the menu of a run and chooses of it. */
async function chosenOfMenu(run: Locator, name: string): Promise<void> {
  await run.locator(".menu summary").click();
  await run.getByRole("button", { name, exact: true }).click();
}

const stateOf = (page: Page) => page.locator("h1 .state").textContent();

/** Drops a table of which a line is too long, and one that cannot be read, onto the page. */
async function dropTables(page: Page, name: string): Promise<void> {
  const good = join(folder, name);
  const lines = Array.from({ length: 90 }, (_, index) => `one ${index % 7} two ${index}\tuno dos ${index}`);
  await writeFile(good, [...lines, `${"one ".repeat(300)}\tuno`].join("\n"));
  await page.locator(".drop input[type=file]").setInputFiles(good);
  await expect.poll(() => page.getByLabel("Sentence pairs").inputValue(), SLOW).toBe(name);
  await page.getByText(/pairs to train on, \d+ to validate/).waitFor();
  await page
    .getByText(/1 line is longer than 250 words and left out; the longest, of about 300, is .*, line 91;/)
    .waitFor();
  const bad = join(folder, "bad.tsv");
  for (const [contents, problem] of [
    ["no tab here\n", "bad.tsv, line 1: there is no tab between source and target; add one"],
    ["a\tb\r\nc\td\re\tf\r\n", "bad.tsv, line 2: a carriage return stands inside the line"],
  ] as const) {
    await writeFile(bad, contents);
    await page.locator(".drop input[type=file]").setInputFiles(bad);
    await page.getByText(problem).waitFor();
  }
}

describe("with the server", () => {
  let studio: OpenedStudio;

  beforeAll(async () => {
    const runs = join(folder, "runs");
    // One run from a terminal, to be seen in the studio.
    const trained = await regard([
      ...["train", "rnnsearch", ...small, "--steps", "40", "--validate-every", "10"],
      ...["--out", join(runs, "terminal")],
    ]);
    expect(trained.code, trained.err).toBe(0);
    studio = await OpenedStudio.open(runs);
  }, 120_000);
  afterAll(async () => {
    expect(await studio.close()).toBe(0);
  });

  test("a training is started, watched through a reload, seen, explained, and shows in the terminal", async () => {
    const { page, complaints } = await pageAt(`${studio.url}#/runs`);
    await page.getByRole("link", { name: "terminal" }).waitFor();
    await startTraining(page, { name: "from the page", steps: 400, every: 50 });
    await expect.poll(() => stateOf(page), SLOW).toBe("training");
    await expect.poll(() => page.locator(".tile strong").first().textContent(), SLOW).not.toBe("–");
    await page.reload();
    await expect.poll(() => stateOf(page), { timeout: 60_000 }).toBe("done");
    expect(await page.locator(".tile strong").first().textContent()).toBe("400");
    await page.getByText("Attention as it forms").waitFor();
    expect(await page.locator("circle").count()).toBeGreaterThan(7);

    await page.getByRole("link", { name: "See", exact: true }).last().click();
    const sentence = "does Ana see my old dog in the garden?";
    await page.locator(".ask input").fill(sentence);
    await page.getByRole("button", { name: "See", exact: true }).click();
    await expect
      .poll(
        async () => {
          const first = await page.locator(".matrix text").first().textContent();
          const [problem] = await page.locator(".problem").allTextContents();
          // A question that was lost on a busy machine is asked again, as a user would.
          if (first !== "does" && (await page.locator(".ask input").inputValue()) !== sentence) {
            await page.locator(".ask input").fill(sentence);
            await page.getByRole("button", { name: "See", exact: true }).click();
          }
          return problem ?? first;
        },
        { ...SLOW, interval: 1000 },
      )
      .toBe("does");
    await page.locator(".output").waitFor();

    await page.getByRole("link", { name: "Was it the cause?" }).click();
    await page.getByRole("heading", { name: "Causal effect" }).waitFor();
    await page.locator(".verdict").waitFor();
    await page.getByRole("spinbutton", { name: "Sentences" }).fill("5");
    await page.getByRole("button", { name: "Measure" }).click();
    await page.getByText("over 5 sentences").waitFor();
    expect(complaints).toEqual([]);
    await page.close();

    const seen = await regard(["see", join(studio.runs, "from the page"), "I love coffee", "--json"]);
    expect(seen.code).toBe(0);
  }, 180_000);

  test("words are overridden and attention is forced, and what follows changes", async () => {
    const { page, complaints } = await pageAt(`${studio.url}#/see/terminal?text=I+love+coffee`);
    await page.locator(".output").waitFor();
    const input = { fields: { text: "I love coffee" } };
    const seen = async (body: object) => {
      const answer = await (await studio.call("ask", { run: "terminal", input, ...body })).json();
      const [attention] = decodeTrace(answer.trace).looks;
      return {
        ...(answer as { output: string; steps: { piece: string; alternatives: { piece: string }[] }[] }),
        weights: rowsOf(attention!),
      };
    };
    const plain = await seen({});
    const other = plain.steps[0]!.alternatives.find(
      ({ piece }) => piece !== plain.steps[0]!.piece && piece !== "(end)",
    )!;
    // What each word caused follows once it is measured.
    await expect.poll(() => page.locator(".readings td").nth(2).textContent(), SLOW).toMatch(/^-?\d+\.\d\d$/);
    await page.getByRole("button", { name: other.piece, exact: true }).click();
    await page.getByText("This is what it says with your changes.").waitFor();
    const changed = await seen({ words: { 0: other.piece } });
    expect(changed.steps[0]!.piece).toBe(other.piece);
    await expect.poll(() => page.locator(".output").textContent(), SLOW).toBe(changed.output);
    await page.getByRole("button", { name: "Undo them" }).click();
    await expect.poll(() => page.locator(".output").textContent(), SLOW).toBe(plain.output);

    // Words drawn by a seed are those that are drawn everywhere by it, and the address says so.
    const words = page.locator("label", { hasText: "Words" }).locator("select");
    await words.selectOption("1.5");
    await page.getByRole("button", { name: "Draw other words" }).click();
    const drawn = await seen({ temperature: 1.5, sample: 2 });
    await page.getByText("words drawn by seed 2 at a temperature of 1.5").waitFor();
    await expect.poll(() => page.locator(".output").textContent(), SLOW).toBe(drawn.output);
    await expect.poll(() => decodeURIComponent(page.url()), SLOW).toContain('"temperature":1.5');
    await words.selectOption("");
    await expect.poll(() => page.locator(".output").textContent(), SLOW).toBe(plain.output);

    // Drag the attention of the first word from the first column to the third.
    const matrix = page.locator(".matrix");
    const box = (await matrix.boundingBox())!;
    const svg = (await matrix.locator("svg").boundingBox())!;
    const rect = (await matrix.locator("g rect").first().boundingBox())!;
    const at = (column: number) => [rect.x + rect.width * (column + 0.5), rect.y + rect.height / 2] as const;
    expect(svg.width).toBeGreaterThan(0);
    expect(box.width).toBeGreaterThan(0);
    await page.mouse.move(...at(0));
    await page.mouse.down();
    await page.mouse.move(...at(2), { steps: 4 });
    await page.mouse.up();
    await page.getByText("This is what it says with your changes.").waitFor();
    const row = [...plain.weights[0]!];
    row[2] = row[2]! + row[0]!;
    row[0] = 0;
    const forced = await seen({ looks: { attention: { 0: row } } });
    expect(forced.weights[0]![0]).toBe(0);
    expect(forced.weights[0]![2]).toBeCloseTo(row[2]!, 5);
    expect(await page.getByText(/looks at/).textContent()).toContain("coffee");
    // The address holds what is shown: whoever opens it sees the same, step and changes included.
    await page.getByRole("button", { name: "Step on" }).click();
    await expect.poll(() => page.url(), SLOW).toContain("step=2");
    const { page: again } = await pageAt(page.url());
    await again.getByText("This is what it says with your changes.").waitFor();
    expect(await again.locator(".output").textContent()).toBe(forced.output);
    await again.getByRole("heading", { name: /^Step 2:/ }).waitFor();
    await again.locator(".ask input").fill("Ana sees the dog");
    await again.keyboard.press("Enter");
    await expect.poll(() => again.url(), SLOW).toMatch(/text=Ana\+sees\+the\+dog$/);
    // A link to the page alone begins anew, though the page has been there.
    await again.getByRole("link", { name: "See", exact: true }).click();
    await expect.poll(() => again.locator(".output").textContent(), SLOW).not.toBe(forced.output);
    await again.close();
    await page.getByRole("button", { name: "Step back" }).click();
    // The same without a pointer: all attention on one word.
    await page.getByRole("button", { name: "Undo them" }).click();
    await page.getByRole("button", { name: "all here" }).nth(1).press("Enter");
    await page.getByText("This is what it says with your changes.").waitFor();
    await expect.poll(() => page.locator(".readings td").nth(4).textContent(), SLOW).toMatch(/1\.00/);
    expect(complaints).toEqual([]);
    await page.close();
  }, 120_000);

  test("a variant is designed, trained and compared with another model", async () => {
    const { page, complaints } = await pageAt(`${studio.url}#/design`);
    const parts = page.getByRole("button", { name: /^Attention/ });
    await parts.press("Enter");
    await page.getByText("α_ij = softmax_j(e_ij)  (6)").waitFor();
    await page.getByText("Softmax", { exact: true }).waitFor();
    // The drawing is made larger, dragged, and made to fit again.
    const drawing = page.getByRole("region", { name: "The model as a drawing of its parts" });
    const fits = (await drawing.locator("svg").boundingBox())!.width;
    for (let press = 0; press < 5; press++) await page.getByRole("button", { name: "Larger" }).press("Enter");
    expect((await drawing.locator("svg").boundingBox())!.width).toBeGreaterThan(1.8 * fits);
    const { x, y, width, height } = (await drawing.boundingBox())!;
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width / 2 - 60, y + height / 2 - 40, { steps: 4 });
    await page.mouse.up();
    expect(await drawing.evaluate(({ scrollLeft, scrollTop }) => [scrollLeft, scrollTop])).toEqual([60, 40]);
    await page.getByRole("button", { name: "Fit" }).press("Enter");
    expect((await drawing.locator("svg").boundingBox())!.width).toBeCloseTo(fits, 0);
    await page.getByLabel(/^attention/).selectOption("general");
    await page
      .getByText(/0\.\d\d × the default|1\.\d\d × the default/)
      .first()
      .waitFor();
    await page.getByRole("link", { name: "Train this variant" }).click();
    await page.getByLabel("Name of the run").waitFor();
    expect(await page.getByLabel(/^attention/).inputValue()).toBe("general");
    await startTraining(page, { name: "without", steps: 30, every: 10, model: "rnn-encoder-decoder" });
    await expect.poll(() => stateOf(page), { timeout: 60_000 }).toBe("done");
    await page.goto(`${studio.url}#/compare/terminal?with=without`);
    await page.getByRole("spinbutton", { name: "Sentences" }).fill("20");
    await page.getByRole("button", { name: "Score both" }).click();
    await page.getByRole("rowheader", { name: "bleu" }).waitFor();
    await page.getByLabel("Gates of without").waitFor();
    await page.getByLabel("Attention of terminal").waitFor();
    // The runs in an order of one's own, and their curves one over the other.
    await page.getByRole("link", { name: "Runs", exact: true }).click();
    const names = () => page.locator(".run h2").allTextContents();
    await page.getByLabel("Order").selectOption("name");
    await expect.poll(names).toEqual((await names()).toSorted((a, b) => a.localeCompare(b)));
    await page.getByLabel("Order").selectOption("steps");
    await expect.poll(async () => (await names())[0]).not.toBe("without");
    for (const name of ["without", "terminal"])
      await page
        .locator(".run", { has: page.getByRole("heading", { name, exact: true }) })
        .getByLabel("Draw its curve")
        .check();
    const overlaid = page.getByLabel("Validation loss of the chosen runs");
    await expect
      .poll(() => overlaid.locator("svg text").allTextContents())
      .toEqual(expect.arrayContaining(["● without", "● terminal"]));
    expect(complaints).toEqual([]);
    await page.close();
  }, 180_000);

  test("runs are stopped, resumed, renamed and deleted from the page, and asked about first", async () => {
    const { page, complaints } = await pageAt(`${studio.url}#/runs`);
    await startTraining(page, { name: "long", steps: 100_000, every: 1000 });
    await expect.poll(() => page.locator(".tile strong").first().textContent(), SLOW).not.toBe("–");
    await page.getByRole("button", { name: "Stop and save" }).click();
    await expect.poll(() => stateOf(page), { timeout: 30_000 }).toBe("stopped");
    await page.getByRole("button", { name: "Resume" }).click();
    await expect.poll(() => stateOf(page), { timeout: 60_000 }).toBe("training");
    await page.getByRole("link", { name: "Runs", exact: true }).click();
    const run = page.locator(".run", { hasText: "long" });
    await run.getByRole("button", { name: "Stop" }).click();
    await run.getByText("stopped").waitFor();
    await chosenOfMenu(run, "Rename");
    await run.getByLabel("New name").fill("short");
    await run.getByRole("button", { name: "Rename" }).last().click();
    const renamed = page.locator(".run", { hasText: "short" });
    await renamed.waitFor();
    await chosenOfMenu(renamed, "Note something");
    await renamed.getByLabel("Notes").fill("too short\n<b>by far</b>");
    await renamed.getByRole("button", { name: "Keep" }).click();
    await expect.poll(() => renamed.locator(".notes").textContent()).toBe("too short\n<b>by far</b>");
    expect(await readFile(join(studio.runs, "short", "notes.txt"), "utf8")).toBe("too short\n<b>by far</b>");
    await chosenOfMenu(renamed, "Delete");
    await renamed.getByRole("button", { name: "Keep it" }).click();
    expect(existsSync(join(studio.runs, "short"))).toBe(true);
    await chosenOfMenu(renamed, "Delete");
    await renamed.getByRole("button", { name: "Delete for good" }).click();
    await renamed.waitFor({ state: "detached" });
    expect(existsSync(join(studio.runs, "short"))).toBe(false);
    expect(complaints).toEqual([]);
    await page.close();
  }, 180_000);

  test("a table is dropped onto the page and can be trained on; a bad one is refused with its line", async () => {
    const { page } = await pageAt(`${studio.url}#/train`);
    await dropTables(page, "mine.tsv");
    expect(await readdir(join(folder, "data"))).toEqual(["mine.tsv"]);
    await page.close();
  }, 120_000);

  test("the attention of a run is watched again, and downloaded as a moving picture", async () => {
    const { page, complaints } = await pageAt(`${studio.url}#/time-lapse/terminal`);
    await page.getByText("After step 40").waitFor();
    await page.getByRole("slider").focus();
    await page.keyboard.press("Home");
    await page.getByText("Before the first step").waitFor();
    await page.getByText("step 0", { exact: true }).waitFor({ state: "attached" });
    await page.getByRole("button", { name: "Play" }).click();
    await page.getByText("After step 40").waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download as animated SVG" }).click(),
    ]);
    const svg = await readFile(await download.path(), "utf8");
    // Steps 0, 1, 2 and 5, and four validations.
    expect(svg.match(/<animate /g)).toHaveLength(8);
    expect(complaints).toEqual([]);
    await page.close();
  }, 60_000);

  test("every page is accessible, in light and dark, wide and narrow, and can be used by keyboard alone", async () => {
    const page = await browser.newPage();
    const complaints = complaintsOf(page);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const place of [
        "start",
        "tour/alignment",
        "runs",
        "train",
        "train/terminal",
        "see/terminal",
        "explain/terminal",
        "compare/terminal",
        "diagnose/terminal",
        "map/terminal",
        "open",
        "design",
        "time-lapse/terminal",
      ]) {
        await page.goto(`${studio.url}#/${place}`);
        await page.locator("h1").waitFor();
        await page.waitForLoadState("networkidle", { timeout: 3000 }).catch(() => {});
        for (const width of [1400, 390]) {
          await page.setViewportSize({ width, height: 900 });
          await expectAccessible(page);
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          expect(overflow, `${place} is wider than a window of ${width} px`).toBeLessThanOrEqual(0);
        }
      }
    }
    await page.goto(`${studio.url}#/runs`);
    await page.locator("h1").waitFor();
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to the page");
    for (let presses = 0; presses < 4; presses++) await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("See");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "See", level: 1 }).waitFor();
    await page.locator(".output").waitFor();
    await page.locator(".ask input").focus();
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type("Ana sees the dog");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.locator(".picture text").allTextContents(), SLOW).toContain("Ana");
    expect(complaints).toEqual([]);
    await page.close();
  }, 180_000);

  test("user text never becomes markup", async () => {
    const { page, complaints } = await pageAt(
      `${studio.url}#/see/terminal?text=${encodeURIComponent("<img src=x onerror=alert(1)> love")}`,
    );
    await page.locator(".output").waitFor();
    expect(await page.locator("main img").count()).toBe(0);
    expect(await page.locator(".matrix text").first().textContent()).toBe("<");
    expect(complaints).toEqual([]);
    await page.close();
  }, 60_000);

  test("events are sent again from where a reader left off", async () => {
    const read = async (headers: Record<string, string>) => {
      const controller = new AbortController();
      const response = await fetch(`${studio.url}api/runs/terminal/events`, {
        headers,
        signal: controller.signal,
      });
      let text = "";
      for await (const piece of response.body!) {
        text += new TextDecoder().decode(piece);
        if (text.includes('"kind":"state"')) break;
      }
      controller.abort();
      return [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    };
    const all = await read({});
    expect(all).toEqual(all.map((_, index) => index));
    expect(all.length).toBeGreaterThan(8);
    expect(await read({ "last-event-id": "5" })).toEqual(all.slice(6));
  }, 60_000);

  test("a killed model process, a vanished run and a second studio each end in a clear message", async () => {
    const answered = await studio.call("ask", {
      run: "terminal",
      input: { fields: { text: "I love coffee" } },
    });
    expect(answered.status).toBe(200);
    const ghost = await studio.call("ask", { run: "ghost", input: { fields: { text: "I love coffee" } } });
    expect(ghost.status).toBe(400);
    expect((await ghost.json()).problem).toBe(
      'there is no run "ghost" any more; it was removed or renamed outside the studio.',
    );
    const second = await regard(["studio", "--runs", studio.runs, "--port", "0"]);
    expect(second.code).toBe(2);
    expect(second.err).toMatch(
      /^regard: a studio is already open on .*: http:\/\/127\.0\.0\.1:\d+\/ \(process \d+\); use that one, or give other --runs\.$/m,
    );
    const { port } = new URL(studio.url);
    const taken = await regard(["studio", "--runs", join(folder, "others"), "--port", port]);
    expect(taken.err).toContain(`port ${port} is taken by another program`);
    const page = await pageAt(`${studio.url}#/see/terminal`);
    await page.page.locator(".output").waitFor();
    await page.page.getByRole("button", { name: "Another" }).waitFor();
    spawn("pkill", ["-KILL", "-P", String(studio.process.pid), "-f", "server/worker.js"]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await page.page.getByRole("button", { name: "Another" }).click();
    const [word] = (await page.page.locator(".ask input").inputValue()).split(" ");
    await expect.poll(() => page.page.locator(".matrix text").first().textContent(), SLOW).toBe(word);
    expect(await page.page.locator(".problem").count()).toBe(0);
    await page.page.close();
  }, 120_000);

  describe("safety", () => {
    /** A request with headers that a browser would not let a page set. */
    const raw = (
      path: string,
      options: { method?: string; headers?: Record<string, string>; body?: string },
    ) =>
      new Promise<{ status: number; body: string; headers: Record<string, unknown> }>((resolve, reject) => {
        const { hostname, port } = new URL(studio.url);
        const sent = request(
          { hostname, port, path, method: options.method ?? "GET", headers: options.headers },
          (answer) => {
            let body = "";
            answer.on("data", (chunk) => {
              body += chunk;
            });
            answer.on("end", () => resolve({ status: answer.statusCode!, body, headers: answer.headers }));
          },
        );
        sent.on("error", reject);
        sent.end(options.body);
      });
    const json = { "content-type": "application/json" };

    test("other hosts, other origins and other types are refused", async () => {
      expect((await raw("/", { headers: { host: "evil.example" } })).status).toBe(403);
      const host = new URL(studio.url).host;
      const asked = (headers: Record<string, string>) =>
        raw("/api/runs", { method: "POST", headers: { host, ...json, ...headers }, body: "{}" });
      expect((await asked({})).status).toBe(200);
      expect((await asked({ origin: `http://${host}` })).status).toBe(200);
      expect((await asked({ origin: "http://evil.example" })).status).toBe(403);
      expect((await asked({ origin: "null" })).status).toBe(403);
      expect((await asked({ "sec-fetch-site": "cross-site" })).status).toBe(403);
      expect((await asked({ "content-type": "text/plain" })).status).toBe(415);
    });

    test("what is no address is no page, and pages whose address is none stay whole", async () => {
      for (const path of ["/%zz", "/%", "/assets/%e0%a4%a", "/%00"])
        expect((await raw(path, {})).status, path).toBe(404);
      for (const hash of ["#/see/%", "#/explain/%zz", "#/%", "#/time-lapse/%E0%A4%A"]) {
        const { page } = await pageAt(`${studio.url}${hash}`);
        await page.locator("nav a").first().waitFor();
        await page.locator("main").locator("p, h1, h2, form").first().waitFor();
        await page.close();
      }
    });

    test("a run is opened under whatever name its folder has", async () => {
      for (const name of ["first (copy)", "a+b & c", "ünï_côde’s #1", "100%"]) {
        await cp(join(studio.runs, "terminal"), join(studio.runs, name), { recursive: true });
        const found = await studio.call("run", { run: name });
        expect(found.status, name).toBe(200);
        expect(
          (await studio.call("ask", { run: name, input: { fields: { text: "I love coffee" } } })).status,
          name,
        ).toBe(200);
        const { host } = new URL(studio.url);
        const zip = await raw(`/api/runs/${encodeURIComponent(name)}/run.zip`, { headers: { host } });
        expect(zip.status, name).toBe(200);
        await rm(join(studio.runs, name), { recursive: true });
      }
    });

    test("of two that press Resume at once one is refused", async () => {
      await cp(join(studio.runs, "terminal"), join(studio.runs, "twice"), { recursive: true });
      const answers = await Promise.all(
        [1, 2, 3].map(() => studio.call("resume", { run: "twice", budget: { steps: 100_000 } })),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400]);
      expect((await studio.call("stop", { run: "twice" })).status).toBe(200);
      await expect
        .poll(async () => (await (await studio.call("run", { run: "twice" })).json()).state, SLOW)
        .toBe("stopped");
      // A number in a file that travels with a run is not signalled.
      await writeFile(
        join(studio.runs, "twice", "state.json"),
        JSON.stringify({ state: "training", pid: process.pid }),
      );
      const stopped = await studio.call("stop", { run: "twice" });
      expect((await stopped.json()).problem).toBe('"twice" is not being trained now.');
      await rm(join(studio.runs, "twice"), { recursive: true });
    }, 60_000);

    test("a run that is being started is neither renamed nor removed, and a refused renaming lets no model go", async () => {
      for (const name of ["begun", "taken"])
        await cp(join(studio.runs, "terminal"), join(studio.runs, name), { recursive: true });
      const resumed = studio.call("resume", { run: "begun", budget: { steps: 100_000 } });
      await new Promise((resolve) => setTimeout(resolve, 60));
      for (const [request, body] of [
        ["rename", { run: "begun", name: "other" }],
        ["remove", { run: "begun" }],
      ] as const)
        expect((await (await studio.call(request, body)).json()).problem).toMatch(
          /^"begun" is being trained; stop it before it is re(named|moved)\.$/,
        );
      expect((await resumed).status).toBe(200);
      expect((await studio.call("stop", { run: "begun" })).status).toBe(200);

      const asked = studio.call("explainSplit", { run: "taken", split: "test", examples: 8, beam: 2 });
      await new Promise((resolve) => setTimeout(resolve, 100));
      const refused = await studio.call("rename", { run: "taken", name: "terminal" });
      expect((await refused.json()).problem).toBe('there is already a run "terminal"; choose another name.');
      expect((await asked).status).toBe(200);
      await expect
        .poll(async () => (await (await studio.call("run", { run: "begun" })).json()).state, SLOW)
        .toBe("stopped");
      for (const name of ["begun", "taken"])
        expect((await studio.call("remove", { run: name })).status).toBe(200);
    }, 60_000);

    test("nothing outside the run and data folders is reached", async () => {
      await writeFile(join(folder, "secret.tsv"), "a\tb\n");
      await symlink(folder, join(studio.runs, "way-out")).catch(() => {});
      for (const run of ["..", "../runs/terminal", "way-out", "terminal/../terminal", "/etc"]) {
        const { status } = await studio.call("run", { run });
        expect(status, run).toBe(400);
      }
      for (const data of ["../secret.tsv", "/etc/passwd"]) {
        const { status } = await studio.call("dataSizes", { data });
        expect(status, data).toBe(400);
      }
      expect((await raw("/../../package.json", {})).status).toBe(404);
      expect((await raw("/%2e%2e/%2e%2e/package.json", {})).status).toBe(404);
      expect((await raw("/..%2f..%2fpackage.json", {})).status).toBe(404);
    });

    test("the policy is strict, bodies are limited, and requests are checked", async () => {
      const { headers } = await raw("/", {});
      expect(headers["content-security-policy"]).toMatch(
        /^default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self';/,
      );
      expect(headers["content-security-policy"]).not.toMatch(/unsafe-inline|'unsafe-eval'/);
      const host = new URL(studio.url).host;
      const large = await raw("/api/addData", {
        method: "POST",
        headers: { host, ...json, "content-length": String(70 * 2 ** 20) },
        body: "",
      }).catch(() => ({ status: 413 }));
      expect(large.status).toBe(413);
      const wrong = await studio.call("ask", { run: "terminal", input: { fields: { text: 7 } } });
      expect(wrong.status).toBe(400);
      expect((await studio.call("nothing", {})).status).toBe(404);
      expect((await studio.call("constructor", {})).status).toBe(404);
      const empty = await studio.call("ask", { run: "terminal", input: { fields: { text: "  " } } });
      expect((await empty.json()).problem).toBe("the input is empty; give a sentence.");
    });
  });

  test("pages paint within a second, and a 20-word sentence is translated and drawn within 100 ms", async () => {
    const { page } = await pageAt(`${studio.url}#/see/terminal`);
    await page.locator(".output").waitFor();
    const paint = await page.evaluate(
      () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
    );
    const words = "Ana sees my old dog in the garden and your friends eat the bread near the house now";
    const times: number[] = [];
    for (const first of [
      "I think that",
      "You think that",
      "We think that",
      "They think that",
      "She says that",
    ]) {
      const text = `${first} ${words}`;
      times.push(
        await page.evaluate(async (sentence) => {
          const field = document.querySelector<HTMLInputElement>(".ask input")!;
          Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")!.set!.call(field, sentence);
          field.dispatchEvent(new Event("input", { bubbles: true }));
          await new Promise((resolve) => setTimeout(resolve, 50));
          const wanted = sentence.split(" ").slice(0, 2).join(" ");
          const started = performance.now();
          document.querySelector<HTMLButtonElement>(".ask button")!.click();
          for (;;) {
            const found = [...document.querySelectorAll(".matrix text")]
              .slice(0, 2)
              .map(({ textContent }) => textContent);
            if (found.join(" ") === wanted) return performance.now() - started;
            await new Promise(requestAnimationFrame);
          }
        }, text),
      );
    }
    const median = times.sort((a, b) => a - b)[2]!;
    process.stdout.write(
      `first paint ${paint.toFixed(0)} ms; translated and drawn in ${median.toFixed(0)} ms\n`,
    );
    // Twice the goals, since other tests run beside this one; docs/results.md has figures from an idle machine.
    expect(paint).toBeLessThan(2000);
    expect(median).toBeLessThan(200);
    await page.close();
  }, 120_000);
});

test("a training that is killed, and one whose disk is full, say so in the page, and nothing is lost", async (context) => {
  const runs = join(folder, "small-disk");
  await mkdir(runs);
  const unshare = [["-m"], ["-U", "-r", "-m"]].find(
    (options) =>
      spawnSync("unshare", [...options, "sh", "-c", "mount -t tmpfs none /mnt"], { stdio: "ignore" })
        .status === 0,
  );
  if (!unshare) return context.skip("this machine gives no process a file system of its own");
  const studio = await OpenedStudio.open(runs, [
    "unshare",
    ...unshare,
    "sh",
    "-c",
    `mount -t tmpfs -o size=500k none ${runs} && exec "$@"`,
    "sh",
  ]);
  const { page } = await pageAt(`${studio.url}#/runs`);
  await startTraining(page, { name: "killed", steps: 100_000, every: 100_000 });
  await expect.poll(() => stateOf(page), SLOW).toBe("training");
  spawnSync("pkill", ["-KILL", "-f", "out .*small-disk/killed"]);
  await expect.poll(() => stateOf(page), SLOW).toBe("failed");
  await page.getByText("the training's process was ended by SIGKILL.").waitFor();
  await startTraining(page, { name: "full", steps: 400, every: 5 });
  await expect.poll(() => stateOf(page), SLOW).toBe("failed");
  await page.getByText(/ENOSPC.*free some space/).waitFor();
  const listed = (await (await studio.call("runs", {})).json()) as { id: string; step: number }[];
  expect(listed.find(({ id }) => id === "full")!.step).toBeGreaterThan(0);
  await page.close();
  await studio.close();
}, 120_000);

describe("large runs", () => {
  test("ten thousand points and an alignment of 120 words stay smooth under the pointer", async () => {
    const runs = join(folder, "large");
    const path = join(runs, "large");
    const trained = await regard(["train", "rnnsearch", ...small, "--steps", "10", "--out", path]);
    expect(trained.code, trained.err).toBe(0);
    const lines = Array.from({ length: 10_000 }, (_, index) =>
      JSON.stringify({
        step: index + 1,
        seconds: index,
        loss: 5 / (1 + index / 100),
        gradientNorm: 1,
        learningRate: 0.001,
        tokensPerSecond: 1000,
      }),
    );
    await writeFile(join(path, "metrics.jsonl"), `${lines.join("\n")}\n`);
    const studio = await OpenedStudio.open(runs);
    const page = await browser.newPage({ viewport: { width: 1600, height: 1400 } });
    page.setDefaultTimeout(60_000);
    /** Frames a second while the pointer moves over an element. */
    const framesOver = async (selector: string) => {
      const box = (await page.locator(selector).first().boundingBox())!;
      await page.evaluate(() => {
        const counted = globalThis as unknown as { frames: number; counter: unknown };
        counted.frames = 0;
        const count = () => {
          if (counted.counter !== count) return;
          counted.frames++;
          requestAnimationFrame(count);
        };
        counted.counter = count;
        requestAnimationFrame(count);
      });
      const started = Date.now();
      while (Date.now() - started < 2000) {
        const angle = (Date.now() - started) / 150;
        const [x, y] = [0.5 + 0.35 * Math.cos(angle), 0.5 + 0.35 * Math.sin(1.7 * angle)];
        await page.mouse.move(box.x + x * box.width, box.y + Math.min(y * box.height, 1200));
      }
      return (await page.evaluate(() => (globalThis as unknown as { frames: number }).frames)) / 2;
    };
    await page.goto(`${studio.url}#/train/large`);
    await expect.poll(() => page.locator(".tile strong").first().textContent(), SLOW).toBe("10,000");
    const curves = await framesOver(".picture");
    const words = Array.from(
      { length: 119 },
      (_, index) => ["Ana", "sees", "my", "old", "dog"][index % 5],
    ).join(" ");
    await page.goto(`${studio.url}#/see/large?text=${encodeURIComponent(words)}`);
    await page.locator(".matrix").waitFor();
    const matrix = await framesOver(".matrix");
    await page.close();
    await studio.close();
    process.stdout.write(
      `frames a second: ${curves.toFixed(0)} over curves, ${matrix.toFixed(0)} over a matrix\n`,
    );
    // Half the goal, since other tests run beside this one; docs/results.md has figures from an idle machine.
    expect(curves).toBeGreaterThan(25);
    expect(matrix).toBeGreaterThan(25);
  }, 180_000);
});

describe("in the tab, with no server", () => {
  let files: ReturnType<typeof serveFiles>;
  let url: string;

  beforeAll(async () => {
    files = serveFiles(fileURLToPath(new URL("../dist/studio", import.meta.url)));
    url = await files.url;
  });
  afterAll(() => files.close());

  test("a table that is dropped says what is left out of it; a bad one is refused with its line", async () => {
    const { page } = await pageAt(`${url}#/train`);
    await dropTables(page, "tab.tsv");
    await page.close();
  }, 120_000);

  test("a model trains, is seen and explained, is downloaded, and opens again, while the page stays free", async () => {
    const { page, complaints } = await pageAt(`${url}#/runs`);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await page.getByText("in this tab").waitFor();
    await startTraining(page, { name: "tab", steps: 200, every: 50 });
    await expect.poll(() => page.locator(".tile strong").first().textContent(), SLOW).not.toBe("–");
    const longestTask = () =>
      page.evaluate(
        () =>
          new Promise<number>((resolve) => {
            let worst = 0;
            const observer = new PerformanceObserver((list) => {
              for (const { duration } of list.getEntries()) worst = Math.max(worst, duration);
            });
            observer.observe({ type: "longtask" });
            setTimeout(() => {
              observer.disconnect();
              resolve(worst);
            }, 1500);
          }),
      );
    // The median of three stretches: other tests share the processor, and one that they interrupt takes as much longer.
    const stretches: number[] = [];
    for (let count = 0; count < 3; count++) stretches.push(await longestTask());
    const longest = stretches.sort((a, b) => a - b)[1]!;
    process.stdout.write(`longest task of the page while the tab trains: ${longest.toFixed(0)} ms\n`);
    await expect.poll(() => stateOf(page), { timeout: 120_000 }).toBe("done");
    await page.getByRole("link", { name: "See", exact: true }).last().click();
    await page.locator(".output").waitFor();
    const output = await page.locator(".output").textContent();
    await page.getByRole("link", { name: "Was it the cause?" }).click();
    await page.locator(".verdict").waitFor();

    // The run outlives the page: what is trained in a tab is kept in the browser, notes included.
    await page.getByRole("link", { name: "Runs", exact: true }).click();
    await chosenOfMenu(page.locator(".run"), "Note something");
    await page.getByLabel("Notes").fill("made in a tab");
    await page.getByRole("button", { name: "Keep", exact: true }).click();
    await page.getByText("made in a tab").waitFor();
    await page.reload();
    await page.getByText("made in a tab").waitFor();
    await page.getByRole("link", { name: "See", exact: true }).last().click();
    await expect.poll(() => page.locator(".output").textContent(), SLOW).toBe(output);

    await page.getByRole("link", { name: "Runs", exact: true }).click();
    const [archive] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download run" }).click(),
    ]);
    const zip = join(folder, "tab.zip");
    await archive.saveAs(zip);
    const [model] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download .onnx" }).click(),
    ]);
    const onnx = join(folder, "tab.onnx");
    await model.saveAs(onnx);
    expect(complaints).toEqual([]);
    await page.close();

    // The file runs natively; the archive opens in another tab, and as a run folder.
    const native = await regard(["see", onnx, "I love coffee", "--json"]);
    expect(native.code, native.err).toBe(0);
    const again = await pageAt(`${url}#/runs`);
    await again.page.locator("input[type=file]").setInputFiles(zip);
    await again.page.getByRole("link", { name: "tab", exact: true }).waitFor();
    await again.page.getByRole("link", { name: "See", exact: true }).last().click();
    await expect.poll(() => again.page.locator(".output").textContent(), SLOW).toBe(output);
    expect(again.complaints).toEqual([]);
    await again.page.close();
    const { unzipSync } = await import("fflate");
    const run = join(folder, "from-tab");
    await mkdir(run);
    for (const [name, bytes] of Object.entries(unzipSync(await readFile(zip))))
      await writeFile(join(run, name), bytes);
    const seen = await regard(["see", run, "I love coffee", "--json"]);
    expect(seen.code, seen.err).toBe(0);
    expect(JSON.parse(seen.out).output).toBe(output);
    expect(longest).toBeLessThan(100);
  }, 240_000);

  test("of two runs that are started under one name at once one is refused", async () => {
    const { page } = await pageAt(`${url}#/runs`);
    const [script] = (await readdir(fileURLToPath(new URL("../dist/studio/assets", import.meta.url)))).filter(
      (name) => /^worker-.*\.js$/.test(name),
    );
    const answers = await page.evaluate(async (script) => {
      const worker = new Worker(`/assets/${script}`, { type: "module" });
      const ask = (id: number, name: string, request: unknown) =>
        new Promise<{ kind: string; problem?: string; result?: unknown }>((resolve) => {
          worker.addEventListener("message", ({ data }) => data.id === id && resolve(data));
          worker.postMessage({ kind: "call", id, name, request });
        });
      const request = {
        ...{
          name: "twice",
          model: "rnnsearch",
          data: "bilingual",
          configuration: { hidden: 8, embedding: 8 },
        },
        ...{ budget: { steps: 3 }, seed: 1, batch: 16, validateEvery: 100 },
      };
      const both = await Promise.all([1, 2].map((id) => ask(id, "start", request)));
      const listed = await ask(3, "runs", {});
      worker.terminate();
      return { both, runs: (listed.result as unknown[]).length };
    }, script!);
    expect(answers.both.map(({ kind, problem }) => problem ?? kind).sort()).toEqual([
      "result",
      'there is already a run "twice"; choose another name.',
    ]);
    expect(answers.runs).toBe(1);
    await page.close();
  }, 60_000);

  test("a model trains on WebGPU where the browser offers it", async (context) => {
    const graphics = await openBrowser([
      "--enable-unsafe-webgpu",
      "--use-webgpu-adapter=swiftshader",
      "--enable-features=Vulkan",
    ]);
    const page = await graphics.newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(`${url}#/train`);
    const adapter = await page.evaluate(async () =>
      Boolean(await (navigator as { gpu?: { requestAdapter(): Promise<unknown> } }).gpu?.requestAdapter()),
    );
    if (!adapter) {
      await graphics.close();
      return context.skip("this Chromium has no WebGPU adapter");
    }
    const table = join(folder, "few.tsv");
    const lines = Array.from({ length: 90 }, (_, index) => `one ${index % 7} two ${index}\tuno dos ${index}`);
    await writeFile(table, lines.join("\n"));
    await page.locator(".drop input[type=file]").setInputFiles(table);
    await expect.poll(() => page.getByLabel("Sentence pairs").inputValue(), SLOW).toBe("few.tsv");
    await page.getByLabel(/^Device/).selectOption("webgpu");
    for (const label of ["embedding", "hidden", "alignment", "maxout"])
      await page.getByLabel(new RegExp(`^${label}`)).fill("8");
    await page.getByLabel("Name of the run").fill("graphics");
    await page.getByLabel("or steps").fill("10");
    await page.getByLabel(/^Batch/).fill("8");
    await page.getByRole("button", { name: "Train", exact: true }).click();
    await page.getByRole("heading", { name: /graphics/ }).waitFor();
    await expect.poll(() => stateOf(page), { timeout: 150_000 }).toBe("done");
    const loss = Number(await page.locator(".tile strong").nth(1).textContent());
    expect(loss).toBeGreaterThan(1);
    expect(loss).toBeLessThan(10);
    await graphics.close();
  }, 240_000);

  test("the guide's example runs an exported model in a page, in plain onnxruntime-web", async () => {
    const run = join(folder, "for-guide");
    const trained = await regard(["train", "rnnsearch", ...small, "--steps", "20", "--out", run]);
    expect(trained.code, trained.err).toBe(0);
    const site = join(folder, "site");
    await mkdir(site);
    await regard(["export", run, "--out", join(site, "translator.onnx")]);
    await copyFile(join(run, "vocabulary.json"), join(site, "vocabulary.json"));
    const [guide, example] = await Promise.all(
      ["docs/guide.md", "examples/page.html"].map((path) =>
        readFile(fileURLToPath(new URL(`../${path}`, import.meta.url)), "utf8"),
      ),
    );
    expect(guide).toContain(`\`\`\`html\n${example}\`\`\``);
    const map = { imports: { "onnxruntime-web": "/runtime/ort.wasm.bundle.min.mjs" } };
    await writeFile(
      join(site, "index.html"),
      `<!doctype html><link rel="icon" href="data:,"><script type="importmap">${JSON.stringify(map)}</script>${example}`,
    );
    await symlink(
      fileURLToPath(new URL("../node_modules/onnxruntime-web/dist", import.meta.url)),
      join(site, "runtime"),
    );
    const files = serveFiles(site);
    const { page, complaints } = await pageAt(await files.url);
    await expect.poll(() => page.locator("#output").textContent(), SLOW).not.toBe("");
    const output = (await page.locator("#output").textContent())!;
    const seen = await regard(["see", join(site, "translator.onnx"), "where is the old station?", "--json"]);
    const { source, target, weights } = JSON.parse(seen.out).traces[0];
    const expected = (target as string[]).flatMap((word, row) => {
      if (word === "(end)") return [];
      const place = weights[row].indexOf(Math.max(...weights[row]));
      return [`${word} looks at ${source[place]}`];
    });
    expect(output.split("; ")).toEqual(expected);
    expect(complaints).toEqual([]);
    await page.close();
    files.close();
  }, 120_000);

  test("a file that is no run is refused", async () => {
    const { page } = await pageAt(`${url}#/runs`);
    const file = join(folder, "wrong.zip");
    await writeFile(file, "not an archive");
    await page.locator("input[type=file]").setInputFiles(file);
    await page.getByText(/"wrong" is no zip archive/).waitFor();
    await page.close();
  }, 60_000);
});
