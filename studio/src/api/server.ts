import type { RunEvent } from "../../../src/service/protocol.js";
import type { Api } from "./contract.js";

/** Whether a studio server gave out this page; it marks the pages it gives. */
export const hasServer = (): boolean => document.documentElement.dataset.server !== undefined;

const post = (name: string, request: unknown): Promise<Response> =>
  fetch(`api/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });

/** The studio's server. */
export const serverApi: Api = {
  place: "server",
  async call(name, request) {
    const response = await post(name, request).catch(() => {
      throw new Error("the studio's server does not answer; is it still running in its terminal?");
    });
    const body = await response.json();
    if (!response.ok) throw new Error(body.problem ?? `the server answered ${response.status}`);
    return body;
  },
  watch(run, hear) {
    // The browser takes the stream up again by itself where it left off.
    const source = new EventSource(`api/runs/${encodeURIComponent(run)}/events`);
    let waiting: RunEvent[] = [];
    let timer: number | undefined;
    source.onmessage = ({ data }) => {
      waiting.push(JSON.parse(data));
      timer ??= window.setTimeout(() => {
        timer = undefined;
        hear(waiting);
        waiting = [];
      }, 60);
    };
    return () => {
      source.close();
      clearTimeout(timer);
    };
  },
  async file(run, kind) {
    const response = await fetch(
      `api/runs/${encodeURIComponent(run)}/${kind === "model" ? "model.onnx" : "run.zip"}`,
    );
    if (!response.ok) throw new Error((await response.json()).problem);
    return response.blob();
  },
};
