// npm start: from a fresh clone to a translator that has learned to align, with its picture.
import { existsSync } from "node:fs";
import { root, run, setup } from "./setup.mjs";

const MINUTES = "1.1";
const SENTENCE = "I love coffee";

setup();
let folder = "runs/first";
for (let count = 2; existsSync(root + folder); count++) folder = `runs/first-${count}`;
const regard = (...args) => run(process.execPath, [`${root}dist/cli/main.js`, ...args]);

console.log("\nTraining a translator from English to Spanish for about a minute. Ctrl-C saves it.\n");
regard("train", "rnnsearch", "--data", "bilingual", "--minutes", MINUTES, "--out", folder);
console.log(
  `\n“${SENTENCE}”, a sentence it has not seen. Rows are the words it wrote, columns the words it looked at:\n`,
);
regard(
  "see",
  folder,
  SENTENCE,
  "--svg",
  `${folder}/i-love-coffee.svg`,
  "--png",
  `${folder}/i-love-coffee.png`,
);
console.log(`
Try your own:
  npx regard see ${folder} "does Ana see my old dog in the garden?" --html dog.html
  npx regard explain ${folder} "${SENTENCE}"
  npx regard studio        train, see, explain, compare and design in the browser
  npx regard --help`);
// In a terminal the studio opens at the end; where output goes elsewhere, this is the end.
if (process.stdout.isTTY) {
  console.log("");
  regard("studio");
}
