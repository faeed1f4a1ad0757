export * from "./effect.js";
export * from "./error.js";
export * from "./find.js";
export * from "./graph.js";
export * from "./inputs.js";
export * from "./looks.js";
export * from "./model.js";
export type { Target } from "./salience.js";
export * from "./value.js";
