import { UsageError } from "../../../src/core/index.js";
import { BadLines, linesOf, pairsOfTable, usable } from "../../../src/data/format/pairs.js";
import { datasets, type ParallelData } from "../../../src/data/index.js";
import { input, neg } from "../../../src/ops/index.js";
import {
  answerOf,
  askable,
  cardsOf,
  designOf,
  type ModelQuestion,
  modelInfos,
  type Requests,
  type Responses,
  requests,
  settingsOf,
  sizesOf,
  splitNamesOf,
} from "../../../src/service/index.js";
import { webBackend } from "../../../src/session/web.js";
import { taskOfModel } from "../../../src/task/index.js";
import type { Answered } from "../api/calls.js";
import type { TabEvents, ToWorker } from "../api/tab.js";
import { KeptRuns } from "./kept.js";
import { beginRun, type TabData, TabRun } from "./run.js";
import "./runtime.js";

const runs = new Map<string, TabRun>();
/** Where runs outlive the tab, and the reading of those that were kept; absent in a worker whose runs are not the reader's. */
let kept: KeptRuns | undefined;
let reading: Promise<void> = Promise.resolve();

async function readKept(): Promise<void> {
  const store = new KeptRuns();
  try {
    for (const run of await store.read(webBackend)) add(run, store);
    kept = store;
  } catch {
    // A browser that keeps nothing, as in a private window, has runs as long as the tab is there.
  }
}

function add(run: TabRun, store = kept): void {
  runs.set(run.id, run);
  store?.keep(run);
  run.listeners.add(tellBusy);
}

let toldBusy = false;
/** Tells the page whether anything is being trained, which closing it would cut short. */
function tellBusy(): void {
  const busy = [...runs.values()].some(({ isBusy }) => isBusy);
  if (busy !== toldBusy) send({ kind: "busy", busy });
  toldBusy = busy;
}
/** Names of runs that are being made. */
const starting = new Set<string>();
const tables = new Map<string, ParallelData>();
const loaded = new Map<string, Promise<TabData>>();

function dataOf(id: string, seed: number): Promise<TabData> {
  const table = tables.get(id);
  if (table) return Promise.resolve(table);
  const dataset = datasets.find((one) => one.id === id);
  if (!dataset)
    return Promise.reject(
      new UsageError(`the data "${id}" is not in this tab; drop its table onto the page again.`),
    );
  const key = `${id} ${seed}`;
  const known = loaded.get(key) ?? dataset.load(seed);
  loaded.set(key, known);
  known.catch(() => loaded.delete(key));
  return known;
}

/** Splits of data by their names, of which nothing need be made for that. None where the data is not in this tab. */
function splitsOf(id: string): string[] {
  const tests = tables.get(id)?.tests ?? datasets.find((one) => one.id === id)?.splits;
  return tests ? splitNamesOf({ tests }) : [];
}

const kindOf = (id: string) => datasets.find((one) => one.id === id)?.kind ?? "pairs";

function runOf(id: string): TabRun {
  const run = runs.get(id);
  if (!run) throw new UsageError(`there is no run "${id}" in this tab.`);
  return run;
}

const dataOfRun = ({ settings }: TabRun) => dataOf(settings.data, settings.seed);

function assertFree(name: string): void {
  if (runs.has(name) || starting.has(name))
    throw new UsageError(`there is already a run "${name}"; choose another name.`);
}

function assertIdle(run: TabRun): void {
  if (run.isBusy) throw new UsageError(`"${run.id}" is being trained; stop it first.`);
}

async function begin(request: Requests["start"]): Promise<TabRun> {
  const { takes, images } = taskOfModel(request.model);
  const dataset = datasets.find(({ id }) => id === request.data);
  if ((dataset?.kind ?? "pairs") !== takes)
    throw new UsageError(`"${request.data}" is not ${takes}, which the model takes; choose other data.`);
  const settings = settingsOf(
    request,
    { data: request.data },
    images && dataset?.size ? { size: [...dataset.size] as [number, number] } : undefined,
  );
  const data = await dataOf(settings.data, settings.seed);
  const backend = request.device === "webgpu" ? await (await import("./webgpu.js")).openWebGpu() : webBackend;
  return beginRun(request.name, settings, data, backend);
}

