import { type DType, Random, RegardError, type Tensor, type TypedArray, typedArray } from "../core/index.js";
import { input } from "../ops/index.js";
import type { Initialiser } from "./initialise.js";

/**
 * What a parameter is to its layer: the weights of a sum, or a bias, a gain of a normalisation, a table of vectors that are
 * looked up, vectors that stand for positions. Optimizers let weights alone decay.
 */
export type ParameterKind = "weight" | "bias" | "gain" | "table" | "position";

/** A trainable tensor and how its first values are drawn. */
export interface Parameter {
  /** The path of names from the root scope, joined by dots. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly tensor: Tensor;
  readonly initialise: Initialiser;
  readonly kind: ParameterKind;
}

interface Registry {
  readonly dtype: DType;
  readonly parameters: Map<string, Parameter>;
}

/**
 * Where layers put their parameters: a place in a tree of names. Layers take a scope and sizes and return functions
 * on tensors; the root scope then knows every parameter of the model.
 */
export class Scope {
  readonly #registry: Registry;
  readonly #path: string;

  private constructor(registry: Registry, path: string) {
    this.#registry = registry;
    this.#path = path;
  }

  /** A new tree of parameters with elements of the given type. */
  static root(dtype: "float32" | "float64" = "float32"): Scope {
    return new Scope({ dtype, parameters: new Map() }, "");
  }

  get dtype(): DType {
    return this.#registry.dtype;
  }

  /** Every parameter of the tree, in order of creation. */
  get parameters(): readonly Parameter[] {
    return [...this.#registry.parameters.values()];
  }

  #join(name: string): string {
    return this.#path === "" ? name : `${this.#path}.${name}`;
  }

  /** The scope called `name` inside this one. */
  at(name: string): Scope {
    return new Scope(this.#registry, this.#join(name));
  }

  /**
   * A new parameter. What has two axes or more is a weight and what has fewer a bias, unless said otherwise.
   * @throws RegardError where the name is taken
   */
  parameter(
    name: string,
    shape: readonly number[],
    initialise: Initialiser,
    kind: ParameterKind = shape.length >= 2 ? "weight" : "bias",
  ): Tensor {
    const path = this.#join(name);
    if (this.#registry.parameters.has(path))
      throw new RegardError(
        `two parameters are named "${path}"; give each layer a scope of its own with scope.at().`,
      );
    const tensor = input(path, this.dtype, shape, { kind: "parameter" });
    this.#registry.parameters.set(path, { name: path, shape, tensor, initialise, kind });
    return tensor;
  }
}

/** First values of a parameter: a function of the seed and its name alone, so models can grow without moving others. */
export const initialValues = (parameter: Parameter, seed: number): TypedArray =>
  typedArray(
    parameter.tensor.dtype,
    parameter.initialise(parameter.shape, new Random(seed, `parameter ${parameter.name}`)),
  );
