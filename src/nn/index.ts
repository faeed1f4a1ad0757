export * from "./convolution.js";
export * from "./initialise.js";
export * from "./layers.js";
export * from "./recurrent.js";
export * from "./scope.js";
