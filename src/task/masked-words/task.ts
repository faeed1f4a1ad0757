import { z } from "zod";
import {
  END,
  hashString,
  PAD,
  prefixed,
  Random,
  RegardError,
  START,
  UNKNOWN,
  UsageError,
} from "../../core/index.js";
import { Passage, tokenBatch, Vocabulary, wordsAlone } from "../../data/index.js";
import { tokensValue } from "../../decode/index.js";
import { meanOfHeads, rankCorrelation, rollout } from "../../explain/index.js";
import type { MaskedWordSizes } from "../../models/index.js";
import { input, logSoftmax, squeeze, takeAlongAxis, transpose, unsqueeze } from "../../ops/index.js";
import type { Value, Values } from "../../session/index.js";
import type { Scoring, Task, Use } from "../contract.js";
import { scoreForced } from "../forced.js";
import { measured } from "../scores.js";
import { remembered } from "../targets.js";
import { withWords } from "../vocabularies.js";
import { lostWithoutHeads } from "./ablation.js";

/** Words of training, how many of them two texts have at most with the marks around, and texts that follow nothing, for scoring. */
interface PreparedTexts {
  readonly words: Vocabulary;
  readonly longest: number;
  readonly others: readonly (readonly string[])[];
}

/** What was guessed for each masked word, with the likeliest, and how likely the second text follows. */
interface Guessed {
  readonly tokens: readonly number[];
  readonly likeliest: readonly (readonly { readonly token: number; readonly probability: number }[])[];
  readonly follows: number;
}

/** What stands for a masked word, and for it in a text that people write. */
const [MASK, BLANK] = ["<mask>", "_"] as const;
/** What parts two texts where it is said. */
const BREAK = "/";
/** The share of words that are guessed, and of these the shares that are masked and exchanged; the others are left as they are (section 3.1). */
const [GUESSED, MASKED, EXCHANGED] = [0.15, 0.8, 0.1] as const;
/** Tokens that two texts may have at most. */
const MOST_TOKENS = 128;
/** Texts that are kept to follow nothing, and guesses that are shown. */
const [OTHERS, SHOWN] = [200, 6] as const;
/** Words of a passage that are decided by another and are asked for in validation. */
const ASKED = 3;

const stored = z.object({
  words: z.array(z.string()),
  longest: z.int().min(3),
  others: z.array(z.array(z.string())),
});

const maskOf = remembered((words: Vocabulary) => words.segment([MASK]).tokens[0]!);

/** A passage as two texts: at what parts it, or behind its first full stop; all of it is the first where it has neither. */
function parted(words: readonly string[]): readonly [first: number, second: number] {
  const at = words.indexOf(BREAK);
  if (at >= 0) return [at, at + 1];
  const stop = words.indexOf(".") + 1;
  return stop > 0 ? [stop, stop] : [words.length, words.length];
}

/** The same for training, where there are always two: the halves of a text that says of none. */
function halves(words: readonly string[]): readonly [first: number, second: number] {
  const [end, from] = parted(words);
  const middle = Math.ceil(words.length / 2);
  return from < words.length ? [end, from] : [middle, middle];
}

/** The second text of each passage. */
const secondsOf = (passages: readonly Passage[]): (readonly string[])[] =>
  passages.map(({ words }) => words.slice(halves(words)[1]));

/** Two texts as a model reads them: marks around them, and the place of every word of the passage. */
interface Laid {
  readonly tokens: number[];
  readonly segments: readonly number[];
  /** Of each word of the passage, its place; −1 for what parts the texts, and for what is cut off. */
  readonly places: readonly number[];
}

function laid(words: readonly string[], { words: vocabulary, longest }: PreparedTexts): Laid {
  const [end, from] = parted(words);
  const { tokens: all } = vocabulary.segment(words);
  const most = longest - 3;
  const first = all.slice(0, Math.min(end, most));
  const second = all.slice(from, from + Math.max(0, most - first.length));
  const tokens = [START, ...first, END, ...(second.length > 0 ? [...second, END] : [])];
  return {
    tokens,
    segments: tokens.map((_, place) => (place > first.length + 1 ? 1 : 0)),
    places: words.map((_, index) => {
      if (index < end) return index < first.length ? 1 + index : -1;
      const behind = index - from;
      return behind >= 0 && behind < second.length ? first.length + 2 + behind : -1;
    }),
  };
}

