import { encodeModelFile } from "../decode/index.js";
import type { CaptioningSizes } from "../models/index.js";
import { constants } from "../session/index.js";
import { buildModel, storedParameters } from "../train/index.js";
import type { TrainedModelOptions } from "./trained-model.js";

/**
 * A trained model as the bytes of an `.onnx` file, its vocabularies and decoding loop included. A captioner that reads
 * images through an encoder of its own takes what that makes of them.
 */
export function exportModel({
  settings,
  vocabularies,
  tensors,
}: Pick<TrainedModelOptions, "settings" | "vocabularies" | "tensors">): Uint8Array {
  const { task, sizes, model, scope } = buildModel(settings, vocabularies);
  const values = constants(storedParameters(scope.parameters, tensors));
  return encodeModelFile(model, task.source(sizes), task.longest, values, {
    model: settings.model,
    task: task.id,
    ...vocabularies,
    ...(task.id === "captioning" && { image: (sizes as CaptioningSizes).image }),
  });
}
