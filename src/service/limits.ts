// Apart from the protocol, so that pages need not check requests to know them.

/** Letters that may be noted of a run. */
export const LONGEST_NOTES = 10_000;
