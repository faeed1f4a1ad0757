export * from "./measure/agreement.js";
export * from "./measure/alignment.js";
export * from "./measure/bleu.js";
export * from "./measure/spread.js";
export * from "./method/removal.js";
export * from "./method/walk.js";
