/** The word that stands between turns of a talk. */
export const TURN = "/";
