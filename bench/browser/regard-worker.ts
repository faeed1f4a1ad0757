import { env } from "onnxruntime-web";
import runtimeUrl from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import wasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import { webBackend } from "regard/session/web";
import { type TimedStep, timedStep } from "../step.js";

env.wasm.wasmPaths = {
  mjs: new URL(runtimeUrl, self.location.href).href,
  wasm: new URL(wasmUrl, self.location.href).href,
};

let step: TimedStep | undefined;
self.onmessage = async ({ data }: MessageEvent<{ prepare: string; threads: number } | { run: number }>) => {
  if ("prepare" in data) {
    env.wasm.numThreads = data.threads;
    step = await timedStep(data.prepare, webBackend, data.threads);
    self.postMessage({ tensors: step.tensors, loadMs: step.loadMs });
  } else self.postMessage(await step!.run(data.run));
};
