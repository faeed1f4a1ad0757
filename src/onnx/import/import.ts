import {
  broadcastShapes,
  countOf,
  type Dimension,
  type DType,
  type ndarray,
  RegardError,
  type Shape,
  type Tensor,
  type TypedArray,
  typedArray,
} from "../../core/index.js";
import { evaluateGraph, input } from "../../ops/index.js";
import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
  ValueInfoProto,
} from "../schema.js";
import { elementCount, elementName, tensorNumbers } from "../tensor-data.js";
import { Call, typeOf } from "./call.js";
import { operators } from "./operators.js";
import { ARITHMETIC, type Known, MOST_KNOWN, NotImported, Value } from "./value.js";

/** How a file's graph is taken. */
export interface ImportOptions {
  /** Shapes of inputs, by their names, in place of those that the file says: numbers, or names of sizes. */
  readonly shapes?: Readonly<Record<string, Shape>>;
  /** The type that numbers of single and half precision get; float32 where absent. */
  readonly float?: "float32" | "float64";
}

/** Numbers that stand in the file and are more than a few: an input of the imported graph, with its values. */
export interface StoredTensor {
  readonly tensor: Tensor;
  readonly data: TypedArray;
  /** Whether they are weights that could be trained: numbers with a point. */
  readonly weights: boolean;
}

/** A graph of a file as symbolic tensors. */
export interface ImportedGraph {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Weights and tables by the names of the inputs that stand for them. */
  readonly stored: ReadonlyMap<string, StoredTensor>;
  /** Any value of the outermost graph, by its name in the file; undefined where there is none. */
  value(name: string): Tensor | undefined;
}

type Values = Map<string, Value>;

/** A name of a size as sizes are called here: letters, digits and underscores, beginning with no digit. */
const sizeName = (name: string): string => `_${name}`.replace(/\W/g, "_").replace(/^_(?=[A-Za-z])/, "");

/**
 * A file's graph as symbolic tensors, whose gradient can be taken. Whole numbers of any width are int32 here and half precision is
 * single. What stands in the file becomes inputs with values; shapes are computed as far as they are known.
 * @throws NotImported where an operator is not among those that are imported, naming it
 */
export function importModel(model: ModelProto, options: ImportOptions = {}): ImportedGraph {
  return new Importer(model, options).run();
}

class Importer {
  readonly #float: DType;
  readonly #versions: ReadonlyMap<string, number>;
  readonly #functions: ReadonlyMap<string, FunctionProto>;
  readonly #stored = new Map<string, StoredTensor>();
  readonly #inputs: Record<string, Tensor> = {};

