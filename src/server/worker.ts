import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { zipSync } from "fflate";
import { RegardError, UsageError } from "../core/index.js";
import type { CaptionData, Pair, ParallelData, Splits } from "../data/index.js";
import { openData } from "../data/open.node.js";
import {
  type DesignRequest,
  designOf,
  examplesOf,
  examplesOfSplit,
  exportModel,
  pairOfText,
  type Requests,
  sizesOf,
  type Trained,
  TrainedCaptioner,
  TrainedTranslator,
  trainedModel,
} from "../service/index.js";
import { nodeBackend, openOnnx } from "../session/node.js";
import { openRunData, openRunEncoder } from "../train/run-data.node.js";
import { RunFolder } from "../train/run-folder.node.js";
import { LOCK_FILE } from "../train/run-lock.node.js";
import type { DataRequest } from "./data.js";

/** What the studio sends to a process that holds one run's model, or that reads data. */
export type Question = { readonly id: number } & (
  | {
      readonly name: ModelQuestion;
      readonly path: string;
      readonly request: unknown;
    }
  | { readonly name: "design"; readonly request: DesignRequest }
  | { readonly name: "export" | "archive"; readonly folder: string }
  | { readonly name: "dataSizes"; readonly request: DataRequest }
  | { readonly name: "examples"; readonly request: DataRequest & { readonly split: string } }
);

/** Requests that a run's model answers. */
export type ModelQuestion =
  | "see"
  | "explain"
  | "explainSplit"
  | "evaluate"
  | "imageExamples"
  | "caption"
  | "explainImage"
  | "diagnose";

/** What comes back. */
export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly problem: string; readonly expected: boolean };

interface OpenedRun {
  readonly key: string;
  readonly model: Trained;
  /** The data the run was trained on, read once it is needed. */
  data(): Promise<ParallelData | CaptionData>;
}

let opened: OpenedRun | undefined;

/** The run's best model; loaded anew when training has written another checkpoint. */
async function open(path: string): Promise<OpenedRun> {
  const folder = await RunFolder.open(path);
  const key = (await folder.checkpoints()).join();
  if (opened?.key === key) return opened;
  const { settings, prepared } = folder;
  const { step, tensors } = await folder.bestCheckpoint(() => {});
  // Let go before it is released: what follows may fail, and it must not be asked again.
  const before = opened;
  opened = undefined;
  await before?.model.release();
  const encoder = await openRunEncoder(path, settings, openOnnx);
  const model = trainedModel({ settings, prepared, step, tensors, backend: nodeBackend, encoder });
  const wanted = [settings.data, settings.dataOptions, settings.seed, encoder && path];
  const data = () => kept(wanted, () => openRunData(settings, { encoder }));
  opened = { key, model, data };
  return opened;
}

/** Datasets kept in memory at once. */
const KEPT = 2;
const read = new Map<string, Promise<ParallelData | CaptionData>>();

/** Data by what it was asked for with, read once while it is kept. */
function kept(wanted: unknown, open: () => Promise<Splits<unknown>>): Promise<ParallelData | CaptionData> {
  const key = JSON.stringify(wanted);
  const found = read.get(key);
  if (found) return found;
  const reading = open() as Promise<ParallelData | CaptionData>;
  reading.catch(() => read.delete(key));
  read.set(key, reading);
  for (const old of [...read.keys()].slice(0, -KEPT)) read.delete(old);
  return reading;
}

/** Data of whichever kind. */
const dataAt = ({ place, kind, ...options }: DataRequest) =>
  kept([place, kind, options], () => openData(kind, place, options));

async function answer(question: Question): Promise<unknown> {
  if (question.name === "design") return designOf(question.request);
  if ("folder" in question)
    return question.name === "export" ? exported(question.folder) : archived(question.folder);
  if (question.name === "dataSizes") return sizesOf(question.request.kind, await dataAt(question.request));
  if (question.name === "examples") {
    const data = await dataAt(question.request);
    return question.request.kind === "pairs" ? examplesOf(data as Splits<Pair>, question.request.split) : [];
  }
  const { model, data } = await open(question.path);
  return model instanceof TrainedTranslator
    ? askTranslator(model, () => data() as Promise<ParallelData>, question)
    : askCaptioner(model, () => data() as Promise<CaptionData>, question);
}

/** The best model of a run as an `.onnx` file. */
async function exported(path: string): Promise<Uint8Array> {
  const folder = await RunFolder.open(path);
  const { settings, prepared } = folder;
  const { tensors } = await folder.bestCheckpoint(() => {});
  return exportModel({ settings, prepared, tensors });
}

/** A run as an archive; who holds it is no part of it. */
async function archived(path: string): Promise<Uint8Array> {
  const names = (await readdir(path, { withFileTypes: true })).flatMap((entry) =>
    entry.isFile() && !entry.name.startsWith(".") && entry.name !== LOCK_FILE ? [entry.name] : [],
  );
  const files = await Promise.all(
    names.map(async (name) => [name, new Uint8Array(await readFile(join(path, name)))] as const),
  );
  return zipSync(Object.fromEntries(files), { level: 1 });
}

async function askTranslator(
  model: TrainedTranslator,
  data: () => Promise<ParallelData>,
  { name, request }: { name: ModelQuestion; request: unknown },
): Promise<unknown> {
  switch (name) {
    case "see":
      return model.see(request as Requests["see"]);
    case "explain": {
      const wanted = request as Requests["explain"];
      return model.explain(wanted, pairOfText(await data(), wanted.text));
    }
    case "explainSplit": {
      const { split, examples, beam } = request as Requests["explainSplit"];
      return model.explainPairs(examplesOfSplit(await data(), split).slice(0, examples), { beam });
    }
    case "evaluate":
      return model.evaluate(await data(), request as Requests["evaluate"]);
    default:
      throw new UsageError("this run reads sentences; give it a sentence.");
  }
}

async function askCaptioner(
  model: TrainedCaptioner,
  data: () => Promise<CaptionData>,
  { name, request }: { name: ModelQuestion; request: unknown },
): Promise<unknown> {
  switch (name) {
    case "imageExamples":
      return TrainedCaptioner.examples(await data(), (request as Requests["imageExamples"]).split);
    case "caption": {
      const { image, ...options } = request as Requests["caption"];
      return model.see(await model.imageOf(image, data), options);
    }
    case "explainImage": {
      const { image, ...options } = request as Requests["explainImage"];
      return model.explain(await model.imageOf(image, data), options);
    }
    case "diagnose": {
      const { split, examples, beam } = request as Requests["diagnose"];
      return model.diagnose(examplesOfSplit(await data(), split).slice(0, examples), split, { beam });
    }
    case "evaluate":
      return model.evaluate(await data(), request as Requests["evaluate"]);
    default:
      throw new UsageError("this run reads images; give it an image.");
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
