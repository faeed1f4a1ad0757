// Makes a fresh clone ready: checks Node, installs packages as locked, compiles, builds the studio's pages.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));
const stamp = `${root}node_modules/.regard-installed`;

/** Runs a command in the project's folder and ends this process where it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (result.error) {
    console.error(`regard: cannot run ${command}: ${result.error.message}`);
    process.exit(1);
  }
  if (result.status !== 0) process.exit(result.status ?? 1);
}

/** Runs a tool that is installed with the project. */
export const tool = (path, ...args) => run(process.execPath, [`${root}node_modules/${path}`, ...args]);

export function setup() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`regard: Node ${process.versions.node} is too old; install Node 20.19 or newer.`);
    process.exit(1);
  }
  const lock = createHash("sha256")
    .update(readFileSync(`${root}package-lock.json`))
    .digest("hex");
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lock) {
    console.log("Installing packages (once) …");
    const npm = process.env.npm_execpath;
    if (npm?.endsWith(".js"))
      run(process.execPath, [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    else
      run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
        shell: process.platform === "win32",
      });
    writeFileSync(stamp, lock);
  }
  run(process.execPath, [`${root}scripts/kernels.mjs`]);
  tool("typescript/bin/tsc", "-b");
  tool("vite/bin/vite.js", "build", "studio", "--config", "studio/vite.config.ts", "--logLevel", "warn");
}