/** What is read of a passage, and what is to be guessed of it. */
interface Reading extends Laid {
  /** Places that are guessed, and what is there; PAD where that is not asked. */
  readonly masked: readonly number[];
  readonly answers: readonly number[];
  /** Whether the second text follows the first; undefined where that is not asked. */
  readonly following: boolean | undefined;
}

/**
 * Masks words that are drawn, as in training.
 * @param others second texts of other passages: half of the passages go on with one of them
 */
function drawnReading(
  passage: Passage,
  prepared: PreparedTexts,
  others: PreparedTexts["others"],
  random: Random,
): Reading {
  const { words } = passage;
  const [end, from] = halves(words);
  const other = others.length > 0 && random.integer(2) === 0;
  const second = other ? others[random.integer(others.length)]! : words.slice(from);
  const asked = laid([...words.slice(0, end), BREAK, ...second], prepared);
  const open = asked.tokens.flatMap((token, place) => (token > UNKNOWN ? [place] : []));
  const masked = random.shuffle(open).slice(0, Math.max(1, Math.round(GUESSED * open.length)));
  // What decides a word of a text that follows nothing is not there. Such words are masked too, or masks would tell which texts follow.
  const undecided = (place: number) =>
    other && passage.governors !== undefined && asked.segments[place] === 1;
  const answers = masked.map((place) => (undecided(place) ? PAD : asked.tokens[place]!));
  for (const place of masked) {
    const chance = random.uniform();
    if (chance < MASKED) asked.tokens[place] = maskOf(prepared.words);
    else if (chance < MASKED + EXCHANGED)
      asked.tokens[place] = UNKNOWN + 1 + random.integer(prepared.words.size - UNKNOWN - 1);
  }
  return { ...asked, masked, answers, following: !other };
}

/** A passage as it is asked about: with what it masks itself, or with a word masked that another decides, or one that is drawn. */
function askedReading(passage: Passage, prepared: PreparedTexts): Reading {
  const own = passage.words;
  const hidden = own.includes(MASK) ? [] : drawnOf(askableOf(passage, prepared), passage);
  const asked = laid(own, prepared);
  const answers = laid(own, prepared).tokens;
  const mask = maskOf(prepared.words);
  for (const index of hidden) asked.tokens[asked.places[index]!] = mask;
  const masked = asked.tokens.flatMap((token, place) => (token === mask ? [place] : []));
  return {
    ...asked,
    masked,
    answers: masked.map((place) => (hidden.length > 0 ? answers[place]! : 0)),
    following: undefined,
  };
}

/** Words of a passage that can be asked for: those that another decides, or all where that is not known; read, and in the vocabulary. */
function askableOf({ words, governors }: Passage, prepared: PreparedTexts): number[] {
  const { tokens, places } = laid(words, prepared);
  return [...words.keys()].filter((index) => {
    const place = places[index]!;
    return place >= 0 && tokens[place]! > UNKNOWN && (governors?.[index] ?? 0) >= 0;
  });
}

/** One of them, always the same of a passage; none where there is none. */
const drawnOf = (askable: readonly number[], { words }: Passage): number[] =>
  askable.length > 0 ? [askable[hashString(words.join(" ")) % askable.length]!] : [];

function valuesOf(readings: readonly Reading[]): Values {
  // There is always a row, if only of padding.
  const grid = (rows: readonly (readonly number[])[]): Value =>
    tokensValue(tokenBatch(rows.map((row) => (row.length > 0 ? row : [PAD]))));
  const flags = (of: (reading: Reading) => boolean): Value => ({
    dtype: "float32",
    shape: [readings.length],
    data: Float32Array.from(readings, (one) => (of(one) ? 1 : 0)),
  });
  return {
    source: grid(readings.map(({ tokens }) => tokens)),
    segments: grid(readings.map(({ segments }) => segments)),
    masked: grid(readings.map(({ masked }) => masked)),
    answers: grid(readings.map(({ answers }) => answers)),
    following: flags(({ following }) => following === true),
    paired: flags(({ following }) => following !== undefined),
  };
}

