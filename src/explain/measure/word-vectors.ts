import { rankCorrelation } from "./agreement.js";

/** Rows of vectors that are added up, and what each counts: 1 where it is added, −1 where it is taken away. */
export interface Terms {
  readonly rows: readonly number[];
  readonly signs: readonly number[];
}

/** The cosines of sums of vectors with every vector, one list for each sum. */
export type Similar = (sums: readonly Terms[]) => Promise<readonly ArrayLike<number>[]>;

/** Which rows may be answers: those from the first on that is a word's, up to the last. */
export interface Among {
  readonly first?: number;
  readonly last?: number;
}

/** The rows with the greatest similarities, the greatest first. @param without rows that are left out */
export function nearest(
  similarities: ArrayLike<number>,
  count: number,
  without: readonly number[],
  { first = 0, last = similarities.length }: Among = {},
): number[] {
  const found: number[] = [];
  for (let row = first; row < Math.min(last, similarities.length); row++) {
    const least = found.length < count ? Number.NEGATIVE_INFINITY : similarities[found.at(-1)!]!;
    if (similarities[row]! <= least || without.includes(row)) continue;
    let at = found.length;
    while (at > 0 && similarities[found[at - 1]!]! < similarities[row]!) at--;
    found.splice(at, 0, row);
    if (found.length > count) found.pop();
  }
  return found;
}

/** Rows of four words, undefined for those there are no vectors of. */
export interface RowsOfAnalogy {
  readonly rows: readonly (number | undefined)[];
  readonly relation: string;
}

/** What answering analogies found, of one relation. */
export interface AnalogyScore {
  readonly relation: string;
  readonly right: number;
  /** Those all of whose words are known. */
  readonly asked: number;
  readonly given: number;
}

/** Analogies that are answered at a time. */
const AT_A_TIME = 64;

/**
 * Answers analogies: the word nearest to b − a + c that is none of the three (Mikolov et al. 2013, "Efficient estimation of word
 * representations in vector space", section 4).
 * @param among which words may be answers, and be asked about
 */
export async function scoreAnalogies(
  analogies: readonly RowsOfAnalogy[],
  similar: Similar,
  among: Among = {},
  onProgress?: (done: number, of: number) => void,
): Promise<AnalogyScore[]> {
  const { last = Number.POSITIVE_INFINITY } = among;
  const scores = new Map<string, { right: number; asked: number; given: number }>();
  const scoreOf = (relation: string) => {
    const score = scores.get(relation) ?? { right: 0, asked: 0, given: 0 };
    scores.set(relation, score);
    return score;
  };
  const asked = analogies.filter(({ rows, relation }) => {
    scoreOf(relation).given++;
    return rows.every((row) => row !== undefined && row < last);
  });
  for (let from = 0; from < asked.length; from += AT_A_TIME) {
    const part = asked.slice(from, from + AT_A_TIME);
    const found = await similar(
      part.map(({ rows: [a, b, c] }) => ({ rows: [b!, a!, c!], signs: [1, -1, 1] })),
    );
    part.forEach(({ rows, relation }, index) => {
      const score = scoreOf(relation);
      score.asked++;
      if (nearest(found[index]!, 1, rows.slice(0, 3) as number[], among)[0] === rows[3]) score.right++;
    });
    onProgress?.(from + part.length, asked.length);
  }
  return [...scores].map(([relation, score]) => ({ relation, ...score }));
}

/** The share of analogies that are answered rightly; undefined where none can be asked. */
export function shareRight(scores: readonly AnalogyScore[]): number | undefined {
  const sum = (key: "right" | "asked") => scores.reduce((total, score) => total + score[key], 0);
  return sum("asked") > 0 ? sum("right") / sum("asked") : undefined;
}

/** How similar people find two words, with their rows; undefined for words there are no vectors of. */
export interface RatedPair {
  readonly rows: readonly [number | undefined, number | undefined];
  readonly rating: number;
}

/** The rank correlation of cosines with what people say, over pairs both of whose words are known. */
export async function scoreSimilarity(
  pairs: readonly RatedPair[],
  similar: Similar,
): Promise<{ readonly correlation: number | undefined; readonly asked: number; readonly given: number }> {
  const asked = pairs.filter(({ rows }) => rows.every((row) => row !== undefined));
  const cosines: number[] = [];
  for (let from = 0; from < asked.length; from += AT_A_TIME) {
    const part = asked.slice(from, from + AT_A_TIME);
    const found = await similar(part.map(({ rows: [first] }) => ({ rows: [first!], signs: [1] })));
    part.forEach(({ rows: [, second] }, index) => {
      cosines.push(found[index]![second!]!);
    });
  }
  const correlation = rankCorrelation(
    cosines,
    asked.map(({ rating }) => rating),
  );
  return { correlation, asked: asked.length, given: pairs.length };
}
