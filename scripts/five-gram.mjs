// node scripts/five-gram.mjs RUN [SPLIT] [ORDER]: the perplexity of an n-gram model, of order 5 if nothing else is said, on what a run that
// writes words is trained to write, by the run's own data, split and vocabulary. Interpolated modified Kneser–Ney smoothing (Chen & Goodman
// 1998, section 4): three discounts for each order, counts of contexts below the highest. The end of a text is a word that is predicted too.
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const dist = (path) => new URL(`../dist/${path}`, import.meta.url).href;
const { RunFolder } = await import(dist("train/run-folder.node.js"));
const { openRunData } = await import(dist("train/run-data.node.js"));
const { taskOfModel } = await import(dist("task/index.js"));
const { examplesOfSplit } = await import(dist("service/index.js"));

const [path, split = "test", given = "5"] = process.argv.slice(2);
const order = Number(given);
if (path === undefined || !(Number.isInteger(order) && order > 1)) {
  process.stderr.write(
    `usage: node ${join(
      "scripts",
      fileURLToPath(import.meta.url)
        .split("/")
        .at(-1),
    )} RUN [SPLIT] [ORDER]\n`,
  );
  process.exit(2);
}
const folder = await RunFolder.open(path);
const task = taskOfModel(folder.settings.model);
if (!task.writes) throw new Error(`${folder.settings.model} writes no words.`);
const data = await openRunData(folder.settings);
const written = (examples) => examples.flatMap((example) => task.writes(example, folder.prepared));
const train = written(data.train);
const tested = written(examplesOfSplit(data, split));

const words = new Set(train.flatMap((text) => text.slice(1)));
// One word stands for those that training does not have.
const V = words.size + 1;
/** Contexts and n-grams of a length as numbers: that of all but its last word, and that word. */
const ids = Array.from({ length: order + 1 }, () => new Map());
const BASE = 2 ** 20;
const idOf = (length, parent, word, add) => {
  const key = parent * BASE + word;
  const known = ids[length].get(key);
  if (known !== undefined || !add) return known;
  const id = ids[length].size;
  ids[length].set(key, id);
  return id;
};
/** The number of an n-gram, from its first word on; undefined where training does not have it. */
function ngram(tokens, from, to, add = false) {
  let id = 0;
  for (let at = from; at < to && id !== undefined; at++) id = idOf(at - from + 1, id, tokens[at], add);
  return id;
}
/** Texts with as many marks of a beginning before them as there is context. */
const padded = (text) => [...new Array(order - 2).fill(text[0]), ...text];

const counts = Array.from({ length: order + 1 }, () => []);
for (const text of train) {
  const tokens = padded(text);
  for (let at = order - 1; at < tokens.length; at++) {
    const id = ngram(tokens, at - order + 1, at + 1, true);
    counts[order][id] = (counts[order][id] ?? 0) + 1;
  }
}
// Below the highest order an n-gram counts as often as there are words before it.
const unpack = (length) => {
  const all = new Array(ids[length].size);
  for (const [key, id] of ids[length]) all[id] = [Math.floor(key / BASE), key % BASE];
  return all;
};
for (let length = order; length > 1; length--) {
  // What is added for shorter ones may be new to these tables, but what this length needs is in them.
  const tables = ids.map((_, one) => (one > 0 && one <= length ? unpack(one) : []));
  counts[length].forEach((_, id) => {
    const tokens = new Array(length);
    for (let at = length, now = id; at > 0; at--) [now, tokens[at - 1]] = tables[at][now];
    const shorter = ngram(tokens, 1, length, true);
    counts[length - 1][shorter] = (counts[length - 1][shorter] ?? 0) + 1;
  });
}

/** Of each order: the discounts, and for each context its total and how many words follow it once, twice and more often. */
const tables = counts.map((all, length) => {
  if (length === 0) return undefined;
  const many = [0, 0, 0, 0, 0];
  for (const count of all) if (count <= 4) many[count]++;
  const y = many[1] / Math.max(1, many[1] + 2 * many[2]);
  const discounts = [0, 1, 2, 3].map((n) =>
    n === 0 ? 0 : Math.min(n, Math.max(0, n - ((n + 1) * y * many[n + 1]) / Math.max(1, many[n]))),
  );
  const contexts = new Map();
  for (const [key, id] of ids[length]) {
    const count = all[id];
    if (count === undefined) continue;
    const context = Math.floor(key / BASE);
    const found = contexts.get(context) ?? [0, 0, 0, 0];
    found[0] += count;
    found[Math.min(3, count)]++;
    contexts.set(context, found);
  }
  return { discounts, contexts };
});
const UNKNOWN = -1;
function probability(tokens, at) {
  let p = 1 / V;
  for (let length = 1; length <= order; length++) {
    const from = at - length + 1;
    const context = ngram(tokens, from, at);
    const { discounts, contexts } = tables[length];
    const found = context === undefined ? undefined : contexts.get(context);
    if (!found) break;
    const id = tokens[at] === UNKNOWN ? undefined : idOf(length, context, tokens[at], false);
    const count = id === undefined ? 0 : (counts[length][id] ?? 0);
    const left = (discounts[1] * found[1] + discounts[2] * found[2] + discounts[3] * found[3]) / found[0];
    p = (count > 0 ? Math.max(0, count - discounts[Math.min(3, count)]) / found[0] : 0) + left * p;
  }
  return p;
}

// What is a distribution adds up to 1, whatever came before.
for (const text of tested.slice(0, 5)) {
  const tokens = padded(text);
  const at = tokens.length - 1;
  let sum = 0;
  for (const word of [...words, UNKNOWN]) sum += probability([...tokens.slice(0, at), word], at);
  if (!(Math.abs(sum - 1) < 1e-6)) throw new Error(`the probabilities of a place add up to ${sum}.`);
}
let [nats, count] = [0, 0];
for (const text of tested) {
  const tokens = padded(text).map((token) => (words.has(token) || token === text[0] ? token : UNKNOWN));
  for (let at = order - 1; at < tokens.length; at++) {
    nats -= Math.log(probability(tokens, at));
    count++;
  }
}
process.stdout.write(
  `${JSON.stringify({ split, order, texts: tested.length, tokens: count, vocabulary: V, nats: nats / count, perplexity: Math.exp(nats / count) })}\n`,
);
