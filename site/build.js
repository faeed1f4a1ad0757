import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import Eleventy from "@11ty/eleventy";
import { strFromU8, unzipSync } from "fflate";
import { runnerImport } from "vite";
import { z } from "zod";
import { typeset, withEquations } from "./equation.js";
import { dressed, headingsOf } from "./markdown.js";
import { referencePages } from "./reference.js";

// The documentation as a static site: the project's own Markdown, the tour, a page for each paper's models, the API.

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path) => readFileSync(join(root, path), "utf8");
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/** The whole of a text that the project holds as a page. */
const text = (source, url, section) => {
  const markdown = read(source);
  const [{ title }] = headingsOf(markdown, 1);
  return { source, url, section, title, markdown, list: headingsOf(markdown, 2) };
};

const frame = (address, title) =>
  `<iframe src="${address}" title="${escaped(title)}" loading="lazy" allow="fullscreen"></iframe>`;

/** Models and chapters, with what stands in them. */
async function gathered() {
  const { models } = await import("../dist/models/index.js");
  const { module } = await runnerImport(join(root, "studio/src/tour/chapters.ts"), { logLevel: "error" });
  const folders = [];
  for (const folder of readdirSync(join(root, "src/models"))) {
    if (!existsSync(join(root, "src/models", folder, "card.md"))) continue;
    const held = new Set();
    for (const file of readdirSync(join(root, "dist/models", folder)).filter((name) => name.endsWith(".js")))
      for (const value of Object.values(await import(`../dist/models/${folder}/${file}`))) held.add(value);
    folders.push({ folder, cards: models.filter((card) => held.has(card)) });
  }
  const exhibits = new Map();
  for (const { exhibit } of module.chapters) {
    const archive = readFileSync(join(root, `studio/public/exhibits/${exhibit}.zip`));
    const files = unzipSync(new Uint8Array(archive));
    const { settings } = JSON.parse(strFromU8(files["run.json"]));
    exhibits.set(exhibit, { files, model: settings.model });
  }
  return { folders, chapters: module.chapters, exhibits };
}

const pictureName = (chapter) => `pictures/tour-${chapter.id}.svg`;

/** Draws what the model of each chapter looks at, by the command line. */
function drawChapters({ chapters, exhibits }, out) {
  const place = mkdtempSync(join(tmpdir(), "regard-docs-"));
  try {
    for (const chapter of chapters.filter(isDrawn)) {
      const run = join(place, chapter.exhibit);
      mkdirSync(run, { recursive: true });
      for (const [name, bytes] of Object.entries(exhibits.get(chapter.exhibit).files))
        writeFileSync(join(run, name), bytes);
      const { text: said, example } = chapter.first;
      const picture = join(out, pictureName(chapter));
      mkdirSync(dirname(picture), { recursive: true });
      const { status, stderr } = spawnSync(
        process.execPath,
        [join(root, "dist/cli/main.js"), "see", run, said ?? example ?? "test:0", "--svg", picture],
        { encoding: "utf8" },
      );
      if (status !== 0) throw new Error(`the picture of “${chapter.title}” cannot be drawn: ${stderr}`);
    }
  } finally {
    rmSync(place, { recursive: true });
  }
}

const designName = (id, name) => `pictures/design-${id}-${name}.svg`;

/** Draws every model as its parts, with what they cost at the usual sizes, light and dark. */
async function drawDesigns({ folders }, out) {
  const { designOf } = await import("../dist/service/index.js");
  const { dark, light, ModelDrawing, svgOf } = await import("../dist/views/index.js");
  const { createElement } = await import("react");
  const short = (value) => new Intl.NumberFormat("en", { notation: "compact" }).format(value);
  for (const { id } of folders.flatMap(({ cards }) => cards)) {
    const { parts } = designOf({ model: id, configuration: {}, batch: BATCH, sizes: {} });
    const drawn = parts.map(({ parameterCount, flops, ...part }) => ({
      ...part,
      facts: `${short(parameterCount)} parameters · ${short(flops)} FLOP`,
    }));
    for (const [name, theme] of Object.entries({ light, dark }))
      writeFileSync(
        join(out, designName(id, name)),
        svgOf(createElement(ModelDrawing, { model: id, parts: drawn, theme })),
      );
  }
}

