import type { Tensor } from "../core/index.js";
import { concat, constant, cos, mul, sin, unsqueeze } from "../ops/index.js";

/**
 * Positions as waves (Vaswani et al. 2017, section 3.5): [...] of numbers to [..., size], sines of wavelengths from 2π to
 * 10000 · 2π and then the cosines of the same, which the paper has in turns.
 */
export function sinusoids(positions: Tensor, size: number): Tensor {
  const waves = (count: number) =>
    mul(
      unsqueeze(positions, -1),
      constant(
        Array.from({ length: count }, (_, wave) => 10000 ** ((-2 * wave) / size)),
        { dtype: positions.dtype },
      ),
    );
  return concat([sin(waves(Math.ceil(size / 2))), cos(waves(Math.floor(size / 2)))], -1);
}
