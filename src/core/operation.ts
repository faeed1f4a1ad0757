import type { NDArray } from "./array.js";
import type { Dimension } from "./dimension.js";
import type { DType, TypedArray } from "./dtype.js";
import type { Shape } from "./shape.js";
import type { Node, Tensor, TensorType } from "./tensor.js";

/** Everything Regard knows of an operation. One record, in one file. */
// biome-ignore lint/suspicious/noExplicitAny: a registry holds records of differing attribute types.
export interface Operation<Attributes = any> {
  readonly name: string;
  /** The output types, or a ShapeError that says what does not fit. */
  infer(inputs: readonly TensorType[], attributes: Attributes): readonly TensorType[];
  /** Gradients of the inputs from those of the outputs; absent where the operation is not differentiable. */
  gradient?(context: GradientContext<Attributes>): readonly (Tensor | undefined)[];
  /** Emits ONNX nodes and returns the names of the values that hold the outputs. */
  lower(context: LoweringContext, inputs: readonly string[], node: TypedNode<Attributes>): readonly string[];
  /** Computes the outputs in double precision. Slow and plain: the truth that sessions are tested against. */
  evaluate(
    context: EvaluationContext,
    inputs: readonly NDArray[],
    attributes: Attributes,
  ): readonly NDArray[];
  /**
   * The sum over a loop's steps of this operation's result, as one operation on stacked factors. `stack` gives a
   * factor for all steps, with the steps on a new axis 0. Without this a sum is accumulated inside the loop.
   */
  sumOverSteps?(node: TypedNode<Attributes>, stack: (factor: Tensor) => Tensor): Tensor;
  /** True where computing the result again costs less than keeping it from forward to backward. */
  readonly recompute?: boolean;
  /** Floating-point operations of one application; 0 where absent. */
  flops?(node: TypedNode<Attributes>, size: (dimension: Dimension) => number): number;
  /** Small cases for the conformance suite. */
  samples(): readonly Sample[];
}

/** A node whose attributes are known by their type. */
export type TypedNode<Attributes> = Node & { readonly attributes: Attributes };

/** What an operation's gradient is given: its node, and what reaches each of its outputs. */
export interface GradientContext<Attributes> {
  readonly node: TypedNode<Attributes>;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attributes: Attributes;
  /** Gradient reaching each output; undefined where none does. */
  readonly upstream: readonly (Tensor | undefined)[];
  /** Which inputs a gradient is wanted for. */
  readonly wanted: readonly boolean[];
  /** Gradients of `outputs` with respect to `sources`, for operations that hold a graph of their own. */
  differentiate(
    outputs: readonly Tensor[],
    upstream: readonly (Tensor | undefined)[],
    sources: readonly Tensor[],
  ): (Tensor | undefined)[];
}

/** An attribute of an ONNX node. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly string: string }
  | { readonly graph: unknown };

/** What an operation may ask of the graph it is being lowered into. Values are known by name. */
export interface LoweringContext {
  /** Adds a node; returns its output names. An empty input name leaves that input out. */
  emit(
    type: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, OnnxAttribute>>,
    outputs?: number,
  ): string[];
  /** A constant; equal constants are stored once. `int64` data is given as numbers. */
  constant(dtype: DType | "int64", shape: readonly number[], data: ArrayLike<number> | TypedArray): string;
  /** A one-dimensional int64 value holding `shape`, constant where all of it is known. */
  shape(shape: Shape): string;
  /**
   * Lowers a body into a graph of its own that may use values of the graphs around it.
   * @param options.counted whether it is given the number of the step and whether to go on before its parameters
   */
  subgraph(
    parameters: readonly Tensor[],
    captured: ReadonlyMap<Tensor, string>,
    results: readonly Tensor[],
    options?: { readonly counted?: boolean },
  ): unknown;
  onnxType(dtype: DType): number;
}

/** What the reference evaluator lends an operation: sizes as numbers, and the evaluation of a body. */
export interface EvaluationContext {
  size(dimension: Dimension): number;
  sizes(shape: Shape): number[];
  /** Evaluates a body with the given arrays in place of its parameters. */
  evaluate(
    parameters: readonly Tensor[],
    values: readonly NDArray[],
    results: readonly Tensor[],
  ): readonly NDArray[];
}

/**
 * One case of the conformance suite: a function of inputs that uses the operation. Shapes are written with the
 * names `one`, `two`, `three`, `five`, `seven` and `eleven`, so that the suite can try them as numbers, as named
 * dimensions, and with each set to 1.
 */
export interface Sample {
  readonly inputs: readonly SampleInput[];
  build(...inputs: Tensor[]): Tensor | readonly Tensor[];
  /** False where no gradient exists or it is zero by definition. */
  readonly differentiable?: boolean;
  /** Names that must keep their size in the size-one cases, such as those of split sections. */
  readonly fixed?: readonly string[];
}

/** An input of a sample: what its values are like, and its shape. */
export interface SampleInput {
  readonly kind: "float" | "positive" | "distinct" | "index" | "bool";
  readonly shape: Shape;
  /** For `index`: values are drawn from 0 up to this. */
  readonly below?: number;
}
