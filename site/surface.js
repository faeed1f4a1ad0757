import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { API, SymbolFlags } from "typescript/unstable/sync";

// What the package offers, read from its emitted declarations by the compiler that made them.

const root = fileURLToPath(new URL("..", import.meta.url));

/** The entry points of the package: the name to import, its declarations, and a short name for files and addresses. */
export const entries = Object.entries(
  JSON.parse(readFileSync(join(root, "package.json"), "utf8")).exports,
).map(([path, file]) => ({
  id: path === "." ? "regard" : path.slice(2).replaceAll("/", "-"),
  name: join("regard", path),
  file: join(root, file).replace(/\.js$/, ".d.ts"),
}));

/** A declaration without what is said of it, and without what is nobody else's. */
const bare = (text) =>
  text
    .replaceAll(/\/\*\*.*?\*\//gs, "")
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^\s*(#private|private .*);$/.test(line))
    .join("\n");

/** The statement that declares a symbol, as it stands in the file, with the comments in it but none before it. */
function statementOf(node) {
  let statement = node;
  // A constant is declared within a list within a statement.
  while (statement.parent?.parent) statement = statement.parent;
  const file = statement.parent;
  const text = file.text.slice(statement.pos, statement.end);
  return text
    .replace(/^(\s|\/\*.*?\*\/|\/\/[^\n]*\n)*/s, "")
    .replace(/^export /, "")
    .replace(/^declare /, "")
    .split("\n")
    .filter((line) => !/^\s*(#private|private .*);$/.test(line))
    .join("\n");
}

/** Declarations as those of a namespace. */
function withinNamespace(name, declarations) {
  const wrap = (texts) => `namespace ${name} {\n${texts.join("\n").replaceAll(/^/gm, "    ")}\n}`;
  return { declaration: wrap(declarations), bare: wrap(declarations.map(bare)) };
}

const KINDS = [
  ["class", SymbolFlags.Class],
  ["function", SymbolFlags.Function],
  ["type", SymbolFlags.Interface | SymbolFlags.TypeAlias],
  ["value", SymbolFlags.Variable],
];

/**
 * Every entry point with what it exports, in the order of names: a declaration of its own, or the place it is from. A name that is
 * both a type and a value has both declarations.
 */
export function surface() {
  const api = new API({ cwd: root });
  try {
    const project = api.updateSnapshot({ openProjects: [join(root, "site/tsconfig.json")] }).getProjects()[0];
    const { checker, program } = project;
    const modules = entries.map((entry) => ({
      ...entry,
      symbols: checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(entry.file))),
    }));
    const resolved = (symbol) =>
      symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    /** The entry point in whose folder something is declared, if that exports it by this name. */
    const homeOf = (name, symbol) => {
      const path = symbol.declarations[0].path;
      return modules.find(
        ({ file, symbols }) =>
          (file.toLowerCase() === path.toLowerCase() ||
            (file.endsWith("/index.d.ts") &&
              path.toLowerCase().startsWith(`${dirname(file).toLowerCase()}/`) &&
              file !== entries[0].file)) &&
          symbols.some((other) => other.name === name && resolved(other).id === symbol.id),
      );
    };
    return modules.map(({ symbols, ...entry }) => ({
      ...entry,
      items: symbols
        .map((symbol) => {
          const { name } = symbol;
          const target = resolved(symbol);
          const path = target.declarations[0].path;
          if (target.name.startsWith('"')) {
            // A whole file under one name.
            const whole = modules.find(({ file }) => file.toLowerCase() === path.toLowerCase());
            if (whole) return { name, kind: "namespace", from: whole.name };
            const held = checker.getExportsOfModule(target).map(resolved);
            const declarations = held.flatMap(({ declarations: of }) =>
              of.map((handle) => statementOf(handle.resolve(project))),
            );
            return { name, kind: "namespace", ...withinNamespace(name, declarations), about: "", tags: [] };
          }
          const outside = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(relative(root.toLowerCase(), path));
          if (outside) return { name, kind: "type", from: outside[1] };
          const home = homeOf(name, target);
          const kind = KINDS.find(([, flags]) => target.flags & flags)?.[0] ?? "value";
          if (home && home.id !== entry.id) return { name, kind, from: home.name };
          const declarations = target.declarations.map((handle) => statementOf(handle.resolve(project)));
          const isCalled = kind === "value" && /^const \w+: (<.*?>)?\(/.test(declarations[0]);
          return {
            name,
            kind: isCalled ? "function" : kind,
            declaration: declarations.join("\n"),
            bare: declarations.map(bare).join("\n"),
            about: target.getDocumentationComment(checker),
            tags: target.getJsDocTags(checker),
          };
        })
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    }));
  } finally {
    api.close();
  }
}

/** The reviewed report of an entry point: every name with its declaration, or where it is from. */
export const reportOf = ({ name, items }) =>
  [
    `// What ${name} exports. Made by npm run api; a change here is a change for everyone who builds on it.`,
    ...items.map((item) =>
      item.from
        ? item.kind === "namespace"
          ? `export * as ${item.name} from "${item.from}";`
          : `export { ${item.name} } from "${item.from}";`
        : `${item.about || item.tags.length > 0 || item.kind === "namespace" ? "" : "// not documented\n"}${item.bare}`,
    ),
    "",
  ].join("\n\n");

/** Where the report of an entry point is kept. */
export const reportFile = ({ id }) => join(root, "docs/api", `${id}.txt`);
