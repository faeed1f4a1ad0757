import { UsageError } from "../../core/index.js";
import type { Sound } from "../sound.js";

/** How samples lie in a file. */
const [PCM, FLOAT, EXTENSIBLE] = [1, 3, 0xfffe] as const;
/** What some other numbers of a format stand for. */
const COMPRESSED: Readonly<Record<number, string>> = {
  2: "ADPCM",
  6: "A-law",
  7: "µ-law",
  17: "IMA ADPCM",
  85: "MP3",
  80: "MPEG",
};
const PACK = "save it as PCM, as with: ffmpeg -i in.wav -c:a pcm_s16le out.wav";
/** Samples a second that a file may have. */
const RATES = [1000, 768_000] as const;

const tag = (view: DataView, at: number): string =>
  String.fromCharCode(...[0, 1, 2, 3].map((offset) => view.getUint8(at + offset)));

/** How one sample is read, by how samples lie and by their bits, with the bytes it takes. */
function reader(kind: number, bits: number): ((view: DataView, at: number) => number) | undefined {
  if (kind === FLOAT && bits === 32) return (view, at) => view.getFloat32(at, true);
  if (kind === FLOAT && bits === 64) return (view, at) => view.getFloat64(at, true);
  if (kind !== PCM) return undefined;
  switch (bits) {
    case 8:
      return (view, at) => (view.getUint8(at) - 128) / 128;
    case 16:
      return (view, at) => view.getInt16(at, true) / 2 ** 15;
    case 24:
      return (view, at) =>
        (view.getUint8(at) | (view.getUint8(at + 1) << 8) | (view.getInt8(at + 2) << 16)) / 2 ** 23;
    case 32:
      return (view, at) => view.getInt32(at, true) / 2 ** 31;
    default:
      return undefined;
  }
}

/**
 * A WAV file: PCM of 8, 16, 24 or 32 bits, or floats of 32 or 64; of several channels the mean.
 * @param path what the file is called, for messages
 * @throws UsageError where it is no such file, is compressed, cut short, or has no samples
 */
export function readWav(bytes: Uint8Array, path: string): Sound {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || tag(view, 0) !== "RIFF" || tag(view, 8) !== "WAVE")
    throw new UsageError(`"${path}" is no WAV file: it does not begin with RIFF and WAVE; ${PACK}.`);
  let format: { kind: number; channels: number; rate: number; bits: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [name, size] = [tag(view, at), view.getUint32(at + 4, true)];
    const start = at + 8;
    if (name === "fmt " && size >= 16 && start + size <= bytes.length) {
      const kind = view.getUint16(start, true);
      format = {
        kind: kind === EXTENSIBLE && size >= 26 ? view.getUint16(start + 24, true) : kind,
        channels: view.getUint16(start + 2, true),
        rate: view.getUint32(start + 4, true),
        bits: view.getUint16(start + 14, true),
      };
    }
    if (name === "data") {
      if (!format) break;
      if (start + size > bytes.length)
        throw new UsageError(
          `"${path}" is cut short: its samples should end at byte ${start + size} but it has ${bytes.length}; copy it again.`,
        );
      return samplesOf(new DataView(bytes.buffer, bytes.byteOffset + start, size), format, path);
    }
    // Pieces begin at even bytes.
    at = start + size + (size % 2);
  }
  throw new UsageError(`"${path}" is cut short: it has no ${format ? "samples" : "format"}; copy it again.`);
}

function samplesOf(
  view: DataView,
  { kind, channels, rate, bits }: { kind: number; channels: number; rate: number; bits: number },
  path: string,
): Sound {
  const read = reader(kind, bits);
  if (!read)
    throw new UsageError(
      `"${path}" is ${COMPRESSED[kind] ?? `of kind ${kind}`} with ${bits} bits, but PCM of 8, 16, 24 or 32 bits or floats are read; ${PACK}.`,
    );
  if (channels < 1 || rate < RATES[0] || rate > RATES[1])
    throw new UsageError(
      `"${path}" says that it has ${channels} channels and ${rate} samples a second; its header is damaged.`,
    );
  const width = bits / 8;
  const count = Math.floor(view.byteLength / (width * channels));
  if (count === 0) throw new UsageError(`"${path}" has no samples; record something.`);
  const samples = new Float32Array(count);
  for (let index = 0; index < count; index++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++)
      sum += read(view, (index * channels + channel) * width);
    samples[index] = sum / channels;
    if (!Number.isFinite(samples[index]!))
      throw new UsageError(
        `"${path}" holds ${samples[index]} as sample ${index + 1}; all must be finite numbers.`,
      );
  }
  return { rate, samples };
}

/** A WAV file of 16 bits and one channel. */
export function encodeWav({ rate, samples }: Sound): Uint8Array {
  const bytes = new Uint8Array(44 + 2 * samples.length);
  const view = new DataView(bytes.buffer);
  const text = (at: number, letters: string) => bytes.set(new TextEncoder().encode(letters), at);
  text(0, "RIFF");
  view.setUint32(4, bytes.length - 8, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, PCM, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, index) => {
    view.setInt16(44 + 2 * index, Math.max(-32_768, Math.min(32_767, Math.round(32_768 * sample))), true);
  });
  return bytes;
}
