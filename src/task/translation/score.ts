import type { Pair } from "../../data/index.js";
import { type AlignmentCounts, addCounts, countAlignment, linksOf, NO_COUNTS } from "../../explain/index.js";
import type { Scoring } from "../contract.js";
import { type ForcedScores, scoreForced } from "../forced.js";
import type { TextVocabularies } from "../vocabularies.js";

/** What teacher-forced scoring of pairs finds. */
export interface Scores extends ForcedScores {
  /** Comparison of the attention with the gold alignment; nothing proposed where either is missing. */
  readonly alignment: AlignmentCounts;
  /** How many target words with a known source there are, and how often such a word looks at it most. */
  readonly pointing: { readonly words: number; readonly hits: number };
}

/** What a task tells of how sentences were scored. */
export type Measures = (scores: Scores, vocabularies: TextVocabularies) => Readonly<Record<string, number>>;

/** Scores pairs against their own targets. */
export async function scorePairs(
  scoring: Scoring<Pair, TextVocabularies>,
  pairs: readonly Pair[],
): Promise<Scores> {
  let alignment = NO_COUNTS;
  const pointing = { words: 0, hits: 0 };
  const scores = await scoreForced(scoring, pairs, (pair, weights) => {
    const { source, links } = pair;
    const rows = weightsOfWords(weights, pair, scoring.prepared);
    for (const { source, target } of links ?? []) {
      const row = rows[target]!;
      pointing.words++;
      if (row.indexOf(Math.max(...row)) === source) pointing.hits++;
    }
    if (links) alignment = addCounts(alignment, countAlignment(linksOf(rows, source.length), links));
    return { rows, places: source.length };
  });
  return { ...scores, alignment, pointing };
}

/**
 * Attention of target words over source words and the source's end, [target, source + 1]. Pieces of a source word add
 * up, pieces of a target word are averaged, so that a row still adds up to 1.
 */
function weightsOfWords(
  weights: readonly ArrayLike<number>[],
  pair: Pair,
  vocabularies: TextVocabularies,
): number[][] {
  const source = vocabularies.source.segment(pair.source).wordOf;
  const target = vocabularies.target.segment(pair.target).wordOf;
  const rows = pair.target.map(() => new Array<number>(pair.source.length + 1).fill(0));
  const pieces = pair.target.map(() => 0);
  for (const word of target) pieces[word]!++;
  target.forEach((word, row) => {
    const places = weights[row]!;
    for (let place = 0; place <= source.length; place++)
      rows[word]![source[place] ?? pair.source.length]! += places[place]! / pieces[word]!;
  });
  return rows;
}
