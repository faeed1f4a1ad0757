export * from "./drawing.js";
export * from "./look-view.js";
export { type GridPlaces, MapOver, type MapOverProps, ScaledMap } from "./maps.js";
export * from "./render.js";
export * from "./text.js";
