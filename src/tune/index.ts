export * from "./texts.js";
export * from "./tune.js";
