declare module "fft.js" {
  /** A Fourier transform of `size` numbers, a power of two. Complex numbers lie side by side. */
  export default class FFT {
    constructor(size: number);
    /** The transform of real numbers: the first half of `out`, 2 · size numbers, is written. */
    realTransform(out: ArrayLike<number>, data: ArrayLike<number>): void;
    createComplexArray(): number[];
  }
}
