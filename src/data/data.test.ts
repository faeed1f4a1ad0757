import { describe, expect, test } from "vitest";
import { END, hashString, Random, START, UNKNOWN } from "../core/index.js";
import {
  bilingual,
  bilingualReversed,
  drawSentence,
  generate,
  LONGEST,
  LONGEST_IN_TRAINING,
  type Sentence,
  splitOf,
} from "./generate/bilingual/index.js";
import {
  Batches,
  DEMONSTRATION,
  detokenise,
  joinPieces,
  surfaceOf,
  tokenBatch,
  tokenise,
  Vocabulary,
} from "./index.js";

const sizes = { train: 3000, validation: 50, test: 100, "test-long": 50, "test-combinations": 50 };

describe("bilingual", () => {
  /** What a million draws bring: how many are distinct, and the first of some kinds of sentence. */
  const survey = (() => {
    const random = new Random(5, "survey");
    // Two hashes instead of a string; a collision would only lower the count or raise a false alarm.
    const code = (text: string) => hashString(text) * 2 ** 21 + (hashString(`~ ${text}`) % 2 ** 21);
    const spanishOf = new Map<number, number>();
    const englishOf = new Map<number, number>();
    const found = new Map<string, Sentence>();
    const ambiguous: string[] = [];
    for (let count = 0; count < 1_200_000; count++) {
      const sentence = drawSentence(random);
      const [source, target] = [sentence.source.join(" "), sentence.target.join(" ")];
      const [english, spanish] = [code(source), code(target)];
      if ((spanishOf.get(english) ?? spanish) !== spanish) ambiguous.push(source);
      if ((englishOf.get(spanish) ?? english) !== english) ambiguous.push(target);
      spanishOf.set(english, spanish);
      englishOf.set(spanish, english);
      if (sentence.source.length <= 5) found.set(source, sentence);
    }
    return { distinct: spanishOf.size, ambiguous, found };
  })();
  const find = (english: string): Sentence => survey.found.get(english)!;

  test("has over a million distinct pairs, each a function both ways", () => {
    expect(survey.distinct).toBeGreaterThan(1_000_000);
    expect(survey.ambiguous).toEqual([]);
  });

  test("says what it should, and links what belongs together", () => {
    const coffee = find(DEMONSTRATION);
    expect(coffee.target).toEqual(["me", "encanta", "el", "café"]);
    expect(coffee.links).toEqual([
      { source: 0, target: 0, sure: true },
      { source: 1, target: 1, sure: true },
      { source: 2, target: 2, sure: false },
      { source: 2, target: 3, sure: true },
    ]);
    expect(find("Ana likes apples").target).toEqual(["a", "Ana", "le", "gustan", "las", "manzanas"]);
    expect(find("you do not drink water").target).toEqual(["no", "bebes", "agua"]);
    const first = (pattern: RegExp): Sentence =>
      [...survey.found].find(([english]) => pattern.test(english))![1];
    expect(first(/^is the \w+ dirty \?$/).target.join(" ")).toMatch(/^¿ está (el|la) \S+ suci[oa] \?$/);
    expect(first(/^\w+ \w+ near the river$/).target.slice(-3)).toEqual(["cerca", "del", "río"]);
    const inverted = first(/black cats$/);
    expect(inverted.target.slice(-2)).toEqual(["gatos", "negros"]);
    const [last, words] = [inverted.source.length - 1, inverted.target.length - 1];
    expect(inverted.links!.filter(({ source }) => source >= last - 1)).toEqual([
      { source: last - 1, target: words, sure: true },
      { source: last, target: words - 1, sure: true },
    ]);
  });

  const data = generate(1, sizes);
  const text = (pair: { source: readonly string[] }) => pair.source.join(" ");

  test("uses over 300 words a side, and every word of a test is in training", () => {
    const all = generate(1, { ...sizes, train: 20_000 });
    for (const side of ["source", "target"] as const) {
      const known = new Set(all.train.flatMap((pair) => pair[side]));
      expect(known.size).toBeGreaterThan(300);
      for (const pair of [...all.test, ...all["test-long"], ...all["test-combinations"]])
        for (const word of pair[side]) expect(known).toContain(word);
    }
  });

  test("keeps its splits apart: by sentence, by length, by combination", () => {
    const seen = new Set(data.train.map(text));
    expect(seen.size).toBe(data.train.length);
    for (const split of ["validation", "test", "test-long", "test-combinations"] as const) {
      expect(data[split]).toHaveLength(sizes[split]);
      for (const pair of data[split]) expect(seen).not.toContain(text(pair));
    }
    const length = ({ source, target }: { source: readonly string[]; target: readonly string[] }) =>
      Math.max(source.length, target.length);
    expect(Math.max(...data.train.map(length))).toBe(LONGEST_IN_TRAINING);
    expect(Math.min(...data["test-long"].map(length))).toBeGreaterThan(LONGEST_IN_TRAINING);
    expect(Math.max(...data["test-long"].map(length))).toBeLessThanOrEqual(LONGEST);
    expect(splitOf(find(DEMONSTRATION))).toBe("test");
    const other = new Set(generate(2, sizes).train.map(text));
    for (const pair of data.test) expect(other).not.toContain(text(pair));
    expect(generate(1, sizes)).toEqual(data);
  }, 60_000);

  test("turned round, source and target and their links change places", async () => {
    const [forward, reversed] = await Promise.all([bilingual.load(3), bilingualReversed.load(3)]);
    const [pair, turned] = [forward.train[0]!, reversed.train[0]!];
    expect(turned.source).toEqual(pair.target);
    expect(turned.target).toEqual(pair.source);
    expect(turned.links).toEqual(
      pair.links!.map(({ source, target, sure }) => ({ source: target, target: source, sure })),
    );
  });
});

