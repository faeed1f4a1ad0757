import type { RunEvent } from "../../../src/service/protocol.js";
import type { Api } from "./contract.js";

/** What the page sends to the worker. */
export type ToWorker =
  | { readonly kind: "call"; readonly id: number; readonly name: string; readonly request: unknown }
  | { readonly kind: "watch"; readonly id: number; readonly run: string }
  | { readonly kind: "unwatch"; readonly id: number }
  | { readonly kind: "file"; readonly id: number; readonly run: string; readonly of: "model" | "run" }
  | { readonly kind: "warm"; readonly id: number }
  | { readonly kind: "open"; readonly id: number; readonly bytes: Uint8Array; readonly name: string };

/** What comes back. */
export type FromWorker =
  | { readonly kind: "result"; readonly id: number; readonly result: unknown }
  | { readonly kind: "problem"; readonly id: number; readonly problem: string }
  | { readonly kind: "events"; readonly id: number; readonly events: readonly RunEvent[] };

/**
 * Everything in a worker of this tab: no server, no network. The worker is made when it is first asked for something.
 * @param warm whether the runtime is fetched at once, before a model is asked
 */
export function tabApi({ warm = false } = {}): Api {
  let made: Worker | undefined;
  const waiting = new Map<number, { resolve(result: never): void; reject(error: Error): void }>();
  const hearing = new Map<number, (events: readonly RunEvent[]) => void>();
  let count = 0;
  const worker = (): Worker => {
    if (made) return made;
    made = new Worker(new URL("../tab/worker.ts", import.meta.url), { type: "module", name: "regard" });
    made.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.kind === "events") return hearing.get(data.id)?.(data.events);
      const asked = waiting.get(data.id);
      waiting.delete(data.id);
      if (data.kind === "problem") asked?.reject(new Error(data.problem));
      else asked?.resolve(data.result as never);
    };
    made.onerror = ({ message }) => {
      for (const { reject } of waiting.values()) reject(new Error(`the tab's worker failed: ${message}`));
      waiting.clear();
    };
    return made;
  };
  const send = (message: ToWorker) => worker().postMessage(message);
  if (warm) send({ kind: "warm", id: 0 });
  const ask = <Result>(make: (id: number) => ToWorker): Promise<Result> =>
    new Promise((resolve, reject) => {
      const id = ++count;
      waiting.set(id, { resolve: resolve as (result: never) => void, reject });
      send(make(id));
    });
  // Runs live in this tab: closing it would lose them, so the browser asks first.
  let runs = false;
  addEventListener("beforeunload", (event) => {
    if (runs) event.preventDefault();
  });
  return {
    place: "tab",
    call(name, request) {
      if (name === "start") runs = true;
      return ask((id) => ({ kind: "call", id, name, request }));
    },
    watch(run, hear) {
      const id = ++count;
      hearing.set(id, hear);
      send({ kind: "watch", id, run });
      return () => {
        hearing.delete(id);
        send({ kind: "unwatch", id });
      };
    },
    async file(run, of) {
      const bytes = await ask<Uint8Array<ArrayBuffer>>((id) => ({ kind: "file", id, run, of }));
      return new Blob([bytes]);
    },
    async open(file) {
      const bytes = new Uint8Array(await file.arrayBuffer());
      return ask<string>((id) => ({ kind: "open", id, bytes, name: file.name }));
    },
  };
}
