export * from "./measure/alignment.js";
