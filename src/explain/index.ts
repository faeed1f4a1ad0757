export * from "./measure/alignment.js";
export * from "./measure/bleu.js";
export * from "./measure/spread.js";
