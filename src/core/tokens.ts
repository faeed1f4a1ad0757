/** Token numbers that every vocabulary shares. Padding is 0, so that a zeroed batch is an empty one. */
export const PAD = 0;
/** The token before the first of a sequence that is written. */
export const START = 1;
/** The token after the last. */
export const END = 2;
/** The token of everything that a vocabulary does not have. */
export const UNKNOWN = 3;
