import { UsageError } from "../../core/index.js";

/** An array of NumPy as a file holds it, row by row. */
export interface NumpyArray {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** "NUMPY" after a byte that no text begins with. */
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] as const;

/** Bytes of a number, and how it is read, by NumPy's name of its type. */
const TYPES: Readonly<
  Record<string, readonly [bytes: number, read: (view: DataView, at: number) => number]>
> = {
  "<f4": [4, (view, at) => view.getFloat32(at, true)],
  "<f8": [8, (view, at) => view.getFloat64(at, true)],
  "|u1": [1, (view, at) => view.getUint8(at)],
};

/** What a header says: type, order and shape; of a file of another kind, undefined. */
const HEADER =
  /^\{\s*'descr':\s*'(?<type>[^']+)',\s*'fortran_order':\s*(?<fortran>True|False),\s*'shape':\s*\((?<shape>[\d,\s]*)\),?\s*\}\s*$/;

/**
 * An `.npy` file of versions 1 to 3 (NumPy's "A simple file format for NumPy arrays"): float32, float64 or uint8, lowest byte first,
 * row by row.
 * @param path what the file is called, for messages
 * @throws UsageError where it is no such file, is cut short, or holds numbers that are not finite
 */
export function readNpy(bytes: Uint8Array, path: string): NumpyArray {
  if (bytes.length < 10 || MAGIC.some((byte, index) => bytes[index] !== byte))
    throw new UsageError(
      `"${path}" is no .npy file: it does not begin with "\\x93NUMPY"; save it with numpy.save.`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const long = bytes[6]! > 1;
  const start = long ? 12 : 10;
  const end = start + (long && bytes.length >= 12 ? view.getUint32(8, true) : view.getUint16(8, true));
  const groups = HEADER.exec(new TextDecoder("latin1").decode(bytes.subarray(start, end)))?.groups;
  if (!groups || end > bytes.length)
    throw new UsageError(`the header of "${path}" is damaged; save it again with numpy.save.`);
  const type = TYPES[groups.type!];
  if (!type)
    throw new UsageError(
      `"${path}" holds numbers of type "${groups.type}" but should hold float32, float64 or uint8 (${Object.keys(TYPES).join(", ")}); save it with array.astype("float32").`,
    );
  if (groups.fortran === "True")
    throw new UsageError(`"${path}" lies column by column; save it with numpy.ascontiguousarray(array).`);
  const shape = groups.shape!.split(",").flatMap((size) => (size.trim() === "" ? [] : [Number(size)]));
  const count = shape.reduce((a, b) => a * b, 1);
  const [size, read] = type;
  if (bytes.length - end !== count * size)
    throw new UsageError(
      `"${path}" has ${bytes.length - end} bytes after its header but ${count * size} for numbers of [${shape.join(", ")}]; it is cut short or damaged.`,
    );
  const data = new Float32Array(count);
  for (let index = 0; index < count; index++) {
    const value = read(view, end + index * size);
    if (!Number.isFinite(value))
      throw new UsageError(`"${path}" holds ${value} as its number ${index + 1}; all must be finite.`);
    data[index] = value;
  }
  return { shape, data };
}

/** Bytes that the header, and all before the numbers, is a multiple of. */
const ALIGNMENT = 64;

/** An `.npy` file of version 1, float32, row by row. */
export function encodeNpy({ shape, data }: NumpyArray): Uint8Array {
  const about = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`;
  const length = Math.ceil((MAGIC.length + 4 + about.length + 1) / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(length + 4 * data.length);
  const view = new DataView(bytes.buffer);
  bytes.set([...MAGIC, 1, 0]);
  view.setUint16(MAGIC.length + 2, length - MAGIC.length - 4, true);
  bytes.set(new TextEncoder().encode(about.padEnd(length - MAGIC.length - 5)), MAGIC.length + 4);
  bytes[length - 1] = 0x0a;
  data.forEach((value, index) => {
    view.setFloat32(length + 4 * index, value, true);
  });
  return bytes;
}