  constructor(
    readonly model: ModelProto,
    readonly options: ImportOptions,
  ) {
    this.#float = options.float ?? "float32";
    const domain = (name: string) => (name === "ai.onnx" ? "" : name);
    this.#versions = new Map(model.opsetImport.map((one) => [domain(one.domain), Number(one.version)]));
    this.#functions = new Map(
      (model.functions ?? []).map((one) => [`${domain(one.domain)}:${one.name}`, one]),
    );
  }

  run(): ImportedGraph {
    const { graph } = this.model;
    const values: Values = new Map();
    const stored = new Set(graph.initializer.map(({ name }) => name));
    for (const one of graph.input)
      if (!stored.has(one.name)) {
        const tensor = this.#input(one);
        this.#inputs[one.name] = tensor;
        values.set(one.name, Value.of(tensor));
      }
    this.#graph(graph, values);
    const outputs = graph.output.map(({ name }) => [name, values.get(name)?.tensor] as const);
    const missing = outputs.find(([, tensor]) => !tensor);
    if (missing) throw new NotImported(`output "${missing[0]}" is made by nothing.`);
    return {
      inputs: this.#inputs,
      outputs: Object.fromEntries(outputs as [string, Tensor][]),
      stored: this.#stored,
      value: (name) => values.get(name)?.tensor,
    };
  }

  #input({ name, type }: ValueInfoProto): Tensor {
    const tensor = type?.tensorType;
    const dtype = tensor && typeOf(tensor.elemType, this.#float);
    if (!dtype)
      throw new NotImported(
        `input "${name}" is ${tensor ? elementName(tensor.elemType) : "no tensor"}, which is not imported.`,
      );
    const dims = tensor.shape?.dim;
    const shape =
      this.options.shapes?.[name] ??
      dims?.map(
        ({ dimValue, dimParam }, axis): Dimension =>
          dimParam
            ? sizeName(dimParam)
            : Number(dimValue) > 0
              ? Number(dimValue)
              : sizeName(`${name}_${axis}`),
      );
    if (!shape) throw new NotImported(`input "${name}" has no shape in the file; say which it has.`);
    return input(name, dtype, shape);
  }

  /** Runs a graph's nodes; `values` holds what is known around it, and holds its own values afterwards. */
  #graph(graph: GraphProto, values: Values): void {
    for (const tensor of graph.initializer) values.set(tensor.name, this.#tensor(tensor, tensor.name));
    if (graph.sparseInitializer?.length) throw new NotImported("sparse tensors are not imported.");
    this.#nodes(graph.node, values, new Map());
  }

  #nodes(nodes: readonly NodeProto[], values: Values, given: ReadonlyMap<string, AttributeProto>): void {
    const wanted = new Set(nodes.flatMap(({ output }) => output));
    const left = [...nodes];
    // Files list nodes in an order in which they can be done.
    for (const node of left) {
      const late = node.input.find((name) => name !== "" && !values.has(name));
      if (late !== undefined)
        throw new NotImported(
          `${node.opType} reads "${late}" ${wanted.has(late) ? "before it is made" : "which nothing makes"}.`,
        );
      const results = this.#node(node, values, given);
      node.output.forEach((name, index) => {
        if (name === "") return;
        const value = results[index];
        if (!value)
          throw new NotImported(
            `${node.opType} gives "${name}", its output ${index + 1}, which is not imported.`,
          );
        values.set(name, value);
      });
    }
  }

  #node(node: NodeProto, values: Values, given: ReadonlyMap<string, AttributeProto>): (Value | undefined)[] {
    const domain = node.domain === "ai.onnx" || !node.domain ? "" : node.domain;
    const inputs = node.input.map((name) => (name === "" ? undefined : values.get(name)));
    const attributes = new Map(
      node.attribute.flatMap((one) => {
        if (!one.refAttrName) return [[one.name, one] as const];
        const found = given.get(one.refAttrName);
        return found ? [[one.name, found] as const] : [];
      }),
    );
    const own = this.#functions.get(`${domain}:${node.opType}`);
    if (own) return this.#call(own, inputs, attributes);
    const call = new Call(node, inputs, this.#versions.get(domain) ?? 1, this.#float, attributes, (tensor) =>
      this.#tensor(tensor, node.output[0] ?? ""),
    );
    if (domain === "" && node.opType === "If") return this.#branch(call, values);
    const operator = domain === "" ? operators.get(node.opType) : undefined;
    if (!operator)
      throw new NotImported(
        `operator ${domain === "" ? "" : `${domain}.`}${node.opType} is not imported, so no gradient can be taken through this file.`,
      );
    return this.#folded(call, operator) ?? listed(operator.build(call));
  }

  /** A function that the file itself defines, node by node. */
  #call(
    { input, output, node, attributeProto = [] }: FunctionProto,
    inputs: readonly (Value | undefined)[],
    attributes: ReadonlyMap<string, AttributeProto>,
  ): (Value | undefined)[] {
    const values: Values = new Map();
    input.forEach((name, index) => {
      const value = inputs[index];
      if (value) values.set(name, value);
    });
    this.#nodes(
      node,
      values,
      new Map([...attributeProto.map((one) => [one.name, one] as const), ...attributes]),
    );
    return output.map((name) => values.get(name));
  }

  /** A branch that is known to be taken. */
  #branch(call: Call, values: Values): (Value | undefined)[] {
    const { known } = call.value(0);
    const [condition] = known?.data ?? [];
    if (typeof condition !== "number")
      throw call.refuse("takes a branch by what is computed, which is not imported");
    const graph = call.attribute(condition ? "then_branch" : "else_branch")?.g;
    if (!graph) throw call.refuse("has no branch");
    const inner: Values = new Map(values);
    this.#graph(graph, inner);
    return graph.output.map(({ name }) => inner.get(name));
  }

  /** What a node gives where all that it reads is known: numbers, and sizes. */
  #folded(call: Call, operator: NonNullable<ReturnType<typeof operators.get>>): Value[] | undefined {
    const { inputs } = call;
    const given = inputs.filter((value) => value !== undefined);
    if (given.length === 0 || given.some(({ known }) => !known)) return undefined;
    const known = given.map((value) => value.known!);
    if (known.some(({ data }) => data.length > MOST_KNOWN)) return undefined;
    const moved = operator.moves;
    if (moved) {
      // What only moves elements moves their numbers, whatever they stand for.
      const all: Dimension[] = [];
      const marked = inputs.map((value, index) => {
        if (!value || !(moved === "all" || moved.includes(index))) return value;
        const { shape, data } = value.known!;
        const numbers = data.map((_, at) => all.length + at);
        all.push(...data);
        return Value.known({ dtype: "int32", shape, data: numbers });
      });
      const dtype = inputs[moved === "all" ? 0 : moved[0]!]!.dtype;
      const placed = evaluated(
        new Call(call.node, marked, call.version, call.float, call.attributes, call.stored),
        operator,
      );
      return placed?.map(({ shape, data }) =>
        Value.known({ dtype, shape, data: data.map((at) => all[at as number]!) }),
      );
    }
    const sizes = known.every(({ dtype }) => dtype === "int32") ? arithmetic(call) : undefined;
    if (sizes) return sizes;
    if (known.every(({ data }) => data.every((one) => typeof one === "number")))
      return evaluated(call, operator)?.map((one) => Value.known(one));
    return arithmetic(call);
  }

  /** A tensor of the file: known where it is small, and no weights. */
  #tensor(tensor: TensorProto, name: string): Value {
    const dtype = typeOf(tensor.dataType, this.#float);
    if (!dtype)
      throw new NotImported(
        `tensor "${tensor.name}" is ${elementName(tensor.dataType)}, which is not imported.`,
      );
    const shape = tensor.dims.map(Number);
    const count = elementCount(shape);
    const numbers = tensorNumbers(tensor);
    const float = dtype === "float32" || dtype === "float64";
    if (count <= (float ? 1 : MOST_KNOWN)) return Value.known({ dtype, shape, data: Array.from(numbers) });
    const data =
      numbers instanceof Float32Array && dtype === "float32"
        ? numbers
        : typedArray(dtype, dtype === "int32" ? Array.from(numbers, limited) : numbers);
    const own = `stored.${name}`;
    const known = this.#stored.get(own);
    if (known) return Value.of(known.tensor);
    const held = input(own, dtype, shape, { kind: float ? "parameter" : "buffer" });
    this.#stored.set(own, { tensor: held, data, weights: float });
    return Value.of(held);
  }
}

