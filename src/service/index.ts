export * from "./catalogue.js";
export * from "./design.js";
export * from "./export.js";
export * from "./file-subject.js";
export * from "./foreign-subject.js";
export * from "./protocol.js";
export * from "./shared.js";
export * from "./subject.js";
