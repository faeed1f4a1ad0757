import { decodeSafetensors, encodeSafetensors, UsageError } from "../../core/index.js";
import { encodeNpy, readNpy } from "../format/npy.js";
import type { WordVectors } from "./contract.js";

/** A way in which vectors lie in a file. */
export interface VectorFormat {
  /** What it is called. */
  readonly title: string;
  /** Endings of its files. */
  readonly endings: readonly string[];
  /** Whether the words stand in a file beside it, one a line. */
  readonly beside?: true;
  /** @throws UsageError naming what is wrong with the file */
  read(bytes: Uint8Array, path: string, words: readonly string[]): WordVectors;
  write(vectors: WordVectors): Uint8Array;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });
const encoder = new TextEncoder();

/** @throws UsageError where bytes are no UTF-8 */
function textOf(bytes: Uint8Array, path: string, where: string): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new UsageError(`"${path}", ${where}: the word is no UTF-8 text; save the file as UTF-8.`);
  }
}

/** Rows of vectors as they are read, none of a word that was there before. */
class Rows {
  readonly #words: string[] = [];
  readonly #seen = new Map<string, number>();
  #values: Float32Array;
  #size: number | undefined;

  /** @param expected how many there will be, where that is known */
  constructor(
    private readonly path: string,
    private readonly expected: { readonly count: number; readonly size: number } | undefined,
  ) {
    this.#size = expected?.size;
    this.#values = new Float32Array(expected ? expected.count * expected.size : 0);
  }

  /** How many numbers a row has; undefined before the first. */
  get size(): number | undefined {
    return this.#size;
  }

  get count(): number {
    return this.#words.length;
  }