/** Examples of a batch for which operations are counted. */
const BATCH = 64;

/** Whether a chapter shows what a model looked at, and has a picture of it. */
const isDrawn = ({ view, exhibit }) => view === "see" && exhibit !== "summary";

/** A part of a model with its equations. */
const partOf = ({ title, equations, gives }) =>
  `<h3>${escaped(title)}</h3>\n${equations.map((equation) => `<div class="equation" tabindex="0">${equation.includes("  (") ? typeset(equation) : withEquations(equation)}</div>`).join("\n")}\n<p class="note">gives <code>${escaped(gives)}</code></p>\n`;

/** What can be set of a model, as a table; nothing where nothing can. */
function optionsOf({ id, configuration }) {
  const { properties = {} } = z.toJSONSchema(configuration, { io: "input" });
  const bounded = ({ minimum, maximum }) =>
    [minimum, maximum].some((bound) => Math.abs(bound) < Number.MAX_SAFE_INTEGER)
      ? `${minimum ?? "…"} to ${maximum ?? "…"}`
      : "any";
  const rows = Object.entries(properties).map(
    ([name, { description = "", enum: choices, type, default: usual, ...bounds }]) =>
      `| \`${name}\` | ${description.replaceAll("|", "\\|")} | ${choices ? choices.join(", ") : type === "boolean" ? "true, false" : bounded(bounds)} | ${usual ?? ""} |`,
  );
  if (rows.length === 0) return "";
  return `### Options of ${id}\n\nAs \`--set name=value\` of \`train\`.\n\n| name | what | takes | where nothing is set |\n|---|---|---|---|\n${rows.join("\n")}`;
}

/** The page of a folder of models: its card, parts, pictures, and what can be tried. */
function modelPage({ folder, cards }, { chapters, exhibits }) {
  const source = `src/models/${folder}/card.md`;
  const own = chapters.filter(({ exhibit }) => cards.some(({ id }) => id === exhibits.get(exhibit).model));
  const sections = [
    read(source),
    ...own.flatMap((chapter) => [
      `## ${chapter.title}, live`,
      `${chapter.lead} This small model runs in the page. <a href="../tour/${chapter.id}.html">To the chapter of the tour</a>`,
      frame(`../studio/index.html#/exhibit/${chapter.id}`, `${chapter.title}, live`),
      ...(isDrawn(chapter)
        ? [`<p><img src="../${pictureName(chapter)}" alt="What the model looked at"></p>\n`]
        : []),
    ]),
    ...cards.map(({ id, title, parts, configuration }) =>
      [
        `## The parts of ${id}`,
        `${title}. \`npx regard train ${id}\``,
        `<picture><source srcset="../${designName(id, "dark")}" media="(prefers-color-scheme: dark)"><img src="../${designName(id, "light")}" alt="The parts of ${id}, with what each reads"></picture>`,
        `<p class="note">Dashed: from the step before. Operations are those of reading a batch of ${BATCH} forward, at the usual sizes.</p>`,
        parts.map(partOf).join(""),
        optionsOf({ id, configuration }),
        `<details><summary>The drawing, the numbers and the options of ${id}, live</summary>${frame(`../studio/index.html#/design/${id}`, `The design of ${id}`)}</details>`,
      ].join("\n\n"),
    ),
  ];
  const [{ title }] = headingsOf(sections[0], 1);
  return { source, url: `/models/${folder}.html`, section: "Models", title, markdown: sections.join("\n\n") };
}

function modelsPage(folders) {
  const rows = folders.flatMap(({ folder, cards }) =>
    cards.map(
      (card) =>
        `| [${card.title}](${folder}/card.md) | ${card.paper} | ${card.task} | ${card.attention.join(", ")} | \`${card.id}\` |`,
    ),
  );
  const markdown = `# Models\n\nA page for each paper: its equations and where they are in the code, every departure, its parts, and what can be tried.\n\n| model | paper | task | attention | name |\n|---|---|---|---|---|\n${rows.join("\n")}\n`;
  return {
    source: "src/models/index.ts",
    url: "/models/index.html",
    section: "Models",
    title: "Models",
    markdown,
  };
}

