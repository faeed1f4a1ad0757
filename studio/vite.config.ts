import react from "@vitejs/plugin-react";
import { defaultClientConditions, defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  plugins: [react()],
  resolve: {
    // The runtime's WASM build alone, its files beside the pages: nothing is fetched from elsewhere.
    alias: [{ find: /^onnxruntime-web$/, replacement: "onnxruntime-web/wasm" }],
    conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions],
  },
  worker: { format: "es" },
  build: { outDir: "../dist/studio", emptyOutDir: true, target: "es2023", chunkSizeWarningLimit: 1500 },
});
