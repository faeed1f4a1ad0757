import { distance } from "fastest-levenshtein";
import { z } from "zod";
import { END, fromBase64, RegardError, UsageError } from "../../core/index.js";
import {
  BANDS,
  detokenise,
  HOP_SECONDS,
  logMel,
  pngUrl,
  type Spectrogram,
  type Utterance,
  Vocabulary,
} from "../../data/index.js";
import { type Decoded, spellOf } from "../../decode/index.js";
import { collapseOf } from "../../explain/index.js";
import { FRAMES_OF_PLACE, type SpeechSizes } from "../../models/index.js";
import { input } from "../../ops/index.js";
import type { Value, Values } from "../../session/index.js";
import type { Scoring, Task, Use } from "../contract.js";
import { scoreForced } from "../forced.js";
import type { FieldValue } from "../form.js";
import { measured } from "../scores.js";
import { remembered, targetTokens } from "../targets.js";
import { describeVocabularies, restoredVocabularies, type Vocabularies, withWords } from "../vocabularies.js";

/** The vocabulary of what is said, and places of the longest utterance of training. */
interface PreparedSpeech extends Vocabularies {
  readonly most: number;
}

/** Seconds of a place. */
const PLACE_SECONDS = FRAMES_OF_PLACE * HOP_SECONDS;
/** Seconds of a recording for each word of the longest of training: it may be twelve times as long. */
const SECONDS_OF_WORD = 6;
/** Pixels of a band in a picture, and of a frame. */
const [BAND_PIXELS, FRAME_PIXELS] = [3, 2] as const;

const analysed = async (utterance: Utterance): Promise<Spectrogram> => logMel(await utterance.sound());
/** Those that are scored at every validation are kept; those of training are too many. */
const spectrogramOf = remembered(analysed);
const placesOf = ({ frames }: Spectrogram): number => Math.ceil(frames / FRAMES_OF_PLACE);

const tokensOf = remembered((target: Vocabulary) =>
  remembered(({ words }: Utterance) => [target.encode(words, { start: true })]),
);

/** Spectrograms side by side, [B, S, bands of a place's frames], 0 after the end of each, and how many places each has. */
async function soundsValue(utterances: readonly Utterance[], { kind }: Use): Promise<Values> {
  const found = await Promise.all(utterances.map(kind === "train" ? analysed : spectrogramOf));
  const longest = Math.max(...found.map(placesOf));
  const width = FRAMES_OF_PLACE * BANDS;
  const data = new Float32Array(utterances.length * longest * width);
  found.forEach(({ values }, index) => {
    data.set(values, index * longest * width);
  });
  return {
    source: { dtype: "float32", shape: [utterances.length, longest, width], data },
    length: { dtype: "int32", shape: [utterances.length], data: Int32Array.from(found, placesOf) },
  };
}

/** A spectrogram as a picture: time from left to right, low bands below, loud dark. */
function pictureOf({ frames, values }: Spectrogram) {
  const [width, height] = [frames * FRAME_PIXELS, BANDS * BAND_PIXELS];
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const band = BANDS - 1 - Math.floor(y / BAND_PIXELS);
      const loud = values[Math.floor(x / FRAME_PIXELS) * BANDS + band]!;
      data[y * width + x] = Math.round(255 * (1 - Math.min(1, Math.max(0, (loud + 1.5) / 4.5))));
    }
  return { width, height, url: pngUrl({ width, height, data }) };
}

/** Where attention may be while a word is written: places that its interval meets. */
function placesHeard(utterance: Utterance): readonly (readonly [from: number, to: number])[] | undefined {
  return utterance
    .intervals?.()
    .map(({ from, to }) => [Math.floor(from / PLACE_SECONDS), Math.floor(to / PLACE_SECONDS)] as const);
}

/** How much of the attention of words is where they are heard. */
class Heard {
  #mass = 0;
  #hits = 0;
  #words = 0;

  /** @param weights of each word, over places */
  add(weights: readonly ArrayLike<number>[], heard: readonly (readonly [number, number])[]): void {
    heard.forEach(([from, to], word) => {
      const row = weights[word];
      if (!row) return;
      const { pointed, mass } = lookedAt(row, from, to);
      this.#mass += mass;
      this.#hits += pointed ? 1 : 0;
      this.#words++;
    });
  }

