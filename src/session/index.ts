export * from "./contract.js";
export * from "./reference.js";
export * from "./state.js";
