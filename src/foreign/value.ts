import { fromHalf, toHalf } from "../onnx/index.js";
import type { ForeignValue } from "../session/index.js";

/** Arrays of numbers by the type that a runtime keeps in them. */
const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  bool: Uint8Array,
} as const;

/** Whether values of a type can be given here. */
export const isNumeric = (dtype: string): boolean =>
  Object.hasOwn(ARRAYS, dtype) || dtype === "int64" || dtype === "uint64";

export const isWhole = (dtype: string): boolean => /^u?int/.test(dtype);

/** A value of any numeric type from numbers; whole types cut off what is behind the point. */
export function foreignValue(
  dtype: string,
  shape: readonly number[],
  numbers: ArrayLike<number>,
): ForeignValue {
  if (dtype === "int64" || dtype === "uint64") {
    const Of = dtype === "int64" ? BigInt64Array : BigUint64Array;
    return { dtype, shape, data: Of.from(Array.from(numbers, (value) => BigInt(Math.trunc(value)))) };
  }
  const data = new ARRAYS[dtype as keyof typeof ARRAYS](numbers.length);
  for (let index = 0; index < numbers.length; index++)
    data[index] = dtype === "float16" ? toHalf(numbers[index]!) : numbers[index]!;
  return { dtype, shape, data };
}

/** The numbers of a value, whatever its type; those of 64 bits as the nearest. */
export function numbersOf({ dtype, data }: ForeignValue): ArrayLike<number> {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array)
    return Float64Array.from(data as Iterable<bigint>, Number);
  if (dtype === "float16" && data instanceof Uint16Array) return Float32Array.from(data, fromHalf);
  return Array.isArray(data) ? [] : (data as unknown as ArrayLike<number>);
}
