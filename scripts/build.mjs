// npm run build: the library and command line in dist/, the studio's pages in dist/studio/ (a static site by themselves).
import { setup } from "./setup.mjs";

setup();
