export * from "./lower.js";
export * from "./schema.js";
export * from "./simplify.js";
