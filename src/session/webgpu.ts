import * as runtime from "onnxruntime-web/webgpu";
import type { Backend } from "./contract.js";
import { makeWebBackend } from "./web.js";

/** onnxruntime-web on WebGPU, in browsers that offer it; what has no kernel there runs in WASM. */
export const webgpuBackend: Backend = makeWebBackend("webgpu", runtime, "webgpu");
