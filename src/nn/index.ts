export * from "./boltzmann.js";
export * from "./convolution.js";
export * from "./initialise.js";
export * from "./layers.js";
export * from "./mode.js";
export * from "./positions.js";
export * from "./recurrent.js";
export * from "./scope.js";
