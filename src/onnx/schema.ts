import protobuf from "protobufjs/minimal.js";

/**
 * How a field is written: a scalar of protobuf, the message it holds, or numbers that are left as the bytes they are (`numbers`), which
 * keeps them to the bit and costs nothing until they are read.
 */
type Kind = "string" | "bytes" | "float" | "int32" | "int64" | "numbers" | (() => Message);
interface Field {
  readonly name: string;
  readonly kind: Kind;
  readonly repeated: boolean;
}
/** The fields of a message by their numbers, and what a field that is not there reads as. */
interface Message {
  readonly fields: ReadonlyMap<number, Field>;
  readonly absent: object;
}

const EMPTY = { string: "", bytes: new Uint8Array(), float: 0, int32: 0, int64: 0 } as const;

/** Fields as `name: [number, kind]`; the kind of a repeated field stands in a list of its own. */
function message(fields: Readonly<Record<string, readonly [number, Kind | readonly [Kind]]>>): Message {
  const found = Object.entries(fields).map(([name, [number, kind]]): readonly [number, Field] => [
    number,
    Array.isArray(kind)
      ? { name, kind: kind[0] as Kind, repeated: true }
      : { name, kind: kind as Kind, repeated: false },
  ]);
  const absent = found.flatMap(([, { name, kind, repeated }]) =>
    repeated || typeof kind === "function" || kind === "numbers" ? [] : [[name, EMPTY[kind]]],
  );
  return { fields: new Map(found), absent: Object.fromEntries(absent) };
}

// The part of onnx.proto (ONNX 1.18, IR version 11) that is read and written here, with the official field numbers. Fields
// that are not listed are kept as they are. The table is interpreted, not compiled: pages whose content security policy
// forbids evaluating code can use it.
const attributeType: Message = message({
  name: [1, "string"],
  f: [2, "float"],
  i: [3, "int64"],
  s: [4, "bytes"],
  t: [5, () => tensorType],
  g: [6, () => graphType],
  floats: [7, "numbers"],
  ints: [8, ["int64"]],
  strings: [9, ["bytes"]],
  tensors: [10, [() => tensorType]],
  graphs: [11, [() => graphType]],
  type: [20, "int32"],
  refAttrName: [21, "string"],
  sparseTensor: [22, () => sparseTensorType],
  sparseTensors: [23, [() => sparseTensorType]],
});
const nodeType = message({
  input: [1, ["string"]],
  output: [2, ["string"]],
  name: [3, "string"],
  opType: [4, "string"],
  attribute: [5, [() => attributeType]],
  domain: [7, "string"],
});
const entryType = message({ key: [1, "string"], value: [2, "string"] });
const tensorType = message({
  dims: [1, ["int64"]],
  dataType: [2, "int32"],
  floatData: [4, "numbers"],
  int32Data: [5, "numbers"],
  stringData: [6, ["bytes"]],
  int64Data: [7, "numbers"],
  name: [8, "string"],
  rawData: [9, "bytes"],
  doubleData: [10, "numbers"],
  uint64Data: [11, "numbers"],
  externalData: [13, [() => entryType]],
  dataLocation: [14, "int32"],
});
const sparseTensorType = message({
  values: [1, () => tensorType],
  indices: [2, () => tensorType],
  dims: [3, ["int64"]],
});
const dimensionType = message({ dimValue: [1, "int64"], dimParam: [2, "string"] });
const shapeType = message({ dim: [1, [() => dimensionType]] });
const tensorTypeType = message({ elemType: [1, "int32"], shape: [2, () => shapeType] });
const typeType = message({ tensorType: [1, () => tensorTypeType] });
const valueInfoType = message({ name: [1, "string"], type: [2, () => typeType] });
const graphType: Message = message({
  node: [1, [() => nodeType]],
  name: [2, "string"],
  initializer: [5, [() => tensorType]],
  input: [11, [() => valueInfoType]],
  output: [12, [() => valueInfoType]],
  valueInfo: [13, [() => valueInfoType]],
  sparseInitializer: [15, [() => sparseTensorType]],
});
const operatorSetType = message({ domain: [1, "string"], version: [2, "int64"] });
const functionType = message({
  name: [1, "string"],
  input: [4, ["string"]],
  output: [5, ["string"]],
  attribute: [6, ["string"]],
  node: [7, [() => nodeType]],
  opsetImport: [9, [() => operatorSetType]],
  domain: [10, "string"],
  attributeProto: [11, [() => attributeType]],
});
const modelType = message({
  irVersion: [1, "int64"],
  producerName: [2, "string"],
  producerVersion: [3, "string"],
  graph: [7, () => graphType],
  opsetImport: [8, [() => operatorSetType]],
  metadataProps: [14, [() => entryType]],
  functions: [25, [() => functionType]],
});

