export * from "./diagnosis.js";
export { drawable, drawableAll, legible } from "./drawable.js";
export * from "./growth-curves.js";
export * from "./learning-curves.js";
export * from "./look/index.js";
export * from "./render.js";
export * from "./score-by-length.js";
export * from "./theme.js";
export * from "./word-map.js";
