import {
  type Dimension,
  type DType,
  dimensionTerms,
  kindOf,
  type LoweringContext,
  type Node,
  type OnnxAttribute,
  RegardError,
  reachableNodes,
  type Shape,
  Tensor,
  type TensorType,
  type TypedArray,
} from "../core/index.js";
import { inputAttributes, unrollAll } from "../ops/index.js";
import {
  ATTRIBUTE,
  type AttributeProto,
  ELEMENT,
  encodeModel,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "./schema.js";
import { simplify } from "./simplify.js";

/** Tensors to compute, by the names they are asked for. Its inputs are the input tensors they depend on. */
export type Program = Readonly<Record<string, Tensor>>;

/** How a program becomes a file. */
export interface LowerOptions {
  /** `loop` lowers scans to ONNX `Scan`; `unroll` writes their steps out, where lengths are numbers. */
  readonly scan?: "loop" | "unroll";
  /** Entries for the model's metadata. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Values of inputs that become constants of the file, such as trained parameters. */
  readonly values?: Readonly<Record<string, TypedArray>>;
  /** Hears which ONNX nodes a node became; those of a loop's body before the loop itself. */
  readonly onLowered?: (node: Node, emitted: readonly NodeProto[]) => void;
}

/** The bytes of an ONNX file, and the inputs that it reads. */
export interface LoweredModel {
  readonly bytes: Uint8Array;
  readonly inputs: readonly Tensor[];
}

/** The ONNX operator set that is emitted, and the file format version that goes with it. */
const OPSET = 21;
const IR_VERSION = 10;

/** @throws RegardError where something is no program: tensors by the names of outputs */
export function assertProgram(program: unknown): asserts program is Program {
  if (typeof program !== "object" || program === null || program instanceof Tensor || Array.isArray(program))
    throw new RegardError(`a program is tensors by name, such as { loss }, but this is ${kindOf(program)}.`);
  const entries = Object.entries(program as object);
  if (entries.length === 0)
    throw new RegardError("the program has no outputs; name at least one, as in { loss }.");
  const wrong = entries.find(([, tensor]) => !(tensor instanceof Tensor));
  if (wrong)
    throw new RegardError(
      `output "${wrong[0]}" of the program is ${kindOf(wrong[1])}, not a tensor; give what an operation returned.`,
    );
}

/** Lowers a program to the bytes of one ONNX model. @throws RegardError where two inputs share a name */
export function lower(program: Program, options: LowerOptions = {}): LoweredModel {
  assertProgram(program);
  const names = Object.keys(program);
  const asked = Object.values(program);
  const clash = inputsOf(asked).find((tensor) => names.includes(nameOf(tensor)));
  if (clash)
    throw new RegardError(
      `an output and an input of one program are both named "${nameOf(clash)}"; rename the output.`,
    );
  const results = simplify(options.scan === "unroll" ? unrollAll(asked) : asked);
  const all = inputsOf(results);
  const fixed = options.values ?? {};
  const root = new RootBuilder(
    all.filter((tensor) => !(nameOf(tensor) in fixed)),
    options.onLowered,
  );
  for (const tensor of all) {
    const { name, shape } = inputAttributes(tensor)!;
    const value = fixed[name];
    if (value)
      root.values.set(tensor, root.initializer(name, ELEMENT[tensor.dtype], shape as number[], value));
    else root.values.set(tensor, name);
  }
  const graph = root.finish("regard", root.inputs, results, names);
  const bytes = encodeModel({
    irVersion: IR_VERSION,
    producerName: "regard",
    opsetImport: [{ domain: "", version: OPSET }],
    graph,
    metadataProps: Object.entries(options.metadata ?? {}).map(([key, value]) => ({ key, value })),
  });
  return { bytes, inputs: root.inputs };
}

const nameOf = (tensor: Tensor): string => inputAttributes(tensor)!.name;

/** The inputs that tensors depend on, in order of creation. @throws RegardError where two have one name */
export function inputsOf(outputs: readonly Tensor[]): Tensor[] {
  const inputs = reachableNodes(outputs).flatMap((node) =>
    inputAttributes(node.outputs[0]!) ? node.outputs : [],
  );
  const names = new Set<string>();
  for (const tensor of inputs) {
    if (names.has(nameOf(tensor)))
      throw new RegardError(
        `two inputs of one program are named "${nameOf(tensor)}"; give each its own name.`,
      );
    names.add(nameOf(tensor));
  }
  return inputs;
}

/** Builds one ONNX graph: the model's own, or the body of a scan, which may use values of the graphs around it. */
abstract class Builder implements LoweringContext {
  readonly nodes: NodeProto[] = [];
  readonly values = new Map<Tensor, string>();
  readonly #produced = new Set<string>();

  abstract readonly root: RootBuilder;

  emit(
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    outputs = 1,
  ): string[] {
    const output = Array.from({ length: outputs }, () => this.root.freshName());
    for (const name of output) this.#produced.add(name);
    this.nodes.push({
      opType: type,
      input: [...inputs],
      output,
      attribute: Object.entries(attributes).map(([name, value]) => attributeProto(name, value)),
    });
    return [...output];
  }

  constant(dtype: DType | "int64", shape: readonly number[], data: ArrayLike<number>): string {
    return this.root.sharedConstant(dtype, shape, data);
  }

  shape(shape: Shape): string {
    return this.root.shapeValue(shape);
  }

  onnxType(dtype: DType): number {
    return ELEMENT[dtype];
  }

  subgraph(
    parameters: readonly Tensor[],
    captured: ReadonlyMap<Tensor, string>,
    results: readonly Tensor[],
    { counted = false }: { readonly counted?: boolean } = {},
  ): GraphProto {
    const body = new BodyBuilder(this.root);
    for (const [tensor, name] of captured) body.values.set(tensor, name);
    for (const parameter of parameters) body.values.set(parameter, this.root.freshName());
    const graph = body.finish("step", parameters, results);
    if (!counted) return graph;
    const scalar = (elemType: number): ValueInfoProto => ({
      name: this.root.freshName(),
      type: { tensorType: { elemType, shape: { dim: [] } } },
    });
    return { ...graph, input: [scalar(ELEMENT.int64), scalar(ELEMENT.bool), ...graph.input] };
  }

  /** Lowers everything `results` need and closes the graph. `names`, where given, become the outputs' names. */
  finish(
    name: string,
    parameters: readonly Tensor[],
    results: readonly Tensor[],
    names?: readonly string[],
  ): GraphProto {
    for (const node of reachableNodes(results)) {
      if (node.outputs.every((output) => this.values.has(output))) continue;
      const inputs = node.inputs.map((tensor) => this.values.get(tensor)!);
      const before = this.nodes.length;
      const lowered = node.operation.lower(this, inputs, node as never);
      this.root.onLowered?.(node, this.nodes.slice(before));
      node.outputs.forEach((output, index) => {
        this.values.set(output, lowered[index]!);
      });
    }
    const taken = new Set<string>();
    const outputs = results.map((tensor) => {
      let value = this.values.get(tensor)!;
      // A graph must produce each of its outputs itself, once.
      if (!this.#produced.has(value) || taken.has(value)) value = this.emit("Identity", [value])[0]!;
      taken.add(value);
      return value;
    });
    if (names) rename(this.nodes, new Map(outputs.map((value, index) => [value, names[index]!])));
    return {
      name,
      node: this.nodes,
      initializer: this.initializers(),
      input: parameters.map((tensor) => valueInfo(this.values.get(tensor)!, tensor)),
      output: results.map((tensor, index) => valueInfo(names?.[index] ?? outputs[index]!, tensor)),
    };
  }

  abstract initializers(): TensorProto[];
}

class BodyBuilder extends Builder {
  constructor(readonly root: RootBuilder) {
    super();
  }
  initializers(): TensorProto[] {
    return [];
  }
}

/** The model's graph. Constants and sizes live here, where every body can see them and they are computed once. */
class RootBuilder extends Builder {
  readonly root = this;
  readonly #initializers = new Map<string, TensorProto>();
  readonly #cache = new Map<string, string>();
  #count = 0;

  constructor(
    readonly inputs: readonly Tensor[],
    readonly onLowered?: LowerOptions["onLowered"],
  ) {
    super();
  }

  freshName(): string {
    return `v${this.#count++}`;
  }

  initializers(): TensorProto[] {
    return [...this.#initializers.values()];
  }

  initializer(
    name: string,
    dataType: number,
    dims: readonly number[],
    data: TypedArray | BigInt64Array,
  ): string {
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#initializers.set(name, { name, dims, dataType, rawData });
    return name;
  }

  sharedConstant(dtype: DType | "int64", shape: readonly number[], data: ArrayLike<number>): string {
    const values = Array.from(data);
    return this.#cached(
      `${dtype} ${shape.join(",")} ${values.map((v) => (Object.is(v, -0) ? "-0" : v)).join()}`,
      () => {
        const arrays = {
          float32: () => Float32Array.from(values),
          float64: () => Float64Array.from(values),
          int32: () => Int32Array.from(values),
          bool: () => Uint8Array.from(values),
          int64: () => BigInt64Array.from(values.map(BigInt)),
        };
        return this.initializer(this.freshName(), ELEMENT[dtype], shape, arrays[dtype]());
      },
    );
  }

  shapeValue(shape: Shape): string {
    if (shape.every((size) => typeof size === "number"))
      return this.sharedConstant("int64", [shape.length], shape as number[]);
    return this.#cached(`shape ${shape.join(",")}`, () => {
      const parts = shape.map((size) => this.#size(size));
      return parts.length === 1 ? parts[0]! : this.emit("Concat", parts, { axis: { int: 0 } })[0]!;
    });
  }

  /** The size of a dimension as an int64 vector of one element. */
  #size(dimension: Dimension): string {
    if (typeof dimension === "number") return this.sharedConstant("int64", [1], [dimension]);
    return this.#cached(`size ${dimension}`, () =>
      dimensionTerms(dimension)
        .map(({ coefficient, names }) => {
          const factors = names.map((name) => this.#named(name));
          if (coefficient !== 1 || factors.length === 0)
            factors.push(this.sharedConstant("int64", [1], [coefficient]));
          return factors.reduce((a, b) => this.emit("Mul", [a, b])[0]!);
        })
        .reduce((a, b) => this.emit("Add", [a, b])[0]!),
    );
  }

  #named(name: string): string {
    return this.#cached(`named ${name}`, () => {
      for (const tensor of this.inputs) {
        const axis = tensor.shape.indexOf(name);
        if (axis >= 0)
          return this.emit("Shape", [nameOf(tensor)], { start: { int: axis }, end: { int: axis + 1 } })[0]!;
      }
      throw new RegardError(
        `dimension "${name}" is not the axis of any input of this program, so its size is unknown; add an input that has it.`,
      );
    });
  }

  #cached(key: string, make: () => string): string {
    let found = this.#cache.get(key);
    if (found === undefined) {
      found = make();
      this.#cache.set(key, found);
    }
    return found;
  }
}

function attributeProto(name: string, value: OnnxAttribute): AttributeProto {
  if ("int" in value) return { name, type: ATTRIBUTE.int, i: value.int };
  if ("float" in value) return { name, type: ATTRIBUTE.float, f: value.float };
  if ("ints" in value) return { name, type: ATTRIBUTE.ints, ints: value.ints };
  if ("string" in value) return { name, type: ATTRIBUTE.string, s: new TextEncoder().encode(value.string) };
  return { name, type: ATTRIBUTE.graph, g: value.graph as GraphProto };
}

function valueInfo(name: string, { dtype, shape }: TensorType): ValueInfoProto {
  const dim = shape.map((size) =>
    typeof size === "number" ? { dimValue: size } : /^\w+$/.test(size) ? { dimParam: size } : {},
  );
  return { name, type: { tensorType: { elemType: ELEMENT[dtype], shape: { dim } } } };
}

function rename(nodes: readonly NodeProto[], names: ReadonlyMap<string, string>): void {
  for (const node of nodes) {
    node.input = node.input.map((name) => names.get(name) ?? name);
    node.output = node.output.map((name) => names.get(name) ?? name);
    for (const attribute of node.attribute) if (attribute.g) rename(attribute.g.node, names);
  }
}
