// npm run package [-- 20 22 …]: packs the package, installs it with npm in an empty project for each of these versions of Node, and runs a
// program and the command line there. Needs the registry, for Node's own binaries too; npm test does as much without it, with the
// Node that runs it.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { root, setup } from "./setup.mjs";

setup();
const versions = process.argv.slice(2).length > 0 ? process.argv.slice(2) : ["20", "22", "24"];
const npm =
  process.env.npm_execpath ?? join(dirname(process.execPath), "../lib/node_modules/npm/bin/npm-cli.js");
const place = mkdtempSync(join(tmpdir(), "regard-package-"));

/** Runs a program by a Node, and ends with what it said where it fails. */
function ran(node, args, cwd) {
  const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` };
  const { status, stdout, stderr } = spawnSync(node, args, { cwd, env, encoding: "utf8" });
  if (status === 0) return stdout;
  console.error(`regard: ${args.join(" ")} failed in ${cwd}:\n${stdout}${stderr}`);
  process.exit(1);
}

const QUIET = ["--no-audit", "--no-fund", "--loglevel=error"];
const said = ran(
  process.execPath,
  [npm, "pack", "--ignore-scripts", "--json", "--pack-destination", place],
  root,
);
const [{ filename, size, unpackedSize, entryCount }] = JSON.parse(said);
const millions = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
console.log(`${filename}: ${millions(size)}, unpacked ${millions(unpackedSize)}, ${entryCount} files`);
for (const version of versions) {
  const nodes = join(place, `node-${version}`);
  mkdirSync(nodes);
  writeFileSync(join(nodes, "package.json"), "{}");
  const name = `node-${process.platform}-${process.arch}`;
  ran(process.execPath, [npm, "install", "--ignore-scripts", ...QUIET, `${name}@${version}`], nodes);
  const node = join(nodes, "node_modules", name, "bin/node");
  if (!existsSync(node))
    throw new Error(`${name}@${version} has no bin/node; the package node-… is laid out otherwise now.`);
  const project = join(place, `project-${version}`);
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const since = performance.now();
  ran(node, [npm, "install", "--ignore-scripts", ...QUIET, join(place, filename)], project);
  const seconds = ((performance.now() - since) / 1000).toFixed(1);
  cpSync(join(root, "test/package/program.mjs"), join(project, "program.mjs"));
  ran(node, ["program.mjs"], project);
  const regard = (...args) =>
    JSON.parse(ran(node, ["node_modules/regard/dist/cli/main.js", ...args, "--json"], project));
  const { steps } = regard(
    ..."train rnnsearch --steps 20 --set hidden=16 --set embedding=16 --out run".split(" "),
  );
  const { output } = regard("see", "run", "I love coffee", "--svg", "looked.svg");
  regard("export", "run", "--out", "run.onnx");
  if (steps !== 20 || output === undefined || !existsSync(join(project, "run.onnx")))
    throw new Error(`the command line does not do what it should on Node ${version}.`);
  console.log(
    `Node ${ran(node, ["--version"], project).trim()}: installed in ${seconds} s; the program and the command line work`,
  );
}
rmSync(place, { recursive: true });
