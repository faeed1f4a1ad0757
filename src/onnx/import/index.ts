export * from "./import.js";
export { operators } from "./operators.js";
export { NotImported } from "./value.js";
