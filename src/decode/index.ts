export * from "./beam.js";
export * from "./decoder.js";
export * from "./greedy.js";
