export * from "./gradient.js";
