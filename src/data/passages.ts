/** What may be known of a passage beside its words. */
export interface Known {
  /** Of each word, whether it is taken away; absent where all are added. */
  readonly less?: readonly boolean[] | undefined;
  /** Of each word, the place of the one that decides it; −1 where none does, absent where that is not known. */
  readonly governors?: readonly number[] | undefined;
  /** Where sentences end: the place behind the last word of each; absent where it is one. */
  readonly ends?: readonly number[] | undefined;
  /** Of each sentence, the number of what it says, however it is worded; absent where that is not known. */
  readonly meanings?: readonly number[] | undefined;
}

/** Words that stand together, such as a paragraph; or words that are added up and taken away. */
export abstract class Passage implements Known {
  /** Every different word of the text it is of; the same list for all passages of one. */
  abstract readonly lexicon: readonly string[];
  /** Its words, by their places in `lexicon`. */
  abstract readonly numbers: Int32Array;
  protected abstract readonly known: Known;

  /** A passage of its own. */
  static of(words: readonly string[], less?: readonly boolean[]): Passage {
    return new OwnPassage(words, Int32Array.from(words.keys()), { less });
  }

  get length(): number {
    return this.numbers.length;
  }

  get words(): string[] {
    return Array.from(this.numbers, (number) => this.lexicon[number]!);
  }

  get less(): readonly boolean[] | undefined {
    return this.known.less;
  }

  get governors(): readonly number[] | undefined {
    return this.known.governors;
  }

  get ends(): readonly number[] | undefined {
    return this.known.ends;
  }

  get meanings(): readonly number[] | undefined {
    return this.known.meanings;
  }

  /** Its sentences, one after another. */
  get sentences(): Passage[] {
    const { lexicon, numbers, meanings } = this;
    return (this.ends ?? [numbers.length]).map((end, index, ends) => {
      const meaning = meanings?.[index];
      return new OwnPassage(
        lexicon,
        numbers.subarray(ends[index - 1] ?? 0, end),
        meaning === undefined ? {} : { meanings: [meaning] },
      );
    });
  }

  /** What is told of it where it is written down: its words. */
  toJSON(): string {
    return this.words.join(" ");
  }
}

class OwnPassage extends Passage {
  constructor(
    readonly lexicon: readonly string[],
    readonly numbers: Int32Array,
    protected readonly known: Known,
  ) {
    super();
  }
}

/** A passage of many, of which as little is kept as can be: there may be millions. */
class KeptPassage extends Passage {
  constructor(
    private readonly text: Passages,
    private readonly index: number,
  ) {
    super();
  }

  get lexicon(): readonly string[] {
    return this.text.lexicon;
  }

  get numbers(): Int32Array {
    return this.text.numbersOf(this.index);
  }

  protected get known(): Known {
    return this.text.knownOf(this.index);
  }
}

/** Numbers one after another, 4 bytes each. */
class Column {
  #numbers = new Int32Array(1 << 10);
  length = 0;

  push(number: number): void {
    if (this.length === this.#numbers.length) {
      const grown = new Int32Array(Math.ceil(1.5 * this.length));
      grown.set(this.#numbers);
      this.#numbers = grown;
    }
    this.#numbers[this.length++] = number;
  }

  at(index: number): number {
    return this.#numbers[index]!;
  }

  from(start: number, end: number): number[] {
    return Array.from(this.#numbers.subarray(start, end));
  }
}

/** Numbers of words that are kept together. */
const STRETCH = 1 << 20;

/** Makes passages one after another: 4 bytes a word, however long the text, and some tens for each passage. */
export class Passages {
  readonly lexicon: string[] = [];
  readonly #numberOf = new Map<string, number>();
  readonly #stretches: Int32Array[] = [];
  #used = STRETCH;
  /** Of each passage: its stretch, its first word in it, how many it has, and the number of the first of its ends. */
  readonly #stretch = new Column();
  readonly #first = new Column();
  readonly #count = new Column();
  readonly #firstEnd = new Column();
  readonly #ends = new Column();
  /** What else is known of passages, by their numbers. */
  readonly #others = new Map<number, Known>();

  /** The next passage. */
  add(words: readonly string[], { ends, ...others }: Known = {}): Passage {
    if (this.#used + words.length > STRETCH) {
      this.#stretches.push(new Int32Array(Math.max(STRETCH, words.length)));
      this.#used = 0;
    }
    const index = this.#count.length;
    this.#stretch.push(this.#stretches.length - 1);
    this.#first.push(this.#used);
    this.#count.push(words.length);
    this.#firstEnd.push(this.#ends.length);
    for (const end of ends ?? []) this.#ends.push(end);
    if (Object.keys(others).length > 0) this.#others.set(index, others);
    const numbers = this.#stretches.at(-1)!;
    for (const word of words) {
      let number = this.#numberOf.get(word);
      if (number === undefined) {
        number = this.lexicon.length;
        this.#numberOf.set(word, number);
        this.lexicon.push(word);
      }
      numbers[this.#used++] = number;
    }
    return new KeptPassage(this, index);
  }

  numbersOf(index: number): Int32Array {
    const first = this.#first.at(index);
    return this.#stretches[this.#stretch.at(index)]!.subarray(first, first + this.#count.at(index));
  }

  knownOf(index: number): Known {
    const from = this.#firstEnd.at(index);
    const to = index + 1 < this.#count.length ? this.#firstEnd.at(index + 1) : this.#ends.length;
    return { ...this.#others.get(index), ends: to > from ? this.#ends.from(from, to) : undefined };
  }
}
