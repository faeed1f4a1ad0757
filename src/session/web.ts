import * as runtime from "onnxruntime-web";
import type { Backend } from "./contract.js";
import { loadProgram, type Runtime } from "./onnxruntime.js";

/**
 * A backend of one of onnxruntime-web's builds. Outputs given to `into` are copied there, since its memory cannot be
 * handed in.
 */
export const makeWebBackend = (
  name: string,
  build: Runtime & { readonly env: typeof runtime.env },
  provider: "wasm" | "webgpu",
): Backend => ({
  name,
  async load(program, options = {}) {
    if (options.threads !== undefined) build.env.wasm.numThreads = options.threads;
    const session = await loadProgram(build, program, options, { executionProviders: [provider] });
    return {
      ...session,
      async run(feeds, into = {}) {
        const results = await session.run(feeds);
        for (const [output, target] of Object.entries(into)) {
          target.data.set(results[output]!.data);
          results[output] = { ...results[output]!, data: target.data };
        }
        return results;
      },
    };
  },
});

/**
 * onnxruntime-web on WASM with SIMD; it runs in browsers and in Node. Threads are used where the page is cross-origin
 * isolated.
 */
export const webBackend: Backend = makeWebBackend("web", runtime, "wasm");
