/** How an output was chosen, so that two outputs of one input can be told apart. */
export interface Decoding {
  /** Hypotheses kept (`decodeByBeam`); 1 takes the likeliest word each time (`GreedyDecoder`). */
  readonly beam: number;
  /** The step, from 0, at which a reader put a word or attention of their own; from there on it is the likeliest word each time. */
  readonly changedAt?: number;
  /** The seed by which hard attention drew its places. */
  readonly sample?: number;
}

/** The widest beam that can be asked for. */
export const WIDEST_BEAM = 64;

/** The width of a beam that one input is decoded with where nothing else is asked for. */
export const DEFAULT_BEAM = 4;

const GREEDY = "the likeliest word at each step";

/** A decoding in words, to follow what it wrote. */
export function decodingText({ beam, changedAt, sample }: Decoding): string {
  const written = beam === 1 ? GREEDY : `the best of a beam of ${beam}`;
  const changed =
    changedAt === undefined
      ? written
      : changedAt === 0 || beam === 1
        ? `${GREEDY}, with what was changed`
        : `${written} up to word ${changedAt}, then what was changed and ${GREEDY}`;
  return sample === undefined ? changed : `${changed}, looking at places drawn by seed ${sample}`;
}
