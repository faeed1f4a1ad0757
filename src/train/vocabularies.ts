import { type EncodedPair, type Pair, type ParallelData, Vocabulary } from "../data/index.js";

export interface Vocabularies {
  readonly source: Vocabulary;
  readonly target: Vocabulary;
}

/** The vocabularies that a dataset's training pairs call for. */
export const vocabulariesOf = (
  data: ParallelData,
  options: Parameters<typeof Vocabulary.of>[1] = {},
): Vocabularies => ({
  source: Vocabulary.of(
    data.train.map(({ source }) => source),
    options,
  ),
  target: Vocabulary.of(
    data.train.map(({ target }) => target),
    options,
  ),
});

export const encodePair = (pair: Pair, { source, target }: Vocabularies): EncodedPair => ({
  source: source.encode(pair.source),
  target: target.encode(pair.target, { start: true }),
});
