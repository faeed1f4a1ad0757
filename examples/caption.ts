// Captions of a folder of images with a captions.csv: trained, and one image asked about.
// Run: node caption.js IMAGES FOLDER
import { decodeTrace } from "regard/attention";
import { openSubject, trainFolder } from "regard/runs";

const [images, folder] = process.argv.slice(2);
if (!images || !folder)
  throw new Error("give a folder of images with a captions.csv, and a new folder: IMAGES FOLDER");

await trainFolder(folder, "show-attend-tell", {
  data: images,
  images: { size: [64, 64] },
  configuration: { channels: 4, features: 16, embedding: 16, hidden: 24, alignment: 12 },
  batch: 8,
  validateEvery: 20,
  budget: { steps: 20 },
});

const { subject, data } = await openSubject(folder);
const example = await subject.exampleOf({ split: "test", index: 0 }, data);
const { output, trace, references } = await subject.ask(example, { beam: 1 });
console.log(`It writes “${output}”; people wrote “${references[0]}”.`);
const [look] = decodeTrace(trace).looks;
console.log(`For each of its ${look!.shape[0]} words it weighed ${look!.shape[2]} places.`);
await subject.release();
