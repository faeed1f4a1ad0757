import { formatShape, ShapeError, type Tensor } from "../core/index.js";
import {
  add,
  div,
  gather,
  layerNorm as layerNormOperation,
  less,
  matmul,
  reduceMax,
  reshape,
  where,
} from "../ops/index.js";
import { glorotUniform, type Initialiser, normal, ones, zeros } from "./initialise.js";
import type { Scope } from "./scope.js";

/** x W + b over the last axis: [..., input] to [..., output]. */
export function linear(
  scope: Scope,
  sizes: { input: number; output: number; bias?: boolean; initialise?: Initialiser },
): (x: Tensor) => Tensor {
  const weight = scope.parameter("weight", [sizes.input, sizes.output], sizes.initialise ?? glorotUniform);
  const bias = sizes.bias === false ? undefined : scope.parameter("bias", [sizes.output], zeros);
  return (x) => {
    const product = matmul(x, weight);
    return bias ? add(product, bias) : product;
  };
}

/** Token numbers (int32, any shape) to vectors: [...] to [..., size]. */
export function embedding(
  scope: Scope,
  sizes: { vocabulary: number; size: number; initialise?: Initialiser },
): (tokens: Tensor) => Tensor {
  const table = scope.parameter("table", [sizes.vocabulary, sizes.size], sizes.initialise ?? normal(0.1));
  return (tokens) => gather(table, tokens);
}

/**
 * The largest of each `pieces` neighbouring features (Goodfellow et al. 2013): [..., F] to [..., F / pieces].
 * @throws ShapeError where the features do not divide into pieces
 */
export function maxout(x: Tensor, pieces = 2): Tensor {
  const features = x.shape.at(-1);
  if (typeof features !== "number" || features % pieces !== 0)
    throw new ShapeError(
      `maxout: the last axis of ${formatShape(x.shape)} is ${features}, which does not divide into pieces of ${pieces}; make it a multiple.`,
    );
  return reduceMax(reshape(x, [...x.shape.slice(0, -1), features / pieces, pieces]), { axes: -1 });
}

/**
 * Sets a share `rate` of elements to 0 and scales the others by 1 / (1 − rate) (Srivastava et al. 2014), with noise
 * from the scope. For use in training graphs alone.
 */
export function dropout(scope: Scope, rate: number): (x: Tensor) => Tensor {
  return (x) => {
    if (rate === 0) return x;
    const dropped = less(scope.noise("noise", x.shape, "uniform"), rate);
    return where(dropped, 0, div(x, 1 - rate));
  };
}

/** Layer normalisation over the last axis, with a scale and a bias for each feature. */
export function layerNorm(
  scope: Scope,
  sizes: { features: number; epsilon?: number },
): (x: Tensor) => Tensor {
  const scale = scope.parameter("scale", [sizes.features], ones);
  const bias = scope.parameter("bias", [sizes.features], zeros);
  return (x) => layerNormOperation(x, scale, bias, sizes.epsilon);
}
