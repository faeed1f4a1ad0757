// npm run docs: the documentation as a static site in dist/docs, the studio's pages in it. No network.
import { join } from "node:path";
import { root, setup } from "./setup.mjs";

setup();
const { buildSite } = await import("../site/build.js");
const out = join(root, "dist/docs");
try {
  const pages = await buildSite(out);
  console.log(
    `${pages.length} pages in ${out}; any web server shows them, such as: npx vite preview --outDir dist/docs`,
  );
} catch (error) {
  console.error(`regard: ${error.message}`);
  process.exit(1);
}