const WIRE = { string: 2, bytes: 2, float: 5, int32: 0, int64: 0 } as const;
const DELIMITED = 2;

/** What a message holds that its table does not list: tags and contents, as they stood. */
const OTHERS = Symbol("fields that are not listed");

type Fields = Record<string, unknown> & { [OTHERS]?: Uint8Array };

function write(writer: protobuf.Writer, type: Message, value: Fields): void {
  for (const [number, { name, kind, repeated }] of type.fields) {
    const content = Object.hasOwn(value, name) ? value[name] : undefined;
    if (content === undefined) continue;
    const delimited = (number << 3) | DELIMITED;
    if (kind === "numbers") {
      writer.uint32(delimited).bytes(content as Uint8Array);
      continue;
    }
    const items = repeated ? (content as readonly unknown[]) : [content];
    if (typeof kind === "function")
      for (const item of items) {
        writer.uint32(delimited).fork();
        write(writer, kind(), item as Fields);
        writer.ldelim();
      }
    else if (repeated && WIRE[kind] !== DELIMITED) {
      // Numbers of a repeated field lie packed behind one tag.
      if (items.length === 0) continue;
      writer.uint32(delimited).fork();
      for (const item of items) writeScalar(writer, kind, item);
      writer.ldelim();
    } else for (const item of items) writeScalar(writer.uint32((number << 3) | WIRE[kind]), kind, item);
  }
  // A tag and what follows it are bytes like any others.
  const others = value[OTHERS];
  if (others) writer.raw(others);
}

type Scalar = Exclude<Kind, "numbers" | (() => Message)>;

function writeScalar(writer: protobuf.Writer, kind: Scalar, value: unknown): void {
  if (typeof value !== "bigint") writer[kind](value as never);
  else {
    const [low, high] = [BigInt.asIntN(32, value), BigInt.asIntN(32, value >> 32n)];
    writer.int64({ low: Number(low), high: Number(high), unsigned: false } as never);
  }
}

/** How deep messages may lie in each other, and how many they may be: a file of a few bytes must not fill the memory. */
const [DEEPEST, MOST] = [100, 3_000_000];

/** @throws RangeError where a text is none: it could not be written again as it was */
const readString = (reader: protobuf.Reader): string => UTF8.decode(reader.bytes());
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A whole number of 64 bits; a bigint where a number could not hold it. */
function readInt64(reader: protobuf.Reader): number | bigint {
  let [value, scale] = [0, 1];
  // 49 bits fit in a number.
  for (let count = 0; count < 7; count++) {
    const byte = nextByte(reader);
    value += (byte & 127) * scale;
    scale *= 128;
    if (byte < 128) return value;
  }
  let whole = BigInt(value);
  for (let shift = 49n; shift < 70n; shift += 7n) {
    const byte = nextByte(reader);
    whole |= BigInt(byte & 127) << shift;
    if (byte < 128) {
      const signed = BigInt.asIntN(64, whole);
      return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
    }
  }
  throw new RangeError("a number is longer than 64 bits");
}

function nextByte(reader: protobuf.Reader): number {
  if (reader.pos >= reader.len) throw new RangeError("it ends within a number");
  return reader.buf[reader.pos++]!;
}

const readScalar = (reader: protobuf.Reader, kind: Scalar): unknown =>
  kind === "int64" ? readInt64(reader) : kind === "string" ? readString(reader) : reader[kind]();

/** Several stretches of bytes as one. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Reads messages of one file. */
class MessageReader {
  #count = 0;
  #depth = 0;

