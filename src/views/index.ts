export * from "./alignment-matrix.js";
export * from "./gates.js";
export * from "./render.js";
export * from "./score-by-length.js";
export * from "./terminal.js";
export * from "./theme.js";
