import { formatShape, multiplyDimensions, ShapeError, type Tensor } from "../core/index.js";
import {
  add,
  div,
  gather,
  layerNorm as layerNormOperation,
  less,
  matmul,
  maximum,
  reshape,
  split,
  where,
} from "../ops/index.js";
import { glorotUniform, type Initialiser, normal, ones, zeros } from "./initialise.js";
import type { Mode } from "./mode.js";
import type { Scope } from "./scope.js";

/** A layer over the last axis, to all of its features or to some. */
export interface Outputs {
  (x: Tensor): Tensor;
  /** How many features it gives. */
  readonly size: number;
  /** @param chosen int32 [C]: numbers of features; the layer that gives these, in this order, [..., C] */
  of(chosen: Tensor): (x: Tensor) => Tensor;
}

/** x W + b over the last axis: [..., input] to [..., output]. */
export function linear(
  scope: Scope,
  sizes: { input: number; output: number; bias?: boolean; initialise?: Initialiser },
): Outputs {
  const weight = scope.parameter("weight", [sizes.input, sizes.output], sizes.initialise ?? glorotUniform);
  const bias = sizes.bias === false ? undefined : scope.parameter("bias", [sizes.output], zeros);
  return Object.assign((x: Tensor) => affine(x, weight, bias), {
    size: sizes.output,
    of: (chosen: Tensor) => (x: Tensor) => affine(x, gather(weight, chosen, 1), bias && gather(bias, chosen)),
  });
}

/** x W + b over the last axis, as one product of matrices however many axes `x` has. */
export function affine(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const lead = x.shape.slice(0, -1);
  const product = matmul(reshape(x, [multiplyDimensions(...lead), x.shape.at(-1)!]), weight);
  return reshape(bias ? add(product, bias) : product, [...lead, weight.shape[1]!]);
}

/** Token numbers (int32, any shape) to vectors: [...] to [..., size], from a table [vocabulary, size]. */
export function embedding(
  scope: Scope,
  sizes: { vocabulary: number; size: number; initialise?: Initialiser },
): ((tokens: Tensor) => Tensor) & { readonly table: Tensor } {
  const table = scope.parameter(
    "table",
    [sizes.vocabulary, sizes.size],
    sizes.initialise ?? normal(0.1),
    "table",
  );
  return Object.assign((tokens: Tensor) => gather(table, tokens), { table });
}

/**
 * The largest of `pieces` linear features (Goodfellow et al. 2013): [..., F] to [..., F / pieces]. Feature i of the
 * result is the largest of features i, i + F / pieces, …, so that each piece is one stretch of memory.
 * @throws ShapeError where the features do not divide into pieces
 */
export function maxout(x: Tensor, pieces = 2): Tensor {
  const features = x.shape.at(-1);
  if (typeof features !== "number" || features % pieces !== 0)
    throw new ShapeError(
      `maxout: the last axis of ${formatShape(x.shape)} is ${features}, which does not divide into ${pieces} pieces; make it a multiple.`,
    );
  const parts = split(x, new Array<number>(pieces).fill(features / pieces), -1);
  return parts.reduce((a, b) => maximum(a, b));
}

/**
 * In training, sets a share `rate` of elements to 0 and scales the others by 1 / (1 − rate) (Srivastava et al. 2014);
 * otherwise leaves them.
 * @param name of the noise that decides
 */
export function dropout(x: Tensor, rate: number, mode: Mode, name: string): Tensor {
  if (!mode.training || rate === 0) return x;
  return where(less(mode.chance(name, x.shape, "uniform"), rate), 0, div(x, 1 - rate));
}

/** Layer normalisation over the last axis, with a scale and a bias for each feature. */
export function layerNorm(
  scope: Scope,
  sizes: { features: number; epsilon?: number },
): (x: Tensor) => Tensor {
  const scale = scope.parameter("scale", [sizes.features], ones, "gain");
  const bias = scope.parameter("bias", [sizes.features], zeros);
  return (x) => layerNormOperation(x, scale, bias, sizes.epsilon);
}
