import type { Tensor } from "../core/index.js";
import { type SquareWindow, windows } from "../ops/index.js";
import { uniform, zeros } from "./initialise.js";
import { affine } from "./layers.js";
import type { Scope } from "./scope.js";

/**
 * A convolution of images whose channels are last, [N, H, W, input] to [N, H', W', output]: one product of matrices for all
 * images and places. Its weight is [kernel² · input, output]; first values keep the variance of what ReLUs let through (He et al.
 * 2015, equation 10).
 */
export function convolutional(
  scope: Scope,
  sizes: SquareWindow & { readonly input: number; readonly output: number; readonly kernel: number },
): (x: Tensor) => Tensor {
  const { input, output, kernel, ...window } = sizes;
  const taken = input * kernel ** 2;
  const weight = scope.parameter("weight", [taken, output], uniform(Math.sqrt(6 / taken)));
  const bias = scope.parameter("bias", [output], zeros);
  return (x) => affine(kernel === 1 ? x : windows(x, kernel, window), weight, bias);
}
