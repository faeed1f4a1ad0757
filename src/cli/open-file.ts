import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Command, Option } from "commander";
import { UsageError } from "../core/index.js";
import { openTokenizer } from "../data/index.js";
import { isModelFile } from "../decode/index.js";
import { besideOf } from "../foreign/beside.node.js";
import { type ForeignGraph, openGraph, type ReadingOptions, SCALES, type Scale } from "../foreign/index.js";
import { FileSubject, type ForeignRequest, ForeignSubject } from "../service/index.js";
import { openOnnx } from "../session/node.js";
import type { Field, FieldValue } from "../task/index.js";
import { number } from "./command.js";
import { fieldsOf, numbersOf } from "./open-subject.js";

/** How a file that somebody else wrote is to be read and asked. */
export interface FileOptions {
  readonly tokenizer?: string;
  readonly imageSize?: readonly [height: number, width: number];
  readonly imageScale?: Scale;
  readonly labels?: string;
  readonly feed?: readonly string[];
  /** Further fields of a form, `name=value`. */
  readonly field?: readonly string[];
  readonly words?: boolean;
  readonly force?: readonly string[];
  readonly silence?: readonly string[];
}

/** Bytes of a file at most: what protobuf can hold. */
const LARGEST = 2 ** 31 - 1;

const several = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** Adds what can be said of files that somebody else wrote. */
export const withFileOptions = (command: Command): Command =>
  command
    .option(
      "--field <name=value>",
      'what else is asked for beside the input, such as "question=what is it?"; may be repeated',
      several,
    )
    .option(
      "--tokenizer <file>",
      "files of others: the tokenizer.json or vocab.txt that cuts texts into tokens",
    )
    .option(
      "--image-size <height>x<width>",
      "files of others: the size of images, where the file leaves it open",
      sizeOf,
    )
    .addOption(
      new Option(
        "--image-scale <name>",
        "files of others: colours from -1 to 1 (signed, as is usual), from 0 to 1 (unit), by mean and deviation of ImageNet, or as bytes",
      ).choices(SCALES),
    )
    .option("--labels <file>", "files of others: what the numbers of an output stand for, a line each")
    .option(
      "--feed <input=numbers>",
      "files of others: a further input, by its name; may be repeated",
      several,
    )
    .option("--words", "files of others: put pieces of words together")
    .option(
      "--force <look:row:numbers>",
      "files of others: weights to look by instead, such as layer.0:2:0,1,0; may be repeated",
      several,
    )
    .option(
      "--silence <look:head>",
      "files of others: a head that is to hand on nothing, such as layer.0:3; may be repeated",
      several,
    );

function sizeOf(text: string): [number, number] {
  const [, height, width] = /^(\d+)x(\d+)$/.exec(text) ?? [];
  const size = [Number(height), Number(width)] as [number, number];
  if (!size.every((side) => side >= 1 && side <= 4096))
    throw new UsageError(
      `--image-size is ${text} but must be height and width in pixels up to 4096, such as 224x224.`,
    );
  return size;
}

/** A file's bytes. @throws UsageError where it cannot be read */
async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > LARGEST) throw new Error(`it has ${size} bytes, more than the ${LARGEST} of an ONNX file`);
    return await readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `cannot read "${path}": ${code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a folder" : message}.`,
    );
  }
}

/** Files of a tokenizer that are found beside a model, the first that is there. */
const TOKENIZERS = ["tokenizer.json", "vocab.txt"] as const;

/** The tokenizer of a model: the file that is named, or one beside it; undefined where there is none. @throws UsageError */
export async function tokenizerFor(path: string, given: string | undefined) {
  if (given !== undefined) return openTokenizer(await bytesOf(given), given);
  for (const name of TOKENIZERS) {
    const file = join(dirname(path), name);
    if (await stat(file).catch(() => undefined)) return openTokenizer(await bytesOf(file), name);
  }
  return undefined;
}

/** A file that `regard export` wrote, or any other. @throws UsageError where it can be neither */
export async function openFile(path: string, options: FileOptions): Promise<FileSubject | ForeignSubject> {
  const bytes = await bytesOf(path);
  if (isModelFile(bytes)) return FileSubject.open(bytes, path, openOnnx);
  return openForeign(path, options, bytes);
}

/** A file as one of somebody else's, whoever wrote it. @throws UsageError where it cannot be opened */
export async function openForeign(
  path: string,
  options: FileOptions,
  content?: Uint8Array,
): Promise<ForeignSubject> {
  const { imageSize, imageScale, labels } = options;
  const reading: ReadingOptions = {
    tokenizer: await tokenizerFor(path, options.tokenizer),
    size: imageSize,
    scale: imageScale,
    labels: labels === undefined ? undefined : linesOf(await bytesOf(labels)),
  };
  return ForeignSubject.open(content ?? (await bytesOf(path)), basename(path), openOnnx, {
    ...reading,
    beside: besideOf(path),
  });
}

/** A file as a graph, whoever wrote it. @throws UsageError where it cannot be opened */
export const openGraphFile = async (path: string): Promise<ForeignGraph> =>
  openGraph(await bytesOf(path), basename(path), besideOf(path));

const linesOf = (bytes: Uint8Array): string[] =>
  new TextDecoder()
    .decode(bytes)
    .replace(/\r?\n$/, "")
    .split(/\r?\n/);

/** What the inputs of a file are filled with. @throws UsageError for what they cannot take */
export async function fileFieldsOf(
  form: readonly Field[],
  input: string,
  { feed = [], field = [] }: FileOptions,
): Promise<Readonly<Record<string, FieldValue>>> {
  const fields: Record<string, FieldValue> =
    form.length === 0 ? {} : { ...(await fieldsOf(form, input, field)) };
  for (const one of feed) {
    const at = one.indexOf("=");
    if (at < 1)
      throw new UsageError(`--feed is "${one}" but must be an input and its numbers, such as ids=1,2,3.`);
    fields[one.slice(0, at)] = numbersOf(one.slice(at + 1));
  }
  return fields;
}

/** What a reader changes in a file's attention. @throws UsageError for what cannot be read */
export function fileRequestOf({ words = false, force = [], silence = [] }: FileOptions): ForeignRequest {
  const looks: Record<string, Record<string, number[]>> = {};
  for (const one of force) {
    const [, name, row, numbers] = /^(.+):(\d+):([^:]+)$/s.exec(one) ?? [];
    if (name === undefined)
      throw new UsageError(
        `--force is "${one}" but must be a look, a row from 1 and its weights, such as layer.0:2:0,1,0.`,
      );
    looks[name] ??= {};
    looks[name][String(Number(row) - 1)] = numbersOf(numbers!);
  }
  const silenced: Record<string, number[]> = {};
  for (const one of silence) {
    const { look, head } = headOf("--silence", one);
    silenced[look] = [...(silenced[look] ?? []), head];
  }
  return { words, looks, silenced };
}

/** A head that was named: `layer.0:3` is the third. @throws UsageError where it is none */
export function headOf(option: string, text: string): { readonly look: string; readonly head: number } {
  const [, look, head] = /^(.+):(\d+)$/s.exec(text) ?? [];
  if (look === undefined || number(head!) < 1)
    throw new UsageError(
      `${option} is "${text}" but must be a look and the number of its head from 1, such as layer.0:3.`,
    );
  return { look, head: Number(head) - 1 };
}
