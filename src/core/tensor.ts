import type { DType } from "./dtype.js";
import type { Operation } from "./operation.js";
import type { Shape } from "./shape.js";

/** What is known of a tensor before anything runs. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A symbolic tensor: one output of a node. It has a type and no values. */
export class Tensor implements TensorType {
  constructor(
    readonly node: Node,
    readonly index: number,
    readonly dtype: DType,
    readonly shape: Shape,
  ) {}
}

let created = 0;

/** One application of an operation. Nodes reach their inputs, so a graph is whatever its outputs reach. */
export class Node {
  /** Rises with creation; inputs always have smaller numbers than the nodes that use them. */
  readonly id = created++;
  readonly outputs: readonly Tensor[];

  constructor(
    readonly operation: Operation,
    readonly inputs: readonly Tensor[],
    readonly attributes: Readonly<Record<string, unknown>>,
    types: readonly TensorType[],
  ) {
    this.outputs = types.map((type, index) => new Tensor(this, index, type.dtype, type.shape));
  }
}
