export * from "./loop.js";
export * from "./optimizer.js";
export * from "./run-files.js";
export * from "./safetensors.js";
export * from "./schedule.js";
export * from "./settings.js";
export * from "./step.js";
export * from "./trainer.js";
