const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/** A page around its content: the bar, the list of its section, what comes before and after. */
export default class Page {
  render({ content, title, section, sections, page, list, before, after }) {
    const depth = page.url.split("/").length - 2;
    const up = "../".repeat(depth);
    const link = (url) => `${up}${url.replace(/^\//, "")}` || "./";
    const current = (is) => (is ? ' aria-current="page"' : "");
    return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}${section === "Regard" ? "" : " · Regard"}</title>
<link rel="stylesheet" href="${up}style.css">
<link rel="icon" href="${up}studio/icon.svg" type="image/svg+xml">
</head>
<body>
<a class="skip" href="#content">Skip to the page</a>
<header>
<a class="brand" href="${link("index.html")}">Regard</a>
<nav aria-label="Sections">
${sections.map(({ name, url }) => `<a href="${link(url)}"${current(name === section)}>${name}</a>`).join("\n")}
<a href="${up}studio/index.html">Studio</a>
</nav>
</header>
<div class="columns">
${
  list
    ? `<nav class="list" aria-label="${section}"><details open><summary>${section}</summary><ul>
${list.map(({ title: name, url, level = 0 }) => `<li${level ? ' class="in"' : ""}><a href="${url.startsWith("#") ? url : link(url)}"${current(url === page.url)}>${escaped(name)}</a></li>`).join("\n")}
</ul></details></nav>
<script>if (matchMedia("(max-width: 60rem)").matches) document.querySelector(".list details").open = false;</script>`
    : ""
}
<main id="content" tabindex="-1">
${content}
${
  before || after
    ? `<nav class="turn" aria-label="Pages beside this one">${before ? `<a href="${link(before.url)}">Back: ${escaped(before.title)}</a>` : ""}${after ? `<a href="${link(after.url)}">On: ${escaped(after.title)}</a>` : ""}</nav>`
    : ""
}
</main>
</div>
</body>
</html>
`;
  }
}
