import type { Tensor } from "../core/index.js";
import { add, convolution, reshape, type SquareWindow, type WindowOptions, windows } from "../ops/index.js";
import { type Initialiser, uniform, zeros } from "./initialise.js";
import { affine } from "./layers.js";
import type { Scope } from "./scope.js";

export interface ConvolutionSizes extends WindowOptions {
  /** Channels of the images. */
  readonly input: number;
  /** Channels of the result. */
  readonly output: number;
  /** Height and width of the kernel. */
  readonly kernel: number | readonly [number, number];
  readonly groups?: number;
  readonly bias?: boolean;
  readonly initialise?: Initialiser;
}

/**
 * A convolution with weights and a bias for each channel: [N, input, H, W] to [N, output, H', W']. First values keep the
 * variance of what ReLUs let through (He et al. 2015, equation 10).
 */
export function convolutional(scope: Scope, sizes: ConvolutionSizes): (x: Tensor) => Tensor {
  const { input, output, kernel, groups = 1, bias = true, initialise, ...window } = sizes;
  const [height, width] = typeof kernel === "number" ? [kernel, kernel] : kernel;
  const taken = (input / groups) * height * width;
  const weight = scope.parameter(
    "weight",
    [output, input / groups, height, width],
    initialise ?? uniform(Math.sqrt(6 / taken)),
  );
  const shift = bias ? scope.parameter("bias", [output], zeros) : undefined;
  return (x) => {
    const y = convolution(x, weight, { ...window, groups });
    return shift ? add(y, reshape(shift, [1, output, 1, 1])) : y;
  };
}

/**
 * A convolution of images whose channels are last, [N, H, W, input] to [N, H', W', output]: one product of matrices for all
 * images and places, which is the faster way to train. Its weight is [kernel² · input, output].
 */
export function convolutionalLast(
  scope: Scope,
  sizes: SquareWindow & { readonly input: number; readonly output: number; readonly kernel: number },
): (x: Tensor) => Tensor {
  const { input, output, kernel, ...window } = sizes;
  const taken = input * kernel ** 2;
  const weight = scope.parameter("weight", [taken, output], uniform(Math.sqrt(6 / taken)));
  const bias = scope.parameter("bias", [output], zeros);
  return (x) => affine(kernel === 1 ? x : windows(x, kernel, window), weight, bias);
}
