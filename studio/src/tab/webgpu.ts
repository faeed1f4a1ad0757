import runtimeUrl from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url";
import wasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";
import { env } from "onnxruntime-web/webgpu";
import { UsageError } from "../../../src/core/index.js";
import type { Backend } from "../../../src/session/index.js";
import { webgpuBackend } from "../../../src/session/webgpu.js";

env.wasm.wasmPaths = {
  mjs: new URL(runtimeUrl, self.location.href).href,
  wasm: new URL(wasmUrl, self.location.href).href,
};
// The graphics processor computes; threads beside it are only in its way.
env.wasm.numThreads = 1;

/** WebGPU in this tab. @throws UsageError where the browser offers none */
export async function openWebGpu(): Promise<Backend> {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<unknown> } };
  if (!(await gpu?.requestAdapter()))
    throw new UsageError("this browser offers no WebGPU device; train on the processor instead.");
  return webgpuBackend;
}
