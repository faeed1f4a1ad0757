import { readFile } from "node:fs/promises";
import { UsageError } from "../../core/index.js";
import type { WordVectors } from "./contract.js";
import { type VectorFormat, vectorFormats } from "./formats.js";

/** The endings of files of vectors, in words. */
export const vectorEndings = vectorFormats.flatMap(({ endings }) => endings).join(", ");

/** The format of a file of vectors, by its ending. @throws UsageError for an ending of none */
export function vectorFormatOf(path: string): VectorFormat {
  const format = vectorFormats.find(({ endings }) =>
    endings.some((ending) => path.toLowerCase().endsWith(ending)),
  );
  if (!format)
    throw new UsageError(
      `vectors are read and written as ${vectorEndings}, and "${path}" is none of them; give it such an ending.`,
    );
  return format;
}

/** Where the words of a format without any stand: beside the file. */
export const wordsBeside = (path: string): string => path.replace(/\.[^.]+$/, ".words.txt");

async function bytesOf(path: string): Promise<Uint8Array> {
  return readFile(path).catch((error: Error) => {
    throw new UsageError(`cannot read "${path}": ${error.message}.`);
  });
}

/** Reads vectors in any of the formats. @throws UsageError naming what is wrong with the file */
export async function readVectors(path: string): Promise<WordVectors> {
  const format = vectorFormatOf(path);
  const bytes = await bytesOf(path);
  if (!format.beside) return format.read(bytes, path, []);
  const text = new TextDecoder().decode(await bytesOf(wordsBeside(path)));
  return format.read(bytes, path, text.replace(/\r?\n$/, "").split(/\r?\n/));
}

/** The files that vectors are kept in, by their paths. @throws UsageError for an ending of no format */
export function filesOfVectors(path: string, vectors: WordVectors): Readonly<Record<string, Uint8Array>> {
  const format = vectorFormatOf(path);
  return {
    [path]: format.write(vectors),
    ...(format.beside && { [wordsBeside(path)]: new TextEncoder().encode(`${vectors.words.join("\n")}\n`) }),
  };
}

/**
 * Reads how similar people find words: two words and a number a line, with white space between. A first line without a number names
 * columns.
 * @throws UsageError naming the line that is something else
 */
export async function readRatings(
  path: string,
): Promise<{ readonly words: readonly [string, string]; readonly rating: number }[]> {
  const lines = new TextDecoder().decode(await bytesOf(path)).split(/\r?\n/);
  const found = lines.flatMap((line, index) => {
    if (line.trim() === "") return [];
    const [first, second, third] = line.split(/[\t,]| +/);
    const rating = Number(third);
    if (third !== undefined && third !== "" && Number.isFinite(rating))
      return [{ words: [first!, second!] as const, rating }];
    if (index === 0) return [];
    throw new UsageError(
      `"${path}", line ${index + 1}: there are not two words and a number; give them with tabs between.`,
    );
  });
  if (found.length === 0)
    throw new UsageError(`"${path}" holds no ratings; give two words and a number a line.`);
  return found;
}
