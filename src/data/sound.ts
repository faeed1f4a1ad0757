import FFT from "fft.js";
import { UsageError } from "../core/index.js";

/** What was heard: one channel, −1 to 1. */
export interface Sound {
  /** Samples a second. */
  readonly rate: number;
  readonly samples: Float32Array;
}

/** Seconds of a frame, and from one frame to the next. */
export const [FRAME_SECONDS, HOP_SECONDS] = [0.025, 0.01] as const;
/** Bands of a frame, from where to where in hertz. */
export const BANDS = 40;
const [LOWEST, HIGHEST] = [60, 4000] as const;
/** Below this power a band counts as silent. */
const QUIET = 1e-8;
/** The least difference of bands over time that is brought to 1. */
const LEAST_SPREAD = 1e-3;

/** Hertz as mels, in which people hear steps alike (O'Shaughnessy 1987), and back. */
const mels = (hertz: number): number => 1127 * Math.log1p(hertz / 700);
const hertz = (mel: number): number => 700 * Math.expm1(mel / 1127);

interface Analysis {
  readonly frame: number;
  readonly hop: number;
  readonly fft: FFT;
  readonly size: number;
  readonly window: Float64Array;
  /** For each band, the first bin that counts and the weights from there on. */
  readonly filters: readonly { readonly first: number; readonly weights: readonly number[] }[];
}

const analyses = new Map<number, Analysis>();

/** What sounds of a rate are taken apart by. @throws UsageError for a rate that holds too little */
function analysisOf(rate: number): Analysis {
  const known = analyses.get(rate);
  if (known) return known;
  if (rate < 2 * HIGHEST)
    throw new UsageError(
      `the sound has ${rate} samples a second, but speech takes ${2 * HIGHEST} or more; record it at a higher rate.`,
    );
  const [frame, hop] = [FRAME_SECONDS, HOP_SECONDS].map((seconds) => Math.round(seconds * rate)) as [
    number,
    number,
  ];
  const size = 2 ** Math.ceil(Math.log2(frame));
  const edges = Array.from({ length: BANDS + 2 }, (_, band) =>
    hertz(mels(LOWEST) + (band / (BANDS + 1)) * (mels(HIGHEST) - mels(LOWEST))),
  );
  const filters = Array.from({ length: BANDS }, (_, band) => {
    const [low, middle, high] = edges.slice(band, band + 3) as [number, number, number];
    const bins: { bin: number; weight: number }[] = [];
    for (let bin = 0; bin <= size / 2; bin++) {
      const at = (bin * rate) / size;
      const weight = Math.min((at - low) / (middle - low), (high - at) / (high - middle));
      if (weight > 0) bins.push({ bin, weight });
    }
    // A band between two bins takes the nearer.
    if (bins.length === 0) bins.push({ bin: Math.round((middle * size) / rate), weight: 1 });
    return { first: bins[0]!.bin, weights: bins.map(({ weight }) => weight) };
  });
  const window = Float64Array.from(
    { length: frame },
    (_, index) => 0.5 - 0.5 * Math.cos((2 * Math.PI * index) / (frame - 1)),
  );
  const analysis = { frame, hop, size, fft: new FFT(size), window, filters };
  analyses.set(rate, analysis);
  return analysis;
}

/** Frames of sounds in time, [frames, BANDS]. */
export interface Spectrogram {
  readonly frames: number;
  readonly values: Float32Array;
}

/**
 * The logarithm of the power of bands that people hear alike, frame by frame; of each band the mean is 0 and the deviation 1 over the sound,
 * so that microphones and distances are alike.
 * @throws UsageError for a sound that is shorter than a frame, silent, or of too low a rate
 */
export function logMel({ rate, samples }: Sound): Spectrogram {
  const { frame, hop, size, fft, window, filters } = analysisOf(rate);
  const frames = 1 + Math.floor((samples.length - frame) / hop);
  if (frames < 1)
    throw new UsageError(
      `the sound has ${samples.length} samples, ${Math.round((1000 * samples.length) / rate)} ms, but the shortest that can be read is ${1000 * FRAME_SECONDS} ms; record something.`,
    );
  let loudest = 0;
  for (const sample of samples) loudest = Math.max(loudest, Math.abs(sample));
  if (!(loudest > 0)) throw new UsageError("the sound is silent: all its samples are 0; record something.");
  const values = new Float32Array(frames * BANDS);
  const [piece, out] = [new Array<number>(size).fill(0), fft.createComplexArray()];
  for (let index = 0; index < frames; index++) {
    for (let at = 0; at < frame; at++) piece[at] = (samples[index * hop + at]! / loudest) * window[at]!;
    fft.realTransform(out, piece);
    filters.forEach(({ first, weights }, band) => {
      let power = 0;
      weights.forEach((weight, offset) => {
        const bin = 2 * (first + offset);
        power += weight * (out[bin]! ** 2 + out[bin + 1]! ** 2);
      });
      values[index * BANDS + band] = Math.log(power + QUIET);
    });
  }
  for (let band = 0; band < BANDS; band++) {
    let [sum, squares] = [0, 0];
    for (let index = band; index < values.length; index += BANDS) {
      sum += values[index]!;
      squares += values[index]! ** 2;
    }
    const mean = sum / frames;
    const spread = Math.max(LEAST_SPREAD, Math.sqrt(Math.max(0, squares / frames - mean ** 2)));
    for (let index = band; index < values.length; index += BANDS)
      values[index] = (values[index]! - mean) / spread;
  }
  return { frames, values };
}
