import { describe, expect, test } from "vitest";
import { BANDS, logMel } from "../sound.js";
import { encodeWav, readWav } from "./wav.js";

/** A WAV file of any kind, by the format's own layout. */
function wav(options: {
  kind?: number;
  channels?: number;
  rate?: number;
  bits?: number;
  frames: readonly (readonly number[])[];
  extra?: boolean;
}): Buffer {
  const { kind = 1, channels = 1, rate = 8000, bits = 16, frames, extra } = options;
  const width = bits / 8;
  const data = Buffer.alloc(frames.length * channels * width);
  frames.flat().forEach((value, index) => {
    const at = index * width;
    if (kind === 3) width === 4 ? data.writeFloatLE(value, at) : data.writeDoubleLE(value, at);
    else if (bits === 8) data.writeUInt8(Math.round(value * 127) + 128, at);
    else data.writeIntLE(Math.round(value * (2 ** (bits - 1) - 1)), at, width);
  });
  const format = Buffer.alloc(16);
  format.writeUInt16LE(kind, 0);
  format.writeUInt16LE(channels, 2);
  format.writeUInt32LE(rate, 4);
  format.writeUInt16LE(bits, 14);
  const piece = (name: string, content: Buffer) => {
    const head = Buffer.alloc(8);
    head.write(name, "latin1");
    head.writeUInt32LE(content.length, 4);
    return Buffer.concat([head, content, Buffer.alloc(content.length % 2)]);
  };
  // Other pieces, of odd length too, stand anywhere.
  const other = extra ? [piece("LIST", Buffer.from("odd"))] : [];
  const body = Buffer.concat([
    Buffer.from("WAVE"),
    ...other,
    piece("fmt ", format),
    ...other,
    piece("data", data),
  ]);
  return piece("RIFF", body);
}

describe("a WAV file", () => {
  test.each([
    { bits: 8, near: 1 },
    { bits: 16, near: 4 },
    { bits: 24, near: 6 },
    { bits: 32, near: 8 },
    { kind: 3, bits: 32, near: 6 },
    { kind: 3, bits: 64, near: 12 },
  ])("of %j is read", ({ near, ...options }) => {
    const values = [0, 0.5, -0.5, 0.9, -0.9];
    const { rate, samples } = readWav(
      wav({ ...options, rate: 11_025, frames: values.map((one) => [one]), extra: true }),
      "a.wav",
    );
    expect(rate).toBe(11_025);
    values.forEach((value, index) => {
      expect(samples[index]).toBeCloseTo(value, near > 6 ? 6 : near);
    });
  });

  test("of two channels is their mean", () => {
    const { samples } = readWav(
      wav({
        channels: 2,
        kind: 3,
        bits: 32,
        frames: [
          [1, 0.5],
          [-1, 0],
        ],
      }),
      "a.wav",
    );
    expect(Array.from(samples)).toEqual([0.75, -0.5]);
  });

  test("that is written is read again", () => {
    const sound = { rate: 8000, samples: Float32Array.of(0, 0.25, -0.5, 0.999) };
    const { rate, samples } = readWav(encodeWav(sound), "a.wav");
    expect(rate).toBe(8000);
    sound.samples.forEach((value, index) => {
      expect(samples[index]).toBeCloseTo(value, 4);
    });
  });

  const whole = wav({ frames: [[0.5], [0.25], [-0.25]] });
  test.each([
    ["something else", Buffer.from("OggS and more of it"), "is no WAV file"],
    ["compressed", wav({ kind: 85, frames: [[0.5]] }), "is MP3 with 16 bits"],
    ["of odd bits", wav({ bits: 40, frames: [[0.5]] }), "is of kind 1 with 40 bits"],
    ["without samples", wav({ frames: [] }), "has no samples"],
    ["of no channels", wav({ channels: 0, frames: [] }), "says that it has 0 channels"],
    [
      "with numbers that are none",
      wav({ kind: 3, bits: 32, frames: [[Number.NaN]] }),
      "holds NaN as sample 1",
    ],
  ])("that is %s is refused", (_, bytes, sentence) => {
    expect(() => readWav(bytes, "a.wav")).toThrow(sentence);
  });

  test("that is cut anywhere is refused in one sentence", () => {
    for (let end = 0; end < whole.length; end++)
      expect(() => readWav(whole.subarray(0, end), "a.wav")).toThrow(
        /^"a\.wav" (is cut short|is no WAV file).*[.;]/,
      );
  });
});

describe("bands of a sound", () => {
  const tone = (hertz: number, rate: number, seconds = 0.5) => ({
    rate,
    samples: Float32Array.from(
      { length: seconds * rate },
      (_, at) =>
        // Louder and softer, so that a band differs over time.
        (0.2 + 0.1 * Math.sin((2 * Math.PI * 3 * at) / rate)) * Math.sin((2 * Math.PI * hertz * at) / rate),
    ),
  });
  /** The band that follows the loudness of a tone most. */
  const loudest = (hertz: number, rate: number): number => {
    const { frames, values } = logMel(tone(hertz, rate));
    const swell = Array.from({ length: frames }, (_, frame) =>
      Math.log(0.2 + 0.1 * Math.sin(2 * Math.PI * 3 * (frame * 0.01 + 0.0125))),
    );
    const mean = swell.reduce((a, b) => a + b) / frames;
    const agreement = Array.from({ length: BANDS }, (_, band) =>
      swell.reduce((sum, loud, frame) => sum + (loud - mean) * values[frame * BANDS + band]!, 0),
    );
    return agreement.indexOf(Math.max(...agreement));
  };

  test("are those people hear alike, at any rate", () => {
    // The middle of band b is at mel 92.6 + (b + 1) · (2146 − 92.6) / 41.
    const middle = (band: number) => 700 * Math.expm1((92.64 + ((band + 1) * (2146.06 - 92.64)) / 41) / 1127);
    for (const band of [9, 20, 31])
      for (const rate of [8000, 16_000, 44_100])
        expect(Math.abs(loudest(middle(band), rate) - band)).toBeLessThan(6);
    expect(loudest(300, 8000)).toBeLessThan(loudest(1000, 8000));
    expect(loudest(1000, 8000)).toBeLessThan(loudest(3000, 8000));
  });

  test("have frames of 25 ms every 10, with mean 0 and deviation 1", () => {
    const { frames, values } = logMel(tone(700, 8000, 0.5));
    expect(frames).toBe(1 + Math.floor((4000 - 200) / 80));
    for (const band of [3, 20]) {
      const own = Array.from({ length: frames }, (_, frame) => values[frame * BANDS + band]!);
      const mean = own.reduce((a, b) => a + b) / frames;
      expect(mean).toBeCloseTo(0, 4);
      expect(own.reduce((sum, one) => sum + (one - mean) ** 2, 0) / frames).toBeCloseTo(1, 3);
    }
  });

  test.each([
    ["too short", { rate: 8000, samples: new Float32Array(199).fill(0.1) }, "has 199 samples, 25 ms"],
    ["silent", { rate: 8000, samples: new Float32Array(4000) }, "the sound is silent"],
    [
      "of a low rate",
      { rate: 6000, samples: new Float32Array(4000).fill(0.1) },
      "has 6000 samples a second, but speech takes 8000",
    ],
  ])("a sound that is %s is refused", (_, sound, sentence) => {
    expect(() => logMel(sound)).toThrow(sentence);
  });
});
