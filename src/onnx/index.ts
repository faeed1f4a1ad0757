export * from "./import/index.js";
export * from "./lower.js";
export * from "./schema.js";
export * from "./simplify.js";
export * from "./tensor-data.js";
