import protobuf from "protobufjs";

/**
 * The part of onnx.proto (ONNX 1.17, IR version 10) that models are made of, with the official field numbers.
 * Fields that are not listed are skipped when a file is read.
 */
const { root } = protobuf.parse(`
syntax = "proto3";
package onnx;

message AttributeProto {
  string name = 1;
  float f = 2;
  int64 i = 3;
  bytes s = 4;
  TensorProto t = 5;
  GraphProto g = 6;
  repeated float floats = 7;
  repeated int64 ints = 8;
  repeated bytes strings = 9;
  int32 type = 20;
}
message NodeProto {
  repeated string input = 1;
  repeated string output = 2;
  string name = 3;
  string op_type = 4;
  repeated AttributeProto attribute = 5;
  string domain = 7;
}
message StringStringEntryProto { string key = 1; string value = 2; }
message OperatorSetIdProto { string domain = 1; int64 version = 2; }
message ModelProto {
  int64 ir_version = 1;
  string producer_name = 2;
  string producer_version = 3;
  GraphProto graph = 7;
  repeated OperatorSetIdProto opset_import = 8;
  repeated StringStringEntryProto metadata_props = 14;
}
message GraphProto {
  repeated NodeProto node = 1;
  string name = 2;
  repeated TensorProto initializer = 5;
  repeated ValueInfoProto input = 11;
  repeated ValueInfoProto output = 12;
}
message TensorProto {
  repeated int64 dims = 1;
  int32 data_type = 2;
  string name = 8;
  bytes raw_data = 9;
}
message TensorShapeProto {
  message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
  repeated Dimension dim = 1;
}
message TypeProto {
  message Tensor { int32 elem_type = 1; TensorShapeProto shape = 2; }
  Tensor tensor_type = 1;
}
message ValueInfoProto { string name = 1; TypeProto type = 2; }
`);

const modelType = root.lookupType("onnx.ModelProto");

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
export const encodeModel = (model: ModelProto): Uint8Array =>
  modelType.encode(modelType.fromObject(model)).finish();

/** Reads an `.onnx` file; 64-bit numbers come back as JavaScript numbers. @throws where the bytes are no protobuf */
export const decodeModel = (bytes: Uint8Array): ModelProto =>
  modelType.toObject(modelType.decode(bytes), { longs: Number, defaults: true }) as ModelProto;
