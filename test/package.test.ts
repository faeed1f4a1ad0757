import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

// The package as it is packed, in a project that has nothing but it and what it depends on. `npm run package` installs it from the registry,
// with other versions of Node too.

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));

let project: string;
let packed: readonly string[];
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "regard-package-"));
  const own = join(project, "node_modules/regard");
  await mkdir(own, { recursive: true });
  // What npm packs depends on names alone, and to compress what has them takes seconds; so it is asked for a folder of empty files.
  const names = join(project, "names");
  for (const place of ["dist", "bench/peers"])
    for (const entry of await readdir(join(root, place), { recursive: true, withFileTypes: true })) {
      const path = join(names, relative(root, entry.parentPath), entry.name);
      if (entry.isDirectory()) await mkdir(path, { recursive: true });
      else {
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, "");
      }
    }
  for (const name of ["README.md", "LICENSE"]) await writeFile(join(names, name), "");
  await cp(join(root, "package.json"), join(names, "package.json"));
  const { stdout } = await run("npm", ["pack", "--dry-run", "--ignore-scripts", "--json"], {
    cwd: names,
    maxBuffer: 2 ** 26,
    shell: process.platform === "win32",
  });
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  packed = files.map(({ path }) => path);
  for (const { path } of files) {
    if (/^dist\/studio\/|\.map$/.test(path)) continue;
    await mkdir(dirname(join(own, path)), { recursive: true });
    await cp(join(root, path), join(own, path));
  }
  const { packages } = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { dev?: boolean; peer?: boolean }>;
  };
  const present = new Set(await readdir(join(root, "node_modules"), { recursive: false }));
  for (const [path, { dev }] of Object.entries(packages)) {
    const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path) ?? [];
    if (!name || dev || !present.has(name.split("/")[0]!)) continue;
    await mkdir(dirname(join(project, path)), { recursive: true });
    await symlink(join(root, path), join(project, path), "junction");
  }
  await writeFile(join(project, "package.json"), '{ "private": true, "type": "module" }');
  await cp(join(root, "test/package/program.mjs"), join(project, "program.mjs"));
}, 60_000);
afterAll(() => rm(project, { recursive: true }));

const node = (...args: string[]) => run(process.execPath, args, { cwd: project });

test("a program imports it, differentiates, and trains", async () => {
  const { stdout, stderr } = await node("program.mjs");
  expect(stderr).toBe("");
  expect(stdout).toBe("works\n");
});

test("its declarations are enough for the compiler", async () => {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const options =
    "--noEmit --strict --checkJs --allowJs --skipLibCheck --module nodenext --target es2023 --types".split(
      " ",
    );
  const { stdout } = await node(tsc, ...options, "", "program.mjs").catch((error) => error);
  expect(stdout).toBe("");
});

test("it holds what it needs and nothing that is only for those who work on it", () => {
  for (const path of ["package.json", "README.md", "LICENSE", "dist/index.js", "dist/studio/index.html"])
    expect(packed).toContain(path);
  expect(
    packed.filter((path) => /^dist\/(docs|examples|bench-)|\.tsbuildinfo$|node_modules/.test(path)),
  ).toEqual([]);
});

test("its command line runs", async () => {
  const regard = (...args: string[]) => node("node_modules/regard/dist/cli/main.js", ...args, "--json");
  const trained = await regard(..."train skip-gram --steps 1 --set size=8 --out run".split(" "));
  expect(JSON.parse(trained.stdout)).toMatchObject({ run: "run", steps: 1 });
});
