// Apart from the protocol, so that pages that draw answers need not check requests.

/** What the attention of an answer is called, and the looks of a trace that are scores of it. */
export const ATTENTION_LOOK = "attention";
export const SALIENCE_LOOK = "salience";
export const EFFECT_LOOK = "causal effect";
/** The look that says what each head of a file of others is worth. */
export const ABLATION_LOOK = "head ablation";
/** The look that says what each place of what a file of others reads adds by its own value. */
export const INPUT_SALIENCE_LOOK = "gradient × input";
