import { multiplyDimensions, type Tensor } from "../core/index.js";
import { concat, reshape } from "../ops/index.js";

/** What is added into slices of zeros along an axis: where most of a tensor stays 0, all that need be known of it. */
export interface Slices {
  readonly axis: 0 | 1;
  /** int32 [N]: the slice that each is added into; those with one number add up. */
  readonly picks: Tensor;
  /** [N, W]: N slices of the W elements that the other axis has; of a vector, one each. */
  readonly values: Tensor;
}

/** A tensor of one or two axes as slices, where that is how the graph makes it, as it does the gradients of tables; undefined elsewhere. */
export function slicesOf(tensor: Tensor): Slices | undefined {
  const { operation, inputs, attributes } = tensor.node;
  const [a, b] = inputs;
  switch (operation.name) {
    case "scatterAdd": {
      const count = multiplyDimensions(...a!.shape);
      const width = tensor.shape.slice(1);
      return width.length > 1
        ? undefined
        : { axis: 0, picks: reshape(a!, [count]), values: reshape(b!, [count, width[0] ?? 1]) };
    }
    case "transpose": {
      const inner = slicesOf(a!);
      return (attributes as { permutation: readonly number[] }).permutation.length === 2 && inner?.axis === 0
        ? { ...inner, axis: 1 }
        : undefined;
    }
    case "add": {
      const both = [a!, b!].map(slicesOf);
      const [one, other] = both;
      return one && other && one.axis === other.axis
        ? {
            axis: one.axis,
            picks: concat([one.picks, other.picks], 0),
            values: concat([one.values, other.values], 0),
          }
        : undefined;
    }
    default:
      return undefined;
  }
}
