export * from "./gradient.js";
export * from "./slices.js";
