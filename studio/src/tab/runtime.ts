import { env } from "onnxruntime-web";
import runtimeUrl from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import wasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";

// Where a worker finds the runtime.
env.wasm.wasmPaths = {
  mjs: new URL(runtimeUrl, self.location.href).href,
  wasm: new URL(wasmUrl, self.location.href).href,
};
// Threads share memory, which only a page that is isolated from others may have.
env.wasm.numThreads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
