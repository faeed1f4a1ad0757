// npm run api: writes what the package exports to docs/api, an entry point a file, to be read in a diff before it is committed.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { root, setup } from "./setup.mjs";

setup();
const { reportFile, reportOf, surface } = await import("../site/surface.js");
const folder = join(root, "docs/api");
mkdirSync(folder, { recursive: true });
const all = surface();
for (const entry of all) writeFileSync(reportFile(entry), reportOf(entry));
const known = all.map((entry) => basename(reportFile(entry)));
for (const name of readdirSync(folder)) if (!known.includes(name)) rmSync(join(folder, name));
console.log(
  `${all.length} entry points, ${all.reduce((sum, { items }) => sum + items.length, 0)} names; see git diff docs/api`,
);
