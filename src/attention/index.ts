import { additive } from "./additive.js";
import { dot, scaledDot } from "./dot.js";
import { general } from "./general.js";
import type { Mechanism } from "./mechanism.js";

export * from "./mechanism.js";
export type * from "./trace.js";
export { additive, dot, general, scaledDot };

/** Every attention score, by the name models and the command line call it. */
export const mechanisms = {
  additive,
  dot,
  "scaled-dot": scaledDot,
  general,
} satisfies Record<string, Mechanism>;

export type MechanismName = keyof typeof mechanisms;
