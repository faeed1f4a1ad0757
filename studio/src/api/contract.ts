import type { RequestInputs, Responses, RunEvent } from "../../../src/service/protocol.js";

/** What the pages ask of whatever runs the models: a server on this machine, or a worker in this tab. */
export interface Api {
  /** Where the models run. */
  readonly place: "server" | "tab";
  call<Name extends keyof Responses>(name: Name, request: RequestInputs[Name]): Promise<Responses[Name]>;
  /** Hears of everything a run has recorded and records from now on. Returns what ends it. */
  watch(run: string, hear: (events: readonly RunEvent[]) => void): () => void;
  /** The run as a file: the model alone, or everything. */
  file(run: string, kind: "model" | "run"): Promise<Blob>;
  /** Takes a run folder that was downloaded. Only in the tab. */
  open?(file: File): Promise<string>;
}
