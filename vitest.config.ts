import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.{ts,tsx}", "test/**/*.test.ts"],
    // ONNX Runtime uses both cores by itself; two workers keep them busy during the plain TypeScript parts.
    maxWorkers: 2,
    pool: "forks",
    testTimeout: 60_000,
    setupFiles: ["test/setup.ts"],
    reporters: ["default"],
  },
});
