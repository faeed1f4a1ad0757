import type { Operation } from "../core/index.js";
import * as ops from "./index.js";

/** Every operation record: whatever `ops/index.ts` exports that carries one. */
export const registry: readonly Operation[] = Object.values(ops).flatMap((value) =>
  typeof value === "function" && "operation" in value ? [value.operation as Operation] : [],
);
