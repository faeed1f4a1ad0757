import { surface } from "./surface.js";

// Pages of what the package exports: what is said of it in the code, and its declarations with names that lead to each other.

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const address = ({ id }) => `/api/${id}.html`;
const GROUPS = [
  ["namespace", "Namespaces"],
  ["class", "Classes"],
  ["function", "Functions"],
  ["value", "Values"],
  ["type", "Types"],
];
const TAGS = { param: "Takes", returns: "Gives", throws: "Throws", template: "Of any" };

/** What is said of something, where the code links to names. */
const said = (text) =>
  text
    .replaceAll(/\{@link\s+([^}\s|]+)[^}]*\}/g, "`$1`")
    // Outside of code, what would be a tag is text, and a name with _ is a name.
    .split(/(`[^`]*`)/)
    .map((part, index) => (index % 2 ? part : escaped(part).replaceAll(/([*_[\]|])/g, "\\$1")))
    .join("");

/** A declaration as code in which names of the package lead to what they stand for. */
function linked(declaration, own, homes) {
  const parts = declaration.split(/(\/\*\*?.*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|[A-Za-z_$][\w$]*)/s);
  return parts
    .map((part, index) => {
      if (index % 2 === 0) return escaped(part);
      if (part.startsWith("/*") || part.startsWith("//")) return `<i>${escaped(part)}</i>`;
      const home = homes.get(part);
      if (!home || part === own) return escaped(part);
      return `<a href="${home}">${part}</a>`;
    })
    .join("");
}

function itemOf(item, homes, homeOfName) {
  const head = `<h3 id="${item.name}">${item.name}</h3>`;
  if (item.from) {
    const home = homeOfName.get(item.from);
    return `${head}\n\n${home ? `<a href="${home}${item.kind === "namespace" ? "" : `#${item.name}`}">From <code>${item.from}</code></a>` : `From \`${item.from}\``}\n`;
  }
  const tags = item.tags
    .filter(({ name, text }) => TAGS[name] && text)
    .map(({ name, text }) => {
      const [, which, rest] = name === "param" ? /^(\S+)\s*(.*)$/s.exec(text) : [];
      return `- ${TAGS[name]} ${which ? `\`${which}\`: ${said(rest.replace(/^- /, ""))}` : said(text)}`;
    });
  return [
    head,
    ...(item.about ? [said(item.about)] : []),
    ...(tags.length > 0 ? [tags.join("\n")] : []),
    `<pre tabindex="0"><code>${linked(item.declaration, item.name, homes).replaceAll("\n\n", "\n")}</code></pre>`,
  ].join("\n\n");
}

/** The pages of the reference: one for each entry point, and one that lists them. */
export function referencePages() {
  const all = surface();
  const homeOfName = new Map(all.map((entry) => [entry.name, address(entry).replace("/api/", "")]));
  // Names that only one entry point has lead there from everywhere; a page's own names come first.
  const counted = new Map();
  for (const entry of all)
    for (const { name, kind, from } of entry.items)
      if (!from && kind !== "function" && kind !== "value")
        counted.set(name, [...(counted.get(name) ?? []), `${entry.id}.html#${name}`]);
  const everywhere = [...counted]
    .filter(([, places]) => places.length === 1)
    .map(([name, [place]]) => [name, place]);
  const pages = all.map((entry) => {
    const homes = new Map([
      ...everywhere,
      ...entry.items
        .filter(({ kind }) => kind === "type" || kind === "class")
        .map(({ name }) => [name, `#${name}`]),
    ]);
    const groups = GROUPS.flatMap(([kind, title]) => {
      const items = entry.items.filter((item) => item.kind === kind);
      return items.length > 0 ? [{ title, items }] : [];
    });
    return {
      url: address(entry),
      section: "API",
      title: entry.name,
      markdown: [
        `# ${entry.name}`,
        `\`import { … } from "${entry.name}"\``,
        ...groups.map(
          ({ title, items }) =>
            `**${title}.** ${items.map(({ name }) => `<a href="#${name}">${name}</a>`).join(", ")}`,
        ),
        ...groups.map(
          ({ title, items }) =>
            `## ${title}\n\n${items.map((item) => itemOf(item, homes, homeOfName)).join("\n\n")}`,
        ),
      ].join("\n\n"),
    };
  });
  const rows = all.map(
    (entry) =>
      `| <a href="${address(entry).replace("/api/", "")}">${entry.name}</a> | ${entry.items.length} |`,
  );
  return [
    {
      url: "/api/index.html",
      section: "API",
      title: "API",
      markdown: `# API\n\nEach entry point of the package with what it exports, as the code has it. Examples are in [examples/](../../examples).\n\n| import from | names |\n|---|---|\n${rows.join("\n")}\n`,
      source: "docs/api/index.md",
    },
    ...pages,
  ];
}
