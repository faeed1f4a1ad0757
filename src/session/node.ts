import * as runtime from "onnxruntime-node";
import type { Backend } from "./contract.js";
import { loadProgram, type OpenedModel, openModel } from "./onnxruntime.js";

const backend = (name: string, provider: string): Backend => ({
  name,
  load: (program, options = {}) => loadProgram(runtime, program, options, { executionProviders: [provider] }),
});

/** onnxruntime-node on the CPU: the fastest place to train without a GPU. */
export const nodeBackend = backend("node", "cpu");

/** The same with the runtime's profiler on: each session writes `<prefix>_<time>.json` when it is released. */
export const profilingBackend = (prefix: string): Backend => ({
  name: "node-profiling",
  load: (program, options = {}) =>
    loadProgram(runtime, program, options, {
      executionProviders: ["cpu"],
      enableProfiling: true,
      profileFilePrefix: prefix,
    }),
});

/** onnxruntime-node on the GPU through WebGPU, where the machine has one. */
export const webgpuBackend = backend("node-webgpu", "webgpu");

/** Opens the bytes of an `.onnx` file on the CPU. */
export const openOnnx = (bytes: Uint8Array): Promise<OpenedModel> =>
  openModel(runtime, bytes, { executionProviders: ["cpu"] });