/** What masked words are right, which head looks where the word that decides stands, and whether texts are told that follow. */
async function scored(scoring: Scoring<Passage, PreparedTexts>, passages: readonly Passage[]) {
  const { evaluator, parameters, prepared } = scoring;
  const { loss } = await scoreForced(scoring, passages);
  // Words that one other decides, one at a time; where that is not known, one of each passage.
  const asked = passages.flatMap((passage) => {
    const { words, governors } = passage;
    const askable = askableOf(passage, prepared);
    const places = governors ? askable.slice(0, ASKED) : drawnOf(askable, passage);
    return places.map((index) => ({
      passage: Passage.of(words.map((word, at) => (at === index ? MASK : word))),
      index,
      answer: prepared.words.segment(words).tokens[index]!,
      governor: governors?.[index],
    }));
  });
  const found = await evaluator.predict(
    parameters,
    asked.map(({ passage }) => passage),
  );
  let [right, known] = [0, 0];
  const hits = new Map<string, number>();
  found.forEach(({ outputs, looks }, number) => {
    const { passage, index, answer, governor } = asked[number]!;
    const [guess] = guessedOf(outputs, 1).tokens;
    if (guess === answer) right++;
    if (governor === undefined) return;
    const { places } = laid(passage.words, prepared);
    const [query, target] = [places[index]!, places[governor]!];
    if (query < 0 || target < 0) return;
    known++;
    for (const [name, { shape, data }] of Object.entries(looks)) {
      const [heads, queries, seen] = shape as [number, number, number];
      for (let head = 0; head < heads; head++) {
        const row = data.subarray((head * queries + query) * seen, (head * queries + query + 1) * seen);
        let best = 0;
        row.forEach((weight, place) => {
          if (weight > row[best]!) best = place;
        });
        const key = `${name}, head ${head + 1}`;
        hits.set(key, (hits.get(key) ?? 0) + (best === target ? 1 : 0));
      }
    }
  });
  const [best] = [...hits].sort(([, a], [, b]) => b - a);
  const follows = await tellsFollowing(scoring, passages);
  return {
    asked,
    hits,
    loss,
    masked: right / asked.length,
    ...measured({ pointing: best && best[1] / known, follows }),
    best: best?.[0],
  };
}

/** How often a text that follows is told from one that does not. */
async function tellsFollowing(
  { evaluator, parameters, prepared }: Scoring<Passage, PreparedTexts>,
  passages: readonly Passage[],
): Promise<number | undefined> {
  const { others } = prepared;
  if (others.length === 0) return undefined;
  const pairs = passages.map(({ words }, index) => {
    const [end, from] = halves(words);
    const follows = index % 2 === 0;
    const second = follows ? words.slice(from) : others[hashString(words.join(" ")) % others.length]!;
    return { follows, passage: Passage.of([...words.slice(0, end), BREAK, ...second]) };
  });
  const found = await evaluator.predict(
    parameters,
    pairs.map(({ passage }) => passage),
  );
  const right = found.filter(({ outputs }, index) => outputs.follows!.data[0]! > 0 === pairs[index]!.follows);
  return right.length / pairs.length;
}

/** What outputs of one example say: logits [P, V] and [1]. @param count how many words are masked */
function guessedOf({ logits, follows }: Values, count: number): Guessed {
  const [, V] = logits!.shape as [number, number];
  const likeliest = Array.from({ length: count }, (_, row) => {
    const scores = Array.from(logits!.data.subarray(row * V, (row + 1) * V));
    const most = scores.slice(UNKNOWN + 1).reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const total = scores.reduce((sum, score) => sum + Math.exp(score - most), 0);
    return scores
      .map((score, token) => ({ token, probability: Math.exp(score - most) / total }))
      .slice(UNKNOWN + 1)
      .sort((a, b) => b.probability - a.probability)
      .slice(0, SHOWN);
  });
  return {
    tokens: likeliest.map(([best]) => best!.token),
    likeliest,
    follows: 1 / (1 + Math.exp(-follows!.data[0]!)),
  };
}

const textOf = ({ words }: Passage): string => words.map((word) => (word === MASK ? BLANK : word)).join(" ");

/** A text that people write: a blank for each masked word, a stroke between two texts. */
function writtenPassage(text: string): Passage {
  const words = text
    .split(/\s+/)
    .flatMap((piece) =>
      /^(_+|\[mask\]|<mask>)$/i.test(piece) ? [MASK] : /^[/.]$/.test(piece) ? [piece] : wordsAlone(piece),
    );
  if (!words.includes(MASK))
    throw new UsageError(
      `"${text}" has no blank; write ${BLANK} for a word that is to be guessed, as in "the keys near the door ${BLANK} old".`,
    );
  return Passage.of(words);
}