function tourPages({ chapters, exhibits, folders }) {
  const first = {
    url: "/tour/index.html",
    section: "Tour",
    title: "The lecture as a tour",
    markdown: `# The lecture as a tour\n\nAn idea a page: what it is, a small model to try it on, and a question. The models run in the page; nothing leaves it.\n\n${chapters.map(({ id, title, lead }) => `- <a href="${id}.html">${title}</a>: ${lead}`).join("\n")}\n`,
  };
  return [
    first,
    ...chapters.map((chapter) => {
      const { model } = exhibits.get(chapter.exhibit);
      const { folder } = folders.find(({ cards }) => cards.some(({ id }) => id === model));
      return {
        url: `/tour/${chapter.id}.html`,
        section: "Tour",
        title: chapter.title,
        markdown: [
          `# ${chapter.title}`,
          ...chapter.text,
          `<div class="panel">\n\n**Try this.** ${chapter.question}\n\n</div>`,
          frame(`../studio/index.html#/exhibit/${chapter.id}`, `${chapter.title}, live`),
          ...(isDrawn(chapter)
            ? [`<p><img src="../${pictureName(chapter)}" alt="What the model looked at"></p>`]
            : []),
          `${chapter.paper}. <a href="../models/${folder}.html">The model's card</a>`,
        ].join("\n\n"),
      };
    }),
  ];
}

/** Pages that follow each other: each knows the others, and the one before and after it. */
const inOrder = (pages) => {
  const list = pages.map(({ title, url }) => ({ title, url }));
  return pages.map((page, index) => ({ ...page, list, before: list[index - 1], after: list[index + 1] }));
};

const searchPage = {
  url: "/search.html",
  section: "Search",
  title: "Search",
  markdown: [
    "# Search",
    '<label for="words">Words of a heading, or a name of the API</label>',
    '<p><input id="words" type="search" autocomplete="off" spellcheck="false"></p>',
    '<p id="count" class="note" role="status"></p>',
    '<ul id="found"></ul>',
    '<script type="module" src="search.js"></script>',
  ].join("\n\n"),
};

/** Every heading of the pages, to be searched: what it says, where it stands, and its address. */
function headingsOfPages(out, urls) {
  const plain = (html) =>
    html
      .replaceAll(/<[^>]*>/g, "")
      .replaceAll("&lt;", "<")
      .replaceAll("&gt;", ">")
      .replaceAll("&quot;", '"')
      .replaceAll("&amp;", "&");
  return urls.flatMap((url) => {
    const html = readFileSync(join(out, url), "utf8");
    const title = plain(/<h1[^>]*>(.*?)<\/h1>/s.exec(html)[1]);
    return [...html.matchAll(/<h([1-3])(?: id="([^"]*)")?[^>]*>(.*?)<\/h\1>/gs)].map(
      ([, level, id, text]) => [
        plain(text),
        level === "1" ? "" : title,
        `${url.slice(1)}${level === "1" || !id ? "" : `#${id}`}`,
      ],
    );
  });
}

/** Addresses in the pages of a folder that lead nowhere, and ends of addresses that two headings share. */
export function deadLinks(out) {
  const files = readdirSync(out, { recursive: true }).map((name) => name.replaceAll("\\", "/"));
  const pages = new Map(
    files
      .filter((name) => name.endsWith(".html") && !name.startsWith("studio/"))
      .map((name) => [name, readFileSync(join(out, name), "utf8")]),
  );
  const dead = [];
  for (const [name, html] of pages) {
    const ids = [...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
    for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) dead.push(`${name} has two of #${id}`);
    for (const [, address] of html.matchAll(/\s(?:href|src|srcset)="([^"]*)"/g)) {
      if (/^([a-z]+:|\/\/)/i.test(address)) continue;
      const [path, hash] = address.split("#");
      const target = path === "" ? name : relative(".", join(dirname(name), decodeURI(path)));
      const goal = target === "" || target.endsWith("/") ? `${target}index.html` : target;
      if (!files.includes(goal)) dead.push(`${name} links to ${address}, but there is no ${goal}`);
      else if (hash && !goal.startsWith("studio/") && !pages.get(goal)?.includes(` id="${decodeURI(hash)}"`))
        dead.push(`${name} links to ${address}, but ${goal} has no such heading`);
    }
  }
  return [...new Set(dead)];
}

