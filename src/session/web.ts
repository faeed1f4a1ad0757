import * as runtime from "onnxruntime-web";
import { type Backend, threadsOf } from "./contract.js";
import { loadProgram, type OpenedModel, openModel, type Runtime } from "./onnxruntime.js";

/** Copies outputs into the storage that is given for them: the memory of WebAssembly cannot be handed in. */
const copying = (model: OpenedModel): OpenedModel => ({
  ...model,
  async run(feeds, into = {}) {
    const results = await model.run(feeds);
    for (const [output, target] of Object.entries(into)) {
      target.data.set(results[output]!.data);
      results[output] = { ...results[output]!, data: target.data };
    }
    return results;
  },
});

/** A backend of one of onnxruntime-web's builds. */
export const makeWebBackend = (
  name: string,
  build: Runtime & { readonly env: typeof runtime.env },
  provider: "wasm" | "webgpu",
): Backend => ({
  name,
  async load(program, options = {}) {
    const threads = threadsOf(options);
    if (threads !== undefined) build.env.wasm.numThreads = threads;
    return loadProgram(build, program, options, { executionProviders: [provider] }, copying);
  },
});

/**
 * onnxruntime-web on WASM with SIMD; it runs in browsers and in Node. Threads are used where the page is cross-origin
 * isolated.
 */
export const webBackend: Backend = makeWebBackend("web", runtime, "wasm");

/** Opens the bytes of an `.onnx` file on WASM. */
export const openOnnx = (bytes: Uint8Array): Promise<OpenedModel> =>
  openModel(runtime, bytes, { executionProviders: ["wasm"] });
