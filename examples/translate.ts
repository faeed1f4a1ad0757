// Translation of sentence pairs of one's own: a table of them, a model trained on it, and where it looks.
// Run: node translate.js PAIRS.tsv FOLDER "a sentence"
import { decodeTrace, placeLabels, rowsOf } from "regard/attention";
import { openSubject, trainFolder } from "regard/runs";

const [pairs, folder, sentence] = process.argv.slice(2);
if (!pairs || !folder || !sentence)
  throw new Error('give a table, a new folder and a sentence: PAIRS.tsv FOLDER "…"');

await trainFolder(
  folder,
  "rnnsearch",
  {
    data: pairs,
    configuration: { embedding: 24, hidden: 32, alignment: 24, maxout: 24 },
    batch: 16,
    learningRate: 0.01,
    validateEvery: 100,
    budget: { steps: 300 },
  },
  { onValidation: ({ loss }, step) => console.log(`step ${step}: validation loss ${loss.toFixed(2)}`) },
);

const { subject } = await openSubject(folder);
const example = await subject.exampleOf({ fields: { text: sentence } }, () => Promise.reject());
const { output, trace } = await subject.ask(example);
console.log(output);
const { looks, steps, places } = decodeTrace(trace);
const source = placeLabels(places.source!, looks[0]!.shape[2]);
rowsOf(looks[0]!).forEach((row, step) => {
  const place = row.indexOf(Math.max(...row));
  console.log(`${steps[step]!.label} looks at ${source[place]}`);
});
await subject.release();
