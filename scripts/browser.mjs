// Finds a Chromium for the tests of the studio, or installs one.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { root } from "./setup.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const PLACES = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

function find() {
  if (process.env.REGARD_CHROMIUM) return process.env.REGARD_CHROMIUM;
  for (const name of NAMES) {
    const { status, stdout } = spawnSync(process.platform === "win32" ? "where" : "which", [name], {
      encoding: "utf8",
    });
    if (status === 0) return stdout.trim().split("\n")[0];
  }
  return PLACES.find((place) => existsSync(place));
}

/** The path of a Chromium; undefined where the test library's own is to be used. */
export async function browser() {
  const found = find();
  if (found) return found;
  console.log("No Chromium was found; installing one for the tests of the studio …");
  const quiet = { stdio: ["ignore", "ignore", "inherit"] };
  if (process.getuid?.() === 0 && spawnSync("apt-get", ["--version"], { stdio: "ignore" }).status === 0) {
    spawnSync("apt-get", ["update"], quiet);
    spawnSync(
      "apt-get",
      ["install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"],
      quiet,
    );
    const installed = find();
    if (installed) return installed;
  }
  const { status } = spawnSync(
    process.execPath,
    [`${root}node_modules/playwright-core/cli.js`, "install", "chromium"],
    quiet,
  );
  if (status === 0) return undefined;
  console.error(
    "regard: the tests of the studio need Chromium or Chrome; install one, or name one with REGARD_CHROMIUM=/path/to/chrome.",
  );
  process.exit(1);
}
