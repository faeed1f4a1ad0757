import type { ScoreKind } from "../../attention/trace.js";

/** What `WalkStep.salience` is. */
export const SALIENCE: ScoreKind = { title: "salience", unit: "nats per unit of attention" };

/** What `Effects` measures. */
export const EFFECT: ScoreKind = { title: "causal effect", unit: "nats" };