  /** @throws UsageError for a word that was there, and for a number that is none */
  add(word: string, numbers: ArrayLike<number>, where: string): void {
    const before = this.#seen.get(word);
    if (before !== undefined)
      throw new UsageError(
        `"${this.path}", ${where}: the word "${word}" is there before, as number ${before + 1}; keep one of the two.`,
      );
    this.#size ??= numbers.length;
    const at = this.#words.length * this.#size;
    if (at + this.#size > this.#values.length) {
      const more = new Float32Array(Math.max(1024 * this.#size, 2 * this.#values.length));
      more.set(this.#values);
      this.#values = more;
    }
    for (let index = 0; index < this.#size; index++) {
      const value = numbers[index]!;
      if (!Number.isFinite(value))
        throw new UsageError(
          `"${this.path}", ${where}: number ${index + 1} of "${word}" is ${value}, but all must be finite numbers; make the vectors again.`,
        );
      this.#values[at + index] = value;
    }
    this.#seen.set(word, this.#words.length);
    this.#words.push(word);
  }

  /** @throws UsageError where there are fewer or more than there should be, or none */
  finished(): WordVectors {
    const { path, expected } = this;
    if (this.#words.length === 0)
      throw new UsageError(`"${path}" holds no vectors; give a word and its numbers a line.`);
    if (expected && expected.count !== this.#words.length)
      throw new UsageError(
        `"${path}" says that it has ${expected.count} words but has ${this.#words.length}; its first line or its end is damaged.`,
      );
    const size = this.#size!;
    return { words: this.#words, size, values: this.#values.subarray(0, this.#words.length * size) };
  }
}

/** The two numbers that a file of word2vec begins with; undefined where a line is something else. */
function headerOf(line: string): { count: number; size: number } | undefined {
  const found = /^(\d+) (\d+)\s*$/.exec(line);
  return found ? { count: Number(found[1]), size: Number(found[2]) } : undefined;
}

const NEWLINE = 0x0a;
const SPACE = 0x20;

/**
 * Vectors as text, a word and its numbers a line: word2vec's, whose first line says how many there are, or GloVe's, which has no
 * such line.
 */
function readText(bytes: Uint8Array, path: string): WordVectors {
  let rows: Rows | undefined;
  let [start, number] = [0, 0];
  while (start < bytes.length) {
    const found = bytes.indexOf(NEWLINE, start);
    const end = found < 0 ? bytes.length : found;
    number++;
    const where = `line ${number}`;
    const line = textOf(bytes.subarray(start, end), path, where).trimEnd();
    start = end + 1;
    if (number === 1) {
      const header = headerOf(line);
      rows = new Rows(path, header);
      if (header) continue;
    }
    if (line === "") continue;
    const pieces = line.split(" ");
    const size = rows!.size ?? pieces.length - 1;
    // A word may hold spaces; its numbers are the last ones.
    const word = pieces.slice(0, Math.max(1, pieces.length - size)).join(" ");
    const numbers = pieces
      .slice(Math.max(1, pieces.length - size))
      .map((piece) => (piece === "" ? Number.NaN : Number(piece)));
    const tooMany = pieces.length > size + 1 && pieces[1] !== "" && Number.isFinite(Number(pieces[1]));
    if (size < 1 || numbers.length !== size || tooMany)
      throw new UsageError(
        size < 1
          ? `"${path}", ${where}: there are no numbers behind "${word}"; give a word and its numbers a line.`
          : `"${path}", ${where}: "${pieces[0]}" has ${pieces.length - 1} numbers but the vectors have ${size}; the file is damaged there.`,
      );
    rows!.add(word, numbers, where);
  }
  return (rows ?? new Rows(path, undefined)).finished();
}

/** A number of single precision with as few digits as give it again. */
const digits = (value: number): string => String(Number(value.toPrecision(9)));

/** @param header whether it begins with how many there are, as word2vec has it */
function writeText({ words, size, values }: WordVectors, header: boolean): Uint8Array {
  const lines = words.map(
    (word, index) =>
      `${word} ${Array.from(values.subarray(index * size, (index + 1) * size), digits).join(" ")}\n`,
  );
  return encoder.encode(`${header ? `${words.length} ${size}\n` : ""}${lines.join("")}`);
}

/** word2vec's binary files: a line with how many there are, then each word, a space, and its numbers as float32, lowest byte first. */
function readBinary(bytes: Uint8Array, path: string): WordVectors {
  const first = bytes.indexOf(NEWLINE);
  const header =
    first < 0 || first > 40
      ? undefined
      : headerOf(new TextDecoder("latin1").decode(bytes.subarray(0, first)));
  if (!header || header.size < 1)
    throw new UsageError(
      `"${path}" is no binary file of word2vec: its first line does not say how many words of how many numbers there are; take the ending .txt where it is text.`,
    );
  const rows = new Rows(path, header.count * header.size * 4 <= bytes.length ? header : undefined);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = new Float32Array(header.size);
  let at = first + 1;
  for (let index = 0; index < header.count; index++) {
    const where = `word ${index + 1}`;
    // Some writers end each row with a line break.
    if (bytes[at] === NEWLINE) at++;
    const space = bytes.indexOf(SPACE, at);
    const end = space + 1 + 4 * header.size;
    if (space < 0 || end > bytes.length)
      throw new UsageError(
        `"${path}" says that it has ${header.count} words of ${header.size} numbers but ends in ${where}; it is cut short, or its first line is wrong.`,
      );
    const word = textOf(bytes.subarray(at, space), path, where);
    for (let one = 0; one < header.size; one++) numbers[one] = view.getFloat32(space + 1 + 4 * one, true);
    rows.add(word, numbers, where);
    at = end;
  }
  if (bytes[at] === NEWLINE) at++;
  if (at !== bytes.length)
    throw new UsageError(
      `"${path}" says that it has ${header.count} words of ${header.size} numbers, which end at byte ${at}, but has ${bytes.length} bytes; its first line is wrong.`,
    );
  return rows.finished();
}

function writeBinary({ words, size, values }: WordVectors): Uint8Array {
  const names = words.map((word) => encoder.encode(`${word} `));
  const head = encoder.encode(`${words.length} ${size}\n`);
  const bytes = new Uint8Array(names.reduce((sum, name) => sum + name.length + 4 * size + 1, head.length));
  const view = new DataView(bytes.buffer);
  bytes.set(head);
  let at = head.length;
  names.forEach((name, index) => {
    bytes.set(name, at);
    at += name.length;
    for (let one = 0; one < size; one++) view.setFloat32(at + 4 * one, values[index * size + one]!, true);
    at += 4 * size;
    bytes[at++] = NEWLINE;
  });
  return bytes;
}

/** A matrix with the words that stand beside it. @throws UsageError where there are as many rows as words no more */
function withWords(
  shape: readonly number[],
  data: ArrayLike<number>,
  path: string,
  words: readonly string[],
): WordVectors {
  const [count, size] = shape;
  if (shape.length !== 2 || size === 0)
    throw new UsageError(
      `"${path}" holds numbers of [${shape.join(", ")}], but vectors are rows of a matrix; give [words, numbers].`,
    );
  if (count !== words.length)
    throw new UsageError(
      `"${path}" has ${count} rows but there are ${words.length} words beside it; give a word for each row, one a line.`,
    );
  const rows = new Rows(path, { count: words.length, size: size! });
  words.forEach((word, index) => {
    rows.add(word, Array.prototype.slice.call(data, index * size!, (index + 1) * size!), `row ${index + 1}`);
  });
  return rows.finished();
}

/** The name of the tensor that is written. */
const TENSOR = "vectors";

function readSafetensors(bytes: Uint8Array, path: string, words: readonly string[]): WordVectors {
  const { tensors } = decodeSafetensors(bytes, `"${path}"`, "save it again");
  const matrices = Object.entries(tensors).filter(([, { shape }]) => shape.length === 2);
  const [name, found] =
    matrices.find(([name]) => name === TENSOR) ?? (matrices.length === 1 ? matrices[0]! : []);
  if (!found || name === undefined)
    throw new UsageError(
      `"${path}" holds ${matrices.length} matrices (${matrices.map(([name]) => name).join(", ")}) and none is called "${TENSOR}"; save the one that is meant under that name.`,
    );
  return withWords(found.shape, found.data, path, words);
}

/** Every format, the first with an ending taken for it. */
export const vectorFormats: readonly VectorFormat[] = [
  {
    title: "text as word2vec writes it",
    endings: [".txt", ".vec"],
    read: readText,
    write: (vectors) => writeText(vectors, true),
  },
  {
    title: "text as GloVe writes it",
    endings: [".glove"],
    read: readText,
    write: (vectors) => writeText(vectors, false),
  },
  { title: "binary as word2vec writes it", endings: [".bin"], read: readBinary, write: writeBinary },
  {
    title: "NumPy's array",
    endings: [".npy"],
    beside: true,
    read(bytes, path, words) {
      const { shape, data } = readNpy(bytes, path);
      return withWords(shape, data, path, words);
    },
    write: ({ words, size, values }) => encodeNpy({ shape: [words.length, size], data: values }),
  },
  {
    title: "safetensors",
    endings: [".safetensors"],
    beside: true,
    read: readSafetensors,
    write: ({ words, size, values }) =>
      encodeSafetensors({ [TENSOR]: { dtype: "float32", shape: [words.length, size], data: values } }),
  },
];
