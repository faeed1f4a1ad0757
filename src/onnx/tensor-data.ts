import protobuf from "protobufjs/minimal.js";
import { ELEMENT, type Integer, type TensorProto } from "./schema.js";

/** Bytes of an element in raw data, by its type; types of less than a byte are not read here. */
const BYTES: Readonly<Record<number, number>> = {
  [ELEMENT.float32]: 4,
  [ELEMENT.uint8]: 1,
  [ELEMENT.int8]: 1,
  [ELEMENT.uint16]: 2,
  [ELEMENT.int16]: 2,
  [ELEMENT.int32]: 4,
  [ELEMENT.int64]: 8,
  [ELEMENT.bool]: 1,
  [ELEMENT.float16]: 2,
  [ELEMENT.float64]: 8,
  [ELEMENT.uint32]: 4,
  [ELEMENT.uint64]: 8,
};

/** What an element type is called in shapes. */
export const elementName = (type: number): string =>
  Object.entries(ELEMENT).find(([, number]) => number === type)?.[0] ?? `type ${type}`;

/** Bytes of an element in raw data; undefined of types that are not read here. */
export const elementBytes = (type: number): number | undefined => BYTES[type];

/** How many elements dimensions make; an absurd number where one is absurd. */
export const elementCount = (dims: readonly Integer[]): number =>
  dims.reduce<number>((product, size) => product * Number(size), 1);

/** A half-precision number from its bits (IEEE 754-2019). */
export function fromHalf(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const FLOAT = new Float32Array(1);
const BITS = new Uint32Array(FLOAT.buffer);

/** The bits of the half-precision number that is nearest, ties to even. */
export function toHalf(value: number): number {
  FLOAT[0] = value;
  const bits = BITS[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fffffff;
  if (size > 0x7f800000) return sign | 0x7e00;
  if (size >= 0x477ff000) return sign | 0x7c00;
  if (size < 0x33000001) return sign;
  const exponent = size >>> 23;
  const shift = exponent < 113 ? 126 - exponent : 13;
  const fraction = exponent < 113 ? (size & 0x7fffff) | 0x800000 : size - (112 << 23);
  const half = fraction >>> shift;
  const [rest, middle] = [fraction & ((1 << shift) - 1), 1 << (shift - 1)];
  return sign | (rest > middle || (rest === middle && half & 1) ? half + 1 : half);
}

/** Whole numbers of a packed field. */
function varints(bytes: Uint8Array, signed: boolean): number[] {
  const reader = protobuf.Reader.create(bytes);
  const found: number[] = [];
  while (reader.pos < reader.len) found.push(Number(String(signed ? reader.int64() : reader.uint64())));
  return found;
}

/**
 * The numbers of a tensor, whole ones of 64 bits as the nearest number.
 * @throws RangeError where it holds no numbers that are read here, or not as many as its shape says
 */
export function tensorNumbers(tensor: TensorProto): ArrayLike<number> {
  const numbers = storedNumbers(tensor);
  const count = elementCount(tensor.dims);
  if (numbers.length !== count)
    throw new RangeError(
      `tensor "${tensor.name}" of shape [${tensor.dims.join(", ")}] holds ${numbers.length} numbers instead of ${count}`,
    );
  return numbers;
}

function storedNumbers({ name, dataType, rawData, ...packed }: TensorProto): ArrayLike<number> {
  if (rawData !== undefined && rawData.length > 0) return rawNumbers(rawData, dataType, name);
  const { floatData, doubleData, int32Data, int64Data, uint64Data } = packed;
  switch (dataType) {
    case ELEMENT.float32:
      return rawNumbers(floatData ?? new Uint8Array(), dataType, name);
    case ELEMENT.float64:
      return rawNumbers(doubleData ?? new Uint8Array(), dataType, name);
    case ELEMENT.int64:
      return varints(int64Data ?? new Uint8Array(), true);
    case ELEMENT.uint64:
    case ELEMENT.uint32:
      return varints(uint64Data ?? new Uint8Array(), false);
    case ELEMENT.float16:
      return varints(int32Data ?? new Uint8Array(), true).map(fromHalf);
    case ELEMENT.string:
      throw new RangeError(`tensor "${name}" holds texts`);
    default:
      return varints(int32Data ?? new Uint8Array(), true);
  }
}

function rawNumbers(bytes: Uint8Array, type: number, name: string): ArrayLike<number> {
  const size = BYTES[type];
  if (size === undefined) throw new RangeError(`tensor "${name}" is of ${elementName(type)}`);
  if (bytes.length % size !== 0)
    throw new RangeError(`tensor "${name}" has ${bytes.length} bytes, no multiple of ${size}`);
  // Views lie where they lie in the file; arrays of numbers must begin at a multiple of their size.
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  const at = [aligned.buffer, aligned.byteOffset, bytes.length / size] as const;
  switch (type) {
    case ELEMENT.float32:
      return new Float32Array(...at);
    case ELEMENT.float64:
      return new Float64Array(...at);
    case ELEMENT.int32:
      return new Int32Array(...at);
    case ELEMENT.uint32:
      return new Uint32Array(...at);
    case ELEMENT.int16:
      return new Int16Array(...at);
    case ELEMENT.uint16:
      return new Uint16Array(...at);
    case ELEMENT.int8:
      return new Int8Array(...at);
    case ELEMENT.float16:
      return Float32Array.from(new Uint16Array(...at), fromHalf);
    case ELEMENT.int64:
      return Float64Array.from(new BigInt64Array(...at), Number);
    case ELEMENT.uint64:
      return Float64Array.from(new BigUint64Array(...at), Number);
    default:
      return bytes;
  }
}
