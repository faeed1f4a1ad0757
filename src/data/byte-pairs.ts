import { UsageError } from "../core/index.js";
import { lettersOf, surfaceOf } from "./text.js";

/** Marks a piece that its word goes on after, as in "cof@@ fee". */
const CONTINUES = "@@";

/** Pieces as words: those that continue are joined to what follows. */
export function joinPieces(pieces: readonly string[]): string[] {
  const words: string[] = [];
  let begun = "";
  for (const piece of pieces) {
    if (piece.endsWith(CONTINUES) && piece.length > CONTINUES.length)
      begun += piece.slice(0, -CONTINUES.length);
    else {
      words.push(begun + piece);
      begun = "";
    }
  }
  return begun === "" ? words : [...words, begun];
}

/** The letters of a word, all but the last marked as continuing. */
const letters = (word: string): string[] =>
  lettersOf(word).map((letter, index, all) => (index < all.length - 1 ? letter + CONTINUES : letter));

const joined = (left: string, right: string): string => left.slice(0, -CONTINUES.length) + right;

const key = (left: string, right: string): string => `${left} ${right}`;

/** A word being merged: its pieces now, and how often it occurs. */
interface Entry {
  pieces: string[];
  readonly count: number;
}

/**
 * Byte-pair encoding of words (Sennrich, Haddow & Birch 2016, algorithm 1), over Unicode letters: the most frequent
 * pair of neighbouring pieces becomes a piece, again and again. The word's end is told by the lack of a mark.
 */
export class BytePairs {
  readonly #ranks: ReadonlyMap<string, number>;
  readonly #pieces: ReadonlySet<string>;
  readonly #known = new Map<string, readonly string[]>();

  constructor(
    readonly pieces: readonly string[],
    /** Pairs that are merged, first ones first. */
    readonly merges: readonly (readonly [left: string, right: string])[],
  ) {
    this.#pieces = new Set(pieces);
    this.#ranks = new Map(merges.map(([left, right], rank) => [key(left, right), rank]));
  }

  /**
   * Learns merges from words and how often they occur, until there are `size` pieces or no pair occurs `atLeast` times
   * (twice, where less is asked for). Equally frequent pairs are taken in order of their letters. Every letter is a piece
   * both where a word ends with it and where it goes on, so that a word of known letters is never unknown.
   * @throws UsageError where `size` has no room for the letters
   */
  static learn(
    words: ReadonlyMap<string, number>,
    { size, atLeast }: { size: number; atLeast: number },
  ): BytePairs {
    const entries: Entry[] = [...words].map(([word, count]) => ({ pieces: letters(word), count }));
    const plain = [...new Set([...words.keys()].flatMap(lettersOf).map(surfaceOf))];
    const pieces = new Set(
      [
        ...entries.flatMap((entry) => entry.pieces),
        ...plain.flatMap((letter) => [letter, letter + CONTINUES]),
      ].sort(),
    );
    if (pieces.size > size)
      throw new UsageError(
        `a vocabulary of ${size} byte pairs has no room for the ${plain.length} letters of the training text, which take ${pieces.size} pieces as words end with them and go on after them; give --vocabulary-size ${pieces.size} or more, or --vocabulary word.`,
      );
    // For each pair: how often it occurs, and the words it occurs in.
    const counts = new Map<string, number>();
    const places = new Map<string, Set<Entry>>();
    const tally = (entry: Entry, sign: 1 | -1): void => {
      for (let index = 0; index + 1 < entry.pieces.length; index++) {
        const pair = key(entry.pieces[index]!, entry.pieces[index + 1]!);
        counts.set(pair, (counts.get(pair) ?? 0) + sign * entry.count);
        if (sign < 0) continue;
        const found = places.get(pair);
        if (found) found.add(entry);
        else places.set(pair, new Set([entry]));
      }
    };
    for (const entry of entries) tally(entry, 1);
    const merges: [string, string][] = [];
    while (pieces.size < size) {
      let best: string | undefined;
      let most = Math.max(2, atLeast) - 1;
      for (const [pair, count] of counts)
        if (count > most || (count === most && best !== undefined && pair < best))
          [best, most] = [pair, count];
      if (best === undefined) break;
      const [left, right] = best.split(" ") as [string, string];
      for (const entry of places.get(best)!) {
        tally(entry, -1);
        entry.pieces = merge(entry.pieces, left, right);
        tally(entry, 1);
      }
      counts.delete(best);
      places.delete(best);
      merges.push([left, right]);
      pieces.add(joined(left, right));
    }
    return new BytePairs([...pieces], merges);
  }

  /** The pieces of a word; letters that were never seen stay as they are. */
  split(word: string): readonly string[] {
    const known = this.#known.get(word);
    if (known) return known;
    // A letter that no word had with these marks is read without them.
    let pieces = letters(word).map((piece) => (this.#pieces.has(piece) ? piece : surfaceOf(piece)));
    for (;;) {
      let first = Number.POSITIVE_INFINITY;
      for (let index = 0; index + 1 < pieces.length; index++)
        first = Math.min(first, this.#ranks.get(key(pieces[index]!, pieces[index + 1]!)) ?? first);
      if (first === Number.POSITIVE_INFINITY) break;
      pieces = merge(pieces, ...(this.merges[first] as [string, string]));
    }
    this.#known.set(word, pieces);
    return pieces;
  }
}

/** Every occurrence of a pair as one piece, from the left. */
function merge(pieces: readonly string[], left: string, right: string): string[] {
  const result: string[] = [];
  for (let index = 0; index < pieces.length; index++) {
    const found = pieces[index] === left && pieces[index + 1] === right;
    result.push(found ? joined(left, right) : pieces[index]!);
    if (found) index++;
  }
  return result;
}
