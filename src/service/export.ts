import { encodeModelFile } from "../decode/index.js";
import { constants } from "../session/index.js";
import { buildModel, storedParameters } from "../train/index.js";
import type { SubjectOptions } from "./subject.js";

/**
 * A trained model as the bytes of an `.onnx` file, what its task prepared and decoding loop included. A captioner that reads
 * images through an encoder of its own takes what that makes of them.
 */
export function exportModel({
  settings,
  prepared,
  tensors,
}: Pick<SubjectOptions, "settings" | "prepared" | "tensors">): Uint8Array {
  const { task, sizes, model, scope } = buildModel(settings, prepared);
  const values = constants(storedParameters(scope.parameters, tensors));
  return encodeModelFile(
    model,
    task.drive,
    task.inputs(sizes),
    values,
    {
      model: settings.model,
      task: task.id,
      prepared: JSON.parse(JSON.stringify(prepared)),
      images: settings.images,
    },
    task.words,
  );
}
