export * from "./catalogue.js";
export * from "./design.js";
export * from "./export.js";
export * from "./protocol.js";
export * from "./trained-model.js";
