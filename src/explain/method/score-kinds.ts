/** What `WalkStep.salience` and what a `Prober` gives of it is, as a look of a trace is named. */
export const SALIENCE = { name: "salience", unit: "nats per unit of attention" } as const;

/** What `Effects` measures. */
export const EFFECT = { name: "causal effect", unit: "nats" } as const;
