import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { streamSSE } from "hono/streaming";
import { RegardError, UsageError } from "../core/index.js";
import { type DataPlace, kindOfData } from "../data/open.node.js";
import {
  type ModelQuestion,
  modelInfos,
  type Requests,
  type Responses,
  type RunEvent,
  requests,
} from "../service/index.js";
import { type DataFolder, dataOf } from "./data.js";
import { inside } from "./files.js";
import type { Models } from "./models.js";
import type { Runs } from "./runs.js";

export interface AppOptions {
  readonly runs: Runs;
  readonly data: DataFolder;
  readonly models: Models;
  /** The studio's built pages. */
  readonly pages: string;
  /** Hosts, with their port, that requests may be addressed to. */
  readonly hosts: () => readonly string[];
  /** Raised when the studio closes: streams end. */
  readonly closing: AbortSignal;
}

const LARGEST_BODY = 64 * 2 ** 20;
/** Milliseconds between two looks at a run that is being watched. */
const LOOK = 300;

/** No script but the studio's own, no styles but its own, nothing from elsewhere; WASM may be compiled. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".woff2": "font/woff2",
};

/** The studio's server: one address for every request of the protocol, run events, downloads, and the pages. */
export function makeApp({ runs, data, models, pages, hosts, closing }: AppOptions): Hono {
  const app = new Hono();

  app.use(async (context, next) => {
    context.header("Content-Security-Policy", CONTENT_SECURITY_POLICY);
    context.header("X-Content-Type-Options", "nosniff");
    context.header("Referrer-Policy", "no-referrer");
    // Threads in WASM need a page that is isolated from others.
    context.header("Cross-Origin-Opener-Policy", "same-origin");
    context.header("Cross-Origin-Embedder-Policy", "require-corp");
    context.header("Cross-Origin-Resource-Policy", "same-origin");
    const host = context.req.header("host") ?? "";
    // Another name for this address would be someone else's page that resolves to it (DNS rebinding).
    if (!hosts().includes(host))
      return context.json({ problem: `"${host}" is not where this studio is.` }, 403);
    const origin = context.req.header("origin");
    if (origin !== undefined && origin !== `http://${host}`)
      return context.json({ problem: `pages of ${origin} may not use this studio.` }, 403);
    const site = context.req.header("sec-fetch-site");
    if (site === "cross-site" && context.req.path.startsWith("/api/"))
      return context.json({ problem: "pages of other sites may not use this studio." }, 403);
    return next();
  });

  app.onError((error, context) => {
    const status = error instanceof UsageError ? 400 : 500;
    const message =
      error instanceof RegardError
        ? error.message
        : `${error.message} (this was not foreseen; the studio's terminal may say more)`;
    return context.json({ problem: message }, status);
  });

  // Once a run has gone, not before: where that is refused, whoever waits for its model still gets an answer.
  const changed = (run: string) => models.release(runs.path(run));
  const handlers: { [Name in keyof Responses]: (request: Requests[Name]) => unknown } = {
    models: () => modelInfos(),
    datasets: () => data.list(),
    addData: async ({ name, content }) => {
      const { file, found } = await data.add(name, content, (draft) => sizesAt(draft));
      return { data: file, sizes: found };
    },
    dataSizes: async (place) => sizesAt(data.locate(place)),
    design: (request) => models.ask({ name: "design", request }),
    runs: () => runs.list(),
    run: ({ run }) => runs.detail(run),
    start: async (request) => ({ run: await runs.start(request) }),
    stop: async ({ run }) => {
      await runs.stop(run);
      return { run };
    },
    resume: async ({ run, budget }) => {
      await runs.resume(run, budget);
      return { run };
    },
    rename: async ({ run, name }) => {
      await runs.rename(run, name);
      changed(run);
      return { run: name };
    },
    note: async ({ run, notes }) => {
      await runs.note(run, notes);
      return { run };
    },
    remove: async ({ run }) => {
      await runs.remove(run);
      changed(run);
      return { run };
    },
    examples: async ({ run, split }) =>
      models.ask({
        name: "examples",
        request: await runs
          .open(run)
          .then(({ settings }) => ({ ...dataOf(settings), model: settings.model, split })),
      }),
    ask: (request) => ask("ask", request),
    explain: (request) => ask("explain", request),
    explainSplit: (request) => ask("explainSplit", request),
    evaluate: (request) => ask("evaluate", request),
    vectors: (request) => ask("vectors", request),
    diagnose: (request) => ask("diagnose", request),
  };
  const sizesAt = async (place: DataPlace) =>
    models.ask({
      name: "dataSizes",
      request: { place, kind: await kindOfData(place), skipBad: false, seed: 1 },
    });
  async function ask(name: ModelQuestion, request: { run: string }) {
    return models.ask({ name, path: (await runs.open(request.run)).path, request });
  }

  app.post(
    "/api/:name",
    bodyLimit({
      maxSize: LARGEST_BODY,
      onError: (context) =>
        context.json({ problem: `a request may have at most ${LARGEST_BODY / 2 ** 20} MiB.` }, 413),
    }),
    async (context) => {
      const name = context.req.param("name");
      if (!Object.hasOwn(requests, name))
        return context.json({ problem: `there is no request "${name}".` }, 404);
      // A form of another page cannot send this type without being asked first.
      if (context.req.header("content-type")?.split(";")[0] !== "application/json")
        return context.json({ problem: "requests must be application/json." }, 415);
      const body = await context.req.json().catch(() => undefined);
      const parsed = requests[name as keyof Requests].safeParse(body);
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        return context.json({ problem: `${name}: ${issue!.path.join(".")}: ${issue!.message}.` }, 400);
      }
      return context.json((await handlers[name as keyof Requests](parsed.data as never)) as object);
    },
  );

  app.get("/api/runs/:run/events", async (context) => {
    const run = context.req.param("run");
    const folder = await runs.open(run);
    const seen = Number(context.req.header("last-event-id") ?? -1);
    return streamSSE(context, async (stream) => {
      let sent = Number.isInteger(seen) ? seen + 1 : 0;
      let told = "";
      let stamp: string | undefined;
      let events: RunEvent[] = [];
      while (!stream.aborted && !stream.closed && !closing.aborted) {
        const gone = !existsSync(folder.path);
        // The records are read again only once they have changed.
        const now = runs.recordStamp(folder);
        if (now !== stamp) {
          stamp = now;
          events = gone ? [] : await runs.events(folder);
        }
        if (events.length < sent) {
          sent = 0;
          await stream.writeSSE({ data: JSON.stringify({ kind: "reset" } satisfies RunEvent) });
        }
        for (; sent < events.length; sent++)
          await stream.writeSSE({ id: String(sent), data: JSON.stringify(events[sent]) });
        const { state, problem } = gone
          ? { state: "failed" as const, problem: "the run's folder is no longer there." }
          : await runs.state(run, folder);
        const event: RunEvent = { kind: "state", state, ...(problem !== undefined && { problem }) };
        if (JSON.stringify(event) !== told) {
          told = JSON.stringify(event);
          await stream.writeSSE({ data: told });
        }
        await wait(LOOK);
      }
    });
  });

  app.get("/api/runs/:run/model.onnx", async (context) => {
    const { path: folder } = await runs.open(context.req.param("run"));
    const bytes = (await models.ask({ name: "export", folder })) as Uint8Array;
    return download(context, `${context.req.param("run")}.onnx`, bytes);
  });

  app.get("/api/runs/:run/run.zip", async (context) => {
    const { path: folder } = await runs.open(context.req.param("run"));
    const bytes = (await models.ask({ name: "archive", folder })) as Uint8Array;
    return download(context, `${context.req.param("run")}.zip`, bytes);
  });

  app.get("*", async (context) => {
    let file: string;
    let path: string;
    try {
      // What is no address, such as /%zz, is no page either.
      file = decodeURIComponent(context.req.path).slice(1) || "index.html";
      path = inside(pages, file);
    } catch {
      return context.text("There is no such page.", 404);
    }
    const bytes = await readFile(path).catch(() => undefined);
    if (!bytes) return context.text("There is no such page.", 404);
    context.header("Content-Type", TYPES[extname(file)] ?? "application/octet-stream");
    // Names of built files change with what is in them.
    context.header(
      "Cache-Control",
      file.startsWith("assets/") ? "public, max-age=31536000, immutable" : "no-cache",
    );
    // The pages ask a server where one gave them out, and work by themselves where they are merely files.
    if (file === "index.html")
      return context.body(bytes.toString("utf8").replace("<html", '<html data-server=""'));
    return context.body(new Uint8Array(bytes));
  });

  return app;
}

function download(context: Context, name: string, bytes: Uint8Array): Response {
  context.header("Content-Type", "application/octet-stream");
  context.header("Content-Disposition", `attachment; filename*=UTF-8''${encodeURIComponent(name)}`);
  return context.body(new Uint8Array(bytes));
}
