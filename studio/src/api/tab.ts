import type { RunEvent } from "../../../src/service/protocol.js";
import { Calls } from "./calls.js";
import type { Api } from "./contract.js";

/** What the page sends to the worker. */
export type ToWorker =
  | { readonly kind: "call"; readonly id: number; readonly name: string; readonly request: unknown }
  | { readonly kind: "watch"; readonly id: number; readonly run: string }
  | { readonly kind: "unwatch"; readonly id: number }
  | { readonly kind: "file"; readonly id: number; readonly run: string; readonly of: "model" | "run" }
  | { readonly kind: "warm" | "keep"; readonly id: number }
  | { readonly kind: "open"; readonly id: number; readonly bytes: Uint8Array; readonly name: string };

/** What comes back beside answers. */
export type TabEvents =
  | { readonly kind: "events"; readonly id: number; readonly events: readonly RunEvent[] }
  /** Whether anything is being trained. */
  | { readonly kind: "busy"; readonly busy: boolean };

/**
 * Everything in a worker of this tab: no server, no network. The worker is made when it is first asked for something.
 * @param warm whether the runtime is fetched at once, before a model is asked
 * @param keep whether runs are kept in this browser when the tab is closed
 */
export function tabApi({ warm = false, keep = false } = {}): Api {
  let busy = false;
  const hearing = new Map<number, (events: readonly RunEvent[]) => void>();
  const calls = new Calls<ToWorker, TabEvents>(
    () => new Worker(new URL("../tab/worker.ts", import.meta.url), { type: "module", name: "regard" }),
    (told) => {
      if (told.kind === "busy") busy = told.busy;
      else hearing.get(told.id)?.(told.events);
    },
    keep ? [{ kind: "keep", id: 0 }] : [],
  );
  if (warm) calls.send({ kind: "warm", id: 0 });
  // What is being trained stops with the tab, so the browser asks first.
  addEventListener("beforeunload", (event) => {
    if (busy) event.preventDefault();
  });
  return {
    place: "tab",
    call(name, request) {
      return calls.ask((id) => ({ kind: "call", id, name, request }));
    },
    watch(run, hear) {
      const id = calls.next();
      hearing.set(id, hear);
      calls.send({ kind: "watch", id, run });
      return () => {
        hearing.delete(id);
        calls.send({ kind: "unwatch", id });
      };
    },
    async file(run, of) {
      const bytes = await calls.ask<Uint8Array<ArrayBuffer>>((id) => ({ kind: "file", id, run, of }));
      return new Blob([bytes]);
    },
    async open(file) {
      const bytes = new Uint8Array(await file.arrayBuffer());
      return calls.ask<string>((id) => ({ kind: "open", id, bytes, name: file.name }));
    },
  };
}