describe("vocabulary", () => {
  const vocabulary = Vocabulary.of([
    ["b", "a", "b"],
    ["Ana", "a", "b", "c"],
  ]);

  test("ranks words by how often they occur", () => {
    expect(vocabulary.words).toEqual(["<pad>", "<start>", "<end>", "<unknown>", "b", "a", "Ana", "c"]);
    expect(Vocabulary.of([["b", "a", "b"]], { size: 1 }).words.at(-1)).toBe("b");
    expect(Vocabulary.of([["b", "a", "b"]], { atLeast: 2 }).size).toBe(5);
  });

  test("finds words whatever their case, and marks unknown ones", () => {
    expect(vocabulary.encode(["B", "ana", "zebra"], { start: true })).toEqual([START, 4, 6, UNKNOWN, END]);
    expect(vocabulary.decode([4, 6])).toEqual(["b", "Ana"]);
    // Texts without capitals: what only began sentences is known inside of others.
    const small = Vocabulary.of([tokenise("rain falls"), tokenise("rain stops")]);
    expect(small.encode(tokenise("It stops, rain stops.")).includes(small.encode(tokenise("rain"))[0]!)).toBe(
      true,
    );
    expect(Vocabulary.from(vocabulary.words)).toEqual(vocabulary);
    expect(() => Vocabulary.from(["a", "b"])).toThrow(
      "a vocabulary must begin with <pad>, <start>, <end>, <unknown>, not a, b.",
    );
  });

  test("byte pairs merge what is most frequent first (Sennrich et al. 2016)", () => {
    const times = (word: string, count: number) => new Array<string[]>(count).fill([word]);
    const corpus = [...times("low", 5), ...times("lower", 2), ...times("newest", 6), ...times("widest", 3)];
    const learned = Vocabulary.of(corpus, { kind: "byte-pair" });
    const stored = learned.toJSON() as { pieces: string[]; merges: [string, string][] };
    // By hand: es 9, then est 9, l o 7, and ties of 6 in order of their letters.
    expect(stored.merges.slice(0, 6)).toEqual([
      ["e@@", "s@@"],
      ["es@@", "t"],
      ["l@@", "o@@"],
      ["e@@", "w@@"],
      ["ew@@", "est"],
      ["n@@", "ewest"],
    ]);
    expect(learned.segment(["newest", "lowest", "x"])).toMatchObject({
      pieces: ["newest", "low@@", "est", "x"],
      wordOf: [0, 1, 1, 2],
    });
    expect(learned.segment(["x"]).tokens).toEqual([UNKNOWN]);
    expect(learned.decode(learned.segment(["lowest", "wider"]).tokens)).toEqual(["lowest", "wider"]);
    const small = Vocabulary.of(corpus, { kind: "byte-pair", size: 23 });
    expect(small.size).toBe(4 + 23);
    const again = Vocabulary.from(JSON.parse(JSON.stringify(learned)));
    expect(again.kind).toBe("byte-pair");
    expect(again.encode(["slowest"])).toEqual(learned.encode(["slowest"]));
  });

  test("byte pairs know every letter wherever it stands in a word", () => {
    const learned = Vocabulary.of([tokenise("kit jam: 10/7 ‿"), tokenise("Quo (vadis)?")], {
      kind: "byte-pair",
    });
    for (const text of ["tik", "majk", "071", "7:1", "oQu", "a/k", "dav ?", "(m)", "sj‿a"]) {
      const words = tokenise(text);
      expect(learned.segment(words).tokens, text).not.toContain(UNKNOWN);
      expect(
        joinPieces(learned.spell(learned.segment(words).tokens))
          .map(surfaceOf)
          .join(""),
      ).toBe(words.map(surfaceOf).join(""));
    }
    expect(learned.segment(tokenise("taxi")).tokens).toContain(UNKNOWN);
  });

  test("byte pairs that have no room for the letters are refused", () => {
    const of = (size: number) => Vocabulary.of([["abc", "cab"]], { kind: "byte-pair", size });
    expect(of(6).size).toBe(4 + 6);
    expect(() => of(5)).toThrow(
      "a vocabulary of 5 byte pairs has no room for the 3 letters of the training text, which take 6 pieces as words end with them and go on after them; give --vocabulary-size 6 or more, or --vocabulary word.",
    );
  });

  test("generated sentences are read as they are", () => {
    for (const side of ["source", "target"] as const) {
      const sentences = generate(1, { ...sizes, train: 5000 }).train.map((pair) => pair[side]);
      const known = Vocabulary.of(sentences);
      for (const words of sentences) {
        expect(known.spell(known.segment(words).tokens)).toEqual(words);
        expect(known.segment(tokenise(detokenise(words))).tokens).toEqual(known.segment(words).tokens);
      }
    }
  });
});

