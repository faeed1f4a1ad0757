import {
  addDimensions,
  type Dimension,
  type DType,
  dimensionTerms,
  multiplyDimensions,
  RegardError,
  type Shape,
  subtractDimensions,
  type Tensor,
} from "../../core/index.js";
import { concat, constant, extent, reshape } from "../../ops/index.js";

/** An operator, or a use of one, that is not imported. */
export class NotImported extends RegardError {
  override name = "NotImported";
}

/** Numbers that are known before anything runs: those of the file, and sizes, which may be names. */
export interface Known {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: readonly Dimension[];
}

/** A value of an imported graph: a tensor, and its numbers where they are known. */
export class Value {
  #tensor: Tensor | undefined;

  private constructor(
    tensor: Tensor | undefined,
    readonly known: Known | undefined,
  ) {
    this.#tensor = tensor;
  }

  static of(value: Tensor | Value): Value {
    return value instanceof Value ? value : new Value(value, undefined);
  }

  static known(known: Known): Value {
    return new Value(undefined, known);
  }

  get dtype(): DType {
    return this.known?.dtype ?? this.#tensor!.dtype;
  }

  get shape(): Shape {
    return this.known?.shape ?? this.#tensor!.shape;
  }

  get tensor(): Tensor {
    this.#tensor ??= materialised(this.known!);
    return this.#tensor;
  }
}

/** The greatest whole number that tensors hold; what is beyond it means "to the end". */
const [LEAST, MOST] = [-(2 ** 31), 2 ** 31 - 1];

function materialised({ dtype, shape, data }: Known): Tensor {
  if (data.every((value) => typeof value === "number")) {
    const numbers = data as readonly number[];
    const held = dtype === "int32" ? numbers.map((one) => Math.min(MOST, Math.max(LEAST, one))) : numbers;
    return constant(held, { dtype, shape });
  }
  const parts = data.map((value) => reshape(extent(value, dtype), [1]));
  return reshape(concat(parts, 0), shape);
}

/** Numbers of which there are fewer are known; more are tensors. */
export const MOST_KNOWN = 4096;

/** Whether a size that may be a name can be told from a number: sizes are never below 0. */
function lowest(dimension: Dimension): number | undefined {
  if (typeof dimension === "number") return dimension;
  const terms = dimensionTerms(dimension);
  if (terms.some(({ coefficient, names }) => names.length > 0 && coefficient < 0)) return undefined;
  return terms.find(({ names }) => names.length === 0)?.coefficient ?? 0;
}

/** A size divided by another; undefined where that is none for every size. */
function divided(left: Dimension, right: Dimension): Dimension | undefined {
  if (right === 1) return left;
  if (left === right) return 1;
  if (typeof left === "number" && typeof right === "number")
    return right === 0 ? undefined : Math.trunc(left / right);
  if (typeof right === "string") {
    const [term, ...more] = dimensionTerms(right);
    if (!term || more.length > 0) return undefined;
    return dividedByTerm(left, term);
  }
  return dividedByTerm(left, { coefficient: right, names: [] });
}

function dividedByTerm(
  left: Dimension,
  right: { readonly coefficient: number; readonly names: readonly string[] },
): Dimension | undefined {
  let sum: Dimension = 0;
  for (const { coefficient, names } of dimensionTerms(left)) {
    const rest = [...names];
    for (const name of right.names) {
      const at = rest.indexOf(name);
      if (at < 0) return undefined;
      rest.splice(at, 1);
    }
    if (coefficient % right.coefficient !== 0) return undefined;
    sum = addDimensions(sum, multiplyDimensions(coefficient / right.coefficient, ...rest));
  }
  return sum;
}

const compared =
  (same: boolean) =>
  (left: Dimension, right: Dimension): Dimension | undefined => {
    if (left === right) return Number(same);
    if (typeof left === "number" && typeof right === "number") return Number(!same);
    const [a, b] = [lowest(left), lowest(right)];
    // A size is no number below the least that it can be.
    if (typeof left === "string" && typeof right === "number" && a !== undefined && right < a)
      return Number(!same);
    if (typeof right === "string" && typeof left === "number" && b !== undefined && left < b)
      return Number(!same);
    return undefined;
  };

/** What is done with sizes that may be names, one by one; undefined where it cannot be said for every size. */
export const ARITHMETIC: ReadonlyMap<string, (left: Dimension, right: Dimension) => Dimension | undefined> =
  new Map([
    ["Add", addDimensions],
    ["Sub", subtractDimensions],
    ["Mul", (left: Dimension, right: Dimension) => multiplyDimensions(left, right)],
    ["Div", divided],
    ["Equal", compared(true)],
    [
      "Max",
      (left: Dimension, right: Dimension) => {
        const [a, b] = [lowest(left), lowest(right)];
        if (typeof right === "number" && a !== undefined && a >= right) return left;
        return typeof left === "number" && b !== undefined && b >= left ? right : undefined;
      },
    ],
  ]);
