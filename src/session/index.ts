export * from "./contract.js";
export * from "./reference.js";
