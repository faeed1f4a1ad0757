export * from "./contract.js";
export type { ForeignValue, OpenedModel } from "./onnxruntime.js";
export * from "./reference.js";