describe("batches", () => {
  const lengths = Array.from({ length: 23 }, (_, index) => (index % 7) + 1);

  test("pads to the longest, a column each", () => {
    expect(tokenBatch([[5, 6, 7], [8]])).toEqual({
      length: 3,
      count: 2,
      data: Int32Array.of(5, 8, 6, 0, 7, 0),
    });
  });

  test("an epoch has every pair at most once, and a step's batch depends on seed and step alone", () => {
    const batches = new Batches(lengths, 5, 1);
    expect(batches.perEpoch).toBe(4);
    const epoch = [0, 1, 2, 3].flatMap((step) => batches.at(step));
    expect(new Set(epoch).size).toBe(20);
    const later = batches.at(9);
    expect(new Batches(lengths, 5, 1).at(9)).toEqual(later);
    expect(new Batches(lengths, 5, 2).at(9)).not.toEqual(later);
  });

  test.each([
    [65, 16],
    [65, 64],
    [100, 64],
    [127, 64],
    [521, 16],
    [2047, 16],
    [2047, 64],
  ])("over many passes each of %i items is trained on as often, at a batch of %i", (count, size) => {
    // The longest come last where a bucket is sorted: they must not be the ones that are left out.
    const batches = new Batches(
      Array.from({ length: count }, (_, index) => index),
      size,
      3,
    );
    const passes = 31;
    const times = new Array<number>(count).fill(0);
    for (let step = 0; step < passes * batches.perEpoch; step++)
      for (const index of batches.at(step)) times[index]!++;
    expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(1);
    expect(times.reduce((a, b) => a + b, 0)).toBe(passes * batches.perEpoch * size);
    const epoch = Array.from({ length: batches.perEpoch }, (_, step) => batches.at(step)).flat();
    expect(new Set(epoch).size).toBe(batches.perEpoch * size);
  });

  test.each(Array.from({ length: 20 }, (_, seed) => seed))(
    "of any number of items, in batches of any size, each is trained on as often: seed %i",
    (seed) => {
      const random = new Random(seed, "sizes");
      const size = [16, 64, 1 + Math.floor(random.uniform() * 61)][seed % 3]!;
      const count = Math.max(size, 65) + Math.floor(random.uniform() * (2048 - Math.max(size, 65)));
      // Lengths of texts are not all different.
      const batches = new Batches(
        Array.from({ length: count }, () => Math.floor(random.uniform() ** 3 * 90)),
        size,
        seed,
      );
      const times = new Array<number>(count).fill(0);
      for (let step = 0; step < 13 * batches.perEpoch; step++)
        for (const index of batches.at(step)) times[index]!++;
      expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(1);
      const last = Array.from({ length: batches.perEpoch }, (_, step) =>
        batches.at(5 * batches.perEpoch + step),
      );
      expect(new Set(last.flat()).size).toBe(batches.perEpoch * size);
    },
  );

  test("fewer pairs than a batch are refused", () => {
    expect(() => new Batches(lengths, 64, 1)).toThrow(
      "a batch holds 64 pairs but there are only 23 for training; give --batch 23 or less, or more data.",
    );
  });
});
