import { RegardError, UsageError } from "../core/index.js";
import type { Backend } from "../session/index.js";

/** Devices to train on, by the name `--device` takes. Each is loaded only when asked for. */
const devices: Readonly<Record<string, () => Promise<Backend>>> = {
  cpu: async () => (await import("../session/node.js")).nodeBackend,
  webgpu: async () => explained((await import("../session/node.js")).webgpuBackend),
  wasm: async () =>
    (
      await import("../session/web.js").catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
        throw new UsageError(
          "--device wasm needs the web runtime, which is not installed with Regard: npm install onnxruntime-web",
        );
      })
    ).webBackend,
};

/**
 * @param threads to compute with, as many as the machine has cores where absent
 * @throws UsageError naming the devices there are, or where `threads` is no number of threads
 */
export async function backendFor(device: string, threads?: number): Promise<Backend> {
  const load = devices[device];
  if (!load)
    throw new UsageError(
      `there is no device "${device}"; --device takes ${Object.keys(devices).join(", ")}.`,
    );
  if (threads === undefined) return load();
  if (!Number.isSafeInteger(threads) || threads < 1)
    throw new UsageError(`--threads is ${threads} but must be a whole number from 1.`);
  const backend = await load();
  return { ...backend, load: (program, options) => backend.load(program, { threads, ...options }) };
}

/** A backend whose failures to find a device say so in a sentence. */
const explained = (backend: Backend): Backend => ({
  ...backend,
  load: (program, options) =>
    backend.load(program, options).catch((error: Error) => {
      if (!/adapter/i.test(error.message)) throw error;
      throw new RegardError(
        "this machine offers no WebGPU device (no GPU, or no Vulkan driver); use --device cpu.",
      );
    }),
});