const limited = (value: number): number => Math.min(2 ** 31 - 1, Math.max(-(2 ** 31), value));

/** What an operator made, as values. */
const listed = (made: Tensor | Value | readonly (Tensor | Value | undefined)[]): (Value | undefined)[] =>
  (Array.isArray(made) ? made : [made]).map((one) => one && Value.of(one as Tensor | Value));

/** What an operator gives of known numbers; undefined where that depends on a size that is open. */
function evaluated(call: Call, operator: NonNullable<ReturnType<typeof operators.get>>): Known[] | undefined {
  const results = listed(operator.build(call));
  const found: Known[] = [];
  for (const result of results) {
    if (!result) return undefined;
    if (result.known) {
      found.push(result.known);
      continue;
    }
    const { tensor } = result;
    if (
      tensor.shape.some((size) => typeof size !== "number") ||
      countOf(tensor.shape as number[]) > MOST_KNOWN
    )
      return undefined;
    let value: ReturnType<typeof ndarray>;
    try {
      [value] = evaluateGraph([], [], [tensor], new Map()) as [typeof value];
    } catch (error) {
      if (error instanceof RegardError) return undefined;
      throw error;
    }
    found.push({ dtype: tensor.dtype, shape: value.shape, data: Array.from(value.data) });
  }
  return found;
}

/** Arithmetic with sizes of which some are names. */
function arithmetic(call: Call): Value[] | undefined {
  const { node, inputs } = call;
  const [a, b] = inputs.map((value) => value?.known);
  if (node.opType === "Where" || !a) return undefined;
  // A size of another type is the same number.
  if (node.opType === "Cast" && a.data.every((one) => typeof one === "string" || Number.isInteger(one))) {
    const dtype = call.type(call.int("to", 1));
    if (dtype !== "bool") return [Value.known({ ...a, dtype })];
  }
  if (node.opType === "ReduceProd" && a.shape.length === 1)
    return [
      Value.known({ ...a, shape: [], data: [a.data.reduce((x, y) => ARITHMETIC.get("Mul")!(x, y)!, 1)] }),
    ];
  const apply = ARITHMETIC.get(node.opType);
  if (!apply || !b || inputs.length !== 2) return undefined;
  const shape = broadcastShapes(node.opType, a.shape, b.shape) as number[];
  const count = countOf(shape);
  const data: Dimension[] = [];
  // Sizes lie in lists: one of the two has one element, or they have as many.
  if (![a, b].every(({ data: { length } }) => length === 1 || length === count)) return undefined;
  for (let index = 0; index < count; index++) {
    const result = apply(a.data[index % a.data.length]!, b.data[index % b.data.length]!);
    if (result === undefined) return undefined;
    data.push(result);
  }
  return [Value.known({ dtype: node.opType === "Equal" ? "bool" : a.dtype, shape, data })];
}
