import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSpeech, splitsOfSpeech } from "../src/data/format/speech.node.js";
import { encodeWav } from "../src/data/format/wav.js";
import { datasets, type Utterance } from "../src/data/index.js";
import { models } from "../src/models/index.js";
import { Mode, Scope } from "../src/nn/index.js";
import { speech } from "../src/task/index.js";
import { json, regard } from "./command.js";
import { normals, parametersOf, runOnce } from "./run.js";

// Speech as people use it: recordings in a folder, trained on, asked about with a WAV file, explained; and what is wrong with files.

let folder: string;
let run: string;
const at = (...names: string[]) => join(folder, ...names);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-speech-"));
  run = at("run");
  const { validation } = await json(
    ...[
      "train",
      "listen-attend",
      "--steps",
      "150",
      "--validate-every",
      "75",
      "--learning-rate",
      "0.004",
      "--warmup",
      "20",
    ],
    ...["--set", "hidden=32", "--set", "alignment=32", "--batch", "12", "--out", run],
  );
  // All words alike: 9 of 10 are wrong.
  expect(validation.wordErrors).toBeLessThan(0.8);
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

const tones = async () => {
  const dataset = datasets.find(({ id }) => id === "tones")!;
  return (await dataset.load(1)) as {
    train: readonly Utterance[];
    tests: Record<string, readonly Utterance[]>;
  };
};

test("a WAV file is heard, drawn with where it looked, and explained", async () => {
  const [utterance] = (await tones()).tests.test!;
  const file = at("said.wav");
  await writeFile(file, encodeWav(await utterance!.sound()));
  const svg = at("heard.svg");
  const { output, traces } = await json("see", run, file, "--beam", "1", "--svg", svg);
  expect(output).toMatch(/^[A-Z][a-z]+( [a-z]+)*$/);
  const [{ weights, seconds }] = traces;
  const { rate, samples } = await utterance!.sound();
  expect(seconds).toBeCloseTo(samples.length / rate, 0);
  for (const row of weights) expect(row.reduce((a: number, b: number) => a + b)).toBeCloseTo(1, 4);
  expect(await readFile(svg, "utf8")).toContain("data:image/png;base64,");
  // Asked of the data it is the same sound but for 16 bits.
  expect((await json("see", run, "test:0", "--beam", "1")).output).toBe(output);
  const { scores } = await json("explain", run, "test:0");
  expect(scores.effect[0]).toHaveLength(weights[0].length);
}, 60_000);

describe.each(["recurrent", "convolutional"])("the model with a %s encoder", (encoder) => {
  const card = models.find(({ id }) => id === "listen-attend")!;
  const scope = Scope.root("float32");
  const sizes = { target: 7, bands: 40 };
  const model = card.build(
    scope,
    card.configuration.parse({ encoder, hidden: 5, alignment: 3, filters: 2, taps: 5, maxout: 3 }),
    sizes,
  );
  const parameters = Object.fromEntries(
    Object.entries(parametersOf(scope)).map(([name, value]) => [name, normals(name, value.shape, "float32")]),
  );

  test("hears the same whatever stands beside it", async () => {
    const { tests } = await tones();
    const prepared = speech.prepare({ train: tests.test!, validation: [], tests: {} } as never, {
      vocabulary: { size: 3 },
    });
    const tensors = { ...speech.inputs(sizes), ...speech.targets(sizes, "batch") };
    const { losses } = model.objective(tensors, Mode.plain());
    const long = tests.test!.find(({ words }) => words.length === 7)!;
    const short = tests.test!.find(({ words }) => words.length === 3)!;
    const of = async (utterances: readonly Utterance[]) => {
      const { values } = await speech.collate(utterances, prepared, { kind: "score" });
      return runOnce({ losses }, { ...parameters, ...values });
    };
    const [alone, beside] = [await of([short]), await of([long, short])];
    expect(beside.losses!.shape).toEqual([8, 2]);
    for (let step = 0; step < 8; step++)
      expect(beside.losses!.data[2 * step + 1]).toBeCloseTo(step < 4 ? alone.losses!.data[step]! : 0, 4);
  }, 60_000);
});

describe("a folder of recordings", () => {
  const sound = (hertz: number) => ({
    rate: 8000,
    samples: Float32Array.from(
      { length: 2000 },
      (_, index) => 0.3 * Math.sin((hertz * 2 * Math.PI * index) / 8000),
    ),
  });

  test("of single words is joined to strings, with where each is heard, and a speaker held out", async () => {
    const path = at("singles");
    await mkdir(path);
    for (const word of [0, 3])
      for (const speaker of ["ana", "ben"])
        for (let number = 0; number < 9; number++)
          await writeFile(
            join(path, `${word}_${speaker}_${number}.wav`),
            encodeWav(sound(300 + 100 * word + number)),
          );
    expect(await splitsOfSpeech(path)).toEqual(["test", "test-long", "validation"]);
    const { train, tests } = await readSpeech(path, { seed: 3, holdOut: "ben" });
    expect(Object.keys(tests)).toEqual(["test", "test-long", "test-speaker"]);
    const one = train[5]!;
    expect(one.words.every((word) => word === "zero" || word === "three")).toBe(true);
    const { samples, rate } = await one.sound();
    const intervals = one.intervals!();
    expect(intervals).toHaveLength(one.words.length);
    for (const { from, to } of intervals) {
      expect(to - from).toBeCloseTo(0.25, 4);
      // It is silent just before, and not within.
      expect(samples[Math.round(from * rate) - 5]).toBe(0);
      expect(Math.max(...samples.subarray(Math.round(from * rate), Math.round(to * rate)))).toBeGreaterThan(
        0.25,
      );
    }
    await expect(readSpeech(path, { seed: 3, holdOut: "eva" })).rejects.toThrow('there is no speaker "eva"');
  });

  test("with transcripts names what has none, and what there is no file of", async () => {
    const path = at("own");
    await mkdir(path);
    for (let number = 0; number < 8; number++)
      await writeFile(join(path, `${number}.wav`), encodeWav(sound(400)));
    await writeFile(join(path, "cut.wav"), encodeWav(sound(400)).subarray(0, 900));
    const table = (lines: string) => writeFile(join(path, "transcripts.csv"), `audio,transcript\n${lines}`);
    const good = Array.from({ length: 7 }, (_, number) => `${number}.wav,"Yes, number ${number}!"\n`).join(
      "",
    );
    await table(good);
    const { train, notes } = await readSpeech(path, { seed: 1 });
    expect(train[0]!.words).toEqual(["yes", "number", expect.any(String)]);
    expect(notes).toEqual(['2 recordings have no transcript and are left out, such as "7.wav".']);
    for (const [line, sentence] of [
      ["9.wav,hello", 'there is no file "9.wav" for the transcript "hello"'],
      ['7.wav,"..."', 'the recording "7.wav" has no transcript'],
      ["cut.wav,hello", "is cut short: its samples should end at byte 4044 but it has 900"],
    ] as const) {
      await table(good + line);
      await expect(readSpeech(path, { seed: 1 })).rejects.toThrow(sentence);
      expect((await readSpeech(path, { seed: 1, skipBad: true })).notes![0]).toContain("1 line was left out");
    }
  });

  test("is made of the generated words, and a file that is none is refused", async () => {
    await writeFile(at("none.wav"), "no sound");
    const { code, err } = await regard(["see", run, at("none.wav")]);
    expect([code, err]).toEqual([2, expect.stringContaining("is no WAV file")]);
  });
});
