import { RegardError, type TypedArray, UsageError } from "../core/index.js";
import { Vocabulary } from "../data/index.js";
import type { Translator } from "../models/index.js";
import { decodeModel, lower } from "../onnx/index.js";
import { translationGraph } from "./translation-graph.js";

/** What a file says about itself, beside its graph. */
export interface ModelFile {
  /** The id of the model. */
  readonly model: string;
  readonly task: "translation";
  readonly source: Vocabulary;
  readonly target: Vocabulary;
  /** What the axes of each output mean. */
  readonly axes: Readonly<Record<string, readonly string[]>>;
}

const AXES = {
  tokens: ["step", "sentence"],
  logProbability: ["sentence"],
  weights: ["step", "sentence", "source word"],
};

/** A trained translator as an `.onnx` file that any ONNX Runtime runs: parameters, vocabularies and loop included. */
export function encodeModelFile(
  translator: Translator,
  values: Readonly<Record<string, TypedArray>>,
  { model, source, target }: Pick<ModelFile, "model" | "source" | "target">,
): Uint8Array {
  const graph = translationGraph(translator);
  const axes = Object.fromEntries(Object.keys(graph).map((name) => [name, AXES[name as keyof typeof AXES]]));
  const metadata = {
    "regard.model": model,
    "regard.task": "translation",
    "regard.source": JSON.stringify(source),
    "regard.target": JSON.stringify(target),
    "regard.axes": JSON.stringify(axes),
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
  return {
    model: text("model"),
    task: text("task") as "translation",
    source: Vocabulary.from(JSON.parse(text("source"))),
    target: Vocabulary.from(JSON.parse(text("target"))),
    axes: JSON.parse(text("axes")),
  };
}
