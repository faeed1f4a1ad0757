import { RegardError } from "../core/index.js";
import { encodeModelFile } from "../decode/index.js";
import { constants } from "../session/index.js";
import { buildModel, storedParameters } from "../train/index.js";
import type { TrainedModelOptions } from "./trained-model.js";

/**
 * A trained model as the bytes of an `.onnx` file, what its task prepared and decoding loop included. A captioner that reads
 * images through an encoder of its own takes what that makes of them.
 */
export function exportModel({
  settings,
  prepared,
  tensors,
}: Pick<TrainedModelOptions, "settings" | "prepared" | "tensors">): Uint8Array {
  const { task, sizes, model, scope } = buildModel(settings, prepared);
  const values = constants(storedParameters(scope.parameters, tensors));
  if (task.drive.kind !== "tokens") throw new RegardError(`a model for ${task.id} cannot be exported yet.`);
  return encodeModelFile(
    model,
    task.inputs(sizes),
    task.drive.longest,
    values,
    { model: settings.model, task: task.id, prepared: JSON.parse(JSON.stringify(prepared)), sizes },
    task.words,
  );
}
