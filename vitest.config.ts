import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.{ts,tsx}", "test/**/*.test.ts"],
    // ONNX Runtime uses both cores by itself; two workers keep them busy during the plain TypeScript parts.
    maxWorkers: 2,
    pool: "forks",
    // The command line is tested as it was built, so it is loaded as Node does; what builds the documentation too.
    server: { deps: { external: [/\/dist\//, /\/site\/[a-z-]+\.js$/] } },
    testTimeout: 60_000,
    setupFiles: ["test/setup.ts"],
    reporters: ["default"],
  },
});
