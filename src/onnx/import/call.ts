import { type Dimension, type DType, normaliseAxis, type Shape, type Tensor } from "../../core/index.js";
import { type AttributeProto, ELEMENT, type NodeProto, type TensorProto } from "../schema.js";
import { elementName } from "../tensor-data.js";
import { NotImported, type Value } from "./value.js";

const TEXT = new TextDecoder();

/** The types that numbers of a file have here; `undefined` of those that are not imported. */
export function typeOf(element: number, float: DType): DType | undefined {
  switch (element) {
    case ELEMENT.float32:
    case ELEMENT.float16:
      return float;
    case ELEMENT.float64:
      return "float64";
    case ELEMENT.bool:
      return "bool";
    case ELEMENT.int64:
    case ELEMENT.int32:
    case ELEMENT.int16:
    case ELEMENT.int8:
    case ELEMENT.uint8:
    case ELEMENT.uint16:
      return "int32";
    default:
      return undefined;
  }
}

/** One node with what it reads, as an operator asks for it. */
export class Call {
  constructor(
    readonly node: NodeProto,
    readonly inputs: readonly (Value | undefined)[],
    /** The version of the operator set of the node's domain. */
    readonly version: number,
    /** The type that float32 has here. */
    readonly float: DType,
    readonly attributes: ReadonlyMap<string, AttributeProto>,
    /** Reads a tensor of the file. */
    readonly stored: (tensor: TensorProto) => Value,
  ) {}

  refuse(what: string): NotImported {
    const { opType, name } = this.node;
    return new NotImported(`${opType}${name ? ` "${name}"` : ""} ${what}.`);
  }

  has(index: number): boolean {
    return this.inputs[index] !== undefined;
  }

  value(index: number): Value {
    const value = this.inputs[index];
    if (!value) throw this.refuse(`has no input ${index + 1}`);
    return value;
  }

  tensor(index: number): Tensor {
    return this.value(index).tensor;
  }

  get tensors(): Tensor[] {
    return this.inputs.flatMap((value) => (value ? [value.tensor] : []));
  }

  /** Sizes that are known, of which some may be names. */
  sizes(index: number): readonly Dimension[] {
    const { known } = this.value(index);
    if (!known)
      throw this.refuse(`takes its input ${index + 1} from what is computed, but sizes must be known before`);
    return known.data;
  }

  /** Numbers that are known. */
  numbers(index: number): readonly number[] {
    const sizes = this.sizes(index);
    if (!sizes.every((size) => typeof size === "number"))
      throw this.refuse(
        `takes its input ${index + 1} from sizes that are open, but numbers must be known before`,
      );
    return sizes as readonly number[];
  }

  number(index: number): number {
    const [first] = this.numbers(index);
    return first ?? 0;
  }

  attribute(name: string): AttributeProto | undefined {
    return this.attributes.get(name);
  }

  int(name: string, otherwise: number): number {
    const found = this.attribute(name);
    return found ? Number(found.i) : otherwise;
  }

  float_(name: string, otherwise: number): number {
    return this.attribute(name)?.f ?? otherwise;
  }

  ints(name: string): readonly number[] | undefined {
    return this.attribute(name)?.ints?.map(Number);
  }

  text(name: string, otherwise: string): string {
    const found = this.attribute(name)?.s;
    return found ? TEXT.decode(found) : otherwise;
  }

  /** Axes that stand in an attribute in older operator sets and in an input since. */
  axes(input: number): readonly number[] | undefined {
    return this.has(input) ? this.numbers(input) : this.ints("axes");
  }

  axis(axis: number, shape: Shape): number {
    return normaliseAxis(this.node.opType, axis, shape);
  }

  type(element: number): DType {
    const found = typeOf(element, this.float);
    if (!found) throw this.refuse(`makes ${elementName(element)}, which is not imported`);
    return found;
  }
}
