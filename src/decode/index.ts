export * from "./beam.js";
export * from "./decoder.js";
export * from "./greedy.js";
export * from "./model-file.js";
export * from "./translation-graph.js";
export * from "./unknown.js";
