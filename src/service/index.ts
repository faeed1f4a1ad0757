export * from "./catalogue.js";
export * from "./design.js";
export * from "./diagnosis.js";
export * from "./export.js";
export * from "./protocol.js";
export * from "./shared.js";
export * from "./trained-captioner.js";
export * from "./trained-translator.js";
