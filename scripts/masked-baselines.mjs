// node scripts/masked-baselines.mjs RUN [SPLIT]: how often words that a run of masked words is asked for are guessed by counts alone, by the
// run's own data, split, vocabulary and choice of words: the most frequent word (unigram); the likeliest after the two words before (trigram),
// and the likeliest between the word before and the one behind (both sides), each of fewer words where training never had these.
import { join } from "node:path";

const dist = (path) => new URL(`../dist/${path}`, import.meta.url).href;
const { RunFolder } = await import(dist("train/run-folder.node.js"));
const { openRunData } = await import(dist("train/run-data.node.js"));
const { taskOfModel } = await import(dist("task/index.js"));
const { examplesOfSplit } = await import(dist("service/index.js"));
const { END, START, UNKNOWN } = await import(dist("core/index.js"));

const [path, split = "test"] = process.argv.slice(2);
if (path === undefined) {
  process.stderr.write(`usage: node ${join("scripts", "masked-baselines.mjs")} RUN [SPLIT]\n`);
  process.exit(2);
}
const folder = await RunFolder.open(path);
const { prepared } = folder;
const task = taskOfModel(folder.settings.model);
if (task.id !== "masked-words") throw new Error(`${folder.settings.model} guesses no masked words.`);
const data = await openRunData(folder.settings);
const tokensOf = ({ words }) => prepared.words.segment(words).tokens;

/** Words counted after each context, and the likeliest of each. */
class Likeliest {
  #counts = new Map();
  add(context, word) {
    const words = this.#counts.get(context) ?? new Map();
    this.#counts.set(context, words.set(word, (words.get(word) ?? 0) + 1));
  }
  of(context) {
    let [best, most] = [undefined, 0];
    for (const [word, count] of this.#counts.get(context) ?? [])
      if (word > UNKNOWN && count > most) [best, most] = [word, count];
    return best;
  }
}
const contexts = {
  unigram: [() => ""],
  bigram: [(t, at) => `${t[at - 1]}`, () => ""],
  trigram: [(t, at) => `${t[at - 2]} ${t[at - 1]}`, (t, at) => `${t[at - 1]}`, () => ""],
  "both sides": [
    (t, at) => `${t[at - 1]} _ ${t[at + 1]}`,
    (t, at) => `${t[at - 1]} _`,
    (t, at) => `_ ${t[at + 1]}`,
    () => "",
  ],
};
const right = {};
const asked = [];
for (const passage of examplesOfSplit(data, split)) {
  const { values } = await task.collate([passage], prepared, { kind: "ask" });
  const place = values.masked.data[0];
  const mask = values.source.data[place];
  // Of one text: the mark of the beginning stands before it.
  if (values.segments.data.some((segment) => segment === 1))
    throw new Error("texts of two parts are not counted.");
  const tokens = [START, ...tokensOf(passage), END];
  if (place === 0 || mask === tokens[place]) continue;
  asked.push({ tokens, place });
}
for (const [name, of] of Object.entries(contexts)) {
  const tables = of.map(() => new Likeliest());
  for (const passage of data.train) {
    const tokens = [START, ...tokensOf(passage), END];
    for (let at = 1; at < tokens.length - 1; at++)
      for (const [index, context] of of.entries()) tables[index].add(context(tokens, at), tokens[at]);
  }
  let hits = 0;
  for (const { tokens, place } of asked) {
    let guess;
    for (const [index, context] of of.entries()) guess ??= tables[index].of(context(tokens, place));
    if (guess === tokens[place]) hits++;
  }
  right[name] = hits / asked.length;
}
process.stdout.write(`${JSON.stringify({ split, asked: asked.length, right })}\n`);
