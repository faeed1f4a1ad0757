import { hashString, Random } from "../../../core/index.js";
import type { Interval, SpeechDataset, Utterance } from "../../contract.js";
import type { Sound } from "../../sound.js";
import { drawnSplits } from "../drawn-splits.js";

// Words for numbers as tones: each has two formants that glide, over the harmonics of a voice, with noise. Where each word is heard is known.

const WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"] as const;

/** Hertz at which the two formants of each word begin and end. */
const FORMANTS: readonly (readonly [from: readonly [number, number], to: readonly [number, number]])[] = [
  [
    [300, 2200],
    [600, 900],
  ],
  [
    [600, 900],
    [400, 1800],
  ],
  [
    [350, 2500],
    [350, 900],
  ],
  [
    [500, 1500],
    [300, 2600],
  ],
  [
    [700, 1100],
    [450, 800],
  ],
  [
    [800, 1300],
    [400, 2300],
  ],
  [
    [350, 2000],
    [500, 2900],
  ],
  [
    [550, 1800],
    [450, 1400],
  ],
  [
    [450, 2400],
    [350, 2700],
  ],
  [
    [400, 1000],
    [700, 1900],
  ],
];

const RATE = 8000;
/** Seconds of a word, and between words, at least and at most. */
const [SPOKEN, PAUSE] = [
  [0.18, 0.32],
  [0.04, 0.16],
] as const;
/** Hertz of a voice. */
const VOICE = [90, 240] as const;
/** How wide a formant is, in hertz, and how strong the noise is. */
const [WIDTH, NOISE] = [130, 0.004] as const;
const HARMONICS = 24;
/** Samples for which harmonics keep their strength, and what is too faint to be heard. */
const [STEADY, FAINT] = [40, 0.01] as const;

const COUNTS = { train: 12_000, validation: 150, test: 300, "test-long": 30 } as const;
type Split = keyof typeof COUNTS;
/** Words of an utterance, at least and at most. */
const LENGTHS: Readonly<Record<Split, readonly [number, number]>> = {
  train: [3, 7],
  validation: [3, 7],
  test: [3, 7],
  "test-long": [30, 70],
};
/** One string of words in so many is kept from training. */
const HELD_OUT = 12;

const between = ([least, most]: readonly [number, number], random: Random): number =>
  least + random.uniform() * (most - least);

/** Adds a word to samples from a place on. @returns where it ends */
function speak(word: number, voice: number, from: number, into: Float32Array, random: Random): number {
  const length = Math.round(between(SPOKEN, random) * RATE);
  const [begin, end] = FORMANTS[word]!;
  const shift = 1 + 0.06 * random.normal();
  const phases = Array.from({ length: HARMONICS }, () => 2 * Math.PI * random.uniform());
  const loud = 0.5 + 0.5 * random.uniform();
  const strengths = new Float64Array(HARMONICS);
  let turn = 0;
  for (let at = 0; at < length; at++) {
    const share = at / length;
    const pitch = voice * (1.06 - 0.12 * share);
    // Formants glide slowly: how strong each harmonic is, is found anew every few samples.
    if (at % STEADY === 0)
      for (let harmonic = 0; harmonic < HARMONICS; harmonic++) {
        const frequency = (harmonic + 1) * pitch;
        const strong = (which: 0 | 1) =>
          Math.exp(
            -(((frequency - shift * (begin[which] + share * (end[which] - begin[which]))) / WIDTH) ** 2),
          );
        strengths[harmonic] = strong(0) + 0.6 * strong(1);
      }
    let sum = 0;
    for (let harmonic = 0; harmonic < HARMONICS; harmonic++)
      if (strengths[harmonic]! > FAINT)
        sum += strengths[harmonic]! * Math.sin((harmonic + 1) * turn + phases[harmonic]!);
    turn += (2 * Math.PI * pitch) / RATE;
    into[from + at] = 0.25 * Math.sqrt(Math.sin(Math.PI * share)) * loud * sum;
  }
  return from + length;
}

interface Spoken extends Sound {
  readonly intervals: readonly Interval[];
}

function spoken(words: readonly number[], random: Random): Spoken {
  const samples = new Float32Array(Math.ceil((words.length * (SPOKEN[1] + PAUSE[1]) + PAUSE[1]) * RATE));
  const voice = between(VOICE, random);
  const intervals: Interval[] = [];
  let at = Math.round(between(PAUSE, random) * RATE);
  for (const word of words) {
    const end = speak(word, voice, at, samples, random);
    intervals.push({ from: at / RATE, to: end / RATE });
    at = end + Math.round(between(PAUSE, random) * RATE);
  }
  const noise = new Float32Array(at);
  random.fill("normal", noise);
  return {
    rate: RATE,
    samples: samples.subarray(0, at).map((sample, index) => sample + NOISE * noise[index]!),
    intervals,
  };
}

/** An utterance whose words are drawn at once and which is heard when it is asked for. */
function draw(seed: number, split: Split, index: number): Utterance {
  const random = new Random(seed, `tones ${split}`, index);
  const [least, most] = LENGTHS[split];
  let numbers: number[];
  do {
    numbers = Array.from({ length: least + random.integer(most - least + 1) }, () =>
      random.integer(WORDS.length),
    );
  } while (
    split !== "test-long" &&
    (hashString(`tones ${numbers.join("")}`) % HELD_OUT === 0) === (split === "train")
  );
  const heard = () => spoken(numbers, new Random(seed, `heard ${split}`, index));
  return {
    name: `${split} ${index}`,
    words: numbers.map((number) => WORDS[number]!),
    sound: async () => heard(),
    intervals: () => heard().intervals,
  };
}

/** Strings of numbers, spoken in tones, with where each is heard. */
export const tones: SpeechDataset = {
  id: "tones",
  kind: "speech",
  title: "strings of numbers spoken in gliding tones, with where each is heard",
  origin: "generated by Regard; nothing is downloaded",
  splits: {
    test: "strings that training never hears",
    "test-long": `strings of ${LENGTHS["test-long"].join(" to ")} numbers; training ends at ${LENGTHS.train[1]}`,
  },
  load: async (seed) => drawnSplits(COUNTS, 1000, (split: Split, index) => draw(seed, split, index)),
};
