export * from "./beam.js";
export * from "./decoder.js";
export * from "./decoding.js";
export * from "./decoding-graph.js";
export * from "./gates.js";
export * from "./greedy.js";
export * from "./model-file.js";
export * from "./translation.js";
