// Whether the attention of a run explains what it wrote: beside salience and the causal effect of every place.
// Run: node explain.js RUN "a sentence"
import { openSubject } from "regard/runs";

const [run, sentence] = process.argv.slice(2);
if (!run || !sentence) throw new Error('give the folder of a run and a sentence: RUN "…"');

const { subject } = await openSubject(run, { warn: console.warn });
const example = await subject.exampleOf({ fields: { text: sentence } }, () => Promise.reject());
const { output, agreements, verdict } = await subject.explain(example);
console.log(output);
for (const { of, with: other, correlation, sameGreatest } of agreements)
  console.log(
    `${of} and ${other}: rank correlation ${correlation?.toFixed(2) ?? "unknown"}, the same greatest place in ${Math.round(100 * sameGreatest)} % of the steps`,
  );
if (verdict) console.log(verdict.sentence);
await subject.release();
