import * as runtime from "onnxruntime-web";
import type { Backend } from "./contract.js";
import { loadProgram } from "./onnxruntime.js";

/**
 * onnxruntime-web on WASM with SIMD; it runs in browsers and in Node. Threads are used where the page is cross-origin
 * isolated. Outputs given to `into` are copied there, since WASM memory cannot be handed in.
 */
export const webBackend: Backend = {
  name: "web",
  async load(program, options = {}) {
    if (options.threads !== undefined) runtime.env.wasm.numThreads = options.threads;
    const session = await loadProgram(runtime, program, options, { executionProviders: ["wasm"] });
    return {
      ...session,
      async run(feeds, into = {}) {
        const results = await session.run(feeds);
        for (const [name, target] of Object.entries(into)) {
          target.data.set(results[name]!.data);
          results[name] = { ...results[name]!, data: target.data };
        }
        return results;
      },
    };
  },
};