const handlers: {
  [Name in keyof Responses]: (request: Requests[Name]) => Promise<Responses[Name]> | Responses[Name];
} = {
  models: () => modelInfos(),
  datasets: () => [
    ...datasets.map(({ id, title, kind }) => ({ id, title, kind })),
    ...[...tables.keys()].map((id) => ({ id, title: `your pairs: ${id}`, kind: "pairs" as const })),
  ],
  addData: ({ name, content }) => {
    const bad = new BadLines({});
    const lines = linesOf(new TextEncoder().encode(content), name, bad);
    const data = usable(pairsOfTable(lines, name, bad), name, bad);
    tables.set(name, data);
    return { data: name, sizes: sizesOf("pairs", data) };
  },
  dataSizes: async ({ data }) => sizesOf(kindOf(data), await dataOf(data, 1)),
  design: (request) => designOf(request),
  runs: () => [...runs.values()].map(({ summary }) => summary).reverse(),
  run: ({ run }) => {
    const { settings, prepared, summary } = runOf(run);
    return { ...summary, settings, ...askable(settings, prepared), splits: splitsOf(settings.data) };
  },
  start: async (request) => {
    assertFree(request.name);
    starting.add(request.name);
    try {
      add(await begin(request));
      tellBusy();
    } finally {
      starting.delete(request.name);
    }
    return { run: request.name };
  },
  stop: ({ run }) => {
    runOf(run).stop();
    return { run };
  },
  resume: async ({ run, budget }) => {
    const found = runOf(run);
    await found.train(await dataOfRun(found), budget ?? found.settings.budget);
    return { run };
  },
  rename: async ({ run, name }) => {
    const found = runOf(run);
    assertIdle(found);
    assertFree(name);
    runs.delete(run);
    found.id = name;
    runs.set(name, found);
    await kept?.write(found);
    await kept?.forget(run);
    return { run: name };
  },
  note: async ({ run, notes }) => {
    const found = runOf(run);
    found.notes = notes;
    await kept?.write(found);
    return { run };
  },
  remove: async ({ run }) => {
    const found = runOf(run);
    assertIdle(found);
    runs.delete(run);
    await kept?.forget(run, found);
    return { run };
  },
  examples: async ({ run, split }) => {
    const found = runOf(run);
    return cardsOf(taskOfModel(found.settings.model), await dataOfRun(found), split);
  },
  ask: (request) => asked("ask", request) as Promise<Responses["ask"]>,
  explain: (request) => asked("explain", request) as Promise<Responses["explain"]>,
  explainSplit: (request) => asked("explainSplit", request) as Promise<Responses["explainSplit"]>,
  evaluate: (request) => asked("evaluate", request) as Promise<Responses["evaluate"]>,
  vectors: (request) => asked("vectors", request) as Promise<Responses["vectors"]>,
  diagnose: (request) => asked("diagnose", request) as Promise<Responses["diagnose"]>,
};

async function asked(name: ModelQuestion, request: { readonly run: string }): Promise<unknown> {
  const run = runOf(request.run);
  return answerOf(await run.subject(), () => dataOfRun(run), name, request as never);
}

/** Requests that models answer, one after the other: a session does not run twice at once. */
const ASK_MODELS: ReadonlySet<keyof Responses> = new Set([
  "ask",
  "explain",
  "explainSplit",
  "evaluate",
  "vectors",
  "diagnose",
] as const);

let turn: Promise<unknown> = Promise.resolve();
function inTurn<Result>(ask: () => Promise<Result>): Promise<Result> {
  const asked = turn.then(ask);
  turn = asked.catch(() => {});
  return asked;
}

const send = (message: Answered | TabEvents, transfer: Transferable[] = []) =>
  self.postMessage(message, { transfer });
const watching = new Map<number, () => void>();

async function answer(message: ToWorker): Promise<void> {
  if (message.kind === "keep") {
    reading = readKept();
    return;
  }
  await reading;
  switch (message.kind) {
    case "call": {
      const name = message.name as keyof Responses;
      const request = requests[name].parse(message.request);
      const handled = async () => handlers[name](request as never);
      const result = await (ASK_MODELS.has(name) ? inTurn(handled) : handled());
      return send({ kind: "result", id: message.id, result });
    }
    case "watch": {
      const run = runOf(message.run);
      let sent = 0;
      let told = "";
      const tell = () => {
        const reset = run.events.length < sent;
        if (reset) sent = 0;
        const events = run.events.slice(sent);
        sent = run.events.length;
        const state = {
          kind: "state",
          state: run.state,
          ...(run.problem !== undefined && { problem: run.problem }),
        } as const;
        const changed = JSON.stringify(state) !== told;
        told = JSON.stringify(state);
        const all = [...(reset ? [{ kind: "reset" } as const] : []), ...events, ...(changed ? [state] : [])];
        if (all.length > 0) send({ kind: "events", id: message.id, events: all });
      };
      run.listeners.add(tell);
      watching.set(message.id, () => run.listeners.delete(tell));
      return tell();
    }
    case "warm":
      // The runtime is 14 MB: it is fetched and compiled while what it will run is on its way.
      webBackend.load({ result: neg(input("value", "float32", [1])) }).then(
        (session) => session.release(),
        // What goes wrong is told to who asks a model.
        () => {},
      );
      return;
    case "unwatch":
      watching.get(message.id)?.();
      watching.delete(message.id);
      return;
    case "file": {
      const run = runOf(message.run);
      const bytes = message.of === "model" ? run.exported() : run.archive();
      return send({ kind: "result", id: message.id, result: bytes }, [bytes.buffer as ArrayBuffer]);
    }
    case "open": {
      const base = message.name.replace(/\.zip$/, "");
      let id = base;
      for (let count = 2; runs.has(id) || starting.has(id); count++) id = `${base}-${count}`;
      add(TabRun.opened(id, message.bytes, webBackend));
      return send({ kind: "result", id: message.id, result: id });
    }
  }
}

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  answer(data).catch((error: Error) => {
    send({ kind: "problem", id: data.id, problem: error.message });
  });
};
