import { type DType, RegardError, type TypedArray, typedArray } from "../core/index.js";

/** A tensor as a safetensors file holds it. */
export interface StoredTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

const CODES = { float32: "F32", float64: "F64", int32: "I32", bool: "BOOL" } as const;
const ALIGNMENT = 8;

/** The bytes of a safetensors file: an 8-byte length, a JSON header of that length, and the data in order. */
export function encodeSafetensors(
  tensors: Readonly<Record<string, StoredTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  // Widest elements first, so that every tensor starts at a multiple of its element size.
  const entries = Object.entries(tensors).sort(
    ([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT,
  );
  for (const [name, { dtype, shape, data }] of entries) {
    header[name] = { dtype: CODES[dtype], shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  let text = JSON.stringify(header);
  text += " ".repeat((ALIGNMENT - (new TextEncoder().encode(text).length % ALIGNMENT)) % ALIGNMENT);
  const json = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + json.length + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  let position = 8 + json.length;
  for (const [, { data }] of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return bytes;
}

/** Reads a safetensors file. @throws RegardError where it is cut short or is something else */
export function decodeSafetensors(
  bytes: Uint8Array,
  name = "the file",
): { tensors: Record<string, StoredTensor>; metadata: Record<string, string> } {
  const damaged = (what: string): RegardError =>
    new RegardError(`${name} is not a whole safetensors file: ${what}; use an earlier checkpoint.`);
  if (bytes.length < 8) throw damaged(`it has ${bytes.length} bytes, fewer than the 8 of its first field`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const start = 8 + length;
  if (start > bytes.length)
    throw damaged(`its header should end at byte ${start} but it has ${bytes.length} bytes`);
  let header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  } catch {
    throw damaged("its header is not JSON");
  }
  const tensors: Record<string, StoredTensor> = {};
  for (const [key, entry] of Object.entries(header)) {
    if (key === "__metadata__") continue;
    const dtype = (Object.keys(CODES) as DType[]).find((candidate) => CODES[candidate] === entry.dtype);
    if (!dtype) throw damaged(`tensor "${key}" has element type ${entry.dtype}, which is not read here`);
    const [from, to] = entry.data_offsets;
    if (start + to > bytes.length)
      throw damaged(`tensor "${key}" should end at byte ${start + to} but it has ${bytes.length} bytes`);
    const data = typedArray(
      dtype,
      entry.shape.reduce((a, b) => a * b, 1),
    );
    new Uint8Array(data.buffer).set(bytes.subarray(start + from, start + to));
    tensors[key] = { dtype, shape: entry.shape, data };
  }
  return { tensors, metadata: (header.__metadata__ ?? {}) as unknown as Record<string, string> };
}
