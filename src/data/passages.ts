/** Words of a stretch of text as numbers of a list that all stretches share: 4 bytes a word, however long the text. */
interface Numbered {
  readonly words: readonly string[];
  readonly numbers: Int32Array;
}

/** Numbers that are kept together. */
const STRETCH = 1 << 20;

/** What may be known of a passage beside its words. */
export interface Known {
  /** Of each word, whether it is taken away; absent where all are added. */
  readonly less?: readonly boolean[];
  /** Of each word, the place of the one that decides it; −1 where none does, absent where that is not known. */
  readonly governors?: readonly number[];
  /** Where sentences end: the place behind the last word of each; absent where it is one. */
  readonly ends?: readonly number[];
  /** Of each sentence, the number of what it says, however it is worded; absent where that is not known. */
  readonly meanings?: readonly number[];
}

/** Words that stand together, such as a paragraph; or words that are added up and taken away. */
export class Passage implements Known {
  readonly less?: readonly boolean[];
  readonly governors?: readonly number[];
  readonly ends?: readonly number[];
  readonly meanings?: readonly number[];

  /** @param from the first of its words in the stretch, and the one after its last */
  constructor(
    private readonly text: Numbered,
    private readonly from: number,
    private readonly to: number,
    known: Known = {},
  ) {
    Object.assign(this, known);
  }

  /** A passage of its own. */
  static of(words: readonly string[], less?: readonly boolean[]): Passage {
    return new Passage(
      { words, numbers: Int32Array.from(words.keys()) },
      0,
      words.length,
      less ? { less } : {},
    );
  }

  /** Its sentences, one after another. */
  get sentences(): Passage[] {
    return (this.ends ?? [this.length]).map((end, index, ends) => {
      const meaning = this.meanings?.[index];
      return new Passage(
        this.text,
        this.from + (ends[index - 1] ?? 0),
        this.from + end,
        meaning === undefined ? {} : { meanings: [meaning] },
      );
    });
  }

  get length(): number {
    return this.to - this.from;
  }

  /** Every different word of the text it is of; the same list for all passages of one. */
  get lexicon(): readonly string[] {
    return this.text.words;
  }

  /** Its words, by their places in `lexicon`. */
  get numbers(): Int32Array {
    return this.text.numbers.subarray(this.from, this.to);
  }

  get words(): string[] {
    return Array.from(this.numbers, (number) => this.lexicon[number]!);
  }

  /** What is told of it where it is written down: its words. */
  toJSON(): string {
    return this.words.join(" ");
  }
}

/** Makes passages one after another. */
export class Passages {
  readonly #words: string[] = [];
  readonly #numberOf = new Map<string, number>();
  #numbers = new Int32Array(STRETCH);
  #used = 0;

  /** The next passage. */
  add(words: readonly string[], known: Known = {}): Passage {
    if (this.#used + words.length > this.#numbers.length) {
      this.#numbers = new Int32Array(Math.max(STRETCH, words.length));
      this.#used = 0;
    }
    const from = this.#used;
    for (const word of words) {
      let number = this.#numberOf.get(word);
      if (number === undefined) {
        number = this.#words.length;
        this.#numberOf.set(word, number);
        this.#words.push(word);
      }
      this.#numbers[this.#used++] = number;
    }
    return new Passage({ words: this.#words, numbers: this.#numbers }, from, this.#used, known);
  }
}
