import { type Dimension, multiplyDimensions, type Tensor } from "../../core/index.js";
import { bidirectional, gru, layerNorm, linear, type Scope } from "../../nn/index.js";
import {
  add,
  cast,
  concat,
  div,
  less,
  mul,
  pad,
  range,
  reduceSum,
  relu,
  reshape,
  slice,
  transpose,
  unsqueeze,
} from "../../ops/index.js";

/** Frames that a place of the first layer, and of the second, takes together. */
const [FIRST, SECOND] = [2, 2] as const;
/** Frames of a place. */
export const FRAMES_OF_PLACE = FIRST * SECOND;

/** Places that a layer of the convolutional encoder sees, and its layers. */
const [SEEN, LAYERS] = [5, 3] as const;

/** What an encoder makes of a sound. Axes: B batch, S places, H hidden. */
export interface Encoded {
  /** [B, S, 2H] */
  readonly annotations: Tensor;
  /** What the decoder's first state is made of, [B, H] or [B, 2H]. */
  readonly summary: Tensor;
  /** bool [B, S]: places that there are. */
  readonly mask: Tensor;
}

export interface Encoder {
  /** Features of the summary. */
  readonly summary: number;
  /** @param source [B, S, 4 · bands] @param length int32 [B], places of each */
  (source: Tensor, length: Tensor): Encoded;
}

/** Which of so many steps there are, bool [count, B]. */
const realSteps = (count: Dimension, length: Tensor): Tensor =>
  less(unsqueeze(range(count, "int32"), 1), unsqueeze(length, 0));

/** Two layers of GRUs from each end, each on pairs of what is below. A place knows of all the sound. */
export function recurrentEncoder(scope: Scope, bands: number, H: number): Encoder {
  const [first, second] = [FIRST * bands, SECOND * 2 * H].map((input, layer) =>
    bidirectional(scope.at(`${layer}`), gru, { input, hidden: H }),
  ) as [ReturnType<typeof bidirectional>, ReturnType<typeof bidirectional>];
  const encode = (source: Tensor, length: Tensor): Encoded => {
    const [batch, places] = source.shape as [Dimension, Dimension];
    const steps = multiplyDimensions(SECOND, places);
    const pairs = transpose(reshape(source, [batch, steps, FIRST * bands]), [1, 0, 2]); // [2S, B, 2F]
    const read = first(pairs, { mask: realSteps(steps, add(length, length)) }).outputs;
    const below = reshape(transpose(read, [1, 0, 2]), [batch, places, SECOND * 2 * H]);
    const mask = realSteps(places, length);
    const { outputs, backward } = second(transpose(below, [1, 0, 2]), { mask });
    return {
      annotations: transpose(outputs, [1, 0, 2]),
      summary: backward.final.hidden,
      mask: transpose(mask),
    };
  };
  return Object.assign(encode, { summary: H });
}

/** Layers that see two places to each side: a place knows of 13, half a second, and what is attended to must be where it is heard. */
export function convolutionalEncoder(scope: Scope, bands: number, H: number): Encoder {
  const layers = Array.from({ length: LAYERS }, (_, layer) => {
    const input = layer === 0 ? FRAMES_OF_PLACE * bands : 2 * H;
    return {
      weigh: linear(scope.at(`${layer}.convolution`), { input: SEEN * input, output: 2 * H }),
      normalise: layerNorm(scope.at(`${layer}.norm`), { features: 2 * H }),
    };
  });
  const encode = (source: Tensor, length: Tensor): Encoded => {
    const [, places] = source.shape as [Dimension, Dimension];
    const mask = transpose(realSteps(places, length));
    const real = unsqueeze(cast(mask, source.dtype), 2);
    const side = (SEEN - 1) / 2;
    let x = source;
    layers.forEach(({ weigh, normalise }, layer) => {
      const padded = pad(x, 1, side, side);
      const seen = concat(
        Array.from({ length: SEEN }, (_, at) => slice(padded, 1, at, places)),
        2,
      );
      const next = relu(weigh(seen));
      // What lies behind the end stays 0, as what lies outside.
      x = mul(normalise(layer === 0 ? next : add(x, next)), real);
    });
    const count = unsqueeze(cast(length, source.dtype), 1);
    return { annotations: x, summary: div(reduceSum(x, { axes: 1 }), count), mask };
  };
  return Object.assign(encode, { summary: 2 * H });
}
