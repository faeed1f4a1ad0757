import { type Dimension, RegardError, type Tensor, type TypedArray, UsageError } from "../core/index.js";
import { Vocabulary } from "../data/index.js";
import type { Model, TaskId } from "../models/index.js";
import { decodeModel, lower } from "../onnx/index.js";
import { decodingGraph } from "./decoding-graph.js";

/** What a file says about itself, beside its graph. */
export interface ModelFile {
  /** The id of the model. */
  readonly model: string;
  readonly task: TaskId;
  /** Of what it reads, where that is text. */
  readonly source?: Vocabulary;
  readonly target: Vocabulary;
  /** Rows, columns and channels of the images it reads, where it reads images. */
  readonly image?: readonly [number, number, number];
  /** Rows and columns of the places that attention over an image weighs. */
  readonly grid?: readonly [number, number];
  /** What the axes of each output mean. */
  readonly axes: Readonly<Record<string, readonly string[]>>;
}

/** What the axes of examples and of places are called. */
const AXES: Readonly<Record<TaskId, readonly [example: string, place: string]>> = {
  translation: ["sentence", "source word"],
  captioning: ["image", "place of the image, row by row"],
};

const axesOf = (task: TaskId): Readonly<Record<string, readonly string[]>> => {
  const [example, place] = AXES[task];
  return { tokens: ["step", example], logProbability: [example], weights: ["step", example, place] };
};

/**
 * A trained model as an `.onnx` file that any ONNX Runtime runs: parameters, vocabularies and decoding loop included.
 * @param source the input that the model reads
 * @param longest the steps of the loop, as a size
 */
export function encodeModelFile(
  model: Model,
  source: Tensor,
  longest: Dimension,
  values: Readonly<Record<string, TypedArray>>,
  about: Omit<ModelFile, "axes" | "grid">,
): Uint8Array {
  const graph = decodingGraph(model, source, longest);
  const axes = Object.fromEntries(Object.keys(graph).map((name) => [name, axesOf(about.task)[name]!]));
  const grid = model.grids?.source;
  const { model: id, task, ...rest } = { ...about, axes, ...(grid && { grid }) };
  const metadata = {
    "regard.model": id,
    "regard.task": task,
    ...Object.fromEntries(
      Object.entries(rest).map(([name, value]) => [`regard.${name}`, JSON.stringify(value)]),
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
  const json = (key: string) => (metadata.has(`regard.${key}`) ? JSON.parse(text(key)) : undefined);
  const [source, image, grid] = [json("source"), json("image"), json("grid")];
  return {
    model: text("model"),
    task: text("task") as TaskId,
    ...(source && { source: Vocabulary.from(source) }),
    target: Vocabulary.from(JSON.parse(text("target"))),
    ...(image && { image }),
    ...(grid && { grid }),
    axes: JSON.parse(text("axes")),
  };
}
