/** A fast stream of numbers in [0, 1) from 32 bits (Marsaglia 2003, xorshift32), such as one for each pixel. */
export function stream(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
