import { encodeModelFile } from "../decode/index.js";
import { buildModel, storedParameters } from "../train/index.js";
import type { TrainedModelOptions } from "./trained-model.js";

/** A trained model as the bytes of an `.onnx` file, its vocabularies and decoding loop included. */
export function exportModel({
  settings,
  vocabularies,
  tensors,
}: Pick<TrainedModelOptions, "settings" | "vocabularies" | "tensors">): Uint8Array {
  const { translator, parameters } = buildModel(settings, vocabularies);
  const values = Object.fromEntries(
    Object.entries(storedParameters(parameters, tensors)).map(([name, { data }]) => [name, data]),
  );
  return encodeModelFile(translator, values, { model: settings.model, ...vocabularies });
}
