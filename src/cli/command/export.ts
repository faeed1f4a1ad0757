import { stat } from "node:fs/promises";
import { exportModel } from "../../service/index.js";
import { buildModel } from "../../train/index.js";
import { RunFolder, writeAtomically } from "../../train/run-folder.node.js";
import { type CommandDefinition, type CommonOptions, define, fileOf, print, warn } from "../command.js";

interface ExportOptions extends CommonOptions {
  readonly out: string;
}

export const exportCommand: CommandDefinition = (program) => {
  define(program, "export <run>", "write a model as one .onnx file that any ONNX Runtime runs", [
    "export runs/first --out translator.onnx",
    'see translator.onnx "I love coffee"',
  ])
    .requiredOption("--out <file>", "the file to write", fileOf("--out", "onnx"))
    .action(async (path: string, { out, ...options }: ExportOptions) => {
      const folder = await RunFolder.open(path);
      const { settings, prepared } = folder;
      const { step, tensors } = await folder.bestCheckpoint(warn);
      const { model } = settings;
      await writeAtomically(out, exportModel({ settings, prepared, tensors }));
      const { size } = await stat(out);
      const { task, sizes } = buildModel(settings, prepared);
      const inputs = Object.entries(task.inputs(sizes)).map(
        ([name, { dtype, shape }]) => `"${name}", ${dtype} [${shape.join(", ")}]`,
      );
      print(
        options,
        { file: out, model, step, bytes: size },
        `Wrote ${out}: ${model}, step ${step}, ${(size / 1e6).toFixed(1)} MB. It reads ${inputs.join(" and ")}; what its outputs mean stands in its metadata.`,
      );
    });
};