/** Masked words of texts, and whether one text follows another. */
export const maskedWords: Task<Passage, PreparedTexts, MaskedWordSizes, Guessed> = {
  id: "masked-words",
  examples: "passages",
  words: { example: "text", place: "word", decision: "word", cause: "word" },
  takes: "text",
  texts: true,
  defaults: {
    data: "agreement",
    batch: 32,
    targets: 1,
    learningRate: 0.001,
    optimizer: { name: "adamw" },
    clip: 1,
    labelSmoothing: 0,
  },
  scores: [
    { id: "masked", title: "masked words right", unit: "share", better: "higher", primary: true },
    { id: "pointing", title: "the best head looks at what decides", unit: "share", better: "higher" },
    { id: "follows", title: "tells what follows", unit: "share", better: "higher" },
  ],
  prepare({ train }, { vocabulary: options }) {
    if (options.kind === "byte-pair")
      throw new UsageError("masked words are whole words; leave out --vocabulary byte-pair.");
    const counts = new Map<string, number>([[MASK, Number.MAX_SAFE_INTEGER]]);
    for (const { words } of train) for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
    const words = Vocabulary.ofCounts(counts, options);
    withWords({ target: words }, options);
    const longest = train.reduce((most, { length }) => Math.max(most, length), 0);
    const every = Math.max(1, Math.floor(train.length / OTHERS));
    return {
      words,
      longest: Math.min(MOST_TOKENS, longest + 8),
      others: secondsOf(train.filter((_, index) => index % every === 0).slice(0, OTHERS)).filter(
        (second) => second.length > 0,
      ),
    };
  },
  restored(given) {
    const { success, data } = stored.safeParse(given);
    if (!success)
      throw new RegardError("the run has no words to be masked; its vocabulary.json is of another task.");
    return { ...data, words: Vocabulary.from(data.words) };
  },
  describe: ({ words, longest }) => `${words.size.toLocaleString("en")} words, up to ${longest} of a text`,
  sizes: ({ words, longest }) => ({ words: words.size, longest }),
  inputs: () => ({
    source: input("source", "int32", ["length", "batch"]),
    segments: input("segments", "int32", ["length", "batch"]),
    masked: input("masked", "int32", ["guesses", "batch"]),
  }),
  targets: (_, batch) => ({
    answers: input("answers", "int32", ["guesses", batch]),
    following: input("following", "float32", [batch]),
    paired: input("paired", "float32", [batch]),
  }),
  sizing: {
    options: z.object({
      words: z.int().min(5).max(1_000_000).default(8000).describe("words of the vocabulary"),
      longest: z.int().min(4).max(MOST_TOKENS).default(64).describe("words that two texts may have"),
    }),
    of: (_, { words, longest }) => ({ words: words.size, longest }),
    sizes: ({ words, longest }) => ({ words, longest }),
    lengths: { length: 20, guesses: 3 },
  },
  length: ({ length }) => length,
  order: ({ length }) => length,
  async collate(passages, prepared, use: Use) {
    // In training a text that follows nothing is of another passage of the batch: a few would be learnt by heart. In scoring it is one of those
    // that are kept, so that a passage is read the same whatever it is scored with.
    const seconds = use.kind === "train" && passages.length > 1 ? secondsOf(passages) : undefined;
    const readings = passages.map((passage, index) => {
      if (use.kind === "ask") return askedReading(passage, prepared);
      const drawn =
        use.kind === "train"
          ? new Random(use.seed, `masked ${index}`, use.step)
          : new Random(0, `masked ${passage.words.join(" ")}`);
      const others =
        seconds?.filter((second, other) => other !== index && second.length > 0) ?? prepared.others;
      return drawnReading(passage, prepared, others, drawn);
    });
    const { source, segments, masked, ...targets } = valuesOf(readings);
    const read = { source: source!, segments: segments!, masked: masked! };
    if (use.kind === "ask") return { values: read, decisions: [] };
    return {
      values: { ...read, ...targets },
      decisions: readings.map(({ answers }) => answers.filter((answer) => answer !== PAD).length + 1),
    };
  },
  drive: { kind: "once" },
  async validate(scoring, passages) {
    const { best, asked, hits, ...scores } = await scored(scoring, passages);
    return scores;
  },
  async report(scoring, passages) {
    const { best, asked, hits, ...metrics } = await scored(scoring, passages);
    const { evaluator, parameters } = scoring;
    const lost = await lostWithoutHeads(
      { evaluator, parameters },
      asked,
      ({ outputs }, { answer }) => guessedOf(outputs, 1).tokens[0] === answer,
    );
    const heads = Object.keys(lost);
    const agreement = rankCorrelation(
      heads.map((head) => hits.get(head) ?? 0),
      heads.map((head) => lost[head]!),
    );
    return {
      metrics: {
        ...metrics,
        ...prefixed("lost without ", lost),
        ...measured({ "looking and loss agree": hits.size > 0 ? agreement : undefined }),
      },
      outputs: [],
    };
  },
  form: ({ longest }) => [
    {
      name: "text",
      title: "A text with blanks",
      kind: "text",
      longest,
      placeholder: "the keys near the door _ old",
    },
  ],
  example({ text }) {
    if (typeof text !== "string") throw new UsageError("this run reads texts; give it one.");
    return writtenPassage(text);
  },
  card: async (passage) => ({ title: textOf(passage), expected: [] }),
  title: textOf,
  async places(passage, prepared) {
    const { tokens } = askedReading(passage, prepared);
    return {
      words: {
        kind: "tokens",
        labels: tokens.map((token) =>
          token === START
            ? "(start)"
            : token === END
              ? "(end)"
              : token === maskOf(prepared.words)
                ? BLANK
                : prepared.words.words[token]!,
        ),
      },
    };
  },
  read: (outputs, passage, prepared) => guessedOf(outputs, askedReading(passage, prepared).masked.length),
  async show(passage, { tokens, likeliest, follows }, prepared) {
    const { masked, answers, tokens: read, places } = askedReading(passage, prepared);
    const guesses = prepared.words.spell(tokens);
    const filled = passage.words.map((word, index) => {
      const guess = masked.indexOf(places[index]!);
      return guess >= 0 ? guesses[guess]! : word;
    });
    const right = answers.length > 0 && answers.every((answer) => answer > 0);
    const two = read.filter((token) => token === END).length > 1;
    return {
      output: filled.join(" "),
      steps: guesses.map((label) => ({ label, piece: label })),
      decisions: guesses,
      blocks: [
        ...likeliest.map((items, index) => ({
          kind: "classes" as const,
          title: `Blank ${index + 1}`,
          items: items.map(({ token, probability }) => ({
            label: prepared.words.words[token]!,
            probability,
            ...(right && { right: token === answers[index] }),
          })),
        })),
        ...(two
          ? [
              {
                kind: "classes" as const,
                title: "The second text",
                items: [{ label: "follows the first", probability: follows }],
              },
            ]
          : []),
      ],
      ...(right && { right: tokens.every((token, index) => token === answers[index]) }),
      references: right ? [passage.words.join(" ")] : [],
      unknown: passage.words.filter(
        (word) => word !== BREAK && prepared.words.segment([word]).tokens[0] === UNKNOWN,
      ),
    };
  },
  taken: ({ tokens }) => ({
    answers: {
      dtype: "int32",
      shape: [Math.max(1, tokens.length), 1],
      data: Int32Array.from(tokens.length > 0 ? tokens : [0]),
    },
  }),
  // Logits [B, P, V] and answers [P, B].
  likelihood: ({ logits }, { answers }) =>
    transpose(squeeze(takeAlongAxis(logSoftmax(logits!), unsqueeze(transpose(answers!), 2), 2), 2)),
  variants({ source, segments, masked }) {
    const count = source!.shape[0]!;
    const tiled = ({ shape, data }: Value): Value => {
      const all = new Int32Array(data.length * (count + 1));
      data.forEach((value, row) => {
        all.fill(value, row * (count + 1), (row + 1) * (count + 1));
      });
      return { dtype: "int32", shape: [shape[0]!, count + 1], data: all };
    };
    const without = tiled(source!);
    for (let variant = 1; variant <= count; variant++)
      without.data[(variant - 1) * (count + 1) + variant] = UNKNOWN;
    return {
      over: "words",
      count,
      values: { source: without, segments: tiled(segments!), masked: tiled(masked!) },
    };
  },
  async further({ evaluator, parameters, prepared }, passage) {
    const { masked } = askedReading(passage, prepared);
    if (masked.length === 0) return [];
    const [found] = await evaluator.predict(parameters, [passage]);
    const layers = Object.values(found!.looks).map(({ shape, data }) => meanOfHeads(shape, data));
    const flow = rollout(layers);
    const data = Float32Array.from(masked.flatMap((place) => flow[place]!));
    return [
      {
        look: {
          name: "rollout",
          over: "words",
          kind: "weights",
          shape: [masked.length, 1, flow.length],
          data,
        },
        about:
          "how much of each word reaches the guess through all layers, by their attention and what goes round it",
      },
    ];
  },
  without: "once a word is one that is not known",
};
