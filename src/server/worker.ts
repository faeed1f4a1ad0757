import { RegardError } from "../core/index.js";
import type { ParallelData } from "../data/index.js";
import { openData } from "../data/open.node.js";
import { examplesOf, pairOfText, pairsOf, type Requests, sizesOf, TrainedModel } from "../service/index.js";
import { nodeBackend } from "../session/node.js";
import { RunFolder } from "../train/run-folder.node.js";
import { type DataRequest, dataOf } from "./data.js";

/** What the studio sends to a process that holds one run's model, or that reads data. */
export type Question = { readonly id: number } & (
  | {
      readonly name: "see" | "explain" | "explainSplit" | "evaluate";
      readonly path: string;
      readonly request: unknown;
    }
  | { readonly name: "dataSizes"; readonly request: DataRequest }
  | { readonly name: "examples"; readonly request: DataRequest & { readonly split: string } }
);

/** What comes back. */
export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly problem: string; readonly expected: boolean };

let opened: { readonly key: string; readonly folder: RunFolder; readonly model: TrainedModel } | undefined;

/** The run's best model; loaded anew when training has written another checkpoint. */
async function open(path: string): Promise<{ folder: RunFolder; model: TrainedModel }> {
  const folder = await RunFolder.open(path);
  const key = (await folder.checkpoints()).join();
  if (opened?.key === key) return opened;
  const { settings, vocabularies } = folder;
  const { step, tensors } = await folder.bestCheckpoint(() => {});
  await opened?.model.release();
  const model = new TrainedModel({ settings, vocabularies, step, tensors, backend: nodeBackend });
  opened = { key, folder, model };
  return opened;
}

/** Datasets kept in memory at once. */
const KEPT = 2;
const read = new Map<string, Promise<ParallelData>>();

/** Data, read once. */
function dataAt({ place, skipBad, seed }: DataRequest): Promise<ParallelData> {
  const key = JSON.stringify([place, skipBad, seed]);
  const known = read.get(key);
  if (known) return known;
  const reading = openData(place, { skipBad, seed });
  reading.catch(() => read.delete(key));
  read.set(key, reading);
  for (const old of [...read.keys()].slice(0, -KEPT)) read.delete(old);
  return reading;
}

async function answer(question: Question): Promise<unknown> {
  if (question.name === "dataSizes") return sizesOf(await dataAt(question.request));
  if (question.name === "examples") return examplesOf(await dataAt(question.request), question.request.split);
  const { folder, model } = await open(question.path);
  const data = () => dataAt(dataOf(folder.settings));
  const { request } = question;
  switch (question.name) {
    case "see":
      return model.see(request as Requests["see"]);
    case "explain": {
      const { text } = request as Requests["explain"];
      return model.explain(text, pairOfText(await data(), text));
    }
    case "explainSplit": {
      const { split, examples } = request as Requests["explainSplit"];
      return model.explainPairs(pairsOf(await data(), split).slice(0, examples));
    }
    case "evaluate":
      return model.evaluate(await data(), request as Requests["evaluate"]);
  }
}

// One question after the other: sessions are not meant to run twice at once.
let last: Promise<void> = Promise.resolve();
process.on("message", (question: Question) => {
  last = last.then(async () => {
    let reply: Answer;
    try {
      reply = { id: question.id, result: await answer(question) };
    } catch (error) {
      reply = {
        id: question.id,
        problem: (error as Error).message,
        expected: error instanceof RegardError,
      };
    }
    process.send!(reply);
  });
});
process.on("disconnect", () => process.exit(0));
