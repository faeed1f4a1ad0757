import { existsSync } from "node:fs";
import { join } from "node:path";
import { defaultClientConditions, defineConfig } from "vite";

const library = join(import.meta.dirname, "../../dist");
const peer = (name: string) => join(import.meta.dirname, "../peers", name, "node_modules");

export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  resolve: {
    alias: [
      { find: /^onnxruntime-web$/, replacement: "onnxruntime-web/wasm" },
      { find: /^regard\/session\/web$/, replacement: join(library, "session/web.js") },
      { find: /^regard\/(\w+)$/, replacement: join(library, "$1/index.js") },
      { find: /^@tensorflow\/(.*)$/, replacement: join(peer("tfjs"), "@tensorflow/$1") },
    ],
    conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions],
  },
  worker: { format: "es" },
  build: {
    // Peers that are not installed are left out.
    rollupOptions: {
      external: [
        ...(existsSync(peer("tfjs")) ? [] : [/@tensorflow/]),
        ...(existsSync(peer("jax-js")) ? [] : [/@jax-js/]),
      ],
    },
    outDir: "../../dist/bench-pages",
    emptyOutDir: true,
    target: "es2023",
    chunkSizeWarningLimit: 3000,
    // TensorFlow.js makes its threads from the text of its functions, which must stay as they are.
    minify: false,
  },
});
