// npm test: types, lint and format, then every test, quick checks first.
import { setup, tool } from "./setup.mjs";

setup();
tool("typescript/bin/tsc", "-p", "tsconfig.test.json");
tool("@biomejs/biome/bin/biome", "check", "--error-on-warnings", ".");
tool("vitest/vitest.mjs", "run", ...process.argv.slice(2));
