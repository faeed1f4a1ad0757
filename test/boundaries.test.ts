import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { models } from "../src/models/index.js";
import { tasks } from "../src/task/index.js";

/** The rooms of `src/`, and what each may import. Imports go one way. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  core: [],
  ops: ["core"],
  autodiff: ["core", "ops"],
  onnx: ["core", "ops"],
  session: ["core", "ops", "onnx"],
  nn: ["core", "ops"],
  attention: ["core", "ops", "nn"],
  models: ["core", "ops", "nn", "attention"],
  data: ["core"],
  decode: ["core", "ops", "onnx", "session", "nn", "attention", "data", "models"],
  explain: ["core", "ops", "autodiff", "session", "nn", "attention", "data", "models", "decode"],
  task: ["core", "ops", "onnx", "session", "nn", "attention", "data", "models", "decode", "explain"],
  foreign: ["core", "ops", "autodiff", "onnx", "session", "attention", "data", "task"],
  train: [
    "core",
    "ops",
    "autodiff",
    "onnx",
    "session",
    "nn",
    "attention",
    "models",
    "data",
    "decode",
    "explain",
    "task",
  ],
  tune: ["core", "ops", "onnx", "session", "nn", "data", "train", "foreign"],
  views: ["core", "attention"],
  service: [
    "core",
    "ops",
    "onnx",
    "session",
    "nn",
    "attention",
    "models",
    "data",
    "decode",
    "explain",
    "task",
    "train",
    "foreign",
  ],
  bench: ["core", "ops", "onnx", "session", "nn", "models", "decode", "train"],
  server: ["core", "session", "data", "models", "service", "task", "train"],
  cli: [
    "core",
    "session",
    "attention",
    "models",
    "data",
    "decode",
    "explain",
    "task",
    "train",
    "foreign",
    "tune",
    "views",
    "service",
    "server",
    "bench",
  ],
};

const root = fileURLToPath(new URL("../src", import.meta.url));

const files = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((path) => /\.tsx?$/.test(path) && !/\.test\.tsx?$/.test(path))
  .map((path) => path.split(sep).join("/"));

const importsOf = (path: string): string[] =>
  [...readFileSync(join(root, path), "utf8").matchAll(/(?<!")\b(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(
    ([, name]) => name!,
  );

test("rooms import only what they may, and every room is listed", () => {
  const problems: string[] = [];
  for (const path of files) {
    const [room] = path.split("/");
    if (path === "index.ts") continue;
    if (!(room! in rooms)) problems.push(`${path} is in a room that test/boundaries.test.ts does not list`);
    for (const name of importsOf(path).filter((specifier) => specifier.startsWith("."))) {
      const target = relative(root, join(root, dirname(path), name)).split(sep);
      if (target[0] !== room && !rooms[room!]?.includes(target[0]!))
        problems.push(`${path} imports ${name}, but ${room} may not import ${target[0]}`);
      if (
        room === "models" &&
        path.split("/").length > 2 &&
        target[0] === "models" &&
        target.length > 2 &&
        target[1] !== path.split("/")[1]
      )
        problems.push(`${path} imports ${name}, but model folders do not import each other`);
    }
  }
  expect(problems).toEqual([]);
});

test("no line names a model or a task but in its own folder and where it is registered", () => {
  const ids = [...models, ...tasks].map(({ id }) => id);
  const named = new RegExp(`["'\`](?:${ids.join("|")})["'\`]`);
  const studio = fileURLToPath(new URL("../studio/src", import.meta.url));
  const pages = readdirSync(studio, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => join(studio, path));
  // Benchmarks measure models that they name.
  // The words of a language may be names of models too.
  const own = /^(?:(?:models|task|bench)\/(?:[^/]+\/|index\.ts$)|data\/generate\/[^/]+\/lexicon\.ts$)/;
  const problems = [
    ...files.filter((path) => !own.test(path)).map((path) => join(root, path)),
    ...pages,
  ].flatMap((file) =>
    readFileSync(file, "utf8")
      .split("\n")
      .flatMap((line, index) => (named.test(line) ? [`${file}:${index + 1} ${line.trim()}`] : [])),
  );
  expect(problems).toEqual([]);
});

test("Node's own modules are imported only where there is Node", () => {
  const allowed = (path: string) =>
    /^(cli|server)\//.test(path) || path === "session/node.ts" || path.endsWith(".node.ts");
  const problems = files.filter(
    (path) => !allowed(path) && importsOf(path).some((name) => /^(node:|onnxruntime-node)/.test(name)),
  );
  expect(problems).toEqual([]);
});

test("what is imported from packages is a dependency", () => {
  const about = JSON.parse(readFileSync(join(root, "../package.json"), "utf8"));
  // What an optional peer is needed for says so where it is missing.
  const dependencies: Record<string, string> = { ...about.dependencies, ...about.peerDependencies };
  const used = new Set(
    files.flatMap(importsOf).flatMap((name) =>
      /^[.]|^node:/.test(name)
        ? []
        : [
            name
              .split("/")
              .slice(0, name.startsWith("@") ? 2 : 1)
              .join("/"),
          ],
    ),
  );
  for (const name of used) expect(Object.keys(dependencies)).toContain(name);
  for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
});
