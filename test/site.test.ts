import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { models } from "../src/models/index.js";
import { chapters } from "../studio/src/tour/chapters.js";
import { complaintsOf, expectAccessible, openBrowser, serveFiles } from "./browser.js";

// The documentation, as `npm run docs` builds it but for the pictures that the command line draws.

const from = (name: string) => import(new URL(`../site/${name}`, import.meta.url).href);

let folder: string;
let site: string;
let pages: readonly string[];
let browser: Browser;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-site-"));
  site = join(folder, "site");
  pages = await (await from("build.js")).buildSite(site, { draws: false });
  browser = await openBrowser();
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true });
});

test("every model and every chapter has a page, with its equations as MathML", async () => {
  const whole = async (section: string) =>
    (
      await Promise.all(
        pages.filter((url) => url.startsWith(`/${section}/`)).map((url) => readFile(join(site, url), "utf8")),
      )
    ).join();
  const cards = await whole("models");
  for (const { id, parts } of models) {
    expect(cards).toContain(`npx regard train ${id}<`);
    for (const { title } of parts) expect(cards).toContain(title.split(/[&<"]/)[0]);
  }
  const equations = models.flatMap(({ parts }) => parts.flatMap((part) => part.equations));
  expect(cards.split("<math").length).toBeGreaterThan(equations.length);
  const tour = await whole("tour");
  for (const { id } of chapters) expect(tour).toContain(`studio/index.html#/exhibit/${id}"`);
});

test("links that lead nowhere are found", async () => {
  const { deadLinks } = await from("build.js");
  const small = join(folder, "small");
  await mkdir(join(small, "in"), { recursive: true });
  await writeFile(
    join(small, "a.html"),
    '<p id="here"></p><a href="in/b.html#there">b</a><a href="#here">a</a><a href="https://example.org/none">c</a>',
  );
  await writeFile(
    join(small, "in/b.html"),
    '<a href="../a.html#here">a</a><a href="c.html">c</a><img src="d.svg"><p id="x"></p><p id="x"></p>',
  );
  expect(deadLinks(small).sort()).toEqual([
    "a.html links to in/b.html#there, but in/b.html has no such heading",
    "in/b.html has two of #x",
    "in/b.html links to c.html, but there is no in/c.html",
    "in/b.html links to d.svg, but there is no in/d.svg",
  ]);
});

test("equations in plain text become TeX", async () => {
  const { texOf, withEquations } = await from("equation.js");
  const cases = {
    "α_ij = exp(e_ij) / Σ_k exp(e_ik)":
      "α_{ij} = \\operatorname{exp}(e_{ij}) / \\sum _{k} \\operatorname{exp}(e_{ik})",
    "s_0 = tanh(W_s ←h_1)": "s_{0} = \\operatorname{tanh}(W_{s} \\overleftarrow{h}_{1})",
    "F̂_Yᵀ w_t / γ̂": "\\hat{F}_{Y}^{\\top } w_{t} / \\hat{γ}",
    "d² = 1 − Σ √(ĥ q̂)": "d^{2} = 1 - \\sum  \\sqrt{\\hat{h} \\hat{q}}",
    "p(y | x_1:k+1)": "p(y \\mid  x_{1:k+1})",
    "b_t fits R by least squares": "b_{t} \\text{~fits~}R \\text{~by least squares}",
  };
  for (const [plain, tex] of Object.entries(cases)) expect(texOf(plain)).toBe(tex);
  // What says nothing in signs stays as it is.
  expect(withEquations("gated <hidden> unit")).toBe("gated &lt;hidden&gt; unit");
  expect(withEquations("c_0 = 0, a weight of each")).toMatch(/^<math>.*<\/math>, a weight of each$/);
  expect(() => texOf("M_{t−1")).toThrow("“M_{t−1” opens a { that nothing closes.");
});

test("pages are usable on a phone and a screen, light and dark, and the exhibits in them answer", async () => {
  const files = serveFiles(site);
  for (const [width, colorScheme, shown] of [
    [390, "dark", ["index.html", "models/2015-gregor-draw.html", "api/session.html"]],
    [1400, "light", ["models/index.html", "tour/summary.html"]],
  ] as const) {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    const complaints = complaintsOf(page);
    for (const url of shown) {
      await page.goto(`${await files.url}${url}`);
      await expectAccessible(page);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(over, `${url} at ${width} pixels`).toBeLessThanOrEqual(0);
    }
    if (width === 390) {
      await page.goto(`${await files.url}search.html?words=trainingstep`);
      await page.locator("#found a", { hasText: "trainingStep" }).click();
      await page.waitForURL("**/api/train.html#trainingStep");
    }
    if (width === 1400) {
      const frame = page.frameLocator("iframe");
      await frame.locator(".output").waitFor({ timeout: 60_000 });
      expect(await frame.locator("header").count()).toBe(0);
    }
    expect(complaints).toEqual([]);
    await page.close();
  }
  files.close();
}, 60_000);
