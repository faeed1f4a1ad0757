import { countOf } from "./array.js";
import { type DType, type TypedArray, typedArray } from "./dtype.js";
import { RegardError } from "./errors.js";

/** A tensor as a safetensors file holds it. */
export interface StoredTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

const CODES = { float32: "F32", float64: "F64", int32: "I32", bool: "BOOL" } as const;
const ALIGNMENT = 8;
/** Bytes a header may have, as in the format's own readers. */
const LONGEST_HEADER = 100_000_000;

/** The entry of the metadata that holds the checksum of everything else. */
const CHECKSUM = "checksum";

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** CRC-32 (ISO 3309) of the header without its checksum, and of the data. */
function checksumOf(header: unknown, data: Uint8Array): string {
  let crc = 0xffffffff;
  for (const bytes of [new TextEncoder().encode(JSON.stringify(header)), data])
    for (let index = 0; index < bytes.length; index++)
      crc = CRC_TABLE[(crc ^ bytes[index]!) & 0xff]! ^ (crc >>> 8);
  return ((crc ^ 0xffffffff) >>> 0).toString(16).padStart(8, "0");
}

/**
 * The bytes of a safetensors file: an 8-byte length, a JSON header of that length, and the data in order. The metadata gains a
 * checksum of everything else.
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, StoredTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  // Widest elements first, so that every tensor starts at a multiple of its element size.
  const entries = Object.entries(tensors).sort(
    ([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT,
  );
  const about: Record<string, unknown> = {};
  let offset = 0;
  for (const [name, { dtype, shape, data }] of entries) {
    about[name] = { dtype: CODES[dtype], shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const content = new Uint8Array(offset);
  let position = 0;
  for (const [, { data }] of entries) {
    content.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  const checksum = checksumOf({ __metadata__: metadata, ...about }, content);
  let text = JSON.stringify({ __metadata__: { ...metadata, [CHECKSUM]: checksum }, ...about });
  text += " ".repeat((ALIGNMENT - (new TextEncoder().encode(text).length % ALIGNMENT)) % ALIGNMENT);
  const json = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + json.length + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(content, 8 + json.length);
  return bytes;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/**
 * Reads a safetensors file: every tensor's stretch is as long as its shape says, the stretches fill the file without gaps, and
 * where the file has a checksum it is right.
 * @param mend what is likely to help where it is not
 * @throws RegardError where any of this does not hold
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  name = "the file",
  mend = "use an earlier checkpoint",
): { tensors: Record<string, StoredTensor>; metadata: Record<string, string> } {
  const damaged = (what: string): RegardError =>
    new RegardError(`${name} is not a whole safetensors file: ${what}; ${mend}.`);
  if (bytes.length < 8) throw damaged(`it has ${bytes.length} bytes, fewer than the 8 of its first field`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const start = 8 + length;
  if (start > bytes.length || length > LONGEST_HEADER)
    throw damaged(`its header should end at byte ${start} but it has ${bytes.length} bytes`);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, start)));
  } catch {
    throw damaged("its header is not JSON");
  }
  if (!isRecord(header)) throw damaged("its header is no object");
  const { __metadata__: about = {}, ...entries } = header;
  if (!isRecord(about) || Object.values(about).some((value) => typeof value !== "string"))
    throw damaged("its metadata is not made of texts");
  const { [CHECKSUM]: checksum, ...metadata } = about as Record<string, string>;
  const tensors: Record<string, StoredTensor> = {};
  const stretches: { key: string; from: number; to: number }[] = [];
  for (const [key, entry] of Object.entries(entries)) {
    if (!isRecord(entry)) throw damaged(`tensor "${key}" is not described`);
    const { dtype: code, shape, data_offsets: offsets } = entry;
    const dtype = (Object.keys(CODES) as (keyof typeof CODES)[]).find((one) => CODES[one] === code);
    if (!dtype) throw damaged(`tensor "${key}" has element type ${String(code)}, which is not read here`);
    if (!Array.isArray(shape) || !shape.every(isCount))
      throw damaged(`tensor "${key}" has the shape ${JSON.stringify(shape)}`);
    if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
      throw damaged(`tensor "${key}" lies at ${JSON.stringify(offsets)}`);
    const [from, to] = offsets as [number, number];
    if (start + to > bytes.length)
      throw damaged(`tensor "${key}" should end at byte ${start + to} but it has ${bytes.length} bytes`);
    const wanted = countOf(shape) * typedArray(dtype, 0).BYTES_PER_ELEMENT;
    if (to - from !== wanted)
      throw damaged(
        `tensor "${key}" of shape [${shape.join(", ")}] takes ${wanted} bytes but has ${to - from}`,
      );
    const data = typedArray(dtype, countOf(shape));
    new Uint8Array(data.buffer).set(bytes.subarray(start + from, start + to));
    tensors[key] = { dtype, shape, data };
    stretches.push({ key, from, to });
  }
  let end = 0;
  for (const { key, from, to } of stretches.sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== end) throw damaged(`tensor "${key}" begins at byte ${from} of the data, not at ${end}`);
    end = to;
  }
  if (start + end !== bytes.length)
    throw damaged(`its tensors end at byte ${start + end} but it has ${bytes.length} bytes`);
  if (checksum !== undefined) {
    const found = checksumOf({ __metadata__: metadata, ...entries }, bytes.subarray(start));
    if (found !== checksum) throw damaged(`its checksum is ${found}, not ${checksum}`);
  }
  return { tensors, metadata };
}
