export * from "./contract.js";
export type { OpenedModel } from "./onnxruntime.js";
export * from "./reference.js";
