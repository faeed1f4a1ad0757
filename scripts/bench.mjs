// npm run bench: the same work here and in the peers that are installed; `regard bench` where the first word is no other.
import { browser } from "./browser.mjs";
import { root, run, setup, tool } from "./setup.mjs";

setup();
const [first, ...rest] = process.argv.slice(2);
if (first === "browser") {
  tool("typescript/bin/tsc", "-b", "bench");
  const chromium = await browser();
  if (chromium) process.env.REGARD_CHROMIUM = chromium;
  run(process.execPath, [`${root}dist/bench-browser/browser.js`, ...rest]);
} else if (first === "gradient-variance")
  run(process.execPath, [`${root}scripts/gradient-variance.mjs`, ...rest]);
else run(process.execPath, [`${root}dist/cli/main.js`, "bench", ...process.argv.slice(2)]);