  constructor(readonly reader: protobuf.Reader) {}

  /** @param before the same message as far as it was read: one that comes in parts is one */
  read(type: Message, end: number, before?: Fields): Fields {
    const { reader } = this;
    if (++this.#depth > DEEPEST)
      throw new RangeError(`its parts lie more than ${DEEPEST} deep in each other`);
    const value = before ?? this.#empty(type);
    const parts = new Map<string | typeof OTHERS, Uint8Array[]>();
    const part = (name: string | typeof OTHERS, bytes: Uint8Array): void => {
      const known = parts.get(name);
      if (known) known.push(bytes);
      else
        parts.set(name, [
          ...((value[name as string] as Uint8Array) ? [value[name as string] as Uint8Array] : []),
          bytes,
        ]);
      this.#add();
    };
    while (reader.pos < end) {
      const start = reader.pos;
      const tag = reader.uint32();
      const wire = tag & 7;
      const field = type.fields.get(tag >>> 3);
      if (!field) {
        reader.skipType(wire);
        part(OTHERS, reader.buf.subarray(start, reader.pos));
        continue;
      }
      const { name, kind, repeated } = field;
      const add = (item: unknown): void => {
        this.#add();
        if (repeated) (value[name] as unknown[]).push(item);
        else value[name] = item;
      };
      if (kind === "numbers") {
        const from = reader.pos;
        if (wire === DELIMITED) part(name, reader.bytes());
        else {
          reader.skipType(wire);
          part(name, reader.buf.subarray(from, reader.pos));
        }
      } else if (typeof kind === "function") {
        if (wire !== DELIMITED) throw new RangeError(`field ${name} is no message`);
        const stop = reader.uint32() + reader.pos;
        if (stop > end) throw new RangeError(`a message ends at ${stop} instead of ${end}`);
        const known = !repeated && Object.hasOwn(value, name) ? (value[name] as Fields) : undefined;
        add(this.read(kind(), stop, known));
      } else if (repeated && wire === DELIMITED && WIRE[kind] !== DELIMITED) {
        const stop = reader.uint32() + reader.pos;
        while (reader.pos < stop) add(readScalar(reader, kind));
      } else if (wire !== WIRE[kind]) throw new RangeError(`field ${name} has wire type ${wire}`);
      else add(readScalar(reader, kind));
    }
    if (reader.pos !== end) throw new RangeError(`a message ends at ${reader.pos} instead of ${end}`);
    for (const [name, found] of parts) (value as Record<string | symbol, unknown>)[name] = joined(found);
    this.#depth--;
    return value;
  }

  #add(): void {
    if (++this.#count > MOST) throw new RangeError(`it has more than ${MOST} parts`);
  }

  /** What is not there reads as it does in protobuf, but is not written. */
  #empty(type: Message): Fields {
    const value: Fields = Object.create(type.absent);
    for (const { name, repeated } of type.fields.values()) if (repeated) value[name] = [];
    return value;
  }
}

/** Attribute kinds, as numbered in onnx.proto. */
export const ATTRIBUTE = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, ints: 7 } as const;

/** Element types, as numbered in onnx.proto. */
export const ELEMENT = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
} as const;

/** A whole number of 64 bits: a bigint where a number could not hold it. */
export type Integer = number | bigint;