/**
 * Builds the site.
 * @param out its folder
 * @param draws whether pictures of the tour are drawn anew, which takes some seconds
 * @throws Error naming links that lead nowhere
 */
export async function buildSite(out, { draws = true } = {}) {
  const material = await gathered();
  rmSync(out, { recursive: true, force: true });
  mkdirSync(join(out, "pictures"), { recursive: true });
  cpSync(join(root, "dist/studio"), join(out, "studio"), { recursive: true });
  await drawDesigns(material, out);
  if (draws) drawChapters(material, out);
  else
    for (const chapter of material.chapters.filter(isDrawn))
      writeFileSync(join(out, pictureName(chapter)), "");
  const pages = [
    text("README.md", "/index.html", "Regard"),
    text("docs/guide.md", "/guide.html", "Guide"),
    text("examples/README.md", "/examples.html", "Guide"),
    ...inOrder(tourPages(material)),
    ...inOrder([
      modelsPage(material.folders),
      ...material.folders.map((folder) => modelPage(folder, material)),
    ]),
    ...inOrder(referencePages()),
    text("docs/results.md", "/results.html", "Results"),
    text("docs/performance.md", "/performance.html", "Performance"),
    text("bench/peers/README.md", "/peers.html", "Performance"),
    text("docs/architecture.md", "/architecture.html", "Architecture"),
    text("CONTRIBUTING.md", "/contributing.html", "Architecture"),
    searchPage,
  ];
  const sections = pages
    .filter(
      ({ section }, index) => index > 0 && pages.findIndex((page) => page.section === section) === index,
    )
    .map(({ section, url }) => ({ name: section, url }));
  const urls = new Map([
    ...pages.flatMap(({ source, url }) => (source ? [[source, url]] : [])),
    ["src/models", "/models/index.html"],
    ["examples", "/examples.html"],
  ]);
  const pictures = new Map();
  const site = new Eleventy("site", relative(root, out), {
    quietMode: true,
    configPath: false,
    config(eleventy) {
      eleventy.setUseGitIgnore(false);
      eleventy.ignores.add("site/*.js");
      eleventy.addPassthroughCopy({
        "site/style.css": "style.css",
        "site/search.js": "search.js",
        "node_modules/@fontsource/stix-two-math/files/stix-two-math-latin-400-normal.woff2":
          "stix-two-math.woff2",
      });
      eleventy.amendLibrary("md", (markdown) =>
        dressed(markdown, {
          root,
          urlOf: (path) => urls.get(path),
          pictureOf(path) {
            pictures.set(path, `pictures/${basename(path)}`);
            return pictures.get(path);
          },
        }),
      );
      for (const { markdown, url, ...about } of pages)
        eleventy.addTemplate(`${url.slice(1).replace(/\.html$/, "")}.md`, markdown, {
          ...about,
          sections,
          layout: "page.11ty.js",
          permalink: url.slice(1),
          templateEngineOverride: "md",
        });
      return { markdownTemplateEngine: false, htmlTemplateEngine: false };
    },
  });
  site.disableLogger();
  await site.write();
  for (const [path, name] of pictures) cpSync(join(root, path), join(out, name));
  writeFileSync(
    join(out, "headings.json"),
    JSON.stringify(
      headingsOfPages(
        out,
        pages.filter((page) => page !== searchPage).map(({ url }) => url),
      ),
    ),
  );
  const dead = deadLinks(out);
  if (dead.length > 0) throw new Error(`Links that lead nowhere:\n${dead.join("\n")}`);
  return pages.map(({ url }) => url);
}
