import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { zipSync } from "fflate";
import { RegardError } from "../core/index.js";
import type { Splits } from "../data/index.js";
import { openData } from "../data/open.node.js";
import {
  answerOf,
  cardsOf,
  type DesignRequest,
  designOf,
  exportModel,
  type ModelQuestion,
  Subject,
  sizesOf,
} from "../service/index.js";
import { nodeBackend, openOnnx } from "../session/node.js";
import { taskOfModel } from "../task/index.js";
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
  | {
      readonly name: "examples";
      readonly request: DataRequest & { readonly model: string; readonly split: string };
    }
);

/** What comes back. */
export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly problem: string; readonly expected: boolean };

interface OpenedRun {
  readonly key: string;
  readonly subject: Subject;
  /** The data the run was trained on, read once it is needed. */
  data(): Promise<Splits<unknown>>;
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
  await before?.subject.release();
  const encoder = await openRunEncoder(path, settings, openOnnx);
  const subject = new Subject({ settings, prepared, step, tensors, backend: nodeBackend, encoder });
  const wanted = [settings.data, settings.dataOptions, settings.seed, encoder && path];
  const data = () => kept(wanted, () => openRunData(settings, { encoder }));
  opened = { key, subject, data };
  return opened;
}

/** Datasets kept in memory at once. */
const KEPT = 2;
const read = new Map<string, Promise<Splits<unknown>>>();

/** Data by what it was asked for with, read once while it is kept. */
function kept(wanted: unknown, open: () => Promise<Splits<unknown>>): Promise<Splits<unknown>> {
  const key = JSON.stringify(wanted);
  const found = read.get(key);
  if (found) return found;
  const reading = open();
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
    const { model, split, ...request } = question.request;
    return cardsOf(taskOfModel(model), await dataAt(request), split);
  }
  const { subject, data } = await open(question.path);
  return answerOf(subject, data, question.name, question.request as never);
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
