import protobuf from "protobufjs/minimal.js";

/** How a field is written: a scalar of protobuf, or the message it holds. */
type Kind = "string" | "bytes" | "float" | "int32" | "int64" | (() => Message);
interface Field {
  readonly name: string;
  readonly kind: Kind;
  readonly repeated: boolean;
}
/** The fields of a message by their numbers. */
type Message = ReadonlyMap<number, Field>;

/** Fields as `name: [number, kind]`; the kind of a repeated field stands in a list of its own. */
const message = (fields: Readonly<Record<string, readonly [number, Kind | readonly [Kind]]>>): Message =>
  new Map(
    Object.entries(fields).map(([name, [number, kind]]) => [
      number,
      Array.isArray(kind)
        ? { name, kind: kind[0] as Kind, repeated: true }
        : { name, kind: kind as Kind, repeated: false },
    ]),
  );

// The part of onnx.proto (ONNX 1.17, IR version 10) that models are made of, with the official field numbers. Fields
// that are not listed are skipped when a file is read. The table is interpreted, not compiled: pages whose content
// security policy forbids evaluating code can use it.
const attributeType: Message = message({
  name: [1, "string"],
  f: [2, "float"],
  i: [3, "int64"],
  s: [4, "bytes"],
  t: [5, () => tensorType],
  g: [6, () => graphType],
  floats: [7, ["float"]],
  ints: [8, ["int64"]],
  strings: [9, ["bytes"]],
  type: [20, "int32"],
});
const nodeType = message({
  input: [1, ["string"]],
  output: [2, ["string"]],
  name: [3, "string"],
  opType: [4, "string"],
  attribute: [5, [() => attributeType]],
  domain: [7, "string"],
});
const tensorType = message({
  dims: [1, ["int64"]],
  dataType: [2, "int32"],
  name: [8, "string"],
  rawData: [9, "bytes"],
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
});
const entryType = message({ key: [1, "string"], value: [2, "string"] });
const operatorSetType = message({ domain: [1, "string"], version: [2, "int64"] });
const modelType = message({
  irVersion: [1, "int64"],
  producerName: [2, "string"],
  producerVersion: [3, "string"],
  graph: [7, () => graphType],
  opsetImport: [8, [() => operatorSetType]],
  metadataProps: [14, [() => entryType]],
});

const WIRE = { string: 2, bytes: 2, float: 5, int32: 0, int64: 0 } as const;
const DELIMITED = 2;

type Fields = Record<string, unknown>;

function write(writer: protobuf.Writer, type: Message, value: Fields): void {
  for (const [number, { name, kind, repeated }] of type) {
    const content = value[name];
    if (content === undefined) continue;
    const items = repeated ? (content as readonly unknown[]) : [content];
    if (typeof kind === "function")
      for (const item of items) {
        writer.uint32((number << 3) | DELIMITED).fork();
        write(writer, kind(), item as Fields);
        writer.ldelim();
      }
    else if (repeated && WIRE[kind] !== DELIMITED) {
      // Numbers of a repeated field lie packed behind one tag.
      if (items.length === 0) continue;
      writer.uint32((number << 3) | DELIMITED).fork();
      for (const item of items) writer[kind](item as never);
      writer.ldelim();
    } else for (const item of items) writer.uint32((number << 3) | WIRE[kind])[kind](item as never);
  }
}

const readScalar = (reader: protobuf.Reader, kind: Exclude<Kind, () => Message>): unknown => {
  if (kind !== "int64") return reader[kind]();
  return Number(String(reader.int64()));
};

const EMPTY = { string: "", bytes: new Uint8Array(), float: 0, int32: 0, int64: 0 } as const;

function read(reader: protobuf.Reader, type: Message, end: number): Fields {
  const value: Fields = {};
  for (const { name, kind, repeated } of type.values())
    if (repeated) value[name] = [];
    else if (typeof kind !== "function") value[name] = EMPTY[kind];
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = type.get(tag >>> 3);
    if (!field) {
      reader.skipType(tag & 7);
      continue;
    }
    const { name, kind, repeated } = field;
    const add = (item: unknown): void => {
      if (repeated) (value[name] as unknown[]).push(item);
      else value[name] = item;
    };
    const wire = tag & 7;
    if (typeof kind === "function") {
      if (wire !== DELIMITED) throw new RangeError(`field ${name} is no message`);
      add(read(reader, kind(), reader.uint32() + reader.pos));
    } else if (repeated && wire === DELIMITED && WIRE[kind] !== DELIMITED) {
      const stop = reader.uint32() + reader.pos;
      while (reader.pos < stop) add(readScalar(reader, kind));
    } else if (wire !== WIRE[kind]) throw new RangeError(`field ${name} has wire type ${wire}`);
    else add(readScalar(reader, kind));
  }
  if (reader.pos !== end) throw new RangeError(`a message ends at ${reader.pos} instead of ${end}`);
  return value;
}

/** Attribute kinds, as numbered in onnx.proto. */
export const ATTRIBUTE = { float: 1, int: 2, string: 3, graph: 5, ints: 7 } as const;

/** Element types, as numbered in onnx.proto. */
export const ELEMENT = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 } as const;

export interface AttributeProto {
  name: string;
  type: number;
  f?: number;
  i?: number;
  s?: Uint8Array;
  g?: GraphProto;
  ints?: readonly number[];
}
export interface NodeProto {
  input: string[];
  output: string[];
  name?: string;
  opType: string;
  attribute: AttributeProto[];
}
export interface TensorProto {
  name: string;
  dims: readonly number[];
  dataType: number;
  rawData: Uint8Array;
}
export interface ValueInfoProto {
  name: string;
  type: { tensorType: { elemType: number; shape: { dim: { dimValue?: number; dimParam?: string }[] } } };
}
export interface GraphProto {
  name: string;
  node: NodeProto[];
  initializer: TensorProto[];
  input: ValueInfoProto[];
  output: ValueInfoProto[];
}
export interface ModelProto {
  irVersion: number;
  producerName: string;
  producerVersion?: string;
  opsetImport: { domain: string; version: number }[];
  graph: GraphProto;
  metadataProps: { key: string; value: string }[];
}

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

/** Reads an `.onnx` file; 64-bit numbers come back as JavaScript numbers. @throws where the bytes are no protobuf */
export function decodeModel(bytes: Uint8Array): ModelProto {
  const reader = protobuf.Reader.create(bytes);
  return read(reader, modelType, bytes.length) as unknown as ModelProto;
}
