/** How an output was chosen, so that two outputs of one input can be told apart. */
export interface Decoding {
  /** Hypotheses kept (`decodeByBeam`); 1 takes the likeliest word each time (`GreedyDecoder`). */
  readonly beam: number;
  /** The step, from 0, at which a reader put a word or attention of their own; from there on it is the likeliest word each time. */
  readonly changedAt?: number;
  /** The seed by which hard attention drew its places, and words were drawn where there is a temperature. */
  readonly sample?: number;
  /** How freely words were drawn: by their probabilities at 1, nearer to the likeliest below, further from it above. */
  readonly temperature?: number;
}

/** The lowest and the highest temperature that words can be drawn at. */
export const TEMPERATURES = [0.01, 10] as const;

/** The widest beam that can be asked for. */
export const WIDEST_BEAM = 64;

/** The width of a beam that one input is decoded with where nothing else is asked for. */
export const DEFAULT_BEAM = 4;

const GREEDY = "the likeliest word at each step";

/** A decoding in words, to follow what it wrote. */
export function decodingText({ beam, changedAt, sample, temperature }: Decoding): string {
  if (temperature !== undefined)
    return `words drawn by seed ${sample} at a temperature of ${temperature}${changedAt === undefined ? "" : ", with what was changed"}`;
  const written = beam === 1 ? GREEDY : `the best of a beam of ${beam}`;
  const changed =
    changedAt === undefined
      ? written
      : changedAt === 0 || beam === 1
        ? `${GREEDY}, with what was changed`
        : `${written} up to word ${changedAt}, then what was changed and ${GREEDY}`;
  return sample === undefined ? changed : `${changed}, looking at places drawn by seed ${sample}`;
}
