/** Element types a tensor can hold. Indices are `int32`; ONNX's `int64` appears only inside lowered graphs. */
export type DType = "float32" | "float64" | "int32" | "bool";

/** Where the elements of a value lie. */
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

/** Whether an array is of the kind that `dtype` is stored in. */
export const stores = (dtype: DType, data: unknown): data is TypedArray =>
  ArrayBuffer.isView(data) && data.constructor.name === constructors[dtype].name;

/** What a value that is of the wrong kind is, for an error: "an array", "undefined", "3". */
export const kindOf = (value: unknown): string => {
  if (typeof value !== "object" || value === null)
    return typeof value === "function" ? "a function" : (JSON.stringify(value) ?? String(value));
  if (Array.isArray(value)) return "an array";
  const name = value.constructor?.name ?? "Object";
  return name === "Object" ? "an object" : name === "Tensor" ? "a tensor" : `a ${name}`;
};

/** Every element type. */
export const dtypes = Object.keys(constructors) as readonly DType[];

/** Whether elements of a type have a gradient. */
export const isFloat = (dtype: DType): boolean => dtype === "float32" || dtype === "float64";
