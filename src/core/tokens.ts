/** Token numbers that every vocabulary shares. Padding is 0, so that a zeroed batch is an empty one. */
export const PAD = 0;
export const START = 1;
export const END = 2;
export const UNKNOWN = 3;