  get scores(): { pointing: number; mass: number } | undefined {
    return this.#words > 0
      ? { pointing: this.#hits / this.#words, mass: this.#mass / this.#words }
      : undefined;
  }
}

function lookedAt(row: ArrayLike<number>, from: number, to: number): { pointed: boolean; mass: number } {
  let [mass, best] = [0, 0];
  for (let place = 0; place < row.length; place++) {
    if (row[place]! > row[best]!) best = place;
    if (place >= from && place <= to) mass += row[place]!;
  }
  return { pointed: best >= from && best <= to, mass };
}

/** Words that must be changed, left out or put in, of those that were said. */
function errorsIn(written: readonly string[], said: readonly string[]): number {
  // Each word becomes one letter, which is what the library compares.
  const letters = new Map<string, string>();
  const spelt = (words: readonly string[]) =>
    words
      .map((word) => {
        const letter = letters.get(word) ?? String.fromCharCode(0x100 + letters.size);
        letters.set(word, letter);
        return letter;
      })
      .join("");
  return distance(spelt(written), spelt(said));
}

async function scored(scoring: Scoring<Utterance, PreparedSpeech>, utterances: readonly Utterance[]) {
  const heard = new Heard();
  const lengths = new Map(
    await Promise.all(utterances.map(async (one) => [one, placesOf(await spectrogramOf(one))] as const)),
  );
  const { loss, attention } = await scoreForced(scoring, utterances, (utterance, weights) => {
    const known = placesHeard(utterance);
    if (known) heard.add(weights, known);
    return { rows: weights, places: lengths.get(utterance)! };
  });
  return { loss, attention, heard: heard.scores };
}

async function writtenFor(
  { evaluator, parameters, prepared }: Scoring<Utterance, PreparedSpeech>,
  utterances: readonly Utterance[],
  options: { beam: number; onProgress?: (done: number) => void },
) {
  const found = await evaluator.write(parameters, utterances, options);
  const written = found.map(([best]) => prepared.target.decode(best!.tokens));
  const errors = written.map((words, index) => errorsIn(words, utterances[index]!.words));
  const said = utterances.reduce((sum, { words }) => sum + words.length, 0);
  return {
    written,
    wordErrors: errors.reduce((a, b) => a + b, 0) / said,
    exact: errors.filter((count) => count === 0).length / utterances.length,
  };
}

const storedSpeech = z.object({ most: z.int().min(1) });

/** Examples of training whose lengths are measured before training. */
const MEASURED = 400;

/** The words of what is said. */
export const speech: Task<Utterance, PreparedSpeech, SpeechSizes, Decoded> = {
  id: "speech-recognition",
  examples: "recordings of speech",
  words: { example: "recording", place: "stretch of the sound", decision: "word", cause: "stretch" },
  takes: "speech",
  defaults: {
    data: "tones",
    batch: 16,
    targets: 1,
    learningRate: 0.002,
    optimizer: { name: "adam" },
    clip: 1,
    labelSmoothing: 0,
  },
  scores: [
    { id: "wordErrors", title: "wrong words", unit: "share", better: "lower", primary: true },
    { id: "exact", title: "without an error", unit: "share", better: "higher" },
    { id: "pointing", title: "looks where the word is heard", unit: "share", better: "higher" },
  ],
  prepare({ train, wording = train }, { vocabulary: options }) {
    const target = Vocabulary.of(
      wording.map(({ words }) => words),
      options,
    );
    const most = wording.slice(0, MEASURED).reduce((found, { words }) => Math.max(found, words.length), 1);
    return { ...withWords({ target }, options), most };
  },
  restored(given) {
    const { success, data } = storedSpeech.safeParse(given);
    if (!success) throw new RegardError("the run holds no words of speech; it is of another task.");
    return { ...restoredVocabularies(given), ...data };
  },
  describe: ({ most, ...vocabularies }) =>
    `${describeVocabularies(vocabularies)}, up to ${most} in a recording`,
  sizes: ({ target }) => ({ target: target.size, bands: BANDS }),
  inputs: ({ bands }) => ({
    source: input("source", "float32", ["batch", "places", FRAMES_OF_PLACE * bands]),
    length: input("length", "int32", ["batch"]),
  }),
  targets: (_, batch) => ({ target: input("target", "int32", ["target", batch]) }),
  sizing: {
    options: z.object({
      target: z.int().min(4).max(1_000_000).default(14).describe("words of the vocabulary"),
    }),
    of: (_, { target }) => ({ target: target.size }),
    sizes: ({ target }) => ({ target, bands: BANDS }),
    lengths: { target: 7, places: 55 },
  },
  length: ({ words }) => words.length,
  order: ({ words }) => words.length,
  longest: ({ words }, { target }) => target.segment(words).tokens.length,
  writes: (example, { target }) => tokensOf(target)(example),
  async collate(utterances, { target }, use) {
    const values = await soundsValue(utterances, use);
    if (use.kind === "ask") return { values, decisions: [] };
    const { decisions, ...written } = targetTokens(utterances, tokensOf(target), use);
    return { values: { ...values, ...written }, decisions };
  },
  drive: { kind: "tokens", longest: 120 },
  async validate(scoring, utterances) {
    const { loss, heard, attention } = await scored(scoring, utterances);
    const { wordErrors, exact } = await writtenFor(scoring, utterances, { beam: 1 });
    return {
      loss,
      ...measured({ wordErrors, exact, pointing: heard?.pointing }),
      ...(attention && { collapse: collapseOf(attention) }),
    };
  },
  async report(scoring, utterances, options) {
    const { loss, heard } = await scored(scoring, utterances);
    const { wordErrors, exact, written } = await writtenFor(scoring, utterances, options);
    return {
      metrics: {
        loss,
        ...measured({ wordErrors, exact, pointing: heard?.pointing, massOnTarget: heard?.mass }),
      },
      outputs: utterances.map(({ name, words }, index) => ({
        source: name,
        output: detokenise(written[index]!),
        references: [detokenise(words)],
      })),
    };
  },
  form: ({ most }) => [{ name: "sound", title: "Speech", kind: "sound", longest: most * SECONDS_OF_WORD }],
  example({ sound }, { most }) {
    const heard = soundOf(sound);
    const [seconds, longest] = [heard.samples.length / heard.rate, most * SECONDS_OF_WORD];
    if (seconds > longest)
      throw new UsageError(
        `the sound lasts ${seconds.toFixed(1)} s, but ${longest} s are heard at most; give a part of it.`,
      );
    // What is wrong with it is said at once.
    logMel(heard);
    return { name: "the recording", words: [], sound: async () => heard };
  },
  async card(utterance) {
    return {
      title: utterance.name,
      url: pictureOf(await spectrogramOf(utterance)).url,
      expected: [detokenise(utterance.words)],
    };
  },
  title: ({ name }) => name,
  async places(utterance) {
    const spectrogram = await spectrogramOf(utterance);
    const count = placesOf(spectrogram);
    return {
      source: { kind: "signal", image: pictureOf(spectrogram), count, seconds: count * PLACE_SECONDS },
    };
  },
  async show(utterance, { tokens, weights, finished }, { target }) {
    const written = target.decode(tokens);
    const heard = utterance.words.join(" ") === written.join(" ") ? placesHeard(utterance) : undefined;
    return {
      output: detokenise(written),
      steps: [...tokens, ...(finished ? [END] : [])].map((token, index) => {
        const [from, to] = heard?.[index] ?? [];
        const row = weights?.[index];
        return {
          label: spellOf(target, token),
          ...(row && from !== undefined && to !== undefined && { looked: lookedAt(row, from, to) }),
        };
      }),
      blocks: [{ kind: "image", title: "What was heard", image: pictureOf(await spectrogramOf(utterance)) }],
      ...(utterance.words.length > 0 && { right: errorsIn(written, utterance.words) === 0 }),
      references: utterance.words.length > 0 ? [detokenise(utterance.words)] : [],
    };
  },
  variants({ source, length }) {
    const [, count, width] = source!.shape as [number, number, number];
    const data = new Float32Array((count + 1) * count * width);
    for (let variant = 0; variant <= count; variant++) {
      data.set(source!.data as Float32Array, variant * count * width);
      if (variant > 0)
        data.fill(0, (variant * count + variant - 1) * width, (variant * count + variant) * width);
    }
    return {
      over: "source",
      count,
      values: {
        source: { dtype: "float32", shape: [count + 1, count, width], data },
        length: {
          ...length!,
          shape: [count + 1],
          data: new Int32Array(count + 1).fill(length!.data[0]!),
        } as Value,
      },
    };
  },
  without: "once a stretch of the sound is as loud as all of it on the average",
};

/** A sound that was given. @throws UsageError where there is none */
function soundOf(value: FieldValue | undefined) {
  if (value === undefined || typeof value !== "object" || !("rate" in value))
    throw new UsageError("this run hears speech; give it a WAV file.");
  const bytes = fromBase64(value.samples);
  if (bytes.length === 0 || bytes.length % 4 !== 0)
    throw new UsageError(`the sound has ${bytes.length} bytes, but its samples take 4 each; give it again.`);
  return { rate: value.rate, samples: new Float32Array(bytes.slice().buffer) };
}