/** `AttributeProto` of the ONNX format, as its schema has it (onnx.proto). */
export interface AttributeProto {
  name: string;
  type: number;
  f?: number;
  i?: Integer;
  s?: Uint8Array;
  t?: TensorProto;
  g?: GraphProto;
  /** Packed as they lie in the file. */
  floats?: Uint8Array;
  ints?: readonly Integer[];
  tensors?: TensorProto[];
  graphs?: GraphProto[];
  refAttrName?: string;
  sparseTensor?: SparseTensorProto;
  sparseTensors?: SparseTensorProto[];
}
/** `NodeProto` of the ONNX format, as its schema has it (onnx.proto). */
export interface NodeProto {
  input: string[];
  output: string[];
  name?: string;
  opType: string;
  attribute: AttributeProto[];
  domain?: string;
}
/** Values as raw bytes, or as numbers packed in the way of protobuf; `tensorNumbers` reads either. */
export interface TensorProto {
  name: string;
  dims: readonly Integer[];
  dataType: number;
  rawData?: Uint8Array;
  floatData?: Uint8Array;
  int32Data?: Uint8Array;
  int64Data?: Uint8Array;
  doubleData?: Uint8Array;
  uint64Data?: Uint8Array;
  stringData?: Uint8Array[];
  externalData?: { key: string; value: string }[];
  /** 1 where the values are in another file. */
  dataLocation?: number;
}
/** `SparseTensorProto` of the ONNX format, as its schema has it (onnx.proto). */
export interface SparseTensorProto {
  values?: TensorProto;
  indices?: TensorProto;
  dims?: readonly Integer[];
}
/** `ValueInfoProto` of the ONNX format, as its schema has it (onnx.proto). */
export interface ValueInfoProto {
  name: string;
  type: { tensorType: { elemType: number; shape: { dim: { dimValue?: Integer; dimParam?: string }[] } } };
}
/** `GraphProto` of the ONNX format, as its schema has it (onnx.proto). */
export interface GraphProto {
  name: string;
  node: NodeProto[];
  initializer: TensorProto[];
  input: ValueInfoProto[];
  output: ValueInfoProto[];
  valueInfo?: ValueInfoProto[];
  sparseInitializer?: SparseTensorProto[];
}
/** `FunctionProto` of the ONNX format, as its schema has it (onnx.proto). */
export interface FunctionProto {
  name: string;
  domain: string;
  input: string[];
  output: string[];
  node: NodeProto[];
  opsetImport?: { domain: string; version: number }[];
  /** Names of attributes that a call may give. */
  attribute?: string[];
  /** Attributes that a call may give, with what they are where it does not. */
  attributeProto?: AttributeProto[];
}
/** `ModelProto` of the ONNX format, as its schema has it (onnx.proto). */
export interface ModelProto {
  irVersion: number;
  producerName: string;
  producerVersion?: string;
  opsetImport: { domain: string; version: number }[];
  graph: GraphProto;
  metadataProps: { key: string; value: string }[];
  functions?: FunctionProto[];
}

/** A copy of a message in which some fields are others; what is not known of it comes along. */
export const changed = <Message extends object>(message: Message, fields: Partial<Message>): Message =>
  Object.assign(Object.create(Object.getPrototypeOf(message)), message, fields);

/** The bytes of an `.onnx` file. */
export function encodeModel(model: ModelProto): Uint8Array {
  const writer = protobuf.Writer.create();
  write(writer, modelType, model as unknown as Fields);
  return writer.finish();
}

/**
 * The bytes of a model with further values of its graph as outputs, all else as it was, whatever it is: messages of protobuf
 * that follow one another are one, their lists joined.
 */
export function appendOutputs(bytes: Uint8Array, names: readonly string[]): Uint8Array {
  const known = new Set(decodeModel(bytes).graph.output.map(({ name }) => name));
  const writer = protobuf.Writer.create();
  write(writer, modelType, {
    graph: { output: names.filter((name) => !known.has(name)).map((name) => ({ name })) },
  });
  const added = writer.finish();
  const joined = new Uint8Array(bytes.length + added.length);
  joined.set(bytes);
  joined.set(added, bytes.length);
  return joined;
}

/**
 * Reads an `.onnx` file, losing nothing: fields that are not there read as protobuf has it, and are not written again; those that
 * are not known here are. Large values are views into the bytes.
 * @throws where the bytes are no protobuf, or more than could be meant
 */
export function decodeModel(bytes: Uint8Array): ModelProto {
  const reader = protobuf.Reader.create(bytes);
  return new MessageReader(reader).read(modelType, bytes.length) as unknown as ModelProto;
}

/** Reads a tensor by itself, as files of test data hold it. @throws where the bytes are no protobuf */
export function decodeTensor(bytes: Uint8Array): TensorProto {
  const reader = protobuf.Reader.create(bytes);
  return new MessageReader(reader).read(tensorType, bytes.length) as unknown as TensorProto;
}
