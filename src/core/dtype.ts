/** Element types a tensor can hold. Indices are `int32`; ONNX's `int64` appears only inside lowered graphs. */
export type DType = "float32" | "float64" | "int32" | "bool";

export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

const constructors = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  bool: Uint8Array,
} as const;

/** A zeroed array of `length` elements, or a copy of `values`, in the storage `dtype` uses. */
export function typedArray(dtype: DType, values: number | ArrayLike<number>): TypedArray {
  const Constructor = constructors[dtype];
  return typeof values === "number" ? new Constructor(values) : Constructor.from(values);
}

export const isFloat = (dtype: DType): boolean => dtype === "float32" || dtype === "float64";
