// npm run bench: the same work here and in the peers that are installed.
import { root, run, setup, tool } from "./setup.mjs";

setup();
tool("typescript/bin/tsc", "-b", "bench");
run(process.execPath, [`${root}dist/bench/rnnsearch.js`, ...process.argv.slice(2)]);
