import { env } from "onnxruntime-web";
import runtimeUrl from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import wasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import { makeWork, type Running } from "regard/bench";
import { webBackend } from "regard/session/web";

env.wasm.wasmPaths = {
  mjs: new URL(runtimeUrl, self.location.href).href,
  wasm: new URL(wasmUrl, self.location.href).href,
};

let running: Running | undefined;
self.onmessage = async ({ data }: MessageEvent<{ prepare: string; threads: number } | { run: number }>) => {
  if ("prepare" in data) {
    env.wasm.numThreads = data.threads;
    const work = makeWork(data.prepare);
    running = await work.start(webBackend, data.threads);
    self.postMessage({ tensors: work.tensors, loadMs: running.loadMs });
  } else self.postMessage(await running!.run(data.run));
};
