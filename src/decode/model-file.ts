import type { Look } from "../attention/index.js";
import { RegardError, type Shape, type TypedArray, UsageError } from "../core/index.js";
import type { Model, Tensors } from "../models/index.js";
import { Mode } from "../nn/index.js";
import { decodeModel, lower } from "../onnx/index.js";
import { inputAttributes } from "../ops/index.js";
import type { Drive } from "./drive.js";
import { decodingGraph } from "./greedy.js";
import { unrolled } from "./unroll.js";

/** What a look of a file is. */
export type FileLook = Pick<Look, "kind" | "over" | "from" | "axes">;

/** An input that random numbers are fed to; a size may name those of what is read. */
export interface FileNoise {
  readonly distribution: "uniform" | "normal";
  readonly shape: Shape;
}

/** What a file says about itself, beside its graph. */
export interface ModelFile {
  /** The id of the model. */
  readonly model: string;
  /** The id of its task. */
  readonly task: string;
  /** What its task prepared, as it is stored: vocabularies, the names of classes. */
  readonly prepared: Readonly<Record<string, unknown>>;
  /** How its images are read, where it reads images. */
  readonly images: unknown;
  /** Rows and columns of places that form a grid, by name. */
  readonly grids: Readonly<Record<string, readonly [rows: number, columns: number]>>;
  /** The outputs that say where it looked, by name. */
  readonly looks: Readonly<Record<string, FileLook>>;
  /** What it draws by chance, to be fed beside what it reads, by name. */
  readonly noise: Readonly<Record<string, FileNoise>>;
  /** What the axes of each output mean. */
  readonly axes: Readonly<Record<string, readonly string[]>>;
}

/** What a file says in entries of its own; every other entry is something that its task prepared. */
const OWN = ["model", "task", "images", "grids", "looks", "axes", "noise"];

/** What comes before the names of looks among the outputs of a file that has several. */
export const LOOK_OUTPUT = "look.";

/**
 * A model's use as one graph: its outputs, where it looked, and what the axes of each mean. What writes tokens has `tokens`,
 * `logProbability` and `weights`, as `decodingGraph`.
 * @param inputs what the model reads, by name
 * @param words what examples and the places that are looked at are called
 */
function graphOf(
  model: Model,
  drive: Drive,
  inputs: Tensors,
  words: { readonly example: string; readonly place: string },
): Pick<ModelFile, "looks" | "axes" | "noise"> & { readonly graph: Tensors } {
  if (drive.kind === "tokens") {
    const graph = decodingGraph(model, inputs, drive.longest);
    const known: Readonly<Record<string, readonly string[]>> = {
      tokens: ["step", words.example],
      logProbability: [words.example],
      weights: ["step", words.example, words.place],
    };
    return {
      graph: graph as unknown as Tensors,
      looks: graph.weights
        ? { weights: { kind: "weights", over: "source", axes: ["step", "batch", "place"] } }
        : {},
      axes: Object.fromEntries(Object.keys(graph).map((name) => [name, known[name]!])),
      noise: {},
    };
  }
  const mode = Mode.plain();
  const { outputs, looks } = unrolled(model, drive, inputs, mode);
  const found = Object.entries(looks).map(([name, look]) => [LOOK_OUTPUT + name, look] as const);
  const first = drive.kind === "once" ? [words.example] : ["step", words.example];
  return {
    graph: { ...outputs, ...Object.fromEntries(found.map(([name, { value }]) => [name, value])) },
    looks: Object.fromEntries(
      found.map(([name, { kind, over, from, axes }]) => [
        name,
        { kind, over, axes, ...(from !== undefined && { from }) },
      ]),
    ),
    axes: {
      ...Object.fromEntries(
        Object.entries(outputs).map(([name, { shape }]) => [
          name,
          shape.map((_, axis) => first[axis] ?? "value"),
        ]),
      ),
      ...Object.fromEntries(
        found.map(([name, { axes, over }]) => [
          name,
          axes.map((axis) =>
            axis === "batch" ? words.example : axis === "place" ? `place of ${over}` : axis,
          ),
        ]),
      ),
    },
    noise: Object.fromEntries(
      [...mode.noise].map(([name, tensor]) => {
        const { distribution = "uniform" } = inputAttributes(tensor)!.role;
        return [name, { distribution, shape: tensor.shape }];
      }),
    ),
  };
}

/** A trained model as an `.onnx` file that any ONNX Runtime runs: parameters, what its task prepared and its loop included. */
export function encodeModelFile(
  model: Model,
  drive: Drive,
  inputs: Tensors,
  values: Readonly<Record<string, TypedArray>>,
  about: Pick<ModelFile, "model" | "task" | "prepared" | "images">,
  words: { readonly example: string; readonly place: string },
): Uint8Array {
  const { graph, looks, axes, noise } = graphOf(model, drive, inputs, words);
  const { model: id, task, images = null, prepared } = about;
  const entries = { images, grids: model.grids ?? {}, looks, axes, noise, ...prepared };
  const metadata = {
    "regard.model": id,
    "regard.task": task,
    ...Object.fromEntries(
      Object.entries(entries).map(([name, value]) => [`regard.${name}`, JSON.stringify(value)]),
    ),
  };
  return lower(graph, { values, metadata }).bytes;
}

/** Whether some bytes are a file that `regard export` wrote. */
export function isModelFile(bytes: Uint8Array): boolean {
  try {
    return decodeModel(bytes).metadataProps.some(({ key }) => key === "regard.model");
  } catch {
    return false;
  }
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
    images: json("images") ?? undefined,
    looks: json("looks"),
    grids: json("grids"),
    axes: json("axes"),
    // Files of before there was such a model have none.
    noise: metadata.has("regard.noise") ? json("noise") : {},
  };
}
