// npm test: types, lint and format, then every test, quick checks first.
import { browser } from "./browser.mjs";
import { setup, tool } from "./setup.mjs";

setup();
const chromium = await browser();
if (chromium) process.env.REGARD_CHROMIUM = chromium;
tool("typescript/bin/tsc", "-p", "tsconfig.test.json");
tool("typescript/bin/tsc", "-p", "studio/tsconfig.json");
tool("typescript/bin/tsc", "-p", "bench/browser/tsconfig.json");
tool("typescript/bin/tsc", "-p", "examples/tsconfig.json");
tool("@biomejs/biome/bin/biome", "check", "--error-on-warnings", ".");
tool("vitest/vitest.mjs", "run", ...process.argv.slice(2));
