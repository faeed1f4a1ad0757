import { additive } from "./additive.js";
import { dot, scaledDot } from "./dot.js";
import { general } from "./general.js";
import type { Mechanism } from "./mechanism.js";
import { projectedDot } from "./projected-dot.js";

export * from "./addressing.js";
export * from "./filterbank.js";
export * from "./fovea.js";
export * from "./gaze.js";
export * from "./hard.js";
export * from "./keeping.js";
export * from "./location.js";
export * from "./look.js";
export * from "./mechanism.js";
export * from "./multi-head.js";
export * from "./nested-trace.js";
export * from "./old-trace.js";
export * from "./retina.js";
export * from "./trace.js";
export * from "./transformer-layers.js";
export * from "./weighing.js";
export { additive, dot, general, projectedDot, scaledDot };

/** Every attention score, by the name models and the command line call it. */
export const mechanisms = {
  additive,
  dot,
  "scaled-dot": scaledDot,
  general,
  "projected-dot": projectedDot,
} satisfies Record<string, Mechanism>;

/** The name of a mechanism, as models' options have it. */
export type MechanismName = keyof typeof mechanisms;
