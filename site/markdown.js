import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path/posix";
import { withEquations } from "./equation.js";

/** A heading as the end of an address, as GitHub has it. */
export const slugOf = (text) =>
  text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s+/g, "-");

/** The headings of a Markdown text of a level, outside of code. */
export const headingsOf = (markdown, level) =>
  markdown
    .replaceAll(/^```.*?^```/gms, "")
    .split("\n")
    .filter((line) => line.startsWith(`${"#".repeat(level)} `))
    .map((line) => line.slice(level + 1).replaceAll("`", ""))
    .map((title) => ({ title, url: `#${slugOf(title)}` }));

const isElsewhere = (address) => /^([a-z]+:|\/\/|#)/i.test(address);

/**
 * How the project's Markdown becomes a page: what it links to in the repository is the page of that, or a name where there is none;
 * headings can be linked to; wide tables and code scroll by keyboard too; a card's equations are typeset.
 * @param urlOf the page of a path in the repository
 * @param pictureOf takes a picture's path in the repository and gives its address
 */
export function dressed(markdown, { root, urlOf, pictureOf }) {
  markdown.set({ html: true });
  markdown.core.ruler.push("regard", ({ tokens, env }) => {
    const up = "../".repeat(env.page.url.split("/").length - 2);
    /** A path in the repository, of what a page links to. */
    const pathOf = (address) => {
      const path = normalize(join(dirname(env.source), decodeURI(address))).replace(/\/$/, "");
      if (!existsSync(join(root, path)))
        throw new Error(`${env.source} links to ${address}, but there is no ${path}; mend the link.`);
      return path;
    };
    const seen = new Map();
    let head = [];
    let cell = 0;
    let tables = 0;
    for (const [index, token] of tokens.entries()) {
      if (token.type === "heading_open") {
        const slug = slugOf(tokens[index + 1].children.map(({ content }) => content).join(""));
        const count = seen.get(slug) ?? 0;
        seen.set(slug, count + 1);
        token.attrSet("id", count === 0 ? slug : `${slug}-${count}`);
      }
      if (token.type === "table_open") token.attrSet("aria-label", `Table ${++tables}`);
      if (token.type === "thead_open") head = [];
      if (token.type === "th_open") head.push(tokens[index + 1].content);
      if (token.type === "tr_open") cell = 0;
      if (token.type === "td_open") {
        const inline = tokens[index + 1];
        if (cell === 1 && head.at(-1) === "in the code" && !inline.content.includes("`"))
          inline.children = [
            Object.assign(new token.constructor("html_inline", "", 0), {
              content: withEquations(inline.content),
            }),
          ];
        cell++;
      }
      const open = [];
      for (const child of token.children ?? []) {
        if (child.type === "image" && !isElsewhere(child.attrGet("src")))
          child.attrSet("src", up + pictureOf(pathOf(child.attrGet("src"))));
        if (child.type === "link_open") {
          const address = child.attrGet("href");
          let isPage = true;
          if (!isElsewhere(address) && env.source) {
            const [path, hash] = address.split("#");
            const url = urlOf(pathOf(path));
            isPage = url !== undefined;
            if (isPage) child.attrSet("href", `${up}${url.slice(1)}${hash ? `#${hash}` : ""}`);
          }
          open.push(isPage);
          if (!isPage) Object.assign(child, { tag: "span", attrs: null });
        }
        if (child.type === "link_close" && !open.pop()) child.tag = "span";
      }
    }
  });
  const { rules } = markdown.renderer;
  rules.table_open = (tokens, index) =>
    `<div class="table" role="region" aria-label="${tokens[index].attrGet("aria-label")}" tabindex="0"><table>\n`;
  rules.table_close = () => "</table></div>\n";
  const { fence } = rules;
  rules.fence = (...all) => fence(...all).replace("<pre>", '<pre tabindex="0">');
}
