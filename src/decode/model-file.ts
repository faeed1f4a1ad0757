import { type Dimension, RegardError, type TypedArray, UsageError } from "../core/index.js";
import type { Model, Tensors } from "../models/index.js";
import { decodeModel, lower } from "../onnx/index.js";
import { decodingGraph } from "./decoding-graph.js";

/** What a file says about itself, beside its graph. */
export interface ModelFile {
  /** The id of the model. */
  readonly model: string;
  /** The id of its task. */
  readonly task: string;
  /** What its task prepared, as it is stored: vocabularies, the names of classes. */
  readonly prepared: Readonly<Record<string, unknown>>;
  /** What the model was built for. */
  readonly sizes: unknown;
  /** Rows and columns of places that form a grid, by name. */
  readonly grids: Readonly<Record<string, readonly [rows: number, columns: number]>>;
  /** What the axes of each output mean. */
  readonly axes: Readonly<Record<string, readonly string[]>>;
}

/** What a file says in entries of its own; every other entry is something that its task prepared. */
const OWN = ["model", "task", "sizes", "grids", "axes"];

/**
 * A trained model as an `.onnx` file that any ONNX Runtime runs: parameters, what its task prepared and decoding loop included.
 * @param inputs what the model reads, by name
 * @param longest the steps of the loop, as a size
 * @param words what examples and the places that are looked at are called
 */
export function encodeModelFile(
  model: Model,
  inputs: Tensors,
  longest: Dimension,
  values: Readonly<Record<string, TypedArray>>,
  about: Pick<ModelFile, "model" | "task" | "prepared" | "sizes">,
  words: { readonly example: string; readonly place: string },
): Uint8Array {
  const graph = decodingGraph(model, inputs, longest);
  const known: Readonly<Record<string, readonly string[]>> = {
    tokens: ["step", words.example],
    logProbability: [words.example],
    weights: ["step", words.example, words.place],
  };
  const axes = Object.fromEntries(Object.keys(graph).map((name) => [name, known[name]!]));
  const { model: id, task, sizes, prepared } = about;
  const entries = { sizes, grids: model.grids ?? {}, axes, ...prepared };
  const metadata = {
    "regard.model": id,
    "regard.task": task,
    ...Object.fromEntries(
      Object.entries(entries).map(([name, value]) => [`regard.${name}`, JSON.stringify(value)]),
    ),
  };
  return lower(graph, { values, metadata }).bytes;
}

/**
 * Reads what a file says about itself.
 * @param name the file's name, for messages
 * @throws UsageError where it is no ONNX file or none of Regard's
 */
export function decodeModelFile(bytes: Uint8Array, name: string): ModelFile {
  let metadata: Map<string, string>;
  try {
    const model = decodeModel(bytes);
    if (model.opsetImport.length === 0 || !model.graph?.node.length) throw new RegardError("it has no graph");
    metadata = new Map(model.metadataProps.map(({ key, value }) => [key, value]));
  } catch (error) {
    throw new UsageError(
      `${name} is damaged or no ONNX file (${(error as Error).message}); export it again.`,
    );
  }
  const text = (key: string): string => {
    const value = metadata.get(`regard.${key}`);
    if (value === undefined)
      throw new UsageError(
        `${name} is an ONNX file but not one that regard export wrote: its metadata lacks regard.${key}.`,
      );
    return value;
  };
  const json = (key: string) => JSON.parse(text(key));
  return {
    model: text("model"),
    task: text("task"),
    prepared: Object.fromEntries(
      [...metadata.keys()].flatMap((key) => {
        const name = key.startsWith("regard.") ? key.slice("regard.".length) : undefined;
        return name === undefined || OWN.includes(name) ? [] : [[name, json(name)]];
      }),
    ),
    sizes: json("sizes"),
    grids: json("grids"),
    axes: json("axes"),
  };
}
